package host

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/smallfile"
)

// MaxFact bounds a file read for facts, in bytes: /proc and /etc hold nothing larger
// that is of interest, and a fixture or a hostile machine may hold anything.
const MaxFact = 4 << 20

// Path says where the machine's file p really is: beneath [Host.Root]. A path
// that already lies beneath it stays as it is, so that a test may keep its
// home directory inside the made-up machine and name it by its real path.
// Links are followed as the machine itself would, never out of the root.
func (h Host) Path(p string) string {
	return h.resolve(p, true)
}

// Show is the inverse of [Host.Path]: the name that the machine itself has
// for a real path.
func (h Host) Show(p string) string {
	if h.rooted() {
		if rest, ok := strings.CutPrefix(p, h.Root); ok && (rest == "" || rest[0] == '/') {
			return "/" + strings.TrimPrefix(rest, "/")
		}
	}
	return p
}

func (h Host) rooted() bool { return h.Root != "" && h.Root != "/" }

// resolve walks p link by link. follow reports whether a link in the last place
// is followed too.
func (h Host) resolve(p string, follow bool) string {
	if !h.rooted() {
		return p
	}
	todo := splitPath(h.Show(filepath.Clean(p)))
	at, links := "/", 0
	for len(todo) > 0 {
		part := todo[0]
		todo = todo[1:]
		if part == ".." {
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, part)
		target, err := os.Readlink(filepath.Join(h.Root, next))
		if err != nil || (len(todo) == 0 && !follow) {
			at = next
			continue
		}
		if links++; links > 40 {
			return filepath.Join(h.Root, next)
		}
		if filepath.IsAbs(target) {
			at = "/"
			target = h.Show(target)
		}
		todo = append(splitPath(target), todo...)
	}
	return filepath.Join(h.Root, at)
}

func splitPath(p string) []string {
	return strings.FieldsFunc(p, func(r rune) bool { return r == '/' })
}

// Abs returns a path that was typed, seen from the working directory.
func (h Host) Abs(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(h.Dir, p)
}

// Open opens a regular file of the machine, by the rules of [smallfile.Open].
func (h Host) Open(p string) (*os.File, error) { return smallfile.Open(h.Path(p)) }

// ReadFile reads a regular file of the machine that has at most [MaxFact] bytes.
func (h Host) ReadFile(p string) ([]byte, error) { return smallfile.Read(h.Path(p), MaxFact) }

// Head reads at most the first n bytes of a file of the machine.
func (h Host) Head(p string, n int) string {
	data, _ := smallfile.Head(h.Path(p), n)
	return string(data)
}

// Text is the content of a file of the machine without surrounding white
// space; empty if it cannot be read.
func (h Host) Text(p string) string {
	data, _ := h.ReadFile(p)
	return strings.TrimSpace(string(data))
}

// Lines are the lines of a file of the machine, none if it cannot be read.
func (h Host) Lines(p string) []string {
	data, err := h.ReadFile(p)
	if err != nil || len(data) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}

// Stat follows links within the machine.
func (h Host) Stat(p string) (fs.FileInfo, error) { return os.Stat(h.Path(p)) }

// Lstat does not follow a link in the last place.
func (h Host) Lstat(p string) (fs.FileInfo, error) { return os.Lstat(h.resolve(p, false)) }

// Exists reports whether the machine has p.
func (h Host) Exists(p string) bool {
	_, err := h.Stat(p)
	return err == nil
}

// ReadDir lists a directory of the machine by name; none if it cannot be read.
func (h Host) ReadDir(p string) []fs.DirEntry {
	entries, _ := os.ReadDir(h.Path(p))
	return entries
}

// RealPath is the machine's own name of p with every link followed.
func (h Host) RealPath(p string) (string, error) {
	real, err := filepath.EvalSymlinks(h.Path(p))
	if err != nil {
		return "", err
	}
	return h.Show(real), nil
}

// LinkText is what a link says, without following it.
func (h Host) LinkText(p string) string {
	text, _ := os.Readlink(h.resolve(p, false))
	return text
}
