// Package seen remembers in which projects vmgo was used, so that prune can
// tell which releases are needed and whose GOPATH has lost its project. Each
// project is a small file named by a hash of its directory, as its GOPATH is;
// remembering one that is known costs one stat. It is linked into the lean
// program.
package seen

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Record remembers a project directory beneath the user's state directory. It
// does its best and says nothing: nobody's prompt may fail for it.
func Record(state, project string) {
	if state == "" || project == "" {
		return
	}
	dir := state + "/projects"
	path := dir + "/" + environ.Hash(project)
	var stat syscall.Stat_t
	if syscall.Lstat(path, &stat) == nil && stat.Size == int64(len(project)) {
		return
	}
	if os.MkdirAll(dir, 0o700) != nil {
		return
	}
	// A file that was cut short by a crash has another size, or does not match
	// its name, and is written again.
	_ = smallfile.Put(path, []byte(project), 0o600)
}

// maxPath bounds the path of a project, in bytes. It may be longer than PATH_MAX.
const maxPath = 64 << 10

// maxProjects bounds how many projects one user may have.
const maxProjects = 100_000

// List returns the project directories remembered beneath a state directory,
// sorted, whether they still exist or not. The error is about what cannot be
// read; a file that a crash has cut short is none.
func List(state string) ([]string, error) {
	if state == "" {
		return nil, nil
	}
	path := state + "/projects"
	dir, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(maxProjects + 1)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if len(names) > maxProjects {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("more than " + strconv.Itoa(maxProjects) + " projects")}
	}
	var projects []string
	for _, name := range names {
		text, err := smallfile.Read(path+"/"+name, maxPath)
		switch {
		case errors.Is(err, fs.ErrNotExist): // forgotten meanwhile
		case err != nil:
			return nil, err
		case environ.Hash(string(text)) == name && strings.HasPrefix(string(text), "/"):
			projects = append(projects, string(text))
		}
	}
	slices.Sort(projects)
	return projects, nil
}

// Forget drops the memory of a project.
func Forget(state, project string) error {
	err := os.Remove(state + "/projects/" + environ.Hash(project))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
