package cmd

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/internal/host"
)

// Which proxy and which log there are is for no clone to say: its go is not
// asked, even with "." on PATH.
func TestGoSettings_relativePATH(t *testing.T) {
	goroot := t.TempDir()
	for name, mode := range map[string]os.FileMode{"bin/go": 0o755, "go.env": 0o644} {
		file := filepath.Join(goroot, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("GOSUMDB=another\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	bin := filepath.Join(goroot, "bin")
	t.Chdir(bin)
	for path, want := range map[string]string{".": "", "": "", "../bin": "", ".:" + bin: "another", bin: "another"} {
		env := map[string]string{"HOME": t.TempDir(), "PATH": path}
		a := &app{host: host.Host{Env: env}, layout: dirs.FromEnv(env, t.TempDir(), 1), needs: needs{store: true}}
		if got := a.goSettings().Get("GOSUMDB"); got.IsSet() != (want != "") || want != "" && got.Value != want {
			t.Errorf("PATH=%q: %+v", path, got)
		}
	}
}
