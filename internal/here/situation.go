// Package here answers what is selected in a directory and what the environment
// should be there. The hook, the shims, the commands, doctor and prune agree
// because they all ask it.
package here

import (
	"os"
	"syscall"

	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/gobin"
	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/project/seen"
	"github.com/vmgo/vmgo/internal/resolve"
	"github.com/vmgo/vmgo/internal/settings"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/store/installed"
)

// Situation is what is selected in a directory and what the environment should
// be there.
type Situation struct {
	Layout     dirs.Layout
	Settings   settings.Settings
	Resolution resolve.Resolution
	// Session is what is active in the environment now, Outside the
	// environment without it.
	Session environ.Session
	Outside environ.Env
	// Wanted is zero where the go of the system is selected, or none.
	Wanted environ.Wanted
	// Newer says that a later version of vmgo has set the environment: this one
	// cannot tell what is whose in it.
	Newer bool
	// Notes are remarks for the user, a line each.
	Notes []string

	Programs gobin.Programs
}

// Question is a directory and what surrounds it.
type Question struct {
	Env         environ.Env
	Dir         string
	Root        string
	UID         int
	OwnPrograms func() []string
	Ranges      gover.RangeParser
	// Version goes before VMGO_VERSION where it is not empty.
	Version string
	// Polite keeps GOPATH, GOMODCACHE and GOTOOLCHAIN as the environment has them,
	// if it has: for a single command they may have been set on purpose.
	Polite bool
}

// Look answers. Beside an error (of settings.Load or Resolve) the
// Situation is filled in as far as it is known, and wants nothing.
func Look(q Question) (Situation, error) {
	var s Situation
	// A session that cannot be read, or that names what vmgo never sets, is
	// somebody else's, or broken: it is as if there were none.
	session, err := environ.Decode(q.Env[environ.SessionVariable])
	if s.Newer = err == environ.ErrNewer; session.Ours() {
		s.Session = session
	}
	s.Outside = environ.Revert(q.Env, s.Session)
	delete(s.Outside, environ.SessionVariable)
	s.Layout = dirs.FromEnv(q.Env, q.Root, q.UID)
	if s.Settings, err = settings.Load(q.Env, s.Layout.SettingsFiles()...); err != nil {
		return s, err
	}
	if q.Version != "" {
		s.Settings.Version = q.Version
	}
	s.Resolution, err = Resolve(Place{
		Dir: q.Dir, Env: s.Outside, Layout: s.Layout, Settings: s.Settings,
		OwnPrograms: q.OwnPrograms, Ranges: q.Ranges,
	})
	seen.Record(s.Layout.State, s.Resolution.Project)
	if err != nil {
		return s, err
	}
	at := s.places()
	remark := s.findPrograms(at, q.UID)
	s.Wanted, s.Notes = environ.Plan(s.Outside, s.choice(q.UID), s.policy(q), at)
	if remark != "" && len(s.Wanted.Path) > 0 {
		s.Notes = append(s.Notes, remark)
	}
	return s, nil
}

// choice returns what is selected, in plain values.
func (s Situation) choice(uid int) environ.Choice {
	r := s.Resolution
	if r.System {
		return environ.Choice{}
	}
	c := environ.Choice{
		GOROOT: r.GOROOT, Version: r.Version.String(), Project: r.Project,
		AutoUnsafe: r.Version.SwitchesUnsafely(), Programs: s.Programs.Dir,
	}
	if c.Programs != "" && r.Project != "" {
		c.OwnBin = gobin.OwnBin(s.Layout.Data, environ.ProjectGopath(s.Layout.Data, r.Project))
	}
	if s.Settings.GOPATH == "tree" && r.Project != "" {
		c.OwnsProject = owns(uid, r.Project)
	}
	for _, store := range s.Layout.Stores(s.Settings.Root) {
		if dir := installed.Toolchains(store); s.Settings.GOTOOLCHAIN != "local" && Exists(dir) {
			c.Toolchains = append(c.Toolchains, dir)
		}
	}
	return c
}

func (s Situation) policy(q Question) environ.Policy {
	p := environ.Policy{
		GOROOT: s.Settings.GOROOT, GOPATH: s.Settings.GOPATH,
		Modcache: s.Settings.Modcache, GOTOOLCHAIN: s.Settings.GOTOOLCHAIN, Prompt: s.Settings.Prompt,
	}
	if !q.Polite {
		return p
	}
	onPurpose := func(name string) bool { return q.Env[name] != "" && !s.Session.Holds(q.Env, name) }
	if onPurpose("GOPATH") {
		p.GOPATH = "inherit"
	}
	if onPurpose("GOMODCACHE") {
		p.Modcache = "shared"
	}
	if onPurpose("GOTOOLCHAIN") {
		p.GOTOOLCHAIN = "inherit"
	}
	return p
}

// places reads what `go env -w` has written: a module cache that is configured
// there must not be moved.
func (s Situation) places() environ.Places {
	at := environ.Places{Home: s.Layout.Home, Data: s.Layout.Data, Vmgo: s.Settings.Go}
	path := goenv.UserFile(s.Outside)
	if path == "" {
		return at
	}
	data, err := smallfile.Read(path, smallfile.Usual)
	if err != nil {
		return at
	}
	at.GoEnv = goenv.File{Path: path, Text: string(data)}
	return at
}

// findPrograms looks for the user's directory for installed programs, and
// returns why it is not used, if that is so.
func (s *Situation) findPrograms(at environ.Places, uid int) (remark string) {
	if s.Settings.GOBIN != "user" || s.Settings.GOPATH != "project" || s.Resolution.Project == "" {
		return ""
	}
	var err error
	s.Programs, err = gobin.Find(gobin.User{Data: s.Layout.Data, Home: s.Layout.Home, GOPATH: goenv.Settings{User: at.GoEnv}.GOPATH(), UID: uid})
	if err != nil {
		return "installed programs stay in this project: " + err.Error()
	}
	return ""
}

// Inside returns the environment with everything that the situation wants.
func (s Situation) Inside(env environ.Env, how environ.How) environ.Env {
	env, session := environ.Reconcile(env, s.Session, s.Wanted, how)
	delete(env, environ.SessionVariable)
	if text := session.Encode(); text != "" {
		env[environ.SessionVariable] = text
	}
	return env
}

// Prepare makes what the wanted environment relies on: bin of a project's
// GOPATH, and a GOPATH in the tree. What cannot be made the go command reports.
func (s Situation) Prepare() {
	s.prepareTree()
	gopath := gobin.Gopath(s.Layout.Data, s.Resolution.Project, s.Wanted)
	switch {
	case gopath == "":
	case s.Programs.Dir != "":
		_ = s.Programs.Link(gopath)
	default:
		_ = gobin.Unlink(s.Layout.Data, gopath)
	}
}

// prepareTree makes the GOPATH of a project that keeps it in its tree. git is told
// inside of it to look away, so that no file of the project changes.
func (s Situation) prepareTree() {
	if s.Settings.GOPATH != "tree" || s.Resolution.Project == "" {
		return
	}
	gopath := s.Resolution.Project + "/.gopath"
	if s.Wanted.Vars["GOPATH"] != environ.Text(gopath) {
		return
	}
	// It may be there. A project that cannot be written to will hear it from the go command.
	if os.Mkdir(gopath, 0o777) == nil {
		_ = os.WriteFile(gopath+"/.gitignore", []byte("*\n"), 0o666)
	}
}

func owns(uid int, dir string) bool {
	var stat syscall.Stat_t
	return syscall.Stat(dir, &stat) == nil && int(stat.Uid) == uid
}

// Exists reports whether there is anything of that name, or may be.
func Exists(path string) bool { return syscall.Access(path, 0) != syscall.ENOENT }
