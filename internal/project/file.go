package project

import (
	"strconv"
	"strings"
	"syscall"

	"github.com/vmgo/vmgo/internal/diag"
)

// Limits on what is read of one file.
const (
	pinLimit   = 4 << 10
	goModLimit = 1 << 20
)

// fault says why a file cannot be used; nil means that it can.
type fault struct {
	line   int // counted from 1; 0 when it is about the file as a whole
	reason string
	hints  []string
}

func faulty(line int, reason string, hints ...string) *fault {
	return &fault{line: line, reason: reason, hints: hints}
}

// err makes the error that the user sees. PATH in a hint stands for the file.
func (f *fault) err(path string) error {
	hints := make([]string, len(f.hints))
	for i, hint := range f.hints {
		hints[i] = strings.ReplaceAll(hint, "PATH", diag.Word(path))
	}
	return diag.New(diag.BadVersionFile, Origin{Path: path, Line: f.line}.String()+": "+f.reason, hints...)
}

// readFile reads a regular file of at most limit bytes. Mostly there is none,
// which asking tells at half the price of opening. All other questions are put
// to the open file, so that nothing can be swapped in between. O_NONBLOCK keeps a fifo without a writer
// from blocking a prompt, O_NOCTTY a terminal from becoming ours.
func readFile(path string, limit int) (data []byte, found bool, f *fault) {
	if syscall.Access(path, 0) == syscall.ENOENT {
		return nil, false, nil
	}
	fd, err := openRetry(path)
	if err != nil {
		return openFailed(path, err)
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return nil, true, unreadable(err)
	}
	if what := notRegular(st.Mode & syscall.S_IFMT); what != "" {
		return nil, true, faulty(0, "is "+what+", not a regular file", "ls -ld PATH   # remove or rename it")
	}
	if st.Size > int64(limit) {
		return nil, true, tooLarge(limit)
	}
	// The size is only a first guess: it is 0 in /proc, and the file may grow.
	data = make([]byte, 0, int(st.Size)+1)
	for {
		if len(data) == cap(data) {
			grown := make([]byte, len(data), 2*cap(data)+512)
			copy(grown, data)
			data = grown
		}
		n, err := syscall.Read(fd, data[len(data):cap(data)])
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return nil, true, unreadable(err)
		case n <= 0:
			return data, true, nil
		}
		if data = data[:len(data)+n]; len(data) > limit {
			return nil, true, tooLarge(limit)
		}
		if len(data) == int(st.Size) && len(data) < cap(data) {
			return data, true, nil // there was room for more than what it should have
		}
	}
}

func openRetry(path string) (int, error) {
	for {
		fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}

// openFailed tells a file that is not there from one that cannot be read.
func openFailed(path string, err error) ([]byte, bool, *fault) {
	switch err {
	case syscall.ENOENT, syscall.ENOTDIR, syscall.ENAMETOOLONG:
		return nil, false, nil
	case syscall.EACCES:
		// A parent that may not be searched hides whether there is a file (a
		// shell begun by su in another's home); that must not disturb anyone.
		var st syscall.Stat_t
		if syscall.Lstat(path, &st) != nil {
			return nil, false, nil
		}
	}
	return nil, true, unreadable(err)
}

func unreadable(err error) *fault {
	return faulty(0, "cannot be read: "+err.Error(), "ls -lL PATH   # make it readable, or remove it")
}

func tooLarge(limit int) *fault {
	return faulty(0, "is larger than "+strconv.Itoa(limit>>10)+" KiB", "head -n 3 PATH   # is it what its name says?")
}

func notRegular(format uint32) string {
	switch format {
	case syscall.S_IFREG:
		return ""
	case syscall.S_IFDIR:
		return "a directory"
	case syscall.S_IFIFO:
		return "a fifo"
	default:
		return "a device or socket"
	}
}

// exists reports whether anything of that name is there.
func exists(path string) bool {
	var st syscall.Stat_t
	return syscall.Stat(path, &st) == nil
}

func join(dir, name string) string {
	if dir == "/" {
		return dir + name
	}
	return dir + "/" + name
}

// parent gives the directory above, or "" for the root. It is lexical, as ".."
// is in shells and in the go command.
func parent(dir string) string {
	for i := len(dir) - 1; i >= 0; i-- {
		if dir[i] == '/' {
			if i == 0 && len(dir) > 1 {
				return "/"
			}
			return dir[:i]
		}
	}
	return ""
}
