package settings_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/settings"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoad_precedence(t *testing.T) {
	t.Parallel()
	user := file(t, "# VMGO_GOPATH=tree\nVMGO_GOPATH=tree\r\nVMGO_SHOW=1\nVMGO_JOBS=\n")
	machine := file(t, "VMGO_GOPATH=version\nVMGO_SHOW=0\nVMGO_JOBS=3\n")
	s, err := settings.Load(map[string]string{"VMGO_SHOW": "0", "VMGO_SOURCE": " godev , goproxy"}, user, machine, "", "/nonexistent/env")
	if err != nil {
		t.Fatal(err)
	}
	if s.GOPATH != "tree" || s.Show || s.Jobs != 3 || !slices.Equal(s.Sources, []string{"godev", "goproxy"}) {
		t.Errorf("settings = %+v", s)
	}
	for name, want := range map[string]string{
		"VMGO_GOPATH": user + ":2", "VMGO_SHOW": "environment", "VMGO_JOBS": machine + ":3", "VMGO_LINK": "default",
	} {
		if got := s.Value(name).Origin(); got != want {
			t.Errorf("origin of %s = %q, want %q", name, got, want)
		}
	}
	if !s.GOROOT || !s.Link || s.GOTOOLCHAIN != "local" || s.Offline {
		t.Errorf("defaults: %+v", s)
	}
}

// TestLoad_lastLineCounts follows the go command: see TestSettings_asTheGoCommand of
// internal/goenv.
func TestLoad_lastLineCounts(t *testing.T) {
	t.Parallel()
	user := file(t, "VMGO_GOPATH=tree\nVMGO_JOBS=2\nVMGO_GOPATH=version\nVMGO_JOBS=\n VMGO_SHOW=1\nVMGO_LINK=off")
	machine := file(t, "VMGO_JOBS=3\nVMGO_JOBS=4\n")
	s, err := settings.Load(nil, user, machine)
	if err != nil {
		t.Fatal(err)
	}
	if s.GOPATH != "version" || s.Value("VMGO_GOPATH").Line != 3 || s.Jobs != 4 || s.Show || s.Link {
		t.Errorf("settings = %+v", s)
	}
}

func TestLoad_refuses(t *testing.T) {
	t.Parallel()
	for _, pair := range []string{
		"VMGO_GOPATH=elsewhere", "VMGO_ROOT=relative", "VMGO_SOURCE=goproxy,ftp", "VMGO_GODEV=go.dev/dl", "VMGO_JOBS=0",
		"VMGO_JOBS=many", "VMGO_OFFLINE=perhaps", "VMGO_KEYRING=key.asc", "VMGO_GOROOT=1", "VMGO_LINK=yes", "VMGO_GOTOOLCHAIN=go1.22",
	} {
		name, value, _ := strings.Cut(pair, "=")
		if _, err := settings.Load(map[string]string{name: value}); diag.CodeOf(err) != diag.BadSetting {
			t.Errorf("%s: error %v", pair, err)
		}
		path := file(t, "X=1\n"+pair+"\n")
		_, err := settings.Load(nil, path)
		if diag.CodeOf(err) != diag.BadSetting || !strings.Contains(err.Error(), path+":2") {
			t.Errorf("%s in a file: error %v", pair, err)
		}
		if err := settings.Check(name, value); diag.CodeOf(err) != diag.BadSetting {
			t.Errorf("Check(%s): %v", pair, err)
		}
	}
	if _, err := settings.Load(nil, t.TempDir()); diag.CodeOf(err) != diag.BadSetting {
		t.Errorf("a directory as settings file: %v", err)
	}
}

func TestUnknown_suggests(t *testing.T) {
	t.Parallel()
	path := file(t, "VMGO_GOPTH=x\nVMGO_GOPATH=tree\nOTHER=1\n")
	got := settings.Unknown(map[string]string{"VMGO_OFLINE": "1", "VMGO_OFFLINE": "1", "HOME": "/"}, path)
	if len(got) != 2 || got[0].Name != "VMGO_GOPTH" || got[0].Text != "VMGO_GOPATH" || got[0].Line != 1 ||
		got[1].Name != "VMGO_OFLINE" || got[1].Text != "VMGO_OFFLINE" {
		t.Errorf("unknown = %+v", got)
	}
}
