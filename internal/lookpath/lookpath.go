// Package lookpath finds programs on a PATH, which need not be that of this
// process. The lean program links it.
package lookpath

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// IsProgram reports whether file is a regular file that this process may execute.
// Links are followed.
func IsProgram(file string) bool {
	const execute = 1 // X_OK of access(2)
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && syscall.Access(file, execute) == nil
}

// Dirs returns the absolute directories of path, in order.
func Dirs(path string) (dirs []string) {
	for dir := range strings.SplitSeq(path, ":") {
		if filepath.IsAbs(dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// Find returns the first file of that name in the directories of path for which
// accept reports true; [IsProgram] is the usual one. Elements of path that are
// empty or relative are skipped, as the go command does: they would mean another
// program in each working directory.
func Find(path, name string, accept func(file string) bool) (file string, found bool) {
	return find(path, name, filepath.IsAbs, accept)
}

// Exec returns the program that execvp(3) would start: it looks also in the
// working directory, where path has an empty or relative element.
func Exec(path, name string) (file string, found bool) {
	return find(path, name, func(string) bool { return true }, IsProgram)
}

func find(path, name string, visit func(dir string) bool, accept func(file string) bool) (string, bool) {
	for dir := range strings.SplitSeq(path, ":") {
		if !visit(dir) {
			continue
		}
		if file := filepath.Join(dir, name); accept(file) {
			return file, true
		}
	}
	return "", false
}
