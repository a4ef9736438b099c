package doctor

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/gover/ranges"
	"github.com/vmgo/vmgo/internal/here"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/lookpath"
	"github.com/vmgo/vmgo/internal/project"
	"github.com/vmgo/vmgo/internal/redact"
	"github.com/vmgo/vmgo/internal/resolve"
	"github.com/vmgo/vmgo/internal/settings"
	"github.com/vmgo/vmgo/internal/store/installed"
)

// Options are those of a run.
type Options struct {
	Offline bool
	Bench   bool
	// Quick leaves out checks that use the network, start a program or measure: the
	// rest takes less than a second.
	Quick  bool
	Listen string // the address of the user's own HTTP service, such as ":8080"
	GRPC   string // the same for a gRPC service
	Limits Limits
	Vmgo   string // the path by which vmgo was called, links kept; empty: that of the running program
	// HookLine returns the line that loads the hook of that vmgo in the shell of that name.
	HookLine func(shell, vmgo string) string
	// StartupFile returns the file for that line, as ~/FILE; empty for a shell without
	// a hook.
	StartupFile func(shell string) string
}

// quickLimit is the time of a check in a quick run.
const quickLimit = 800 * time.Millisecond

var errQuick = errors.New("a quick run starts no program")

// Machine is what checks look at: the host's files and commands, and facts
// that several checks share, each found out once. All paths in it are the
// machine's own names.
type Machine struct {
	host.Host
	Options  Options
	Layout   dirs.Layout
	Settings settings.Settings

	redactor   redact.Redactor
	releases   func() []installed.Release
	resolution func() resolved
	gos        func() []GoOnPath
	startup    func() []Assignment
	listeners  func() []host.Listener
	holders    func() map[string]host.Process
	virt       func() host.Virt
	reach      func(context.Context) error
	sessions   func(context.Context) []sessionGo
	proxyList  func() string // GOPROXY as the active go command takes it
}

// New looks at a host. Settings are those that the command has loaded.
func New(h host.Host, s settings.Settings, o Options) *Machine {
	if o.Quick {
		o.Offline = true
		o.Limits.Check = cmp.Or(o.Limits.Check, quickLimit)
		h.Run = func(*exec.Cmd) error { return errQuick }
	}
	o.Limits = o.Limits.orUsual()
	if o.Vmgo == "" {
		o.Vmgo = h.Executable
	}
	m := &Machine{
		Host: h, Options: o, Settings: s,
		Layout: layoutOf(h),
	}
	home := m.Layout.Home
	real, _ := m.RealPath(home) // a made-up machine's has one more name
	m.redactor = redact.New(h.Env, home, m.Show(home), real)
	m.releases = sync.OnceValue(m.readReleases)
	m.resolution = sync.OnceValue(m.resolve)
	m.gos = sync.OnceValue(m.findGos)
	m.startup = sync.OnceValue(m.readStartup)
	m.listeners = sync.OnceValue(h.Listeners)
	m.holders = sync.OnceValue(h.SocketHolders)
	m.virt = sync.OnceValue(h.Virt)
	m.reach = onceWith(m.reachProxy)
	m.sessions = onceWith(m.visitSessions)
	m.proxyList = sync.OnceValue(m.askGOPROXY)
	return m
}

// layoutOf returns the layout of the host's user by the machine's own names.
func layoutOf(h host.Host) dirs.Layout {
	env := h.Env
	if env["HOME"] == "" {
		env = maps.Clone(env)
		env["HOME"] = dirs.HomeOf(h.Path("/etc/passwd"), h.UID)
	}
	return dirs.FromEnv(env, "/", h.UID)
}

// Stores are the directories in which releases are looked for.
func (m *Machine) Stores() []string { return m.Layout.Stores(m.Settings.Root) }

// Releases are the installed ones, newest first.
func (m *Machine) Releases() []installed.Release { return m.releases() }

func (m *Machine) readReleases() []installed.Release {
	all, _ := installed.List(m.realStores()) // what cannot be listed, security.store reports
	return m.shown(all)
}

// Unproved are the trees in the stores that are named like a release, but have
// no receipt and so are not installed.
func (m *Machine) Unproved() []installed.Release {
	all, _ := installed.Unproved(m.realStores())
	return m.shown(all)
}

// shown returns releases by the machine's own paths.
func (m *Machine) shown(all []installed.Release) []installed.Release {
	for i := range all {
		all[i].GOROOT, all[i].Store = m.Show(all[i].GOROOT), m.Show(all[i].Store)
	}
	return all
}

func (m *Machine) realStores() []string {
	var real []string
	for _, s := range m.Stores() {
		real = append(real, m.Path(s))
	}
	return real
}

// resolved is what vmgo itself would choose here.
type resolved struct {
	resolve.Resolution
	err error
}

// Resolution is what vmgo chooses in the working directory, and why.
func (m *Machine) Resolution() (resolve.Resolution, error) {
	r := m.resolution()
	return r.Resolution, r.err
}

func (m *Machine) resolve() resolved {
	place := here.Place{
		Dir: m.Path(m.Dir), Env: maps.Clone(m.Env), Layout: m.realLayout(), Settings: m.Settings, Ranges: ranges.Parse,
	}
	if m.Settings.Root != "" {
		place.Settings.Root = m.Path(m.Settings.Root)
	}
	var path []string
	for _, dir := range lookpath.Dirs(m.Env["PATH"]) {
		path = append(path, m.Path(dir))
	}
	place.Env["PATH"] = strings.Join(path, ":")
	var own []string
	for _, g := range m.Gos() {
		if g.Kind == ShimGo {
			place.OwnDirs = append(place.OwnDirs, m.Path(filepath.Dir(g.Path)))
			own = append(own, m.Path(g.Real))
		}
	}
	place.OwnPrograms = func() []string { return own }
	r, err := here.Resolve(place)
	r.GOROOT, r.Store, r.Project, r.SystemGo = m.Show(r.GOROOT), m.Show(r.Store), m.Show(r.Project), m.Show(r.SystemGo)
	return resolved{r, err}
}

// realLayout is the layout by real paths, for packages that know no root.
func (m *Machine) realLayout() dirs.Layout {
	l := m.Layout
	for _, p := range []*string{&l.Home, &l.Config, &l.Data, &l.Cache, &l.State, &l.Runtime, &l.UserStore, &l.SystemStore, &l.SystemConfig} {
		if *p != "" {
			*p = m.Path(*p)
		}
	}
	return l
}

// GOROOT is the tree of the Go that is selected here, by vmgo's own rules or,
// where vmgo chooses none, by PATH; empty if there is no Go.
func (m *Machine) GOROOT() string {
	if r, err := m.Resolution(); err == nil && r.GOROOT != "" {
		return r.GOROOT
	}
	for _, g := range m.Gos() {
		if g.GOROOT != "" {
			return g.GOROOT
		}
	}
	return ""
}

// Selected is the version of the tree that [Machine.GOROOT] names; zero if it
// is not known.
func (m *Machine) Selected() gover.Version { return m.VersionOf(m.GOROOT()) }

// VersionOf reads the version of a tree from its file VERSION.
func (m *Machine) VersionOf(goroot string) gover.Version {
	if goroot == "" {
		return gover.Version{}
	}
	lines := m.Lines(filepath.Join(goroot, "VERSION"))
	if len(lines) == 0 {
		return gover.Version{}
	}
	// Distributors append words of their own: "go1.22.9 (Red Hat 1.22.9-2.el9)".
	word, _, _ := strings.Cut(lines[0], " ")
	v, err := gover.Parse(word)
	if err != nil {
		return gover.Version{}
	}
	return v
}

// Survey reads the version files around the working directory.
func (m *Machine) Survey() (project.Survey, error) {
	return project.Walk(m.Path(m.Dir), project.Options{GOWORK: m.Env["GOWORK"]})
}

// Listeners are the machine's listening TCP sockets.
func (m *Machine) Listeners() []host.Listener { return m.listeners() }

// HolderOf is the process that holds a listening socket; zero if it is another
// user's.
func (m *Machine) HolderOf(l host.Listener) host.Process { return m.holders()[l.Inode] }

// Virt returns what kind of machine this is.
func (m *Machine) Virt() host.Virt { return m.virt() }

// HomePath is a path beneath the home directory; empty without a home.
func (m *Machine) HomePath(rest string) string {
	if m.Layout.Home == "" {
		return ""
	}
	return filepath.Join(m.Layout.Home, rest)
}

// Shown returns an error that reads as err does without the home directory and secrets, also in
// its hints. Code and causes stay.
func (m *Machine) Shown(err error) error {
	if err == nil {
		return nil
	}
	shown := diag.New(diag.CodeOf(err), m.Redact(err.Error()))
	for _, hint := range diag.HintsOf(err) {
		shown.Hints = append(shown.Hints, m.redactor.Command(hint))
	}
	return shownError{shown, err}
}

type shownError struct {
	shown *diag.Error
	cause error
}

func (e shownError) Error() string   { return e.shown.Error() }
func (e shownError) Unwrap() []error { return []error{e.shown, e.cause} }

// Redact hides the home directory and secrets: see [redact.Redactor.Text].
func (m *Machine) Redact(s string) string { return m.redactor.Text(s) }
