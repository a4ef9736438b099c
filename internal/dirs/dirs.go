// Package dirs knows where things live. Paths come from the environment by the
// rules of the XDG base directory specification, computed here because the
// lean program cannot afford the library's start-up; a test holds them equal
// to what adrg/xdg says. Nothing is created, and nothing is read but /etc/passwd
// where HOME is not set or, for root, another user's.
package dirs

import (
	"maps"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Layout is the set of directories of one user on one machine. A field is
// empty where nothing tells (a systemd service with DynamicUser, say): what would
// live there does not exist then.
type Layout struct {
	Home         string
	Config       string // $XDG_CONFIG_HOME/vmgo: env, default
	Data         string // $XDG_DATA_HOME/vmgo: gopath/, go/
	Cache        string // $XDG_CACHE_HOME/vmgo: partial downloads, indexes
	State        string // $XDG_STATE_HOME/vmgo: signed tree heads, projects seen
	Runtime      string // $XDG_RUNTIME_DIR/vmgo: may not exist
	UserStore    string // <Data>/go
	SystemStore  string // /opt/go
	SystemConfig string // /etc/vmgo
}

// FromEnv computes the layout for an environment and a user id. root is where
// the machine's own files begin, "/" except in tests. Services and cron have no
// HOME on some machines: the home of the user in /etc/passwd is meant then. So
// it is where root has the HOME or the XDG directories of another user, as by
// sudo -E: what root made there would be in that user's way.
func FromEnv(env map[string]string, root string, uid int) Layout {
	home := env["HOME"]
	own := func(dir string) string { return dir }
	if uid == 0 {
		own = unlessForeign
	}
	if home = own(home); home == "" {
		home = HomeOf(filepath.Join(root, "etc/passwd"), uid)
	}
	if !filepath.IsAbs(home) {
		home = ""
	}
	l := Layout{
		Home:         home,
		Config:       base(own(env["XDG_CONFIG_HOME"]), home, home, ".config"),
		Data:         base(own(env["XDG_DATA_HOME"]), home, home, ".local/share"),
		Cache:        base(own(env["XDG_CACHE_HOME"]), home, home, ".cache"),
		State:        base(own(env["XDG_STATE_HOME"]), home, home, ".local/state"),
		Runtime:      base(own(env["XDG_RUNTIME_DIR"]), home, filepath.Join(root, "run/user"), strconv.Itoa(uid)),
		SystemStore:  filepath.Join(root, "opt/go"),
		SystemConfig: filepath.Join(root, "etc/vmgo"),
	}
	if l.Data != "" {
		l.UserStore = l.Data + "/go"
	}
	return l
}

// OwnEnv returns the environment for programs that keep files of their own, as the go
// command does its caches: for root without the HOME and the XDG directories of
// another user, like the layout.
func (l Layout) OwnEnv(env map[string]string, uid int) map[string]string {
	if uid != 0 {
		return env
	}
	own := maps.Clone(env)
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"} {
		if value := env[name]; value != "" && unlessForeign(value) == "" {
			delete(own, name)
		}
	}
	if own["HOME"] == "" && l.Home != "" {
		own["HOME"] = l.Home
	}
	return own
}

// unlessForeign gives a directory back, or "" if it, or the nearest directory
// above it that exists, belongs to another user than root.
func unlessForeign(dir string) string {
	if !filepath.IsAbs(dir) {
		return dir
	}
	var stat syscall.Stat_t
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		switch err := syscall.Stat(at, &stat); {
		case err == nil && stat.Uid != 0:
			return ""
		case err == nil, at == "/":
			return dir
		}
	}
}

// base returns vmgo's directory beneath an XDG base directory: the variable's
// value where it is absolute (the specification says to ignore others; the
// library expands a leading ~ or $HOME first), else the default beneath parent.
func base(value, home, parent, fallback string) string {
	for _, prefix := range []string{"~", "$HOME"} {
		if rest, found := strings.CutPrefix(value, prefix+"/"); found && home != "" {
			value = filepath.Join(home, rest)
		}
	}
	if !filepath.IsAbs(value) {
		if parent == "" {
			return ""
		}
		value = filepath.Join(parent, fallback)
	}
	return filepath.Join(value, "vmgo")
}

// UserSettings is the user's settings file, "" without a home.
func (l Layout) UserSettings() string { return in(l.Config, "env") }

// UserDefault is the file that holds the user's default selector, in the
// grammar of .go-version; "" without a home.
func (l Layout) UserDefault() string { return in(l.Config, "default") }

// SystemSettings is the machine's settings file.
func (l Layout) SystemSettings() string { return in(l.SystemConfig, "env") }

// SettingsFiles lists the settings files, the one that wins first.
func (l Layout) SettingsFiles() []string { return []string{l.UserSettings(), l.SystemSettings()} }

func in(dir, name string) string {
	if dir == "" {
		return ""
	}
	return dir + "/" + name
}

// Stores lists the stores in which releases are looked for, in order: root
// alone where VMGO_ROOT names one, else the user's and then the machine's.
func (l Layout) Stores(root string) []string {
	if root != "" {
		return []string{filepath.Clean(root)}
	}
	if l.UserStore == "" {
		return []string{l.SystemStore}
	}
	return []string{l.UserStore, l.SystemStore}
}

// WriteStore is the store into which this process installs: root where
// VMGO_ROOT names one, else the machine's where it can be written or created,
// else the user's.
func (l Layout) WriteStore(root string) string {
	if root != "" {
		return filepath.Clean(root)
	}
	if l.UserStore == "" || writable(l.SystemStore) {
		return l.SystemStore
	}
	return l.UserStore
}

// writable reports whether dir, or the nearest parent that exists, may be written
// by the effective user.
func writable(dir string) bool {
	const atFdcwd, writeAndSearch, effective = -0x64, 0x2 | 0x1, 0x200
	for {
		err := syscall.Faccessat(atFdcwd, dir, writeAndSearch, effective)
		if err != syscall.ENOENT || dir == "/" {
			return err == nil
		}
		dir = filepath.Dir(dir)
	}
}
