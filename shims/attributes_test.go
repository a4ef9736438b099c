package shims_test

import (
	"os"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/environ"
)

// A variable that the shell has and does not export comes back as it was:
// https://github.com/golang/go/issues/21298.
func TestHook_givesBackWhatIsNotExported(t *testing.T) {
	t.Parallel()
	eachEvaluatingShell(t, func(t *testing.T, m *machine, name string) {
		a, b := m.pin("a", "1.22.5"), m.pin("b", "1.21")
		rc := "GOPATH=\"/my go's\" GOROOT=/my/goroot\nHOOK\n"
		if name == "fish" {
			rc = "set -g GOPATH \"/my go's\"\nset -g GOROOT /my/goroot\nHOOK\n"
		}
		s := m.start(name, rc)
		for range 2 {
			s.in("cd "+a, "1.22.5")
			if env := s.in("cd "+b, "1.21.13"); env["GOPATH"] != environ.ProjectGopath(m.home+"/.local/share/vmgo", b) {
				t.Errorf("GOPATH=%s", env["GOPATH"])
			}
			s.in("cd /", "") // neither is exported
			env, _ := s.do(sets(name, "SEEN", `"$GOPATH|$GOROOT"`))
			if env["SEEN"] != "/my go's|/my/goroot" {
				t.Errorf("the shell has %s", env["SEEN"])
			}
		}
		s.do(unset(name, "GOPATH"))
		s.in("cd "+a, "1.22.5")
		s.in("cd /", "")
		if env, _ := s.do(sets(name, "SEEN", `"$GOPATH|$GOROOT"`)); env["SEEN"] != "|/my/goroot" {
			t.Errorf("without GOPATH the shell has %s", env["SEEN"])
		}
		s.in("cd "+a, "1.22.5")
		m.move(m.bin, m.root+"/elsewhere")
		s.in("cd /", "") // the same where the shell is on its own
		if env, _ := s.do(sets(name, "SEEN", `"$GOPATH|$GOROOT"`)); env["SEEN"] != "|/my/goroot" {
			t.Errorf("without a program the shell has %s", env["SEEN"])
		}
	})
}

// PATH keeps all of its entries, and stays unexported, where it was so from the
// beginning (env -i bash) or became so in a project.
func TestHook_keepsAPATHThatIsNotExported(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		eachEvaluatingShell(t, func(t *testing.T, m *machine, name string) {
			a, b := m.pin("a", "1.22.5"), m.pin("b", "1.21")
			outside := m.env["PATH"]
			hide := map[string]string{"bash": "export -n PATH", "zsh": "typeset +x PATH", "fish": "set -gu PATH $PATH"}[name]
			rc := "HOOK\n"
			if !late {
				rc = hide + "\n" + rc
			}
			s := m.start(name, rc)
			s.do("cd " + a)
			s.do(hide)
			look := func(line, release string) {
				t.Helper()
				s.do(line)
				value := `"$PATH"`
				if name == "fish" {
					value = "(string join : $PATH)"
				}
				env, _ := s.do(sets(name, "SEEN", value))
				if strings.HasPrefix(env["SEEN"], m.goroot(release)+"/bin:") != (release != "") || !strings.Contains(env["SEEN"], outside) || env.Get("PATH").Set {
					t.Errorf("after %s the shell has %s, and exports %v", line, env["SEEN"], env.Get("PATH"))
				}
				if release == "" && env["SEEN"] != outside {
					t.Errorf("after %s the shell has %s, not %s", line, env["SEEN"], outside)
				}
			}
			look("cd "+a, "1.22.5")
			look("cd "+b, "1.21.13")
			look("cd /", "")
			look("cd "+b, "1.21.13")
			m.move(m.bin, m.root+"/elsewhere")
			look("cd /", "") // the same where the shell is on its own
		})
	}
}

// fish has scopes too: the universal variable of all its shells, exported or
// not, and lists.
func TestHook_keepsScopesOfFish(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ set, exported, want string }{
		{"set -U GOTOOLCHAIN uni", "", "set in universal scope, unexported, with 1 elements"},
		{"set -Ux GOTOOLCHAIN uni", "uni", "set in universal scope, exported, with 1 elements"},
		{"set -g GOTOOLCHAIN uni", "", "set in global scope, unexported, with 1 elements"},
		{"set -gx GOTOOLCHAIN uni", "uni", "set in global scope, exported, with 1 elements"},
		{"set -g GOTOOLCHAIN un i", "", "set in global scope, unexported, with 2 elements"},
	} {
		t.Run(c.set, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			s := m.start("fish", c.set+"\nHOOK\n")
			s.do("")
			if c.exported != "" {
				m.env["GOTOOLCHAIN"] = c.exported
			}
			s.in("cd "+m.pin("a", "1.22.5"), "1.22.5")
			s.in("cd /", "")
			env, _ := s.do("set -gx SEEN (set -S GOTOOLCHAIN | string match -r 'set in.*' | string join ';')")
			if env["SEEN"] != c.want {
				t.Errorf("%s, not %s", env["SEEN"], c.want)
			}
		})
	}
}

// complaints counts what the shells themselves say about readonly variables.
func complaints(out string) int {
	return strings.Count(out, ": readonly variable") + strings.Count(out, "read-only variable")
}

// What cannot be set must not tear GOROOT from PATH:
// https://github.com/starship/starship/issues/4019. fish makes no variable of
// ours readonly.
func TestHook_leavesAllWhereAPartIsReadonly(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bash", "zsh"} {
		for _, line := range []string{
			"readonly GOROOT", "export GOROOT; readonly GOROOT=/usr/lib/go", "readonly PATH", "readonly GOPATH=/mine", "readonly GOTOOLCHAIN GOMODCACHE",
		} {
			t.Run(name+"/"+line, func(t *testing.T) {
				t.Parallel()
				m := newMachine(t)
				if strings.Contains(line, "export") {
					m.env["GOROOT"] = "/usr/lib/go"
				}
				a, b := m.pin("a", "1.22.5"), m.pin("b", "1.21")
				s := m.start(name, line+"\nHOOK\n")
				s.in("cd "+a, "")
				s.in("cd "+b, "")
				before := m.runs()
				s.in("", "")
				if runs := m.runs() - before; runs != 0 {
					t.Errorf("%d processes at a prompt with nothing changed", runs)
				}
				s.in("cd /", "")
				out := s.output()
				if strings.Count(out, "cannot be changed in this shell") != 1 || complaints(out) != 0 {
					t.Errorf("said: %s", out)
				}
			})
		}
	}
}

// A release that is pinned so stays whole, wherever the shell goes.
func TestHook_staysWhereAPartBecomesReadonly(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bash", "zsh"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			a, b := m.pin("a", "1.22.5"), m.pin("b", "1.21")
			s := m.start(name, "HOOK\n")
			s.in("cd "+a, "1.22.5")
			s.do("readonly GOROOT")
			s.in("cd "+b, "1.22.5")
			s.in("cd /", "1.22.5")
			if n := strings.Count(s.output(), "GOROOT cannot be changed in this shell"); n != 1 {
				t.Errorf("said %d times: %s", n, s.output())
			}
		})
	}
}

// What the hook uses itself can be readonly as well.
func TestHook_worksWithAReadonlyGOMAXPROCS(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bash", "zsh"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			s := m.start(name, "readonly GOMAXPROCS\nHOOK\n")
			s.in("cd "+m.pin("a", "1.22.5"), "1.22.5")
			s.in("cd /", "")
			if out := s.output(); complaints(out) != 0 {
				t.Errorf("said: %s", out)
			}
		})
	}
}

func TestHook_saysWhereItCannotBeRegistered(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{"bash": "readonly PROMPT_COMMAND", "zsh": "typeset -gar precmd_functions"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			s := m.start(name, line+"\nHOOK\n: >"+m.logs+"/goes-on\n")
			s.in("cd "+m.pin("a", "1.22.5"), "")
			if out := s.output(); strings.Count(out, "is readonly: the hook cannot run") != 1 || complaints(out) != 0 {
				t.Errorf("said: %s", out)
			}
			if _, err := os.Stat(m.logs + "/goes-on"); err != nil {
				t.Error("the start-up file ends there")
			}
		})
	}
}

// A shell that loads no hook can inherit PROMPT_COMMAND:
// https://github.com/direnv/direnv/issues/20.
func TestHook_isHarmlessWhereItIsInherited(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"bash --norc -i", "bash --norc --posix -i", "bash --norc -u -i", "script -q -c 'bash --norc -i' /dev/null",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			a := m.pin("a", "1.22.5")
			s := m.start("bash", "export PROMPT_COMMAND=true\nHOOK\n")
			s.in("cd "+a, "1.22.5")
			s.in(line, "1.22.5")
			s.do("")
			if out := s.output(); strings.Contains(out, "not found") || strings.Contains(out, "_vmgo") {
				t.Errorf("said: %s", out)
			}
		})
	}
}

// An array is used where there is one.
func TestHook_joinsAnArrayOfPromptCommands(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	s := m.start("bash", "PROMPT_COMMAND=(true 'x=$?')\nHOOK\nHOOK\nPROMPT_COMMAND+=(true)\n")
	s.in("cd "+m.pin("a", "1.22.5"), "1.22.5")
	s.in("cd /", "")
}
