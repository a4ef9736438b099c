package host

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/passwd"
)

// Accounts returns the users that /etc/passwd names. Those of a directory service
// are not among them.
func (h Host) Accounts() []passwd.Account {
	data, _ := h.ReadFile("/etc/passwd")
	return passwd.Parse(string(data))
}

// PrivateGroup reports whether nobody but that user, or root, is a member of the
// group: it is the user's primary group and has the user's name or number, and
// neither /etc/passwd nor /etc/group names another member.
func (h Host) PrivateGroup(uid, gid int) bool {
	accounts := h.Accounts()
	name, members, named := h.group(gid)
	private := func(uid int) bool {
		own := ""
		primary := uid == gid // a user whom no file names, as docker run --user makes
		if a, found := passwd.ByUID(accounts, uid); found {
			own, primary = a.Name, a.GID == gid
		}
		return primary && (uid == gid || named && name == own) &&
			!slices.ContainsFunc(members, func(m string) bool { return m != own }) &&
			!slices.ContainsFunc(accounts, func(a passwd.Account) bool { return a.GID == gid && a.UID != uid })
	}
	return private(uid) || private(0)
}

// group returns the name of a group and the members that /etc/group lists.
func (h Host) group(gid int) (name string, members []string, found bool) {
	for _, line := range h.Lines("/etc/group") {
		f := strings.Split(line, ":")
		if len(f) < 4 || f[2] != strconv.Itoa(gid) {
			continue
		}
		found = true
		if name == "" {
			name = f[0]
		}
		for member := range strings.SplitSeq(f[3], ",") {
			if member != "" {
				members = append(members, member)
			}
		}
	}
	return name, members, found
}

// Unmapped reports whether the number stands for every user outside of the
// user namespace of this process, the machine's root among them.
func (h Host) Unmapped(uid int) bool {
	if h.Text("/proc/sys/kernel/overflowuid") != strconv.Itoa(uid) {
		return false
	}
	f := strings.Fields(h.Text("/proc/self/uid_map"))
	return len(f) > 0 && !slices.Equal(f, []string{"0", "0", "4294967295"})
}
