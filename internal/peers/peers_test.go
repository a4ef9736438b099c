package peers

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/vmgo/vmgo/internal/host"
)

func TestMiseGo(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[tools]\ngo = \"1.22.5\" # pinned\n":           "1.22.5",
		"[tools]\n  'go' = '1.22'\n":                    "1.22",
		"[tools]\ngo = [\"1.22\", \"1.21\"]\n":          "1.22",
		"[tools]\nnode = \"22\"\n[env]\ngo = \"1.2\"\n": "",
		"go = \"1.22\"\n":                               "",
		"[tools]\ngo = {}\n":                            "",
	} {
		if got := miseGo(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestFind_defaults(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(home, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	write(".gvm/environments/default", "export GVM_ROOT; GVM_ROOT=\"/home/u/.gvm\"\nexport gvm_go_name; gvm_go_name=\"go1.20.14\"\n"+
		"export GOROOT; GOROOT=\"$GVM_ROOT/gos/go1.20.14\"\n")
	write(".g/versions/1.21.13/VERSION", "")
	write(".gobrew/versions/1.22.5/go/VERSION", "")
	if err := errors.Join(os.Symlink(home+"/.g/versions/1.21.13", home+"/.g/go"), os.Symlink("versions/1.22.5/go", home+"/.gobrew/current")); err != nil {
		t.Fatal(err)
	}
	m := Machine{Host: host.Host{Root: "/"}, Home: home}
	_, defaults := Find(m)
	want := []Default{
		{"gvm", home + "/.gvm/environments/default", "1.20.14"}, {"g", home + "/.g/go", "1.21.13"}, {"gobrew", home + "/.gobrew/current", "1.22.5"},
	}
	if !slices.Equal(defaults, want) {
		t.Errorf("found %v, want %v", defaults, want)
	}
	// Neither a default of "system" nor a link to another place selects a release.
	write(".gvm/environments/default", "export gvm_go_name; gvm_go_name=\"system\"\n")
	if err := errors.Join(os.Remove(home+"/.g/go"), os.Symlink("/usr/lib/go", home+"/.g/go"), os.Remove(home+"/.gobrew/current")); err != nil {
		t.Fatal(err)
	}
	if _, defaults := Find(m); len(defaults) > 0 {
		t.Errorf("found %v", defaults)
	}
}
