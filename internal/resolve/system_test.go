package resolve_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/resolve"
)

// TestSystemGo: of all that PATH offers, the go that is somebody else's.
func TestSystemGo(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	write(t, top, files{
		"empty/": "", "dir/bin/go/": "", "noexec/go": "not executable",
		"copied/bin/go": "a copy of a shim", "store-room/bin/go": "near a store, not in it", "shims/bin/vmgo-shim": "s", "elsewhere/bin/vmgo": "v",
		"store/1.22.5/bin/go": "ours", "store/1.22.5/VERSION": "go1.22.5\n",
		"usr/lib/go-1.19/bin/go": "debian", "usr/lib/go-1.19/VERSION": "go1.19.8", "usr/bin/": "",
		"devel/bin/go": "d", "devel/VERSION": "devel go1.28-abcdef Mon\n",
		"bare/bin/go": "b", "other/bin/go": "o", "other/VERSION": "go1.25.1\ntime x\n",
		"a b\n'$x/bin/go": "o", "a b\n'$x/VERSION": "go1.24.1\n",
	})
	links := map[string]string{
		"shims/go": "bin/vmgo-shim", "foreign/go": "../elsewhere/bin/vmgo", "usr/bin/go": "../lib/go-1.19/bin/go",
		"default": "store/1.22.5", "dangling/go": "nowhere", "moved": "shims", "local/go": "../store/1.22.5/bin/go",
	}
	for name, target := range links {
		write(t, top, files{filepath.Dir(name) + "/": ""})
		if err := os.Symlink(target, filepath.Join(top, name)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, top, files{"hard/": ""})
	if err := os.Link(filepath.Join(top, "shims/bin/vmgo-shim"), filepath.Join(top, "hard/go")); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Rel(here, filepath.Join(top, "other/bin"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, path, want, goroot, version string }{
		{"plain", "@/other/bin", "@/other/bin/go", "@/other", "1.25.1"},
		{"the first one", "@/empty:@/usr/bin:@/other/bin", "@/usr/bin/go", "@/usr/lib/go-1.19", "1.19.8"},
		{"after our shims", "@/shims:@/other/bin", "@/other/bin/go", "@/other", "1.25.1"},
		{"after our shims, written otherwise", "@/./shims//:@/other/bin", "@/other/bin/go", "@/other", "1.25.1"},
		{"after our shims by a link", "@/moved:@/other/bin", "@/other/bin/go", "@/other", "1.25.1"},
		{"after our shims by hard link", "@/hard:@/other/bin", "@/other/bin/go", "@/other", "1.25.1"},
		{"after another vmgo's shims", "@/foreign:@/other/bin", "@/other/bin/go", "@/other", "1.25.1"},
		{"after a release of ours", "@/store/1.22.5/bin:@/other/bin", "@/other/bin/go", "@/other", "1.25.1"},
		{"after a copy of a shim", "@/copied/bin/:@/other/bin", "@/other/bin/go", "@/other", "1.25.1"},
		{"beside a store", "@/store-room/bin", "@/store-room/bin/go", "", ""},
		{"not what cannot run", "@/dir/bin:@/noexec:@/dangling:@/none:@/other/bin", "@/other/bin/go", "@/other", "1.25.1"},
		{"not what is relative", ":.:" + relative + ":@/usr/bin", "@/usr/bin/go", "@/usr/lib/go-1.19", "1.19.8"},
		{"a user's own link into a store", "@/local", "@/local/go", "@/store/1.22.5", "1.22.5"},
		{"a development tree", "@/devel/bin", "@/devel/bin/go", "", ""},
		{"without VERSION", "@/bare/bin", "@/bare/bin/go", "", ""},
		{"odd names", "@/a b\n'$x/bin", "@/a b\n'$x/bin/go", "@/a b\n'$x", "1.24.1"},
		{"only ours", "@/shims:@/store/1.22.5/bin:@/hard:@/foreign", "", "", ""},
		{"empty PATH", "", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			at := func(s string) string { return strings.ReplaceAll(s, "@", top) }
			r, err := resolve.Resolve(resolve.Input{
				Dir: top + "/empty", Version: "system", Path: at(test.path), Stores: []string{top + "/store/"},
				OwnDirs: []string{top + "/shims", top + "/copied/bin/"}, OwnPrograms: func() []string { return []string{top + "/shims/bin/vmgo-shim", top + "/gone"} },
			})
			if (err == nil) != (test.want != "") {
				t.Fatalf("%+v, %v", r, err)
			}
			if r.SystemGo != at(test.want) || r.GOROOT != at(test.goroot) || r.Version.String() != test.version {
				t.Errorf("got %s in %q, version %q", r.SystemGo, r.GOROOT, r.Version)
			}
		})
	}
}
