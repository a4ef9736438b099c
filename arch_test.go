package main

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/vmgo/vmgo"

// layers is the import table of ARCHITECTURE.md: a package may import those of
// lower layers, and of its own layer only what allowed names.
var layers = map[string]int{
	"":                           5,
	"cmd":                        4,
	"cmd/vmgo-deploy":            5,
	"cmd/vmgo-fleet":             5,
	"cmd/vmgo-observe":           5,
	"cmd/vmgo-proxy":             5,
	"docs":                       0,
	"docs/recording":             6,
	"internal/archive":           1,
	"internal/audit":             3,
	"internal/bench":             6,
	"internal/bundle":            3,
	"internal/delta":             0,
	"internal/deploy/build":      4,
	"internal/deploy/cli":        4,
	"internal/deploy/config":     4,
	"internal/deploy/drain":      1,
	"internal/deploy/onhost":     4,
	"internal/deploy/pack":       4,
	"internal/deploy/rollout":    4,
	"internal/deploy/units":      4,
	"internal/diag":              0,
	"internal/dirs":              1,
	"internal/doctor":            3,
	"internal/environ":           0,
	"internal/facts":             1,
	"internal/fetch":             1,
	"internal/fleet":             3,
	"internal/fleet/cli":         4,
	"internal/fleet/inventory":   2,
	"internal/fleet/yamlfile":    1,
	"internal/fsx":               1,
	"internal/gobin":             1,
	"internal/gobin/gather":      2,
	"internal/gocmd":             1,
	"internal/goenv":             0,
	"internal/gover":             0,
	"internal/gover/ranges":      0,
	"internal/grpchealth":        1,
	"internal/harden":            3,
	"internal/here":              2,
	"internal/host":              1,
	"internal/host/hosttest":     6,
	"internal/inflate":           0,
	"internal/install":           3,
	"internal/libc":              1,
	"internal/lookpath":          1,
	"internal/matrix":            3,
	"internal/mirror":            3,
	"internal/modpath":           0,
	"internal/modules":           3,
	"internal/mutate":            6,
	"internal/observe":           3,
	"internal/observe/capture":   3,
	"internal/observe/chrome":    3,
	"internal/observe/cli":       4,
	"internal/observe/exectrace": 2,
	"internal/observe/findings":  3,
	"internal/observe/journal":   2,
	"internal/observe/proc":      2,
	"internal/observe/profiles":  2,
	"internal/observe/remote":    3,
	"internal/observe/report":    3,
	"internal/observe/target":    2,
	"internal/passwd":            0,
	"internal/patches":           1,
	"internal/peers":             2,
	"internal/program":           3,
	"internal/project":           2,
	"internal/project/pin":       2,
	"internal/project/seen":      2,
	"internal/proxy":             3,
	"internal/proxy/bucket":      2,
	"internal/proxy/cache":       2,
	"internal/proxy/cli":         4,
	"internal/prune":             3,
	"internal/redact":            0,
	"internal/release":           2,
	"internal/resolve":           2,
	"internal/settings":          1,
	"internal/settings/edit":     1,
	"internal/smallfile":         1,
	"internal/sshrun":            1,
	"internal/sshsig":            0,
	"internal/store":             2,
	"internal/store/installed":   2,
	"internal/tools":             3,
	"internal/tools/chosen":      1,
	"internal/trust":             2,
	"internal/ui":                1,
	"internal/verify":            3,
	"internal/vmtest":            6,
	"internal/vmtest/disks":      6,
	"internal/vmtest/hosts":      6,
	"internal/vscode":            3,
	"internal/vulndb":            2,
	"internal/webpage":           1,
	"packaging":                  0,
	"shell":                      4,
	"shims":                      4,
	"shims/vmgo-shim":            5,
}

// sameLayer lists the imports within one layer that are part of the design.
var sameLayer = map[string][]string{
	"internal/gover":          {"internal/diag"},
	"internal/gover/ranges":   {"internal/gover", "internal/diag"},
	"internal/environ":        {"internal/goenv"},
	"internal/settings":       {"internal/smallfile"},
	"internal/settings/edit":  {"internal/settings", "internal/fsx", "internal/smallfile"},
	"internal/dirs":           {"internal/smallfile"},
	"internal/fsx":            {"internal/smallfile"},
	"internal/fetch":          {"internal/smallfile"},
	"internal/gocmd":          {"internal/smallfile"},
	"internal/host":           {"internal/lookpath", "internal/smallfile"},
	"internal/facts":          {"internal/fsx", "internal/host", "internal/lookpath"},
	"internal/libc":           {"internal/host"},
	"internal/sshrun":         {"internal/host", "internal/lookpath"},
	"internal/doctor":         {"internal/harden"},
	"internal/project/pin":    {"internal/project"},
	"internal/prune":          {"internal/verify"},
	"internal/mirror":         {"internal/bundle"},
	"internal/resolve":        {"internal/project", "internal/store/installed"},
	"internal/here":           {"internal/resolve", "internal/project", "internal/project/seen", "internal/store/installed"},
	"internal/store":          {"internal/store/installed"},
	"internal/vulndb":         {"internal/trust"},
	"shims":                   {"shell"},
	"internal/host/hosttest":  {"internal/vmtest"},
	"cmd":                     {"shell", "shims"},
	"internal/observe":        {"internal/observe/capture", "internal/observe/chrome", "internal/observe/findings", "internal/observe/report"},
	"internal/observe/chrome": {"internal/observe/capture"},
	"internal/observe/remote": {"internal/observe/capture"},
	"internal/observe/report": {"internal/observe/capture", "internal/observe/findings"},
	"internal/deploy/units":   {"internal/deploy/config"},
	"internal/deploy/pack":    {"internal/deploy/config"},
	"internal/deploy/build":   {"internal/deploy/config", "internal/deploy/units", "internal/deploy/pack"},
	"internal/deploy/onhost":  {"internal/deploy/config", "internal/deploy/units", "internal/deploy/pack", "internal/deploy/drain"},
	"internal/deploy/rollout": {"internal/deploy/config", "internal/deploy/units", "internal/deploy/pack", "internal/deploy/build", "internal/deploy/onhost"},
	"internal/deploy/cli":     {"internal/deploy/config", "internal/deploy/units", "internal/deploy/pack", "internal/deploy/build", "internal/deploy/onhost", "internal/deploy/rollout"},
}

// owners names the one package that may import each outside module, or a part
// of one.
var owners = map[string]string{
	"github.com/urfave/cli/v2":          "cmd",
	"github.com/Masterminds/semver/v3":  "internal/gover/ranges",
	"github.com/schollz/progressbar/v3": "internal/ui",
	"github.com/rivo/uniseg":            "internal/ui",
	"github.com/ProtonMail/go-crypto":   "internal/trust",
	"github.com/klauspost/cpuid/v2":     "internal/host",
	"github.com/aymanbagabas/go-udiff":  "internal/harden",
	"golang.org/x/mod":                  "internal/trust",
	"golang.org/x/mod/modfile":          "internal/audit",
	"golang.org/x/mod/module":           "internal/modpath",
	"golang.org/x/mod/semver":           "internal/modpath",
	"github.com/goproxy/goproxy":        "internal/proxy",
	"github.com/tailscale/hujson":       "internal/vscode",
	"github.com/pelletier/go-toml/v2":   "internal/deploy/config",
	"github.com/klauspost/compress":     "internal/delta",
	"github.com/google/pprof":           "internal/observe/profiles",
	"go.yaml.in/yaml/v3":                "internal/fleet/yamlfile",
	"golang.org/x/exp":                  "internal/observe/exectrace",
	"github.com/minio/minio-go/v7":      "internal/proxy/bucket",
	"golang.org/x/term":                 "internal/host",
	"golang.org/x/net":                  "internal/fetch",
}

type goPackage struct {
	ImportPath string
	Imports    []string
	Deps       []string
	Standard   bool
}

func goList(t *testing.T, args ...string) []goPackage {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Deps,Standard"}, args...)...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var packages []goPackage
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func local(path string) (string, bool) {
	if path == module {
		return "", true
	}
	return strings.CutPrefix(path, module+"/")
}

func TestArch_importsPointDownwards(t *testing.T) {
	t.Parallel()
	for _, p := range goList(t, "./...") {
		name, _ := local(p.ImportPath)
		layer, known := layers[name]
		if !known {
			t.Errorf("package %s is not in the layer table", name)
		}
		for _, imported := range p.Imports {
			to, ours := local(imported)
			switch {
			case ours && layers[to] < layer:
			case ours && layers[to] == layer && slices.Contains(sameLayer[name], to):
			case ours:
				t.Errorf("%s (layer %d) imports %s (layer %d)", name, layer, to, layers[to])
			case layer == 0 && (imported == "os" || imported == "net" || strings.HasPrefix(imported, "net/")):
				t.Errorf("%s is pure and imports %s", name, imported)
			}
		}
	}
}

func TestArch_outsideModulesHaveOneImporter(t *testing.T) {
	t.Parallel()
	for _, p := range goList(t, "./...") {
		name, _ := local(p.ImportPath)
		for _, imported := range p.Imports {
			if owner := ownerOf(imported); owner != "" && name != owner && layers[name] < 6 {
				t.Errorf("%s imports %s, which belongs to %s", name, imported, owner)
			}
		}
	}
}

// ownerOf returns the package that alone may import a package of an outside
// module, empty for others. The longest name of owners decides.
func ownerOf(imported string) string {
	for path := imported; path != "."; path = filepath.Dir(path) {
		if owner := owners[path]; owner != "" {
			return owner
		}
	}
	return ""
}

// TestArch_leanProgram keeps the lean program lean: each library costs
// start-up time at every prompt that changed something and at every shim.
func TestArch_leanProgram(t *testing.T) {
	t.Parallel()
	for _, p := range goList(t, "./shims/vmgo-shim") {
		for _, dep := range p.Deps {
			first, _, _ := strings.Cut(dep, "/")
			_, ours := local(dep)
			heavy := slices.Contains([]string{"net", "regexp", "encoding/json", "os/exec", "text/template", "reflect", "fmt"}, dep)
			if heavy || strings.Contains(first, ".") && !ours {
				t.Errorf("vmgo-shim links %s", dep)
			}
		}
	}
}

// bareReads are the calls that wait for a fifo, or take all of /dev/zero.
var bareReads = map[string][]string{
	"os":      {"Open", "OpenFile", "ReadFile", "DirFS"},
	"ioutil":  {"ReadFile", "ReadAll"},
	"io":      {"ReadAll"},
	"syscall": {"Open", "Openat"},
	"unix":    {"Open", "Openat", "Openat2"},
	"elf":     {"Open"},
	"macho":   {"Open"},
	"zip":     {"OpenReader"},
}

// mayReadBare lists the functions that make such calls all the same, each with
// its reason. Everything else reads files by way of internal/smallfile.
var mayReadBare = map[string]string{
	"internal/smallfile open":            "looks before and after, O_NONBLOCK",
	"internal/smallfile Put":             "O_NOFOLLOW and O_NONBLOCK, for writing",
	"internal/fsx OpenOwn":               "looks with smallfile.Check; read and write do not block",
	"internal/fsx openDir":               "O_DIRECTORY",
	"internal/fsx WriteOutput":           "for writing, to a stream of the process",
	"internal/fsx chmodAt":               "O_PATH",
	"internal/fsx openDirAt":             "O_DIRECTORY",
	"internal/fsx Chmod":                 "O_PATH",
	"internal/fsx Sub":                   "O_DIRECTORY",
	"internal/fsx walk":                  "O_DIRECTORY",
	"internal/fsx modesArrive":           "O_EXCL: a new file",
	"internal/fsx create":                "O_EXCL: a new file",
	"internal/fsx Open":                  "O_NOFOLLOW and O_NONBLOCK; whoever reads asks for Info.Regular",
	"internal/project at":                "O_PATH",
	"internal/project/seen List":         "O_DIRECTORY",
	"internal/store/installed readNames": "O_DIRECTORY",
	"internal/harden stage":              "O_EXCL: a new file",
	"internal/verify copyFile":           "O_EXCL: a new file",
	"internal/harden writeRuntime":       "a file of /proc/sys, for writing",
	"shims create":                       "O_NOFOLLOW and O_NONBLOCK, for an empty file",
	"internal/archive checkEnd":          "no file but a bounded reader of an archive",
	"internal/fetch readAll":             "bounded",
	"internal/observe/capture create":    "O_EXCL: a new file",
	"internal/observe/capture save":      "bounded: the head of an answer",
	"internal/observe/target get":        "bounded: an answer of a server",
	"internal/fetch statusError":         "bounded: the head of an answer",
	"cmd appendTo":                       "O_NONBLOCK, for writing",
	"internal/doctor getBy":              "bounded: an answer of a server",
	"internal/deploy/cli hostVerb":       "bounded: a public key on stdin",
	"internal/deploy/build copyFile":     "O_EXCL: a new file",
	"internal/deploy/pack WriteFile":     "O_EXCL: a new file",
	"internal/bundle createIn":           "O_EXCL: a new file",
	"internal/grpchealth Ask":            "bounded: an answer of a server",
}

func TestArch_filesAreReadBySmallfile(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, p := range goList(t, "./...") {
		name, _ := local(p.ImportPath)
		if layers[name] >= 6 { // support of tests
			continue
		}
		files, err := filepath.Glob(filepath.Join(name, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for where, calls := range bareCalls(t, file) {
				key := strings.TrimSpace(name + " " + where)
				used[key] = true
				if mayReadBare[key] == "" {
					t.Errorf("%s: %s calls %s: use internal/smallfile, or say in mayReadBare why not", file, where, strings.Join(calls, ", "))
				}
			}
		}
	}
	for key := range mayReadBare {
		if !used[key] {
			t.Errorf("%q is allowed to read and does not", key)
		}
	}
}

// bareCalls lists the calls of bareReads in a file by the function that makes them.
func bareCalls(t *testing.T, file string) map[string][]string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string][]string{}
	for _, declaration := range parsed.Decls {
		where := "(no function)"
		if f, ok := declaration.(*ast.FuncDecl); ok {
			where = f.Name.Name
		}
		ast.Inspect(declaration, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := selector.X.(*ast.Ident); ok && slices.Contains(bareReads[x.Name], selector.Sel.Name) {
				calls[where] = append(calls[where], x.Name+"."+selector.Sel.Name)
			}
			return true
		})
	}
	return calls
}
