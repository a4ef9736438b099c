package resolve

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// systemGo is the go that PATH has without us.
type systemGo struct {
	path    string        // as PATH gives it
	goroot  string        // empty where it is not known
	version gover.Version // zero where it is not known
}

// findSystem looks for it. Relative entries of PATH are left out, as the go
// command does: they would mean another program in each directory.
func findSystem(in Input) (systemGo, bool) {
	var own []os.FileInfo
	if in.OwnPrograms != nil {
		for _, program := range in.OwnPrograms() {
			if info, err := os.Stat(program); err == nil {
				own = append(own, info)
			}
		}
	}
	for _, dir := range strings.Split(in.Path, ":") {
		if !filepath.IsAbs(dir) || isOwnDir(in, filepath.Clean(dir)) {
			continue
		}
		path := filepath.Join(dir, "go")
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() || !executable(path) {
			continue
		}
		if resolved, ok := foreign(path, info, own); ok {
			return describe(path, resolved), true
		}
	}
	return systemGo{}, false
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

func executable(path string) bool {
	const x = 1
	return syscall.Access(path, x) == nil
}

// foreign resolves the links of a program and reports whether it is somebody
// else's: not one of our programs by another name, and not a link to a vmgo
// that is installed elsewhere.
func foreign(path string, info os.FileInfo, own []os.FileInfo) (resolved string, ok bool) {
	for _, program := range own {
		if os.SameFile(info, program) {
			return "", false
		}
	}
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return path, true
	}
	name := filepath.Base(resolved)
	return resolved, name != "vmgo" && name != "vmgo-shim"
}

// describe finds the tree that a program belongs to, by the VERSION file of
// every release: two directories up from the program itself.
func describe(path, resolved string) systemGo {
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
