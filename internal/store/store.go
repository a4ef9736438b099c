// Package store keeps installed releases: plain directories named by version,
// and beside them, in .vmgo, the records of each.
//
//	1.22.5/                   GOROOT of a release
//	toolchains/go1.22.5       -> ../1.22.5/bin/go
//	default                   -> 1.22.5
//	.vmgo/lock                one writer of names at a time; 0600
//	.vmgo/locks/1.22.5        one installer of a release at a time; 0600 in a 0700
//	.vmgo/staging/ID/         unpublished trees; swept when their maker is gone
//	.vmgo/manifests/1.22.5    one line per file
//	.vmgo/receipts/1.22.5.json
//
// The one promise: a directory named like a release, together with a receipt, is
// a whole, verified release. It appears by one rename and disappears by one rename. A
// directory without a receipt is not installed, whoever made it: nothing uses
// it, and only a user's command removes it. Everything else here can be
// made again from the releases or is garbage, and the next writer repairs or
// sweeps it; crash.go has the table of what a crash at each point leaves.
package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/store/installed"
)

// Store is one store of releases. A Store may be used by many goroutines.
type Store struct {
	dir    string
	linked bool // share identical files between releases
	who    Identity

	cache manifestCache
}

// Identity describes the process that uses the store, for those who wait for a lock.
type Identity struct {
	PID  int
	What string // "vmgo install 1.22.5"
	Now  func() time.Time
}

// Options describe how a store is used.
type Options struct {
	Identity
	NoLink bool // VMGO_LINK=off: write every file, share none
}

// Open returns the store at dir, an absolute path. The directory need not exist:
// it is made by the first writer.
func Open(dir string, opts Options) *Store {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Store{dir: filepath.Clean(dir), linked: !opts.NoLink, who: opts.Identity}
}

func writable(dir string) error {
	err := fsx.Writable(dir)
	for _, sub := range []string{metaDir, filepath.Join(metaDir, "staging"), filepath.Join(metaDir, "lock")} {
		if path := filepath.Join(dir, sub); err == nil {
			if _, statErr := os.Lstat(path); statErr == nil {
				err = fsx.WritableFile(path)
			}
		}
	}
	return err
}

// Dir is the directory of the store.
func (s *Store) Dir() string { return s.dir }

// Exists reports whether the directory of the store exists.
func (s *Store) Exists() bool {
	_, err := os.Lstat(s.dir)
	return err == nil
}

// GOROOT is the directory that a release has or would have.
func (s *Store) GOROOT(v gover.Version) string { return installed.GOROOT(s.dir, v) }

// Has reports whether the release is installed.
func (s *Store) Has(v gover.Version) bool {
	_, ok, _ := installed.Find([]string{s.dir}, v)
	return ok
}

// Unproved reports whether there is a tree in the release's place that has no
// receipt, and so is not installed.
func (s *Store) Unproved(v gover.Version) bool {
	tree, receipt, err := installed.Look(s.dir, v)
	return err == nil && tree && !receipt
}

// Releases lists what is installed, newest first.
func (s *Store) Releases() ([]installed.Release, error) {
	return installed.List([]string{s.dir})
}

// Default returns the release that the default link names.
func (s *Store) Default() (gover.Version, bool) { return installed.Default(s.dir) }

// CheckWritable returns nil or a store-not-writable error.
func (s *Store) CheckWritable() error {
	return s.fault(writable(s.dir))
}

func (s *Store) meta(elements ...string) string {
	return filepath.Join(append([]string{s.dir, metaDir}, elements...)...)
}

func (s *Store) manifestPath(v gover.Version) string { return s.meta("manifests", v.String()) }

func (s *Store) receiptPath(v gover.Version) string { return installed.Receipt(s.dir, v) }

func receiptOf(v gover.Version) string { return filepath.Base(installed.Receipt("", v)) }

// fault returns an error of the file system with a code that a user can act on.
func (s *Store) fault(err error) error {
	var coded *diag.Error
	var unsafe *fsx.UnsafeError
	switch {
	case errors.As(err, &coded):
		return err
	case errors.As(err, &unsafe):
		return s.unsafeError([]*fsx.UnsafeError{unsafe})
	case fsx.IsFull(err):
		return diag.Wrap(diag.DiskFull, err, "no room in the store "+s.dir,
			"vmgo prune --dry-run", "df -h "+diag.Word(s.dir)+"; df -i "+diag.Word(s.dir))
	case fsx.IsReadOnly(err):
		return diag.Wrap(diag.StoreNotWritable, err, "the store "+s.dir+" cannot be written",
			"findmnt -T "+diag.Word(s.dir)+"   # it is mounted read-only: set VMGO_ROOT to a directory elsewhere")
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ENOTDIR):
		return diag.Wrap(diag.StoreNotWritable, err, "the store "+s.dir+" cannot be written",
			"ls -ld "+diag.Word(s.dir)+"   # run vmgo as the owner, or set VMGO_ROOT to a directory of your own")
	}
	return err
}
