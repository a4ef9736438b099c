package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/host"
)

const (
	metaDir       = ".vmgo"
	toolchainsDir = "toolchains"
	defaultName   = "default"
	locksDir      = metaDir + "/locks"
)

// Directories returns those of a store in which writers write, each after its
// parent.
func Directories() []string {
	return []string{metaDir, toolchainsDir, metaDir + "/staging", metaDir + "/manifests", metaDir + "/receipts", locksDir}
}

// handles are the store and its directories, open. A writer makes, renames and
// removes files only in them and without following links, so that a name that changes meanwhile cannot redirect it.
type handles struct {
	store                                                 *Store
	root                                                  *fsx.Dir
	meta, toolchains, staging, manifests, receipts, locks *fsx.Dir
}

// GivesACLs reports whether releases get an ACL from the store in dir: they are made in
// its staging directory, whose own ACL stays where that of the store has changed.
func GivesACLs(dir string) bool {
	return fsx.GivesACLs(dir) || fsx.GivesACLs(filepath.Join(dir, metaDir, "staging"))
}

// owners are the users in whose directories this process may keep a store.
func owners() fsx.Owners {
	return facts.Owners(host.Host{Root: "/"}, os.Geteuid())
}

// Unsafe returns the directories of the store, or on the way to it, in which
// others can change what is in it. real is the path of the store without links.
func (s *Store) Unsafe() (real string, unsafe []*fsx.UnsafeError, err error) {
	return owners().Survey(s.dir, Directories(), fsx.Look)
}

// open makes the layout if need be and opens it, unless it is not safe to write
// there. Nothing is made before everything that exists was checked.
func (s *Store) open() (*handles, error) {
	real, unsafe, err := s.Unsafe()
	if err == nil && len(unsafe) == 0 {
		if err = fsx.MkdirAll(real, 0o755); err == nil {
			real, unsafe, err = s.Unsafe() // again: where a directory is sticky, another user may have been faster
		}
	}
	if len(unsafe) > 0 {
		return nil, s.unsafeError(unsafe)
	}
	if err != nil {
		return nil, s.fault(err)
	}
	h := &handles{store: s}
	if h.root, err = fsx.OpenTrusted(real); err != nil {
		return nil, s.fault(err)
	}
	if err := h.openAll(owners()); err != nil {
		return nil, errors.Join(s.fault(err), h.close())
	}
	return h, nil
}

func (h *handles) openAll(o fsx.Owners) error {
	if err := judge(o, h.root); err != nil {
		return err
	}
	places := []**fsx.Dir{&h.meta, &h.toolchains, &h.staging, &h.manifests, &h.receipts, &h.locks}
	for i, name := range Directories() {
		parent := h.root
		if filepath.Dir(name) == metaDir {
			parent = h.meta
		}
		dir, err := openOwn(o, parent, filepath.Base(name), modeOf(name))
		if err != nil {
			return err
		}
		*places[i] = dir
	}
	return nil
}

// modeOf returns the permissions of a directory of the store. Whoever can open a
// lock can hold it, so nobody else gets at those.
func modeOf(name string) uint32 {
	if name == locksDir {
		return 0o700
	}
	return 0o755
}

// openOwn opens a directory of the store, and makes it if need be.
func openOwn(o fsx.Owners, parent *fsx.Dir, name string, mode uint32) (*fsx.Dir, error) {
	if err := parent.Mkdir(name, mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	dir, err := parent.Sub(name)
	if err != nil {
		if e, lookErr := parent.Lookup(name); lookErr == nil && !e.Mode.IsDir() {
			return nil, o.Directory(e, false)
		}
		return nil, err
	}
	if err := judge(o, dir); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return dir, nil
}

// judge returns an error if the open directory is not safe.
func judge(o fsx.Owners, dir *fsx.Dir) error {
	e, err := dir.Entry()
	if err != nil {
		return err
	}
	if u := o.Directory(e, false); u != nil {
		return u
	}
	return nil
}

func (h *handles) all() []*fsx.Dir {
	return []*fsx.Dir{h.root, h.meta, h.toolchains, h.staging, h.manifests, h.receipts, h.locks}
}

// check checks the open directories again, and whether their names still lead
// to them: that may have changed since they were opened.
func (h *handles) check() error {
	now, err := h.store.open()
	if err != nil {
		return err
	}
	for i, dir := range h.all() {
		if !dir.Same(now.all()[i]) {
			err = h.store.replaced(dir.Path())
			break
		}
	}
	return errors.Join(err, now.close())
}

func (s *Store) replaced(path string) error {
	return diag.New(diag.StoreUnsafe, path+" was replaced by another directory while the store was written", "vmgo store check")
}

func (h *handles) close() error {
	var failures []error
	for _, dir := range h.all() {
		if dir != nil {
			failures = append(failures, dir.Close())
		}
	}
	return errors.Join(failures...)
}

// CheckSafe returns store-unsafe where others can change what is in the store, and
// nil where they cannot, or where that is not known.
func (s *Store) CheckSafe() error {
	_, unsafe, err := s.Unsafe()
	if err != nil || len(unsafe) == 0 {
		return nil
	}
	return s.unsafeError(unsafe)
}

// unsafeError returns the error about a store, with a command for each directory to fix.
func (s *Store) unsafeError(unsafe []*fsx.UnsafeError) *diag.Error {
	const most = 5
	what := "the store " + s.dir + " is not safe: " + unsafe[0].Reason
	if more := len(unsafe) - 1; more > 0 {
		what += " (and " + strconv.Itoa(more) + " more)"
	}
	var hints []string
	for _, u := range unsafe[:min(len(unsafe), most)] {
		hints = append(hints, u.Fix)
	}
	return diag.New(diag.StoreUnsafe, what, hints...)
}
