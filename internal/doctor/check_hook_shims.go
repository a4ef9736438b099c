package doctor

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

func hookShimsCheck() Check {
	return Check{
		ID: "hook.shims", Group: Hook, Slow: true, Weight: 6,
		Title:  "whether shims come first on PATH without the hook",
		Why:    "editors, ssh commands and scripts do not load the hook; a shim before every other go serves them",
		Source: "PATH without the entries of the hook; the first shim, run for its version",
		Run:    runHookShims,
	}
}

func runHookShims(ctx context.Context, m *Machine) Result {
	dirs := m.shimDirs()
	if len(dirs) == 0 {
		for _, dir := range []string{m.HomePath(".local/bin"), "/usr/local/bin"} {
			if dir != "" && m.IsProgram(dir+"/go") && m.identify(dir+"/go").Kind == ShimGo {
				return warn("%s has shims, but is not on PATH", dir).prepend(m, dir)
			}
		}
		return info("there are no shims on PATH").harden(ctx, m, "shims", m.sharedShims())
	}
	for _, g := range m.Gos() {
		switch g.Kind {
		case ShimGo:
			if broken := m.brokenShims(dirs[0]); broken != "" {
				return fail("the target of %s does not exist", broken).fixWith("vmgo shims --dir %s", diag.Word(dirs[0]))
			}
			return m.tryShim(ctx, g.Path)
		case StoreGo:
			if !m.session().set {
				return warn("%s comes before the shims in %s", g.Path, dirs[0]).
					means("It is the same release in every directory.").prepend(m, dirs[0])
			}
		default:
			return warn("%s comes before the shims in %s", g.Path, dirs[0]).at(g.Path, 0, "%s", describe(g)).
				prepend(m, dirs[0])
		}
	}
	return ok("%s", strings.Join(dirs, ", "))
}

// tryShim runs a shim where vmgo has a selected release, and compares.
func (m *Machine) tryShim(ctx context.Context, shim string) Result {
	good := ok("%s", filepath.Dir(shim))
	res, err := m.Resolution()
	if err != nil || res.System {
		return good // toolchain.selected reports it
	}
	env := maps.Clone(m.Env)
	env["GOTOOLCHAIN"] = "local" // it is to tell its version, not to fetch another
	out, err := m.Ask(ctx, hostCommand([]string{shim, "version"}, env, ""))
	if err != nil {
		return skip("%s does not answer: %v", shim, err)
	}
	remake := func(r Result) Result { return r.fixWith("vmgo shims --dir %s", diag.Word(filepath.Dir(shim))) }
	if out.Status != 0 {
		return remake(fail("%s does not run", shim).at(shim, 0, "%s", firstLine(out.Stderr)).fixWith("vmgo verify %s", res.Version))
	}
	if want := "go" + res.Version.String(); !slices.Contains(strings.Fields(out.Stdout), want) {
		return remake(fail("%s runs another release than the selected one", shim).
			at(shim, 0, "%s", firstLine(out.Stdout)).at(res.GOROOT, 0, "%s", want))
	}
	return good
}

// sharedShims returns the command that makes shims for everybody. It names vmgo
// by its path, which sudo's own PATH need not have. A vmgo that others may change
// would be root's go then: root installs its own first.
func (m *Machine) sharedShims() string {
	const dir = "/usr/local/bin"
	if !m.rootMayRun(m.Options.Vmgo) {
		return "sudo git clone https://github.com/vmgo/vmgo && cd vmgo && sudo ./install.sh --prefix /usr/local && sudo " + dir + "/vmgo shims"
	}
	program := "vmgo"
	if m.UID != 0 {
		program = diag.Word(m.Options.Vmgo)
	}
	return "sudo " + program + " shims --dir " + dir
}

// brokenShims finds a link beside the shims that was one and leads nowhere now.
func (m *Machine) brokenShims(dir string) string {
	for _, name := range []string{"gofmt"} {
		p := dir + "/" + name
		if _, err := m.Lstat(p); err == nil && !m.Exists(p) {
			return p
		}
	}
	return ""
}
