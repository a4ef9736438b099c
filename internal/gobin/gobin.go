// Package gobin knows the one directory of a user for the programs of
// `go install`. GOPATH is a project's own, but its bin is a link to that
// directory, so that a program installed in one project is found in all. A link
// and not GOBIN: with GOBIN set, go install refuses to cross-compile.
//
// The package is linked into the lean program.
package gobin

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/vmgo/vmgo/internal/environ"
)

// recordName is the link, in the user's data, that keeps which directory it is.
const recordName = "gobin"

// User is whose directory is looked for.
type User struct {
	Data string // where vmgo keeps the user's data; may be empty
	Home string // may be empty
	// GOPATH is what the file of `go env -w` has, never the environment: a
	// session may have set that for itself.
	GOPATH string
	UID    int
}

// Programs is the directory that [Find] found.
type Programs struct {
	Dir    string // empty where there is none to use
	record string
	chosen bool // the record does not exist yet
}

// Record is the path of the link that keeps the choice; the bin of each
// project's GOPATH is a link to it.
func Record(data string) string { return data + "/" + recordName }

// Find returns the directory that was recorded, else bin of the first element of
// GOPATH, else ~/go/bin. The error says why it is not used. Nothing is written.
func Find(u User) (Programs, error) {
	if u.Data == "" {
		return Programs{}, nil
	}
	p := Programs{record: Record(u.Data)}
	dir, err := os.Readlink(p.record)
	switch {
	case err == nil:
	case errors.Is(err, os.ErrNotExist):
		p.chosen = true
		if dir = choose(u); dir == "" {
			return Programs{}, nil
		}
	default:
		return Programs{}, errors.New(p.record + " is not a link")
	}
	if err := usable(dir, u); err != nil {
		return Programs{}, err
	}
	p.Dir = dir
	return p, nil
}

func choose(u User) string {
	first, _, _ := strings.Cut(u.GOPATH, ":")
	switch {
	case filepath.IsAbs(first):
		return filepath.Join(first, "bin")
	case u.Home != "":
		return filepath.Join(u.Home, "go/bin")
	}
	return ""
}

// usable returns an error if programs cannot or must not be put into dir.
func usable(dir string, u User) error {
	switch {
	case !filepath.IsAbs(dir) || strings.Contains(dir, ":"):
		return errors.New(dir + " cannot be on PATH")
	case strings.HasPrefix(dir+"/", u.Data+"/"):
		return errors.New(dir + " is in the data directory of vmgo, which links back to it")
	}
	var stat syscall.Stat_t
	at := dir
	err := syscall.Stat(at, &stat)
	for ; err == syscall.ENOENT && at != "/"; err = syscall.Stat(at, &stat) {
		at = filepath.Dir(at)
	}
	const writeAndSearch = 0x2 | 0x1
	switch {
	case err != nil:
		return errors.New("cannot use " + dir + ": " + err.Error())
	case stat.Mode&syscall.S_IFMT != syscall.S_IFDIR:
		return errors.New(at + " is not a directory")
	case u.UID == 0 && stat.Uid != 0:
		return errors.New(at + " belongs to another user than root")
	case syscall.Access(at, writeAndSearch) != nil:
		return errors.New(at + " cannot be written")
	}
	return nil
}

// OwnBin reports whether a GOPATH of these data has a bin that is not the link
// to the user's directory.
func OwnBin(data, gopath string) bool {
	target, err := os.Readlink(gopath + "/bin")
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	return target != Record(data)
}

// Link makes bin of a GOPATH the link to the directory, and makes what it leads
// to, if there is no bin yet. What is there stays.
func (p Programs) Link(gopath string) error {
	bin := gopath + "/bin"
	if target, err := os.Readlink(bin); err == nil && target == p.record {
		if _, err := os.Stat(bin); err == nil {
			return nil
		}
	}
	if p.Dir == "" {
		return nil
	}
	err := os.MkdirAll(p.Dir, 0o777)
	if err == nil {
		err = os.MkdirAll(gopath, 0o777)
	}
	if err == nil {
		err = p.Record()
	}
	if err == nil {
		err = symlink(p.record, bin)
	}
	return err
}

// Record keeps the choice, and makes the directory.
func (p Programs) Record() error {
	if p.Dir == "" || !p.chosen {
		return nil
	}
	err := os.MkdirAll(filepath.Dir(p.record), 0o777)
	if err == nil {
		err = os.MkdirAll(p.Dir, 0o777)
	}
	if err == nil {
		err = symlink(p.Dir, p.record)
	}
	return err
}

// symlink makes a link unless something is there.
func symlink(target, path string) error {
	err := os.Symlink(target, path)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

// Unlink gives a GOPATH a bin of its own again, if bin is our link.
func Unlink(data, gopath string) error {
	if OwnBin(data, gopath) {
		return nil
	}
	if err := os.Remove(gopath + "/bin"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Gopath returns the GOPATH of a project if vmgo keeps one beneath the data and
// want uses it, else "".
func Gopath(data, project string, want environ.Wanted) string {
	if data == "" || project == "" {
		return ""
	}
	gopath := environ.ProjectGopath(data, project)
	if want.Vars["GOPATH"] != environ.Text(gopath) {
		return ""
	}
	return gopath
}
