// Package facts tells what is so on a machine, once, for all who judge it: doctor
// finds out what is wrong, harden changes it, and the two must not contradict each
// other. Everything is read through a [host.Host], so that machines can be made up.
package facts

import (
	"maps"
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

// DropIns returns the files that a program reads from its drop-in directories, in
// its order: by name, whatever the directory; of one name that of the last directory
// counts, as for systemd (systemd.unit(5), sysctl.d(5)). suffix is that of the names.
func DropIns(h host.Host, suffix string, dirs ...string) []string {
	byName := map[string]string{}
	for _, dir := range dirs {
		for _, entry := range h.ReadDir(dir) {
			if strings.HasSuffix(entry.Name(), suffix) {
				byName[entry.Name()] = path.Join(dir, entry.Name())
			}
		}
	}
	var files []string
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		files = append(files, byName[name])
	}
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
