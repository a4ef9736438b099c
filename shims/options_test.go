package shims_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// visit goes into a project and out again, twice, and demands that all is as
// it should be and that the shell is still there.
func (s *terminal) visit(dir string) {
	s.m.t.Helper()
	s.in("cd "+dir, "1.22.5")
	s.in("", "1.22.5")
	s.in("cd /", "")
	s.in("cd "+dir, "1.22.5")
	s.in("cd /", "")
}

// A shell set up in any way that people set it up.
func TestHook_underAnyOptions(t *testing.T) {
	t.Parallel()
	for name, rcs := range map[string]map[string]string{
		"bash": {
			"errexit":   "HOOK\nset -e\n",
			"nounset":   "set -u\nHOOK\n",
			"strict":    "set -euo pipefail\nHOOK\n",
			"noglob":    "set -f\nIFS=/\nHOOK\n",
			"ifs":       "HOOK\nIFS=0123456789_vmgo\n",
			"posix":     "set -o posix\nHOOK\n",
			"allexport": "set -a\nHOOK\n",
			"functrace": "set -T -E\nHOOK\n",
			"glob":      "shopt -s nullglob failglob extglob nocasematch dotglob\nHOOK\n",
			"array":     "PROMPT_COMMAND=(true 'X=1')\nHOOK\n",
			"string":    "PROMPT_COMMAND='true; X=1;'\nHOOK\n",
			"title":     "PROMPT_COMMAND='printf \"%s:%s\" array r:a'\nHOOK\n",
			"comment":   "PROMPT_COMMAND='X=1 # set it'\nHOOK\n",
			"aliases": "shopt -s expand_aliases\nfor w in export unset eval local return exec builtin function vmgo type case shift test [; do " +
				"alias $w='echo ALIAS'; done 2>/dev/null\nunalias function case eval 2>/dev/null\nHOOK\n",
			"functions": "HOOK\nexport() { echo FUNCTION; }; unset() { echo FUNCTION; }; eval() { echo FUNCTION; }; exec() { echo FUNCTION; }\n",
		},
		"zsh": {
			"ksh":      "setopt KSH_ARRAYS SH_WORD_SPLIT NO_NOMATCH GLOB_SUBST\nHOOK\n",
			"strict":   "HOOK\nsetopt NO_UNSET WARN_CREATE_GLOBAL\n",
			"errexit":  "setopt ERR_RETURN\nHOOK\n",
			"late":     "HOOK\nsetopt KSH_ARRAYS SH_WORD_SPLIT NO_UNSET RC_QUOTES NULL_GLOB\nIFS=/\n",
			"posix":    "HOOK\nsetopt POSIX_BUILTINS POSIX_STRINGS C_BASES\n",
			"emulate":  "emulate sh\nHOOK\n",
			"csh":      "setopt CSH_JUNKIE_QUOTES CSH_JUNKIE_LOOPS CSH_NULL_GLOB RC_QUOTES\nHOOK\n",
			"csh late": "HOOK\nsetopt CSH_JUNKIE_QUOTES CSH_JUNKIE_LOOPS CSH_NULL_GLOB\n",
			"globs":    "setopt NO_GLOB NO_BARE_GLOB_QUAL KSH_GLOB SH_GLOB NO_EQUALS MAGIC_EQUAL_SUBST NUMERIC_GLOB_SORT NULL_GLOB\nHOOK\n",
			"words":    "setopt RC_EXPAND_PARAM SH_NULLCMD IGNORE_BRACES IGNORE_CLOSE_BRACES KSH_TYPESET TYPESET_SILENT SH_FILE_EXPANSION\nHOOK\n",
			"jobs":     "setopt NO_MULTI_FUNC_DEF NO_SHORT_LOOPS NO_UNSET PRINT_EXIT_VALUE NO_CLOBBER AUTO_CD AUTO_PUSHD CHASE_LINKS POSIX_ALIASES\nHOOK\n",
			"aliases": "for w in export unset local return exec builtin typeset emulate; do alias $w='echo ALIAS'; done\n" +
				"alias -g exec='| cat' -- and='X' hook='Y'\nHOOK\n",
			"hooks": "precmd() { X=1 }\nprecmd_functions=(true)\nchpwd() { X=2 }\nHOOK\n",
		},
		"fish": {
			"prompt":    "function other --on-event fish_prompt; set -g X 1; end\nHOOK\nfunction fish_prompt; echo '> '; end\n",
			"universal": "set -Ux VMGO_TEST 1\nHOOK\n",
		},
	} {
		for label, rc := range rcs {
			t.Run(name+"/"+label, func(t *testing.T) {
				t.Parallel()
				m := newMachine(t)
				dir := m.pin("p", "1.22.5")
				s := m.start(name, rc)
				s.visit(dir)
				out := s.output()
				for _, bad := range []string{"ALIAS", "FUNCTION", "command not found", "unbound", "syntax error", "not set", "_vmgo_update:", "created globally"} {
					if strings.Contains(out, bad) {
						t.Errorf("%q in:\n%s", bad, out)
					}
				}
			})
		}
	}
}

func TestHook_leavesTrapsAndPromptCodeOfBashAlone(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	m.write(m.root+"/fail", "exit 7\n")
	s := m.start("bash", `HOOK
trap 'echo TRAP-ERR >&2' ERR
trap 'echo TRAP-INT >&2' INT
trap 'D=$((${D-0}+1))' DEBUG
trap 'echo TRAP-EXIT >&2' EXIT
PROMPT_COMMAND+=$'\nSEEN=$?'
`)
	s.visit(dir)
	if out := s.output(); strings.Contains(out, "TRAP-E") {
		t.Errorf("a trap was called:\n%s", out)
	}
	if env, _ := s.do("sh " + m.root + "/fail\nexport SEEN"); env["SEEN"] != "0" {
		t.Errorf("SEEN=%q", env["SEEN"])
	}
	if env, _ := s.do("export SEEN\nsh " + m.root + "/fail"); env["SEEN"] != "7" {
		t.Errorf("the user's prompt code sees the status %q", env["SEEN"])
	}
	// Our function at the prompt must add no ERR to the one of the command itself.
	if n := strings.Count(s.output(), "TRAP-ERR"); n != 2 {
		t.Errorf("ERR was trapped %d times for two failures", n)
	}
	_, _ = s.do("trap -p >" + m.root + "/traps")
	text, err := os.ReadFile(m.root + "/traps")
	must(t, err)
	for _, trap := range []string{"TRAP-ERR", "TRAP-INT", "TRAP-EXIT", "DEBUG"} {
		if !strings.Contains(string(text), trap) {
			t.Errorf("the trap %s is gone:\n%s", trap, text)
		}
	}
	s.send("exit\n")
	_ = s.cmd.Wait()
	<-s.closed
	if n := strings.Count(s.output(), "TRAP-EXIT"); n != 1 {
		t.Errorf("EXIT was trapped %d times", n)
	}
}

// Other tools that hang on to the prompt, loaded before us and after us.
func TestHook_besideOthers(t *testing.T) {
	t.Parallel()
	direnv, err := exec.LookPath("direnv")
	if err != nil {
		t.Fatal("direnv is needed: ", err)
	}
	others := map[string]map[string]string{
		"bash": {
			"direnv": `eval "$(` + direnv + ` hook bash)"`,
			// How mise and starship get into PROMPT_COMMAND, and replace PATH.
			"mise": `_mise_hook_prompt_command() { local s=$?; PATH=:$PATH:; export PATH="$HOME/mise:$(sed "s,:$HOME/mise:,:,; s,^:,,; s,:\$,," <<<"$PATH")"; return $s; }
if [[ ${PROMPT_COMMAND[0]-} ]]; then PROMPT_COMMAND=("_mise_hook_prompt_command" "${PROMPT_COMMAND[@]}"); else PROMPT_COMMAND="_mise_hook_prompt_command"; fi`,
			"starship": `STARSHIP_PROMPT_COMMAND="${PROMPT_COMMAND-}"
starship_precmd() { STATUS=$?; eval "$STARSHIP_PROMPT_COMMAND"; PS1="$STATUS> "; }
PROMPT_COMMAND="starship_precmd"`,
		},
		"zsh": {
			"direnv": `eval "$(` + direnv + ` hook zsh)"`,
			"mise": `_mise_hook() { path=($HOME/mise ${path:#$HOME/mise}) }
typeset -ag precmd_functions; precmd_functions=(_mise_hook $precmd_functions)`,
		},
		"fish": {
			"direnv": direnv + " hook fish | source",
			"mise":   "function _mise_hook --on-event fish_prompt; set -gx PATH $HOME/mise (string match -v -- $HOME/mise $PATH); end",
		},
	}
	for name, tools := range others {
		for tool, line := range tools {
			for label, rc := range map[string]string{"before": "HOOK\n" + line + "\n", "after": line + "\nHOOK\n"} {
				t.Run(name+"/"+tool+"/"+label, func(t *testing.T) {
					t.Parallel()
					m := newMachine(t)
					dir, plain := m.pin("p", "1.22.5"), m.pin("q", "1.21")
					m.write("p/.envrc", "PATH_add bin\nexport FROM_ENVRC=1 GOPATH=/envrc\n")
					m.env["DIRENV_LOG_FORMAT"] = ""
					s := m.start(name, rc)
					if tool == "mise" {
						s.do("") // until then PATH is not what it will be
						m.env["PATH"] = m.home + "/mise:" + m.env["PATH"]
					} else {
						s.do("cd " + dir + "; " + direnv + " allow")
						m.env["FROM_ENVRC"] = "1"
					}
					env := s.in("cd "+dir, "1.22.5")
					if tool == "direnv" && (env["FROM_ENVRC"] != "1" || !env.PathHolds(dir+"/bin")) {
						t.Errorf("direnv has not loaded: PATH=%s", env["PATH"])
					}
					s.in("", "1.22.5")
					s.in("cd ..", "")
					s.in("cd "+plain, "1.21.13")
					s.in("cd "+dir, "1.22.5")
					if tool == "direnv" {
						s.in(direnv+" reload", "1.22.5")
						s.in("", "1.22.5")
					}
					s.in("cd /", "")
					s.in("", "")
				})
			}
		}
	}
}

// Directories of any name: in the project, the home, the store.
func TestHook_inPlacesOfAnyName(t *testing.T) {
	t.Parallel()
	const text = "a b'c\"d$e`f\\g\nh*i?[j]!k~l\tm;n&o|p(q)r<s>t{u}v#w%xé^=,@"
	eachShell(t, func(t *testing.T, m *machine, name string) {
		awkward := text + "\xff\xfe"
		if isData(t, name) { // for other bytes see data_test.go
			awkward = text
		}
		// A store has its name on one line of a settings file.
		store, work := m.root+"/store "+strings.ReplaceAll(awkward, "\n", ""), m.root+"/src "+awkward
		must(t, os.Rename(m.store, store))
		must(t, os.Rename(m.work, work))
		m.store, m.work = store, work
		home := m.root + "/home/" + awkward
		must(t, os.Rename(m.home, home))
		m.home, m.env["HOME"], m.env["XDG_CONFIG_HOME"], m.env["VMGO_ROOT"] = home, home, home+"/.config", store
		must(t, os.Rename(m.root+"/run", m.root+"/run"+awkward))
		m.env["XDG_RUNTIME_DIR"] = m.root + "/run" + awkward
		dir := m.pin(awkward, "1.22.5")
		m.env["P"] = dir
		s := m.start(name, "HOOK\n")
		s.in("cd "+valueOf(name, "P"), "1.22.5")
		before := m.runs()
		s.in("", "1.22.5")
		s.in("", "1.22.5")
		if m.runs() != before {
			t.Errorf("%d processes though nothing changed", m.runs()-before)
		}
		s.in("cd /", "")
		if strings.Contains(s.output(), "[") && strings.Contains(s.output(), "vmgo:") {
			t.Errorf("said: %s", s.output())
		}
	})
}
