package dirs_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/adrg/xdg"

	"github.com/vmgo/vmgo/internal/dirs"
)

// The library reads the process environment, so these cases cannot run in
// parallel.
func TestFromEnv_agreesWithXDG(t *testing.T) {
	values := []string{"", "/x y/base", "relative", "/trailing/", "~/tilde", "$HOME/var"}
	names := []string{"XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"}
	for _, home := range []string{"/home/a b", "/root", "/home/x/"} {
		for _, value := range values {
			t.Setenv("HOME", home)
			env := map[string]string{"HOME": home}
			for _, name := range names {
				t.Setenv(name, value)
				env[name] = value
			}
			xdg.Reload()
			layout := dirs.FromEnv(env, "/", os.Getuid())
			for _, pair := range [][2]string{
				{xdg.ConfigHome, layout.Config}, {xdg.DataHome, layout.Data}, {xdg.CacheHome, layout.Cache},
				{xdg.StateHome, layout.State}, {xdg.RuntimeDir, layout.Runtime},
			} {
				if want := filepath.Join(pair[0], "vmgo"); want != pair[1] {
					t.Errorf("HOME=%q XDG=%q: xdg gives %q, we %q", home, value, want, pair[1])
				}
			}
		}
	}
}

func TestFromEnv_withoutHome(t *testing.T) {
	t.Parallel()
	root := t.TempDir() // which has no passwd
	for _, home := range []string{"", "relative"} {
		l := dirs.FromEnv(map[string]string{"HOME": home}, root, 7)
		if l.Config != "" || l.UserStore != "" || l.UserSettings() != "" {
			t.Errorf("HOME=%q: layout %+v invents paths", home, l)
		}
		if got := l.Stores(""); len(got) != 1 || got[0] != root+"/opt/go" {
			t.Errorf("stores = %q", got)
		}
	}
}

func TestFromEnv_findsHomeInPasswd(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	const u = "x:x:10070:1::/home/x:/bin/sh\n"
	for _, test := range []struct{ passwd, home, want string }{
		{u + "u:x:1007:1007:U,,:/home/u u:/bin/sh\n", "", "/home/u u"},
		{u + "u:x:1007:1007::/home/u:", "", "/home/u"},
		{u + "u:x:1007:1007::/home/u:/bin/sh\nv:x:1007:1::/home/v:\n", "", "/home/u"}, // the first, as getpwuid
		{u + "u:x:1007:1007::/home/u:/bin/sh\n", "/mine", "/mine"},
		{u + "u:x:1007:1007::/home/u:/bin/sh\n", "relative", ""},
		{u + "u:x:1007:1007::relative:/bin/sh\n", "", ""},
		{u + "u:x:1007:1007::\n+::::::\n", "", ""},
		{u, "", ""},
		{strings.Repeat("#", 1<<20) + "\nu:x:1007:1007::/home/u:\n", "", ""},
	} {
		if err := os.WriteFile(filepath.Join(root, "etc/passwd"), []byte(test.passwd), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := dirs.FromEnv(map[string]string{"HOME": test.home}, root, 1007).Home; got != test.want {
			t.Errorf("HOME=%q, passwd %.80q: %q, want %q", test.home, test.passwd, got, test.want)
		}
	}
}

func TestLayout_writeStore(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	l := dirs.FromEnv(map[string]string{"HOME": "/home/u"}, root, 1000)
	if got, want := l.WriteStore(""), filepath.Join(root, "opt/go"); got != want {
		t.Errorf("writable machine: %q, want %q", got, want)
	}
	if got := l.WriteStore("/elsewhere/"); got != "/elsewhere" {
		t.Errorf("VMGO_ROOT: %q", got)
	}
	blocked := filepath.Join(root, "opt")
	if err := os.WriteFile(blocked, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, want := l.WriteStore(""), "/home/u/.local/share/vmgo/go"; got != want {
		t.Errorf("blocked machine: %q, want %q", got, want)
	}
}

// What root makes with the HOME of another user, as by sudo -E, is made in
// root's own.
func TestFromEnv_rootWithAnothersHome(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give directories to another user")
	}
	root, ann, shared := t.TempDir(), t.TempDir(), t.TempDir()
	err := errors.Join(os.Mkdir(filepath.Join(root, "etc"), 0o755), os.Chown(ann, 4242, 4242),
		os.WriteFile(filepath.Join(root, "etc/passwd"), []byte("root:x:0:0:root:/root:/bin/sh\nann:x:4242:4242::"+ann+":/bin/sh\n"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"HOME": ann, "XDG_DATA_HOME": ann + "/data", "XDG_STATE_HOME": ann + "/a/b/state", "XDG_CACHE_HOME": shared + "/cache"}
	l := dirs.FromEnv(env, root, 0)
	for got, want := range map[string]string{
		l.Home: "/root", l.Config: "/root/.config/vmgo", l.Data: "/root/.local/share/vmgo", l.State: "/root/.local/state/vmgo", l.Cache: shared + "/cache/vmgo",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	env["PATH"] = ann
	want := map[string]string{"HOME": "/root", "XDG_CACHE_HOME": shared + "/cache", "PATH": ann}
	if own := l.OwnEnv(env, 0); !maps.Equal(own, want) || env["HOME"] != ann {
		t.Errorf("the environment of programs: %v", own)
	}
	if l := dirs.FromEnv(env, root, 4242); l.Home != ann || l.Data != ann+"/data/vmgo" || !maps.Equal(l.OwnEnv(env, 4242), env) {
		t.Errorf("ann herself: %+v", l)
	}
}
