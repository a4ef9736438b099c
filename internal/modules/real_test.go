package modules_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/modpath"
	"github.com/vmgo/vmgo/internal/modules"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// What vmgo modules says of a project is what go list -m, go mod graph, go mod why
// and go mod download say of it.
func TestProject_asGo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("go.mod", appModule+"\nreplace example.com/leaf v1.2.0 => example.com/leaf v1.0.0\n")
	b.sameAsGo()
}

// TestReal_projectsAsGo is the same with three large programs.
func TestReal_projectsAsGo(t *testing.T) {
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip("fetches the modules of three large programs: VMGO_LONG=1, or ./test.sh --long")
	}
	vmtest.RealProxies(t)
	for _, project := range [][2]string{
		{"github.com/cli/cli/v2", "v2.60.0"}, {"github.com/prometheus/prometheus", "v0.55.1"}, {"github.com/hashicorp/terraform", "v1.5.7"},
	} {
		t.Run(project[0], func(t *testing.T) {
			b := &bench{t: t, home: vmtest.GoHome(t), dir: vmtest.Checkout(t, project[0], project[1])}
			b.env = map[string]string{
				"HOME": b.home, "PATH": os.Getenv("PATH"), "GOPROXY": goOutput(t, "env", "GOPROXY"), "GOSUMDB": goOutput(t, "env", "GOSUMDB"),
				"GOTOOLCHAIN": "local", "GOENV": "off", "GOMODCACHE": b.home + "/mod", "GOFLAGS": "-modcacherw",
			}
			b.sameAsGo()
		})
	}
}

// sameAsGo compares all answers with the go command's, first where the module cache
// has no zip, then where it has what the packages need.
func (b *bench) sameAsGo() {
	b.t.Helper()
	selected, names := b.selected()
	b.compareOffline()
	graph := b.goCommand("mod", "graph")
	edges := map[string]bool{}
	by := map[string]map[string][]string{}
	for line := range strings.Lines(graph) {
		from, to, _ := strings.Cut(strings.TrimSpace(line), " ")
		edges[from+" "+to] = true
		module, version, _ := strings.Cut(to, "@")
		if by[module] == nil {
			by[module] = map[string][]string{}
		}
		by[module][version] = append(by[module][version], from)
	}
	all, err := b.project().Why(b.t.Context(), names...)
	if err != nil {
		b.t.Fatal(err)
	}
	imports := ""
	for _, why := range all {
		if got := strings.TrimSpace(why.Module + " " + why.Version + " " + why.Replaced); got != selected[why.Module] {
			b.t.Errorf("selected: %q, by go %q", got, selected[why.Module])
		}
		b.judgeChain(why, edges)
		b.judgeRequirements(why, by[why.Module])
		if len(why.Imports) == 0 {
			why.Imports = []string{"(main module does not need module " + why.Module + ")"}
		}
		imports += "# " + why.Module + "\n" + strings.Join(why.Imports, "\n") + "\n\n"
	}
	if want := b.goCommand(append([]string{"mod", "why", "-m"}, names...)...); strings.TrimSpace(imports) != strings.TrimSpace(want) {
		b.t.Errorf("imports:\n%s\nby go:\n%s", imports, want)
	}
	b.compareOffline()
	b.t.Logf("%d modules, %d requirements", len(all), len(edges))
}

// selected returns the lines of go list -m, but for the main module, and their paths.
func (b *bench) selected() (lines map[string]string, names []string) {
	lines = map[string]string{}
	for line := range strings.Lines(b.goCommand("list", "-m", "-f", "{{if not .Main}}{{.Path}} {{.Version}}{{with .Replace}} {{.Path}} {{.Version}}{{end}}{{end}}", "all")) {
		if line = strings.TrimSpace(line); line != "" {
			path, _, _ := strings.Cut(line, " ")
			lines[path], names = line, append(names, path)
		}
	}
	if len(names) == 0 {
		b.t.Fatal("go lists no module")
	}
	return lines, names
}

// judgeChain looks for each step in what go mod graph printed.
func (b *bench) judgeChain(why modules.Why, edges map[string]bool) {
	last := why.Chain[len(why.Chain)-1]
	if why.Chain[0].Version != "" || last.Module != why.Module || last.Version != why.Version {
		b.t.Errorf("%s: the chain is %v", why.Module, why.Chain)
	}
	for i := 1; i < len(why.Chain); i++ {
		if edge := why.Chain[i-1].String() + " " + why.Chain[i].String(); !edges[edge] {
			b.t.Errorf("%s: go mod graph does not have %s", why.Module, edge)
		}
	}
}

// judgeRequirements wants every requirement of the graph, and the newest of them to
// be the selected one, which is what minimal version selection is.
func (b *bench) judgeRequirements(why modules.Why, by map[string][]string) {
	for i, r := range why.Requirements {
		slices.Sort(by[r.Version])
		if !slices.Equal(r.By, by[r.Version]) || i > 0 && modpath.Compare(r.Version, why.Requirements[i-1].Version) >= 0 {
			b.t.Errorf("%s %s is required by %q, by go %q", why.Module, r.Version, r.By, by[r.Version])
		}
	}
	if len(why.Requirements) != len(by) || why.Requirements[0].Version != why.Version {
		b.t.Errorf("%s %s: required are %v, by go %q", why.Module, why.Version, why.Requirements, slices.Sorted(maps.Keys(by)))
	}
}

// compareOffline compares what a build would fetch with what go mod download fails to.
func (b *bench) compareOffline() {
	b.t.Helper()
	found, err := b.project().Offline(b.t.Context(), b.env["GOMODCACHE"], "")
	if err != nil {
		b.t.Fatal(err)
	}
	var got, want []string
	for _, p := range found {
		if module, missing := strings.CutSuffix(p.Text, " is not in the module cache"); missing {
			got = append(got, module)
		}
	}
	cmd := b.command("mod", "download", "-json")
	cmd.Env = append(cmd.Env, "GOPROXY=off")
	out, _ := cmd.Output() // fails if anything is missing
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for decoder.More() {
		var m struct{ Path, Version, Error string }
		if err := decoder.Decode(&m); err != nil {
			b.t.Fatal(err)
		}
		if m.Error != "" {
			want = append(want, m.Path+" "+m.Version)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.t.Errorf("missing: %q\nby go: %q", got, want)
	}
	b.t.Logf("%d modules are missing", len(want))
}

// goCommand runs the go command in the project and returns what it printed.
func (b *bench) goCommand(args ...string) string {
	b.t.Helper()
	cmd := b.command(args...)
	out, err := cmd.Output()
	if err != nil {
		b.t.Fatalf("go %q: %v\n%s", args, err, err.(*exec.ExitError).Stderr)
	}
	return string(out)
}
