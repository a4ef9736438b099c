package prune_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/project"
	"github.com/vmgo/vmgo/internal/project/seen"
	"github.com/vmgo/vmgo/internal/prune"
	"github.com/vmgo/vmgo/internal/resolve"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// machine is a made-up machine on which root prunes, and ann works.
type machine struct {
	*testing.T
	prune.Scope
	ann, annState string
	warnings      []string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	root := t.TempDir()
	m := &machine{T: t, ann: filepath.Join(root, "home/ann")}
	m.Layout = dirs.FromEnv(map[string]string{"HOME": filepath.Join(root, "root")}, root, os.Getuid())
	m.annState = dirs.FromEnv(map[string]string{"HOME": m.ann}, root, os.Getuid()).State
	m.Root = root
	m.Open = func(dir string) *store.Store { return store.Open(dir, store.Options{}) }
	m.Warnf = func(format string, args ...any) { m.warnings = append(m.warnings, fmt.Sprintf(format, args...)) }
	m.mkdir(m.Layout.Home)
	m.mkdir(m.ann)
	m.passwd(fmt.Sprintf("root:x:%d:0::/root:/bin/sh\nann:x:%[1]d:%d::/home/ann:/bin/sh\n", os.Getuid(), os.Getgid()))
	return m
}

func (m *machine) mkdir(dir string) {
	m.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		m.Fatal(err)
	}
}

func (m *machine) write(path, text string) {
	m.Helper()
	m.mkdir(filepath.Dir(path))
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		m.Fatal(err)
	}
}

// loop puts at path what is there and cannot be looked into, not even by root.
func (m *machine) loop(path string) {
	m.Helper()
	m.mkdir(filepath.Dir(path))
	if err := errors.Join(os.RemoveAll(path), os.Symlink(filepath.Base(path), path)); err != nil {
		m.Fatal(err)
	}
}

func (m *machine) passwd(text string) { m.write(filepath.Join(m.Root, "etc/passwd"), text) }

func (m *machine) installed(store string, versions ...string) {
	m.Helper()
	for _, v := range versions {
		goroot := filepath.Join(store, v)
		m.mkdir(filepath.Join(goroot, "bin"))
		if err := vmtest.PutReceipt(goroot); err != nil {
			m.Fatal(err)
		}
	}
}

// project makes a project that the state knows, and returns its directory.
func (m *machine) project(state, dir, pin string) string {
	m.Helper()
	m.write(filepath.Join(dir, ".go-version"), pin)
	seen.Record(state, dir)
	return dir
}

// stays maps the name of each release that stays to the reason, without the root of the machine.
func (m *machine) stays() map[string]string {
	m.Helper()
	in, err := m.Gather()
	if err != nil {
		m.Fatal(err)
	}
	drop, kept, err := prune.Plan(in)
	if err != nil {
		m.Fatal(err)
	}
	stays := map[string]string{}
	for _, k := range kept {
		stays[k.Release.Version.String()] = strings.ReplaceAll(k.Why, m.Root, "")
	}
	for _, c := range drop {
		if _, ok := stays[c.Release.Version.String()]; ok || c.Path != c.Release.GOROOT {
			m.Errorf("drops %+v", c)
		}
	}
	if len(stays)+len(drop) != len(in.Installed) {
		m.Errorf("%d stay and %d go of %d", len(stays), len(drop), len(in.Installed))
	}
	return stays
}

func (m *machine) check(want map[string]string) {
	m.Helper()
	if got := m.stays(); !maps.Equal(got, want) {
		m.Errorf("stay %v\nwant %v", got, want)
	}
}

func TestGather_keepsWhatIsNeeded(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	system := m.Layout.SystemStore
	m.installed(system, "1.18.10", "1.19.13", "1.20.14", "1.21.13", "1.22.4", "1.22.5", "1.22.6", "1.23.1", "1.23.2", "1.24.1")
	if err := os.Symlink("1.19.13", filepath.Join(system, "default")); err != nil {
		t.Fatal(err)
	}
	m.write(m.Layout.UserDefault(), "1.20")
	m.write(m.Layout.UserSettings(), "VMGO_VERSION=1.22.6\n")
	m.project(m.Layout.State, filepath.Join(m.Layout.Home, "p"), "1.21.13")
	m.project(m.Layout.State, filepath.Join(m.Layout.Home, "q"), "1.19.13")
	m.Settings.Version = "1.23.1" // this shell's decides for no project
	m.Here = resolve.Resolution{GOROOT: filepath.Join(system, "1.23.1"), Requirement: project.Requirement{Origin: project.Origin{Kind: project.Variable}}}
	m.write(filepath.Join(m.ann, ".config/vmgo/default"), "1.22.4")
	m.write(filepath.Join(m.ann, ".config/vmgo/env"), "VMGO_VERSION=1.23.2\n")
	m.project(m.annState, filepath.Join(m.ann, "p"), "1.22.5")
	m.project(m.annState, filepath.Join(m.ann, "q"), "1.21.13")
	m.project(m.annState, filepath.Join(m.ann, "r"), "1.20.14")
	m.project(m.annState, filepath.Join(m.ann, "none"), "1.9.7")
	want := map[string]string{
		"1.19.13": "the default of /opt/go",
		"1.20.14": "requested by /root/.config/vmgo/default:1",
		"1.21.13": "requested by /home/ann/q/.go-version:1",
		"1.22.6":  "requested by VMGO_VERSION in /root/.config/vmgo/env:1",
		"1.23.1":  "selected here: VMGO_VERSION",
		"1.22.4":  "requested by /home/ann/.config/vmgo/default:1",
		"1.22.5":  "requested by /home/ann/p/.go-version:1",
		"1.23.2":  "requested by VMGO_VERSION in /home/ann/.config/vmgo/env:1",
	}
	m.check(want)
	if len(m.warnings) > 0 {
		t.Errorf("warnings: %q", m.warnings)
	}

	m.UID = 1000 // who can only answer for themselves
	want["1.21.13"] = "requested by /root/p/.go-version:1"
	for _, anns := range []string{"1.22.4", "1.22.5", "1.23.2"} {
		delete(want, anns)
	}
	m.check(want)
}

// The stores of a user's settings are those in which the user's requests are met,
// unless this process has been told of another one.
func TestGather_stores(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.installed(m.Layout.SystemStore, "1.22.5")
	m.installed(filepath.Join(m.ann, ".local/share/vmgo/go"), "1.22.5")
	m.project(m.annState, filepath.Join(m.ann, "p"), "1.22.5")
	m.check(map[string]string{}) // ann has one, which goes first
	env := filepath.Join(m.ann, ".config/vmgo/env")
	why := map[string]string{"1.22.5": "requested by /home/ann/p/.go-version:1"}
	m.write(env, "VMGO_ROOT="+m.Layout.SystemStore+"\n")
	m.check(why)
	m.write(env, "VMGO_ROOT="+m.Root+"/elsewhere\n")
	m.check(map[string]string{})
	m.Settings.Root = m.Layout.SystemStore
	m.check(why)
}

func TestGather_goneProjectsNeedNothing(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.installed(m.Layout.SystemStore, "1.22.5", "1.23.1", "1.24.1")
	m.write(filepath.Join(m.ann, "gone/.go-version"), "1.22.5") // that of a directory above them
	m.write(filepath.Join(m.ann, "gone/file"), "")
	seen.Record(m.annState, filepath.Join(m.ann, "gone/p"))
	seen.Record(m.annState, filepath.Join(m.ann, "gone/file/p"))
	m.write(filepath.Join(m.Layout.Home, "gone/.go-version"), "1.23.1")
	m.write(filepath.Join(m.Layout.Home, "gone/file"), "")
	seen.Record(m.Layout.State, filepath.Join(m.Layout.Home, "gone/p"))
	seen.Record(m.Layout.State, filepath.Join(m.Layout.Home, "gone/file/p"))
	m.check(map[string]string{})
	// What cannot be looked at is not gone.
	m.loop(filepath.Join(m.ann, "gone/p"))
	if got := m.stays(); len(got) != 3 || len(m.warnings) != 1 {
		t.Errorf("stay %v; warnings %q", got, m.warnings)
	}
	m.loop(filepath.Join(m.Layout.Home, "gone/p"))
	if in, err := m.Gather(); err != nil {
		t.Error(err)
	} else if drop, _, err := prune.Plan(in); diag.CodeOf(err) != diag.BadVersionFile {
		t.Errorf("drops %v, %v", drop, err)
	}
}

// What cannot be read of a home keeps the releases that its user can run.
func TestGather_homesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(m *machine){
		"the list of projects": func(m *machine) { m.loop(m.annState + "/projects") },
		"a known project":      func(m *machine) { m.loop(m.annState + "/projects/x") },
		"the settings":         func(m *machine) { m.loop(m.ann + "/.config/vmgo/env") },
		"a bad setting":        func(m *machine) { m.write(m.ann+"/.config/vmgo/env", "VMGO_GOPATH=junk\n") },
		"the default":          func(m *machine) { m.loop(m.ann + "/.config/vmgo/default") },
		"a bad default":        func(m *machine) { m.write(m.ann+"/.config/vmgo/default", "junk") },
		"a version file":       func(m *machine) { m.project(m.annState, m.ann+"/p", "junk") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.installed(m.Layout.SystemStore, "1.22.5", "1.23.1")
			m.installed(m.Layout.UserStore, "1.20.14")
			m.project(m.Layout.State, m.Layout.Home+"/p", "1.23.1")
			spoil(m)
			m.check(map[string]string{
				"1.22.5": "may be needed by the user of /home/ann",
				"1.23.1": "may be needed by the user of /home/ann", // before it is known that a project needs it
			})
			want := "cannot tell which releases the user of " + m.ann + " needs, so those of the machine are kept: "
			if len(m.warnings) != 1 || !strings.HasPrefix(m.warnings[0], want) {
				t.Errorf("warnings: %q", m.warnings)
			}
		})
	}
}

// A home that is closed to its user has nothing that the user could need: those
// of system users are. One that its owner has closed may.
func TestGather_closedHomes(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root looks with the rights of others")
	}
	const ann = 4242
	for name, c := range map[string]struct {
		owner, mode int
		why         string
	}{
		"of a system's user":         {0, 0o700, ""},
		"closed by its owner":        {ann, 0, "may be needed by the user of /home/ann"},
		"of another owner, and open": {0, 0o755, "requested by /home/ann/.config/vmgo/default:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.installed(m.Layout.SystemStore, "1.22.5")
			m.write(m.ann+"/.config/vmgo/default", "1.22.5")
			m.passwd(fmt.Sprintf("ann:x:%d:%[1]d::/home/ann:/bin/sh\n", ann))
			err := errors.Join(os.Chmod(filepath.Dir(m.Root), 0o711), os.Chown(m.ann, c.owner, c.owner), os.Chmod(m.ann, os.FileMode(c.mode)))
			if err != nil {
				t.Fatal(err)
			}
			if got := m.stays()["1.22.5"]; got != c.why || (len(m.warnings) > 0) != (name == "closed by its owner") {
				t.Errorf("stays %q, want %q; warnings %q", got, c.why, m.warnings)
			}
		})
	}
}

// Where it cannot be told what this user or the machine needs, nothing is pruned.
func TestGather_fails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(m *machine)
		code  diag.Code
	}{
		"the store":          {func(m *machine) { m.loop(m.Layout.SystemStore) }, ""},
		"the known projects": {func(m *machine) { m.loop(m.Layout.State + "/projects") }, diag.Failure},
		"the own default":    {func(m *machine) { m.write(m.Layout.UserDefault(), "junk") }, diag.BadVersionFile},
		"an unread default":  {func(m *machine) { m.loop(m.Layout.UserDefault()) }, ""},
		"the own settings":   {func(m *machine) { m.loop(m.Layout.UserSettings()) }, diag.BadSetting},
		"the users":          {func(m *machine) { m.loop(m.Root + "/etc/passwd") }, diag.Failure},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.installed(m.Layout.SystemStore, "1.22.5")
			c.spoil(m)
			if in, err := m.Gather(); err == nil || c.code != "" && diag.CodeOf(err) != c.code {
				t.Errorf("%+v, %v", in, err)
			}
		})
	}
}

// Only what this user may remove is planned; what verify keeps of the rest stays.
func TestGather_leavesStoresOfOthers(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.installed(m.Layout.SystemStore, "1.22.5")
	m.installed(m.Layout.UserStore, "1.23.1")
	m.loop(filepath.Join(m.Layout.SystemStore, ".vmgo/staging")) // nobody can write there
	m.mkdir(filepath.Join(m.Layout.Cache, "verify/rebuild-1.22.5"))
	m.mkdir(filepath.Join(m.Layout.Cache, "verify/rebuild-1.23.1"))
	in, err := m.Gather()
	if err != nil || len(in.Installed) != 1 || in.Installed[0].Store != m.Layout.UserStore {
		t.Fatalf("%+v, %v", in, err)
	}
	if got, want := paths(plan(t, in)), []string{m.Layout.UserStore + "/1.23.1", m.Layout.Cache + "/verify/rebuild-1.23.1"}; !slices.Equal(got, want) {
		t.Errorf("drops %q, want %q", got, want)
	}
	if failures := errors.Join(m.Sweep(t.Context(), store.Wait{})...); failures != nil {
		t.Errorf("sweeps a store of others: %v", failures)
	}
}

// TestGather_places: where a directory of the user is not known, nothing of the
// working directory is taken for it.
func TestGather_places(t *testing.T) {
	m := newMachine(t)
	dir := t.TempDir()
	t.Chdir(dir)
	const toolchain = "golang.org/toolchain@v0.0.1-go1.24.0.linux-amd64"
	gone := filepath.Join(dir, "gone")
	seen.Record(m.Layout.State, gone)
	for _, path := range []string{toolchain, "download/x.partial", "verify/rebuild-1.9"} {
		m.write(path, "x")
	}
	m.mkdir(environ.ProjectGopath(dir, gone))
	home := m.Layout
	m.Layout.Data, m.Layout.Cache = "", ""
	in, err := m.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if got := plan(t, in); len(got) > 0 {
		t.Errorf("drops %+v", got)
	}
	m.Layout, m.Modcache = home, filepath.Join(dir, ".")
	m.Layout.Data, m.Layout.Cache = dir, dir
	if in, err = m.Gather(); err != nil {
		t.Fatal(err)
	}
	want := []string{environ.ProjectGopath(dir, gone), filepath.Join(dir, toolchain), filepath.Join(dir, "download/x.partial"), filepath.Join(dir, "verify/rebuild-1.9")}
	if got := paths(plan(t, in)); !slices.Equal(got, want) {
		t.Errorf("drops %q, want %q", got, want)
	}
}
