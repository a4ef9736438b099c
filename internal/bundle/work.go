package bundle

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gocmd"
	"github.com/vmgo/vmgo/internal/modpath"
	"github.com/vmgo/vmgo/internal/trust"
)

// workplace is where go commands work for one bundle: a module cache of its own,
// so that what is in it afterwards is what they needed.
type workplace struct {
	c    *Creator
	dir  string
	lock *fsx.Lock
}

// workPrefix begins the names of workplaces.
const workPrefix = "work-"

func (c *Creator) begin(ctx context.Context) (*workplace, error) {
	if err := fsx.MkdirAll(filepath.Join(c.Cache, "proxy"), 0o755); err != nil {
		return nil, diag.Wrap(diag.Failure, err, "cannot keep downloads in "+c.Cache)
	}
	lock, err := fsx.Acquire(ctx, filepath.Join(c.Cache, ".lock"), c.Lock)
	if err != nil {
		return nil, err
	}
	w := &workplace{c: c, lock: lock}
	entries, _ := os.ReadDir(c.Cache)
	for _, entry := range entries { // what a killed create left: its downloads are good
		if strings.HasPrefix(entry.Name(), workPrefix) {
			w.dir = filepath.Join(c.Cache, entry.Name())
			_ = w.gather(map[trust.ModuleVersion]bool{})
			_ = fsx.RemoveAll(c.Cache, entry.Name())
		}
	}
	if w.dir, err = os.MkdirTemp(c.Cache, workPrefix); err != nil {
		return nil, errors.Join(diag.Wrap(diag.Failure, err, "cannot work in "+c.Cache), lock.Release())
	}
	return w, nil
}

func (w *workplace) close() error {
	err := w.gather(map[trust.ModuleVersion]bool{})
	return errors.Join(err, fsx.RemoveAll(w.c.Cache, filepath.Base(w.dir)), w.lock.Release())
}

// goCommand runs the go command of a release in dir and returns what it printed.
// Modules come from the cache first. The database is not asked here: everything
// that goes into the bundle is compared with it later, by ourselves, also where a
// go.sum would have kept the go command from asking.
func (w *workplace) goCommand(ctx context.Context, goroot, dir string, extra map[string]string, args ...string) (string, error) {
	env := map[string]string{}
	for name, value := range w.c.Env {
		env[name] = value
	}
	env["GOMODCACHE"], env["GOPATH"] = filepath.Join(w.dir, "mod"), filepath.Join(w.dir, "gopath")
	env["GOPROXY"] = "file://" + filepath.Join(w.c.Cache, "proxy") + "," + w.c.Env["GOPROXY"]
	env["GOFLAGS"], env["GOSUMDB"], env["GOROOT"] = "-modcacherw", "off", goroot
	for name, value := range extra {
		env[name] = value
	}
	return gocmd.Command{GOROOT: goroot, Dir: dir, Env: env, Args: args, Run: w.c.Host.Run}.Output(ctx)
}

// gather moves what go commands downloaded into the cache, and adds the modules to
// those that are selected.
func (w *workplace) gather(selected map[trust.ModuleVersion]bool) error {
	downloads := filepath.Join(w.dir, "mod", "cache", "download")
	err := filepath.WalkDir(downloads, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		name := strings.TrimPrefix(path, downloads+"/")
		dir, file, found := strings.Cut(name, "/@v/")
		ext := filepath.Ext(file)
		if !found || ext != ".info" && ext != ".mod" && ext != ".zip" {
			return nil
		}
		modulePath, errPath := modpath.UnescapePath(dir)
		version, errVersion := modpath.UnescapeVersion(strings.TrimSuffix(file, ext))
		if errPath != nil || errVersion != nil || !modpath.IsExact(modulePath, version) {
			return nil // the answer to a query such as main.info
		}
		m := trust.ModuleVersion{Path: modulePath, Version: version}
		if ext != ".info" {
			selected[m] = selected[m] || ext == ".zip"
		}
		to := w.c.kept(name)
		if _, err := os.Lstat(to); err == nil {
			return nil
		}
		if err := fsx.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return os.Link(path, to)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
