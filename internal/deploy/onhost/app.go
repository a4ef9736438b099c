// Package onhost is the host's side of vmgo deploy: it checks a release, unpacks
// it beside the others, makes it the current one by one rename, and keeps it only
// if it proves healthy. See crash.go for what is found after a crash at any point.
package onhost

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/deploy/config"
	"github.com/vmgo/vmgo/internal/deploy/pack"
	"github.com/vmgo/vmgo/internal/deploy/units"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/libc"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// App is one service of this host.
type App struct {
	Host host.Host
	Root string // where the host's files begin: "/", or a tree in which nothing runs
	Name string
	Who  string            // for the audit: who deploys, from where
	Dry  bool              // change nothing, only say what would be done
	Say  func(step string) // hears of each step
}

// Release is what a host knows of one release before it runs.
type Release struct {
	ID       string
	Manifest pack.Manifest
	Config   config.Config
	Needs    libc.Needs
	Units    map[string]string
}

// State is what is known about the releases of a service.
type State struct {
	Format int      `json:"format"`
	Good   []string `json:"good"` // releases that proved healthy, the last one last
	// RolledBack is the release that a crash loop ended; while it is set, another
	// crash loop leads to the maintenance page and not further back.
	RolledBack string `json:"rolled_back,omitempty"`
}

// Pending is a switch that has begun and not ended.
type Pending struct {
	Format int       `json:"format"`
	ID     string    `json:"id"`
	From   string    `json:"from"` // what was current; empty if nothing was
	Who    string    `json:"who"`
	Since  time.Time `json:"since"`
}

const stateFormat = 1

// Open returns the service of that name beneath root.
func Open(h host.Host, root, name string) (*App, error) {
	if !config.ValidName(name) {
		return nil, diag.New(diag.Usage, "no service can be called "+diag.Word(name), "vmgo deploy init")
	}
	return &App{Host: h, Root: root, Name: name, Say: func(string) {}}, nil
}

func (a *App) dir() string             { return units.Directory(a.Name) }
func (a *App) path(name string) string { return filepath.Join(a.Root, a.dir(), name) }
func (a *App) releases() string        { return a.path("releases") }
func (a *App) live() bool              { return a.Root == "/" }

// do says what is done, and does it unless nothing is to be changed.
func (a *App) do(step string, f func() error) error {
	a.Say(step)
	if a.Dry {
		return nil
	}
	return f()
}

// Lock keeps others from changing the service; the error names who does.
func (a *App) Lock(ctx context.Context, what string) (*fsx.Lock, error) {
	if a.Dry {
		return nil, nil
	}
	if err := fsx.MkdirAll(a.releases(), 0o755); err != nil {
		return nil, err
	}
	lock, err := fsx.Acquire(ctx, a.path("lock"), fsx.LockOptions{
		NoWait: true, Holder: fsx.Holder{PID: a.Host.PID, What: what + " by " + a.Who, Since: a.Host.Now()},
	})
	var held *fsx.HeldError
	if errors.As(err, &held) {
		return nil, diag.New(diag.StoreBusy, a.Name+" is being changed by "+held.Holder.String(), "vmgo deploy status")
	}
	return lock, err
}

// Current returns the name of the current release, empty if there is none.
func (a *App) Current() string {
	target, err := os.Readlink(a.path("current"))
	id, ok := strings.CutPrefix(target, "releases/")
	if err != nil || !ok || !pack.ValidID(id) {
		return ""
	}
	return id
}

// Load reads a release of this host.
func (a *App) Load(id string) (Release, error) {
	r := Release{ID: id, Units: map[string]string{}}
	if !pack.ValidID(id) {
		return r, diag.New(diag.NotInstalled, diag.Word(id)+" is no release", "vmgo deploy history")
	}
	dir := filepath.Join(a.releases(), id)
	data, err := smallfile.Read(filepath.Join(dir, pack.ManifestFile), 16<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return r, diag.New(diag.NotInstalled, a.Name+" has no release "+id+" on this host", "vmgo deploy history")
	}
	if err != nil {
		return r, err
	}
	if r.Manifest, err = pack.Decode(data); err != nil {
		return r, err
	}
	if data, err := smallfile.Read(filepath.Join(dir, pack.BuildFile), smallfile.Usual); err == nil {
		if r.Needs, err = pack.DecodeNeeds(data); err != nil {
			return r, err
		}
	}
	text, err := smallfile.Read(filepath.Join(dir, pack.ConfigFile), smallfile.Usual)
	if err == nil {
		r.Config, err = pack.DecodeConfig(text)
	}
	if err != nil {
		return r, err
	}
	for _, f := range r.Manifest.Files {
		if name, ok := strings.CutPrefix(f.Path, units.Dir+"/"); ok {
			text, err := smallfile.Read(filepath.Join(dir, f.Path), smallfile.Usual)
			if err != nil {
				return r, err
			}
			r.Units[name] = string(text)
		}
	}
	return r, nil
}

// State reads what is known about the releases.
func (a *App) State() (State, error) {
	s := State{Format: stateFormat}
	return s, a.read("state.json", &s)
}

// Pending returns the switch that has begun and not ended, nil if there is none.
func (a *App) Pending() (*Pending, error) {
	var p Pending
	if err := a.read("pending.json", &p); err != nil || p.ID == "" {
		return nil, err
	}
	return &p, nil
}

func (a *App) read(name string, into any) error {
	data, err := smallfile.Read(a.path(name), smallfile.Usual)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return fsx.Decode(a.path(name), data, stateFormat, into)
}

// write replaces a file of ours; it is durable when write returns.
func (a *App) write(name string, v any) error {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	if err := fsx.WriteFile(a.path(name), append(data, '\n'), 0o644); err != nil {
		return err
	}
	return fsx.SyncDir(a.path("."))
}

func (a *App) forget(name string) error {
	if err := os.Remove(a.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fsx.SyncDir(a.path("."))
}

// lastGood returns the release to go back to from id, empty if there is none.
func (a *App) lastGood(s State, id string) string {
	for _, good := range slices.Backward(s.Good) {
		if good == id {
			continue
		}
		if _, err := os.Stat(filepath.Join(a.releases(), good, pack.ManifestFile)); err == nil {
			return good
		}
	}
	return ""
}
