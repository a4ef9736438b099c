package resolve

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/lookpath"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// systemGo is the go that PATH has without us.
type systemGo struct {
	path    string        // as PATH gives it
	goroot  string        // empty where it is not known
	version gover.Version // zero where it is not known
}

// findSystem returns it.
func findSystem(in Input) (systemGo, bool) {
	var own []string
	if in.OwnPrograms != nil {
		own = in.OwnPrograms()
	}
	path, found := lookpath.Find(in.Path, "go", func(file string) bool {
		return !isOwnDir(in, filepath.Dir(file)) && lookpath.IsProgram(file) && !IsOwn(file, own)
	})
	if !found {
		return systemGo{}, false
	}
	return describe(path), true
}

// isOwnDir reports whether dir is one of our shims' or lies in one of our stores.
func isOwnDir(in Input, dir string) bool {
	for _, own := range in.OwnDirs {
		if dir == filepath.Clean(own) {
			return true
		}
	}
	for _, store := range in.Stores {
		if strings.HasPrefix(dir+"/", filepath.Clean(store)+"/") {
			return true
		}
	}
	return false
}

// IsOwn reports whether the program at path is vmgo: one of the own programs by
// another name, or a link to a vmgo that is installed elsewhere.
func IsOwn(path string, own []string) bool {
	if info, err := os.Stat(path); err == nil {
		for _, program := range own {
			if ownInfo, err := os.Stat(program); err == nil && os.SameFile(info, ownInfo) {
				return true
			}
		}
	}
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	name := filepath.Base(resolved)
	return name == "vmgo" || name == "vmgo-shim"
}

// describe finds the tree that a program belongs to, by the VERSION file of
// every release: two directories up from the program itself.
func describe(path string) systemGo {
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return systemGo{path: path}
	}
	goroot := filepath.Dir(filepath.Dir(resolved))
	head, err := smallfile.Head(filepath.Join(goroot, "VERSION"), 64)
	if err != nil {
		return systemGo{path: path}
	}
	line, _, _ := strings.Cut(string(head), "\n")
	version, err := gover.Parse(strings.TrimSpace(line))
	if err != nil {
		// A development tree, or no Go at all.
		return systemGo{path: path}
	}
	return systemGo{path: path, goroot: goroot, version: version}
}
