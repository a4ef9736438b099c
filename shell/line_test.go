package shell_test

import (
	"testing"

	"github.com/vmgo/vmgo/shell"
)

func TestLine(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, vmgo, want string }{
		{"bash", "/usr/local/bin/vmgo", `eval "$(vmgo hook bash)"`},
		{"zsh", "/usr/bin/vmgo", `eval "$(vmgo hook zsh)"`},
		{"fish", "/usr/local/bin/vmgo", `vmgo hook fish | source`},
		// Debian's .profile reads .bashrc before it puts this on PATH.
		{"bash", "/home/u/.local/bin/vmgo", `eval "$(/home/u/.local/bin/vmgo hook bash)"`},
		{"bash", "/usr/local/vmgo", `eval "$(/usr/local/vmgo hook bash)"`},
		{"bash", "/opt/go/bin/vmgo", `eval "$(/opt/go/bin/vmgo hook bash)"`},
		{"fish", "/home/u/.local/bin/vmgo", `/home/u/.local/bin/vmgo hook fish | source`},
		{"zsh", "/home/a b/vmgo", `eval "$('/home/a b/vmgo' hook zsh)"`},
		{"bash", `/$(touch x)/it's/vmgo`, `eval "$('/$(touch x)/it'\''s/vmgo' hook bash)"`},
		{"fish", `/it's\/vmgo`, `'/it\'s\\/vmgo' hook fish | source`},
	} {
		if got := shell.Line(test.name, test.vmgo); got != test.want {
			t.Errorf("%s, %s: %s, want %s", test.name, test.vmgo, got, test.want)
		}
	}
	for _, name := range shell.Names() {
		if shell.StartupFile(name) == "" {
			t.Errorf("%s has no start-up file", name)
		}
	}
}
