package vmtest

import (
	"cmp"
	_ "embed"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"runtime"
	"slices"
	"strings"
	"testing/fstest"
	"time"

	"github.com/vmgo/vmgo/internal/gover"
)

// Toolchain describes a made-up release: small, in the exact form of a real
// one, with a bin/go that is a shell script.
type Toolchain struct {
	Version string // "1.22.5"
	OS      string // GOOS; empty: that of this machine
	Arch    string // GOARCH; empty: that of this machine
	// Variant of the zip; see [Variants]. Empty: an honest one.
	Variant string
	// Pad adds a file of that many incompressible bytes, src/pad.bin.
	Pad int
	// Made is when the release was made; by default one day in 2024.
	Made time.Time
	// Files to add or replace, by path in GOROOT.
	Files map[string]string
}

//go:embed fakego.sh
var fakeGo string

// version panics where a test has no version to speak of.
func (t Toolchain) version() gover.Version {
	v, err := gover.Parse(t.Version)
	if err != nil {
		panic("vmtest: " + err.Error())
	}
	return v
}

func (t Toolchain) platform() gover.Platform {
	return gover.Platform{OS: cmp.Or(t.OS, runtime.GOOS), Arch: cmp.Or(t.Arch, runtime.GOARCH)}
}

// Module is the version of golang.org/toolchain: "v0.0.1-go1.22.5.linux-amd64".
func (t Toolchain) Module() string { return gover.ModuleVersion(t.version(), t.platform()) }

// Prefix is what all names in the module zip begin with.
func (t Toolchain) Prefix() string { return gover.ToolchainModule + "@" + t.Module() + "/" }

// Time is when the release was made.
func (t Toolchain) Time() time.Time {
	if t.Made.IsZero() {
		return time.Date(2024, 6, 27, 20, 11, 12, 0, time.UTC)
	}
	return t.Made.UTC().Truncate(time.Second)
}

// modern reports whether the release has what came with 1.21: go.env, a time in
// VERSION, and modes in the zip.
func (t Toolchain) modern() bool {
	v := t.version()
	return v.Major() > 1 || v.Minor() >= 21
}

// GOROOT returns the tree as an official archive would install it, with the
// directories that the module leaves out.
func (t Toolchain) GOROOT() fstest.MapFS {
	p := t.platform()
	name := t.version().Toolchain()
	tools := "pkg/tool/" + p.OS + "_" + p.Arch + "/"
	script := strings.NewReplacer("@VERSION@", name, "@PLATFORM@", p.OS+"/"+p.Arch).Replace(fakeGo)
	text := map[string]string{
		"LICENSE":                           "Made up for tests.\n",
		"VERSION":                           name,
		"api/go1.txt":                       "pkg fmt, func Println(...interface{})\n",
		"bin/go":                            script,
		"bin/gofmt":                         script,
		"doc/README.md":                     "Docs.\n",
		"lib/time/update.bash":              "#!/bin/bash\necho update\n",
		"misc/go.mod":                       "module misc\n",
		"pkg/include/textflag.h":            "#define NOSPLIT 4\n",
		tools + "compile":                   script + "# compile\n",
		tools + "link":                      script + "# link\n",
		"src/all.bash":                      "#!/bin/bash\necho all\n",
		"src/cmd/go.mod":                    "module cmd\n\ngo " + t.version().Lang().String() + "\n",
		"src/cmd/go/main.go":                "// " + name + "\npackage main\n",
		"src/cmd/vendor/modules.txt":        "",
		"src/crypto/internal/_asm/go.mod":   "module asm\n",
		"src/fmt/print.go":                  "package fmt\n\nfunc Println(...any) {}\n",
		"src/go.mod":                        "module std\n\ngo " + t.version().Lang().String() + "\n",
		"src/runtime/asm.s":                 "// the same in every release\n",
		"src/cmd/go/testdata/with space.go": "package x\n",
		"test/a.go":                         "package main\n",
	}
	if t.modern() {
		text["VERSION"] += "\ntime " + t.Time().Format(time.RFC3339) + "\n"
		text["go.env"] = "# made up\nGOPROXY=https://proxy.invalid,direct\nGOSUMDB=sum.golang.org\nGOTOOLCHAIN=auto\n"
		text["lib/wasm/go_js_wasm_exec"] = "#!/bin/sh\nexec true\n"
	}
	if t.Pad > 0 {
		text["src/pad.bin"] = string(noise(t.Pad, t.Version))
	}
	maps.Copy(text, t.Files)
	tree := fstest.MapFS{}
	for name, content := range text {
		tree[name] = &fstest.MapFile{Data: []byte(content), Mode: modeOf(name), ModTime: t.Time()}
	}
	return tree
}

// noise returns bytes that cannot be compressed, always the same for a seed.
func noise(n int, seed string) []byte {
	var key [32]byte
	copy(key[:], seed)
	r := rand.NewChaCha8(key)
	data := make([]byte, n)
	_, _ = r.Read(data)
	return data
}

// modeOf is the distribution's rule for modes.
func modeOf(name string) fs.FileMode {
	executable := strings.HasPrefix(name, "bin/") || strings.HasPrefix(name, "pkg/tool/") ||
		slices.Contains([]string{".bash", ".sh", ".pl", ".rc"}, path.Ext(name)) ||
		strings.HasPrefix(path.Base(name), "go_") && strings.HasSuffix(name, "_exec")
	if executable {
		return 0o755
	}
	return 0o644
}

// moduleFiles returns the members of the honest module zip, in order.
func (t Toolchain) moduleFiles() []member {
	tree := t.GOROOT()
	var list []member
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		top, _, _ := strings.Cut(name, "/")
		if slices.Contains([]string{"api", "doc", "misc", "test"}, top) {
			continue
		}
		zipName := t.Prefix() + name
		if base := path.Base(name); base == "go.mod" {
			zipName = strings.TrimSuffix(zipName, base) + "_go.mod"
		}
		m := member{name: zipName, data: tree[name].Data}
		if t.modern() {
			m.mode = tree[name].Mode
		}
		list = append(list, m)
	}
	return list
}

// Info is the content of the .info file.
func (t Toolchain) Info() []byte {
	return fmt.Appendf(nil, "{\"Version\":%q,\"Time\":%q}\n", t.Module(), t.Time().Format(time.RFC3339))
}
