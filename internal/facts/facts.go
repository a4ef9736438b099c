// Package facts tells what is so on a machine, once, for all who judge it: doctor
// finds out what is wrong, harden changes it, and the two must not contradict each
// other. Everything is read through a [host.Host], so that machines can be made up.
package facts

import (
	"path"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/host"
)

// Enough is what Go and its tools need of a machine. Below it, doctor warns; harden
// sets no less.
const (
	EnoughWatches   = 65536   // fs.inotify.max_user_watches
	EnoughInstances = 128     // fs.inotify.max_user_instances
	EnoughFiles     = 4096    // hard limit of open files
	EnoughProcesses = 1024    // processes and threads of a user
	SwapBelow       = 2 << 30 // bytes of memory below which a machine should have swap
)

// DropIns returns the paths of the files that a program reads from drop-in
// directories: those with the suffix, in the order of their names, the directories'
// order deciding among equal ones.
func DropIns(h host.Host, suffix string, dirs ...string) []string {
	var files []string
	for _, dir := range dirs {
		for _, entry := range h.ReadDir(dir) {
			if strings.HasSuffix(entry.Name(), suffix) {
				files = append(files, path.Join(dir, entry.Name()))
			}
		}
	}
	slices.SortStableFunc(files, func(a, b string) int { return strings.Compare(path.Base(a), path.Base(b)) })
	return files
}

// UnitFile returns the file of a systemd unit that a package or an administrator
// has put there, "" if there is none.
func UnitFile(h host.Host, unit string) string {
	for _, dir := range []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"} {
		if file := dir + "/" + unit; h.Exists(file) {
			return file
		}
	}
	return ""
}

// Enabled reports whether a systemd unit starts at boot, by the links that say so.
func Enabled(h host.Host, unit string) bool {
	const dir = "/etc/systemd/system/"
	for _, entry := range h.ReadDir(dir) {
		if strings.HasSuffix(entry.Name(), ".wants") || strings.HasSuffix(entry.Name(), ".requires") {
			if _, err := h.Lstat(dir + entry.Name() + "/" + unit); err == nil {
				return true
			}
		}
	}
	return false
}

// Masked reports whether an administrator has made a systemd unit unstartable.
func Masked(h host.Host, unit string) bool {
	return h.LinkText("/etc/systemd/system/"+unit) == "/dev/null"
}

// MissingControllers returns what the control groups cannot limit here, of what Go
// services need.
func MissingControllers(c host.Cgroup) []string {
	return slices.DeleteFunc([]string{"cpu", "memory"}, func(name string) bool { return slices.Contains(c.Controllers, name) })
}
