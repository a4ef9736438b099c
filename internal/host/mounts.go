package host

import (
	"strconv"
	"strings"
)

// Mount is a line of /proc/self/mountinfo.
type Mount struct {
	Device  string // major:minor
	Root    string // the directory of the file system that is mounted
	Point   string
	Options string // of this mount, comma separated
	Type    string
	Source  string
	Super   string // options of the file system
}

// Has reports whether an option, of the mount or of the file system, is set.
func (m Mount) Has(option string) bool {
	return hasOption(m.Options, option) || hasOption(m.Super, option)
}

func hasOption(list, option string) bool {
	for o := range strings.SplitSeq(list, ",") {
		if o == option {
			return true
		}
	}
	return false
}

// Remote reports whether the file system lives on another machine: a share of
// the hypervisor or of a file server. Such systems lack or break file locks
// and change notices.
func (m Mount) Remote() bool {
	switch m.Type {
	case "9p", "virtiofs", "vboxsf", "fuse.vmhgfs-fuse", "vmhgfs", "prl_fs", "nfs", "nfs4", "cifs", "smb3",
		"fuse.sshfs", "afs", "ceph", "glusterfs", "fuse.glusterfs", "drvfs", "lustre":
		return true
	}
	return false
}

// Mounts reads the mounts that this process sees, oldest first.
func (h Host) Mounts() []Mount {
	var mounts []Mount
	for _, line := range h.Lines("/proc/self/mountinfo") {
		if m, ok := parseMount(line); ok {
			mounts = append(mounts, m)
		}
	}
	return mounts
}

// parseMount reads "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw"
// (proc(5)); the number of fields before the dash varies.
func parseMount(line string) (Mount, bool) {
	before, after, ok := strings.Cut(line, " - ")
	head, tail := strings.Fields(before), strings.Fields(after)
	if !ok || len(head) < 6 || len(tail) < 2 {
		return Mount{}, false
	}
	m := Mount{
		Device: head[2], Root: unescapeMount(head[3]), Point: unescapeMount(head[4]), Options: head[5],
		Type: tail[0], Source: unescapeMount(tail[1]),
	}
	if len(tail) > 2 {
		m.Super = tail[2]
	}
	return m, true
}

// unescapeMount undoes \040 and its like.
func unescapeMount(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// MountOf is the mount on which p, or the nearest directory above it that
// exists, lies. Links in p are followed first.
func (h Host) MountOf(p string) (Mount, bool) {
	if real, err := h.RealPath(h.Nearest(p)); err == nil {
		p = real
	}
	var best Mount
	found := false
	for _, m := range h.Mounts() {
		// The last of two mounts on one point is the one that is seen.
		if within(p, m.Point) && (!found || len(m.Point) >= len(best.Point)) {
			best, found = m, true
		}
	}
	return best, found
}

func within(p, dir string) bool {
	if dir == "/" {
		return true
	}
	rest, ok := strings.CutPrefix(p, dir)
	return ok && (rest == "" || rest[0] == '/')
}
