package shell_test

import (
	"cmp"
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
		{"elvish", "/home/u/.local/bin/vmgo", `eval (/home/u/.local/bin/vmgo hook elvish | slurp)`},
		{"elvish", `/it's "x"/vmgo`, `eval ("/it's \"x\"/vmgo" hook elvish | slurp)`},
		{"nushell", "/home/u/.local/bin/vmgo", `mkdir ($nu.data-dir | path join vendor autoload); ` +
			`^/home/u/.local/bin/vmgo hook nushell | save -f ($nu.data-dir | path join vendor autoload vmgo.nu)`},
		{"nu", `/a "b"/vmgo`, `mkdir ($nu.data-dir | path join vendor autoload); ` +
			`^"/a \"b\"/vmgo" hook nushell | save -f ($nu.data-dir | path join vendor autoload vmgo.nu)`},
		{"xonsh", "/home/u/.local/bin/vmgo", `execx($(/home/u/.local/bin/vmgo hook xonsh))`},
		{"xonsh", "~/.local/bin/vmgo", `execx($(~/.local/bin/vmgo hook xonsh))`},
		{"xonsh", `/a $HOME/vmgo`, `execx($(@("/a $HOME/vmgo") hook xonsh))`},
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
	scripts := func(pattern string) []string {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, path := range paths {
			names = append(names, strings.TrimPrefix(filepath.Ext(path), "."))
		}
		return names
	}
	suffixes := func(names []string) []string {
		var list []string
		for _, name := range names {
			s, err := shell.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, cmp.Or(s.About().Suffix, name))
		}
		return list
	}
	for pattern, names := range map[string][]string{"hook.*": shell.Names(), "completion.*": shell.Completed()} {
		if have := scripts(pattern); !slices.Equal(have, suffixes(names)) {
			t.Errorf("%s: there are %q, and the registry has %q", pattern, have, names)
		}
	}
}
