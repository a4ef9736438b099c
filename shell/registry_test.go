package shell_test

import (
	"path/filepath"
	"slices"
	"strings"
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
		{"nushell", "/home/u/.local/bin/vmgo", `mkdir ($nu.data-dir | path join vendor autoload); ` +
			`^/home/u/.local/bin/vmgo hook nushell | save -f ($nu.data-dir | path join vendor autoload vmgo.nu)`},
		{"nu", `/a "b"/vmgo`, `mkdir ($nu.data-dir | path join vendor autoload); ` +
			`^"/a \"b\"/vmgo" hook nushell | save -f ($nu.data-dir | path join vendor autoload vmgo.nu)`},
		{"fish", `/it's\/vmgo`, `'/it\'s\\/vmgo' hook fish | source`},
	} {
		if got := shell.Line(test.name, test.vmgo); got != test.want {
			t.Errorf("%s, %s: %s, want %s", test.name, test.vmgo, got, test.want)
		}
	}
}

// Each shell says everything that the rest of vmgo asks of it, and no script is
// without its line in the registry.
func TestRegistry_isComplete(t *testing.T) {
	t.Parallel()
	for _, name := range shell.Names() {
		s, err := shell.Lookup("/usr/bin/" + name)
		if err != nil {
			t.Fatal(err)
		}
		about := s.About()
		if about.StartupFile == "" || about.StartupFile != shell.StartupFile(name) ||
			(about.CompletionFile == "") != (about.Completion == "") ||
			about.Completion != "" && !strings.Contains(about.Completion, "__complete") || len(about.Syntax) == 0 || len(about.Interactive) == 0 {
			t.Errorf("%s: something is missing in %+v", name, about)
		}
	}
	scripts := func(pattern string) (names []string) {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			s, err := shell.Lookup(strings.TrimPrefix(filepath.Ext(path), ".")) // by its program too
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, s.Name())
		}
		slices.Sort(names)
		return names
	}
	if names := scripts("hook.*"); !slices.Equal(names, shell.Names()) {
		t.Errorf("there are hooks for %q, and the registry has %q", names, shell.Names())
	}
	if names := scripts("completion.*"); !slices.Equal(names, shell.Completed()) {
		t.Errorf("there are completions for %q, and the registry has %q", names, shell.Completed())
	}
}
