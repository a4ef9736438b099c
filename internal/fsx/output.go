package fsx

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// WriteOutput writes the file that an option such as --html names. It is [WriteFile]: in
// a directory where others may write, what they have put in its place is replaced, and a
// link is not followed. A stream of the process (/dev/stdout, /dev/fd/3) and
// /dev/null are written to, since nothing may take their place.
func WriteOutput(path string, data []byte, mode os.FileMode) error {
	path = filepath.Clean(path)
	if !isStream(path) {
		return WriteFile(path, data, mode)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

func isStream(path string) bool {
	return slices.Contains([]string{"/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/null"}, path) ||
		strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/")
}
