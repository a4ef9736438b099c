package shims_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/shell"
)

// eachShell runs a test in every shell that there is a hook for. One that is
// not on this machine fails the test: it would prove nothing. Only the long run has
// nushell and xonsh.
func eachShell(t *testing.T, test func(t *testing.T, m *machine, name string)) {
	for _, name := range shell.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := map[string]string{"nushell": "nu", "xonsh": "xonsh"}[name]
			if _, err := exec.LookPath(program); program != "" && err != nil {
				t.Skip(program + " is not on PATH: ./test.sh --long fetches it")
			}
			if name == "xonsh" && os.Getenv("VMGO_LONG") == "" {
				t.Skip("xonsh starts as slowly as Python does: VMGO_LONG=1, or ./test.sh --long")
			}
			if testing.Short() && name == "elvish" {
				t.Skip("it takes twice as long as bash: the run without -short has it") // the race detector gains nothing
			}
			test(t, newMachine(t), name)
		})
	}
}

// eachEvaluatingShell runs a test in those that evaluate the answers as text.
func eachEvaluatingShell(t *testing.T, test func(t *testing.T, m *machine, name string)) {
	eachShell(t, func(t *testing.T, m *machine, name string) {
		if isData(t, name) {
			t.Skip("it gets data: data_test.go")
		}
		test(t, m, name)
	})
}

// isData reports whether a shell gets data in place of text.
func isData(t *testing.T, name string) bool {
	t.Helper()
	sh, err := shell.Lookup(name)
	must(t, err)
	return sh.About().Data
}

func quoteFor(t *testing.T, name, text string) string {
	t.Helper()
	sh, err := shell.Lookup(name)
	must(t, err)
	return sh.Quote(text)
}

// sets returns the line that exports a variable.
func sets(shell, name, value string) string {
	switch shell {
	case "fish":
		return "set -gx " + name + " " + value
	case "elvish":
		if name == "PATH" {
			return "set paths = [" + value + "]"
		}
		return "set-env " + name + " " + value
	case "nushell":
		if name == "PATH" {
			return "$env.PATH = [" + value + "]"
		}
		return "$env." + name + " = \"" + value + "\""
	case "xonsh":
		if name == "PATH" {
			return "$PATH = " + strings.ReplaceAll(strconv.Quote(value), " ", `", "`)
		}
		return "$" + name + " = " + strconv.Quote(value)
	}
	return "export " + name + "=" + value
}

// addsToPath returns the line that adds a directory at each end of PATH, where it is
// not empty.
func addsToPath(shell, front, back string) string {
	switch shell {
	case "fish":
		return sets(shell, "PATH", front+" $PATH "+back)
	case "elvish":
		return sets(shell, "PATH", front+" $@paths "+back)
	case "nushell":
		return sets(shell, "PATH", front+" ...$env.PATH "+back)
	case "xonsh":
		return fmt.Sprintf("$PATH = [d for d in [%q, *$PATH, %q] if d]", front, back)
	}
	return sets(shell, "PATH", strings.Trim(front+":$PATH:"+back, ":"))
}

// valueOf returns how a shell writes the value of an environment variable.
func valueOf(shell, name string) string {
	switch shell {
	case "elvish":
		return "$E:" + name
	case "nushell":
		return "$env." + name
	case "xonsh":
		return "@($" + name + ")"
	}
	return `"$` + name + `"`
}

// unset returns the line that unsets a variable.
func unset(shell, name string) string {
	switch shell {
	case "fish":
		return "set -e " + name
	case "elvish":
		return "unset-env " + name
	case "nushell":
		return "hide-env " + name
	case "xonsh":
		return "del $" + name
	}
	return "unset " + name
}

// loads returns the line that loads the hook from a file.
func loads(name, path string) string {
	switch name {
	case "fish":
		return "cat '" + path + "' | source"
	case "elvish":
		return "eval (slurp < '" + path + "')"
	case "nushell":
		return "source '" + path + "'"
	case "xonsh":
		return "execx(open(" + strconv.Quote(path) + ").read())"
	}
	return `eval "$(cat '` + path + `')"`
}

// status is how the shell writes the status of the last command.
func (s *terminal) status() string {
	switch s.name {
	case "fish":
		return "$status"
	case "elvish":
		return "none" // a status is an exception there
	case "nushell":
		return "$env.LAST_EXIT_CODE"
	case "xonsh":
		return "$LAST_RETURN_CODE"
	}
	return "$?"
}
