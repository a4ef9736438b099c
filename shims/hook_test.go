package shims_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/environ"
)

func TestHook_entersAndLeavesProjects(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		m.env["GOROOT"], m.env["GOPATH"] = "/usr/lib/go", "/home/old go"
		m.pin("a", "1.22.5")
		m.pin("a/nested", "1.21")
		m.pin("b", "go1.26.8")
		s := m.start(name, "HOOK\n")
		s.in("cd "+m.work, "")
		env := s.in("cd a", "1.22.5")
		gopath := environ.ProjectGopath(m.home+"/.local/share/vmgo", m.work+"/a")
		if env["GOPATH"] != gopath || env["GOMODCACHE"] != "/home/old go/pkg/mod" ||
			!strings.HasPrefix(env["PATH"], m.goroot("1.22.5")+"/bin:") || !strings.HasSuffix(env["PATH"], ":"+m.home+"/go/bin") {
			t.Errorf("GOPATH=%s GOMODCACHE=%s PATH=%s", env["GOPATH"], env["GOMODCACHE"], env["PATH"])
		}
		s.in("cd nested", "1.21.13")
		s.in("cd ../../b", "1.26.8")
		s.in("cd ..", "")
		s.in("cd a/nested", "1.21.13")
		s.in("cd /", "")
	})
}

func TestHook_runsNothingWhileNothingChanges(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		dir := m.pin("a", "1.22.5")
		m.write("mod/go.mod", "module x\n\ngo 1.22\n")
		must(t, os.MkdirAll(m.work+"/mod/x/y", 0o755))
		must(t, os.MkdirAll(m.work+"/empty", 0o755))
		m.age(m.work + "/empty")
		s := m.start(name, "HOOK\n")
		for _, where := range []string{dir, m.work + "/mod/x/y", m.work + "/empty"} {
			s.do("cd " + where)
			before := m.runs()
			for range 5 {
				s.do("")
			}
			// What is not a version file is no reason, wherever it changes.
			m.write(where+"/other", "x")
			s.do("")
			if runs := m.runs() - before; runs != 0 {
				t.Errorf("%d processes in %s", runs, where)
			}
		}
		before := m.runs()
		s.do("cd " + dir)
		if runs := m.runs() - before; runs != 1 {
			t.Errorf("%d processes for one cd", runs)
		}
	})
}

func TestHook_noticesEveryEdit(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		dir := m.work + "/p/x/y"
		must(t, os.MkdirAll(dir, 0o755))
		m.age(dir)
		s := m.start(name, "HOOK\n")
		s.in("cd "+dir, "")
		m.write("p/.go-version", "1.22.5\n") // in a parent
		s.in("", "1.22.5")
		m.write("p/.go-version", "1.22.4\n") // of one length, at once
		s.in("", "1.22.4")
		m.write("p/.go-version", "1.22.5\n")
		s.in("", "1.22.5")
		m.write("p/x/.go-version", "1.21\n") // nearer by
		s.in("", "1.21.13")
		must(t, os.Remove(m.work+"/p/x/.go-version"))
		s.in("", "1.22.5")
		old := m.write("p/x/y/.tool-versions", "golang 1.26.8\n")
		s.in("", "1.26.8")
		must(t, os.Remove(old))
		must(t, os.Remove(m.work+"/p/.go-version"))
		s.in("", "")
		m.write("p/go.mod", "module p\n\ngo 1.21\n")
		s.in("", "1.21.13")
		m.write("p/go.work", "go 1.26.0\n")
		s.in("", "1.26.8")
		must(t, os.Mkdir(m.work+"/p/x/.git", 0o755)) // cuts both off
		s.in("", "")
		must(t, os.Remove(m.work+"/p/x/.git"))
		s.in("", "1.26.8")
	})
}

// A file can be replaced by an older one: cp -p, tar, git stash.
func TestHook_noticesATimeThatGoesBack(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		dir := m.pin("p", "1.22.5")
		s := m.start(name, "HOOK\n")
		s.in("cd "+dir, "1.22.5")
		s.do("")
		back := m.write(m.root+"/back", "echo 1.21 >old; touch -d 2001-01-01 old; mv old .go-version\n")
		s.in("sh "+back, "1.21.13")
	})
}

func TestHook_noticesInstallsAndDefaults(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		exact, line := m.pin("exact", "1.22.7"), m.pin("line", "1.22")
		s := m.start(name, "HOOK\n")
		s.in("cd "+exact, "")
		if out := s.output(); strings.Count(out, "[not-installed]") != 1 || !strings.Contains(out, "vmgo install 1.22.7") {
			t.Errorf("said: %s", out)
		}
		s.in("cd "+line, "1.22.5")
		s.in("cd "+exact, "")
		m.install("1.22.7")
		s.in("", "1.22.7")
		s.in("cd "+line, "1.22.7")
		must(t, os.Rename(m.goroot("1.22.7"), m.store+"/.vmgo/gone"))
		s.in("", "1.22.5")
		s.in("cd "+exact, "")
		if out := s.output(); strings.Count(out, "[not-installed]") != 1 {
			t.Errorf("said more than once: %s", out)
		}
		s.in("cd /", "")
		m.write(m.home+"/.config/vmgo/default", "1.21\n")
		s.in("", "1.21.13")
		must(t, os.Symlink("1.26.8", m.store+"/default"))
		s.in("rm "+m.home+"/.config/vmgo/default", "1.26.8")
		s.in("cd "+line, "1.22.5")
		s.in("cd /", "1.26.8") // https://github.com/Schniz/fnm/issues/1094
		must(t, os.Symlink("1.21.13", m.store+"/default.new"))
		must(t, os.Rename(m.store+"/default.new", m.store+"/default"))
		s.in("", "1.21.13")
	})
}

// Of several versions the first that is installed is taken: installing an
// earlier one, or removing the one that was taken, is such a change.
func TestHook_noticesInstallsOfFallbacks(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		m.write("p/.tool-versions", "golang 1.22.7 1.21.13 1.26.8\n")
		m.age(m.work + "/p")
		s := m.start(name, "HOOK\n")
		s.in("cd "+m.work+"/p", "1.21.13")
		m.install("1.22.7")
		s.in("", "1.22.7")
		for _, version := range []string{"1.22.7", "1.21.13"} {
			must(t, os.Rename(m.goroot(version), m.store+"/.vmgo/gone"+version))
		}
		s.in("", "1.26.8")
	})
}

func TestHook_obeysItsVariables(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		dir := m.pin("p", "1.22.5")
		m.env["GOROOT"] = "/usr/lib/go"
		s := m.start(name, "HOOK\n")
		s.in("cd "+dir, "1.22.5")
		s.in(sets(name, "VMGO_VERSION", "1.21"), "1.21.13")
		if env, _ := s.do(sets(name, "VMGO_GOROOT", "off")); env.Get("GOROOT").Set || !env.PathHolds(m.goroot("1.21.13")+"/bin") {
			t.Errorf("VMGO_GOROOT=off: GOROOT=%v PATH=%s", env.Get("GOROOT"), env["PATH"])
		}
		if env, _ := s.do(sets(name, "VMGO_GOPATH", "tree")); env["GOPATH"] != dir+"/.gopath" {
			t.Errorf("VMGO_GOPATH=tree: GOPATH=%s", env["GOPATH"])
		}
		if text, err := os.ReadFile(dir + "/.gopath/.gitignore"); err != nil || string(text) != "*\n" {
			t.Errorf(".gitignore: %q, %v", text, err)
		}
		s.in("cd /; "+unset(name, "VMGO_VERSION"), "")
		if env, _ := s.do("cd " + dir); env.Get("GOROOT").Set {
			t.Error("VMGO_GOROOT=off is forgotten")
		}
		env, _ := s.do("cd /")
		m.check("outside", env, "")
		s.do(sets(name, "VMGO_GOPATH", "nonsense"))
		s.do("")
		if out := s.output(); strings.Count(out, "[bad-setting]") != 1 {
			t.Errorf("a bad setting is told %d times", strings.Count(out, "[bad-setting]"))
		}
	})
}

func TestHook_keepsWhatTheUserChanges(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		dir, other := m.pin("p", "1.22.5"), m.pin("q", "1.21")
		s := m.start(name, "HOOK\n")
		s.in("cd "+dir, "1.22.5")
		env := s.in(addsToPath(name, "/venv/bin", "/late"), "1.22.5")
		if !strings.HasPrefix(env["PATH"], "/venv/bin:"+m.goroot("1.22.5")) {
			t.Errorf("PATH=%s", env["PATH"])
		}
		s.in(sets(name, "GOPATH", "/mine"), "1.22.5")
		m.write("p/.go-version", "1.26.8\n")
		env = s.in("", "1.26.8")
		if !strings.HasPrefix(env["PATH"], "/venv/bin:") || env["GOPATH"] != "/mine" {
			t.Errorf("PATH=%s GOPATH=%s", env["PATH"], env["GOPATH"])
		}
		s.in("cd "+other, "1.21.13")
		env, _ = s.do("cd /")
		if env["PATH"] != "/venv/bin:"+m.env["PATH"]+":/late" || env["GOPATH"] != "/mine" || env.Get("GOROOT").Set {
			t.Errorf("outside: PATH=%s GOPATH=%s", env["PATH"], env["GOPATH"])
		}
	})
}

// Others replace PATH as a whole, as direnv does when it reloads.
func TestHook_bringsBackWhatOthersDrop(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		dir := m.pin("p", "1.22.5")
		s := m.start(name, "HOOK\n")
		s.in("cd "+dir, "1.22.5")
		s.in(sets(name, "PATH", "/other "+strings.ReplaceAll(m.env["PATH"], ":", " ")), "1.22.5")
	})
}

func TestHook_twiceIsOnce(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		dir := m.pin("p", "1.22.5")
		s := m.start(name, "HOOK\nHOOK\n")
		before := m.runs()
		s.in("cd "+dir, "1.22.5")
		s.in("cd /", "")
		// The first prompt may fall on either side of the first count.
		if runs := m.runs() - before; runs > 3 {
			t.Errorf("%d processes for two cds", runs)
		}
	})
}

func TestHook_aNestedShellTakesOver(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		dir := m.pin("p", "1.22.5")
		// Start-up files like to put their own entries first and to set GOPATH.
		s := m.start(name, addsToPath(name, "/rc/bin", "")+"\n"+sets(name, "GOPATH", "/rc")+"\nHOOK\n")
		s.in("cd "+dir, "1.22.5")
		nested := map[string]string{
			"bash": "bash --noprofile --rcfile " + m.root + "/rc/bashrc -i", "zsh": "zsh -d -i", "fish": "fish -i", "nushell": "^$nu.current-exe", "elvish": "elvish -rc " + m.root + "/rc/rc.elv -i",
			"xonsh": "xonsh --rc " + m.root + "/rc/rc.xsh -i",
		}[name]
		env := s.in(nested, "1.22.5")
		if !strings.HasPrefix(env["PATH"], m.goroot("1.22.5")+"/bin:") || env["GOPATH"] == "/rc" {
			t.Errorf("nested: PATH=%s GOPATH=%s", env["PATH"], env["GOPATH"])
		}
		env, _ = s.do("cd /")
		if env["PATH"] != "/rc/bin:/rc/bin:"+m.env["PATH"] || env["GOPATH"] != "/rc" || env.Get("GOROOT").Set {
			t.Errorf("nested, outside: PATH=%s GOPATH=%s", env["PATH"], env["GOPATH"])
		}
	})
}

func TestHook_keepsTheStatus(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		dir := m.pin("p", "1.22.5")
		if name == "elvish" {
			t.Skip("it has exceptions in place of a status")
		}
		m.write(m.root+"/fail", "exit 7\n")
		s := m.start(name, "HOOK\n")
		for _, line := range []string{"sh " + m.root + "/fail", "cd " + dir + "; sh " + m.root + "/fail"} {
			if _, status := s.do(line); status != "7" {
				t.Errorf("after %q the status is %s", line, status)
			}
		}
	})
}

// The program runs on one thread of work; nobody else shall.
func TestHook_leavesGOMAXPROCSAlone(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		dir, other := m.pin("p", "1.22.5"), m.pin("q", "1.21")
		s := m.start(name, "HOOK\n")
		if env := s.in("cd "+dir, "1.22.5"); env.Get("GOMAXPROCS").Set {
			t.Errorf("GOMAXPROCS=%s", env["GOMAXPROCS"])
		}
		s.do(sets(name, "GOMAXPROCS", "3"))
		if env := s.in("cd "+other, "1.21.13"); env["GOMAXPROCS"] != "3" {
			t.Errorf("GOMAXPROCS is %q, was 3", env["GOMAXPROCS"])
		}
	})
}

// Ctrl-C while the program runs: nothing of an answer is lost or half done.
func TestHook_survivesCtrlC(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		dir := m.pin("p", "1.22.5")
		slow := m.write(m.root+"/slow/vmgo-shim", "#!/bin/sh\ntouch "+m.logs+"/slow\nexec sleep 600\n")
		must(t, os.Chmod(slow, 0o755))
		hook := strings.ReplaceAll(m.hook(name), m.bin+"/vmgo-shim", slow)
		path := m.write(m.root+"/slow.hook", hook)
		s := m.start(name, loads(name, path)+"\n")
		waitFor(t, m.logs+"/slow")
		s.send("\x03")
		must(t, os.Remove(slow))
		must(t, os.Symlink(filepath.Join(m.bin, "vmgo-shim"), slow))
		s.in("cd "+dir, "1.22.5")
		s.in("cd /", "")
	})
}

func TestHook_showsOnDemand(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		m.env["VMGO_SHOW"] = "1"
		dir := m.pin("p", "1.22.5")
		s := m.start(name, "HOOK\n")
		s.in("cd "+dir, "1.22.5")
		s.in("", "1.22.5")
		if out := s.output(); strings.Count(out, "vmgo: go 1.22.5 ("+dir+"/.go-version:1)") != 1 {
			t.Errorf("said: %s", out)
		}
	})
}
