package project

import (
	"strings"
	"syscall"
)

// Near looks for files in the directories above a very deep one. The kernel
// resolves a path from the root, so looks at each level of a tree take time that
// grows with the square of its depth; Near keeps a directory not far above open and
// looks from there. The zero value is ready; Close it.
type Near struct {
	base string // the path of the open directory; empty is none
	fd   int
}

const (
	nearFrom = 512      // bytes; shorter paths are resolved fast enough
	nearSpan = 128      // bytes from the open directory to a file, about
	oPath    = 0x200000 // O_PATH of open(2): the directory need not be readable
)

// Missing reports whether it is certain, and was found out fast, that nothing is at
// path, which must be clean and absolute. A false says nothing.
func (n *Near) Missing(path string) bool {
	if len(path) < nearFrom || !n.at(path) {
		return false
	}
	return syscall.Faccessat(n.fd, path[len(n.base)+1:], 0, 0) == syscall.ENOENT
}

// at opens the directory from which path is looked for, unless it is open.
func (n *Near) at(path string) bool {
	if n.base != "" && len(path) > len(n.base) && len(path)-len(n.base) < 2*nearSpan && strings.HasPrefix(path, n.base) && path[len(n.base)] == '/' {
		return true
	}
	n.Close()
	base := path[:strings.LastIndexByte(path[:len(path)-nearSpan], '/')]
	if base == "" {
		return false
	}
	fd, err := syscall.Open(base, oPath|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	n.base, n.fd = base, fd
	return true
}

// Close closes the open directory, if there is one.
func (n *Near) Close() {
	if n.base != "" {
		syscall.Close(n.fd)
		n.base = ""
	}
}
