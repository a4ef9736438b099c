package shims_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/shell"
)

// eachShell runs a test in every shell that there is a hook for. One that is
// not on this machine fails the test: it would prove nothing. nushell is in no
// Debian.
func eachShell(t *testing.T, test func(t *testing.T, m *machine, name string)) {
	for _, name := range shell.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath("nu"); name == "nushell" && err != nil {
				t.Skip("nu is not on PATH: ./test.sh --long fetches it")
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
	}
	return "unset " + name
}
