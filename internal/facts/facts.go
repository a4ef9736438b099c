// Package facts returns facts about a machine, once, for all who use them: doctor
// finds out what is wrong, harden changes it, and the two must not contradict each
// other. Everything is read through a [host.Host], so that machines can be made up.
package facts

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/lookpath"
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

// Good is what harden sets, and what doctor's plain commands set.
const (
	GoodWatches   = 524288 // what VS Code asks for
	GoodInstances = 1024
)

// SystemdRuns reports whether systemd is the first process, as sd_booted(3) does.
func SystemdRuns(h host.Host) bool { return h.Exists("/run/systemd/system") }

// Program returns the file of a program in the directories of a machine's own
// programs, whatever PATH is.
func Program(h host.Host, name string) (file string, found bool) {
	return lookpath.Find("/usr/sbin:/usr/bin:/sbin:/bin", name, h.Exists)
}

// IsShim reports whether a file is a shim of vmgo: a link to one of its programs,
// which exists.
func IsShim(h host.Host, file string) bool {
	real, err := h.RealPath(file)
	return err == nil && IsShimProgram(real) && real != file
}

// IsShimProgram reports whether the program that a link leads to is vmgo's.
func IsShimProgram(real string) bool {
	name := path.Base(real)
	return name == "vmgo-shim" || name == "vmgo"
}

// StartupFiles returns the files that shells, PAM and systemd read for every user
// when a session begins. They need not exist.
func StartupFiles(h host.Host) (files []string) {
	for _, pattern := range []string{
		"/etc/environment", "/etc/environment.d/*.conf", "/etc/profile", "/etc/profile.d/*.sh", "/etc/profile.d/*.csh", "/etc/bash.bashrc",
		"/etc/bashrc", "/etc/zsh/zshenv", "/etc/zsh/zprofile", "/etc/zsh/zshrc", "/etc/zshenv", "/etc/zshrc",
		"/etc/fish/config.fish", "/etc/fish/conf.d/*.fish",
	} {
		files = append(files, Expand(h, pattern)...)
	}
	return files
}

// LoginFile returns the startup file in which a login shell, which is named like
// its program, looks for the user's variables; empty without a home.
func LoginFile(h host.Host, home, shell string) string {
	if home == "" {
		return ""
	}
	switch shell {
	case "fish":
		return path.Join(home, ".config/fish/config.fish")
	case "zsh":
		if dir := h.Env["ZDOTDIR"]; path.IsAbs(dir) {
			return path.Join(dir, ".zprofile")
		}
		return path.Join(home, ".zprofile")
	case "bash":
		for _, name := range []string{".bash_profile", ".bash_login"} { // bash reads the first one only
			if file := path.Join(home, name); h.Exists(file) {
				return file
			}
		}
	}
	return path.Join(home, ".profile")
}

// Expand returns the files of a pattern whose last element is an asterisk and a
// suffix; without an asterisk the pattern itself.
func Expand(h host.Host, pattern string) []string {
	dir, suffix, found := strings.Cut(pattern, "*")
	if !found {
		return []string{pattern}
	}
	return DropIns(h, suffix, dir)
}

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

// UnitDirs returns the directories in which packages and administrators put the units
// of the system, in the order in which systemd looks for one: systemd.unit(5).
func UnitDirs() []string {
	return []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}
}

// UnitFile returns the file of a unit of the system, "" if there is none.
func UnitFile(h host.Host, unit string) string { return UnitFileIn(h, UnitDirs(), unit) }

// UnitFileIn returns the file of a unit in the first directory that has it, "" if
// none has.
func UnitFileIn(h host.Host, dirs []string, unit string) string {
	for _, dir := range dirs {
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

// SysctlLine is a line of a file that sets a kernel setting at boot.
type SysctlLine struct {
	File  string
	Line  int // from 1
	Value string
}

// SysctlLines returns the lines that set a kernel setting, such as vm.swappiness, in
// the order in which systemd-sysctl and `sysctl --system` read them: the last one
// wins (sysctl.d(5)). /etc/sysctl.conf is read by the latter alone, last of all.
func SysctlLines(h host.Host, name string) (all []SysctlLine) {
	const old = "/etc/sysctl.conf" // Debian has a link to it in /etc/sysctl.d
	files := DropIns(h, ".conf", "/usr/lib/sysctl.d", "/usr/local/lib/sysctl.d", "/run/sysctl.d", "/etc/sysctl.d")
	files = slices.DeleteFunc(files, func(file string) bool { real, err := h.RealPath(file); return err == nil && real == old })
	for _, file := range append(files, old) {
		for i, line := range h.Lines(file) {
			key, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "-"), "=")
			if ok && strings.ReplaceAll(strings.TrimSpace(key), "/", ".") == name {
				all = append(all, SysctlLine{file, i + 1, strings.TrimSpace(value)})
			}
		}
	}
	return all
}
