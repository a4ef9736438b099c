package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/vmgo/vmgo/internal/host"
)

// TestGoSettings_ofTheMachine has /etc/vmgo/env say where the proxy fetches from, unless
// the user or the environment does.
func TestGoSettings_ofTheMachine(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := host.Host{Root: root, UID: os.Getuid(), Env: map[string]string{"HOME": filepath.Join(root, "home")}}
	write("etc/vmgo/env", "GOPROXY=https://machine.example.com\nGOPRIVATE=corp.example.com\n")
	expect := func(proxy string) {
		t.Helper()
		got := goSettings(h)
		if got.GOPROXY().Value != proxy || got.Get("GONOSUMDB").Value != "corp.example.com" {
			t.Errorf("GOPROXY is %+v, GONOSUMDB %+v", got.GOPROXY(), got.Get("GONOSUMDB"))
		}
	}
	expect("https://machine.example.com")
	write("home/.config/go/env", "GOPROXY=https://user.example.com\n")
	expect("https://user.example.com")
	h.Env["GOPROXY"] = "https://process.example.com"
	expect("https://process.example.com")
}
