package harden

import (
	"fmt"
	"path"
	"strings"

	"github.com/vmgo/vmgo/internal/passwd"
	"github.com/vmgo/vmgo/internal/ui"
)

// gocacheFloor is the memory below which a cache in memory takes from the
// build what it saves on the disk.
const gocacheFloor = 8 << 30

func gocacheItem() Item {
	return Item{
		ID:   "gocache-tmpfs",
		What: "keep a user's build cache (GOCACHE) in memory",
		Why:  "builds write much to the cache, and cheap disks are slow.",
		Effect: "a cold build is about a tenth faster and writes half as much to the disk; a warm one is as fast as before. " +
			"A reboot empties the cache, so the first build after it is cold. The old cache stays under the mount and is visible again after undo.",
		Evidence: "measured on 2 vCPU with a virtual SSD: cold go build net/http 23.9 s on the disk, 21.8 s in memory (-9 %), 174 MB written against 87 MB; " +
			"warm 0.2 to 0.3 s in both. It helps only where the disk is slow and the machine runs for a long time",
		OffWhy:  "-9 % on cold builds only, against a cache that every reboot empties and memory that the linker may need",
		Undo:    "the mount is removed, and the old contents are visible again",
		Desired: gocacheDesired,
	}
}

func gocacheDesired(m *Machine) (Desired, error) {
	var w Desired
	if !m.HasSystemd() {
		w.NotApplicable = "mounting it at boot needs systemd"
		return w, nil
	}
	if m.User == "" || m.User == "root" {
		w.Blocked = "it is per user: give --user NAME"
		return w, nil
	}
	user, ok := m.account(m.User)
	if !ok {
		w.Blocked = "there is no user " + m.User
		return w, nil
	}
	memory, known := m.Memory()
	bytes := int64(2 << 30)
	switch {
	case !known:
		w.Notes = append(w.Notes, "the memory of the machine that will run this image is not known: the size is 2 GiB")
	case int64(memory.Total) < gocacheFloor:
		w.Blocked = fmt.Sprintf("a cache in memory needs %s of it, this machine has %s", ui.Bytes(gocacheFloor), ui.Bytes(int64(memory.Total)))
		return w, nil
	case memory.SwapTotal == 0:
		w.Blocked = "without swap the cache cannot be moved out of memory, and a full machine kills the build"
		return w, nil
	default:
		bytes = min(int64(memory.Total)/4, 4<<30) &^ (1<<20 - 1)
	}
	where := user.Home + "/.cache/go-build"
	if near := m.Host.Nearest(where); !m.unlinked(near) {
		w.Blocked = near + " has a link in its path, which systemd does not mount on"
		return w, nil
	}
	unit := escapePath(where) + ".mount"
	for _, dir := range []string{path.Dir(where), where} {
		if _, ours := m.baseline[cellKey{Dir, dir}]; ours || !m.Host.Exists(dir) {
			w.Wants = append(w.Wants, Want{Kind: Dir, Target: dir, Value: Value{Present: true, Mode: 0o700, UID: user.UID, GID: user.GID}})
		}
	}
	w.Wants = append(w.Wants,
		m.file("/etc/systemd/system/"+unit, gocacheUnit(user, where, bytes)),
		link("/etc/systemd/system/local-fs.target.wants/"+unit, "/etc/systemd/system/"+unit),
		running(unit))
	return w, nil
}

func gocacheUnit(user passwd.Account, where string, bytes int64) string {
	return fmt.Sprintf(`%s[Unit]
Description=Go build cache of %s in memory
ConditionPathIsDirectory=%s

[Mount]
What=tmpfs
Where=%s
Type=tmpfs
Options=mode=0700,uid=%d,gid=%d,nosuid,nodev,size=%d

[Install]
WantedBy=local-fs.target
`, ownHeader, user.Name, escapeSpecifier(user.Home), escapeSpecifier(where), user.UID, user.GID, bytes)
}

func escapeSpecifier(s string) string { return strings.ReplaceAll(s, "%", "%%") }

// unlinked reports whether a path is its own real path.
func (m *Machine) unlinked(path string) bool {
	real, err := m.Host.RealPath(path)
	return err == nil && real == path
}

// account returns the user of that name, if it has a home.
func (m *Machine) account(name string) (passwd.Account, bool) {
	for _, a := range m.Host.Accounts() {
		if a.Name == name && path.IsAbs(a.Home) {
			a.Home = path.Clean(a.Home)
			return a, true
		}
	}
	return passwd.Account{}, false
}

// escapePath is systemd-escape --path: the name of the unit of a path.
func escapePath(p string) string {
	p = strings.Trim(path.Clean(p), "/")
	if p == "" {
		return "-"
	}
	var out strings.Builder
	for i := range len(p) {
		c := p[i]
		switch {
		case c == '/':
			out.WriteByte('-')
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == ':', c == '_', c == '.' && i > 0:
			out.WriteByte(c)
		default:
			fmt.Fprintf(&out, `\x%02x`, c)
		}
	}
	return out.String()
}
