package harden

import (
	"strings"

	"github.com/vmgo/vmgo/internal/facts"
)

const (
	goTmpDir   = "/var/tmp/vmgo"
	tmpProfile = "/etc/profile.d/vmgo-gotmpdir.sh"
)

func tmpItem() Item {
	return Item{
		ID:   "tmp-noexec",
		What: "mount /tmp noexec, and give Go a GOTMPDIR where programs may run",
		Why:  "security guides require a /tmp from which nothing is executed; Go builds tests there and runs them.",
		Effect: "programs cannot be started from /tmp, scripts can still be read by their interpreter, so the gain is small. " +
			"go test and go run work in login shells and services through GOTMPDIR=" + goTmpDir + ", and fail where it is not set (cron, ssh host command). " +
			"Where /tmp is already noexec, this adds GOTMPDIR only.",
		Evidence: "measured: noexec on TMPDIR breaks go test, and go run up to Go 1.23 (fork/exec: permission denied). " +
			"A noexec GOCACHE breaks the second go run since 1.24",
		OffWhy:  "it breaks go test in every context that does not get GOTMPDIR, for little protection",
		Needs:   NeedsReboot,
		Undo:    "the mount options are as before after a reboot",
		Desired: tmpDesired,
	}
}

func tmpDesired(m *Machine) (Desired, error) {
	var w Desired
	mount, mounted := m.Host.MountOf("/tmp")
	noexec := m.Live && mounted && mount.Point == "/tmp" && mount.Has("noexec")
	_, ours := m.baseline[cellKey{File, tmpDropIn}]
	if !noexec || ours {
		if reason := m.tmpMount(); reason != "" {
			w.NotApplicable = reason
			return w, nil
		}
		w.Wants = append(w.Wants, m.file(tmpDropIn, ownHeader+"[Mount]\nOptions=mode=1777,strictatime,nosuid,nodev,noexec,size=50%%\n"))
	}
	if where, ok := m.Host.MountOf("/var/tmp"); m.Live && ok && where.Has("noexec") {
		w.Wants, w.Blocked = nil, "/var/tmp is noexec too: there is no place for GOTMPDIR"
		return w, nil
	}
	w.Wants = append(w.Wants,
		Want{Kind: Dir, Target: goTmpDir, Value: Value{Present: true, Mode: 0o1777, UID: m.Owner, GID: m.Group}},
		m.file("/etc/tmpfiles.d/60-vmgo.conf", ownHeader+"d "+goTmpDir+" 1777 root root 10d\n"),
		m.file(tmpProfile, "# Written by vmgo harden: /tmp is noexec, and go runs what it builds.\n: \"${GOTMPDIR:="+goTmpDir+"}\"\nexport GOTMPDIR\n"))
	if m.HasSystemd() {
		w.Wants = append(w.Wants, m.part(managerFile, "[Manager]\nDefaultEnvironment=GOTMPDIR="+goTmpDir+"\n"))
	}
	return w, nil
}

const tmpDropIn = "/etc/systemd/system/tmp.mount.d/60-vmgo.conf"

// tmpMount returns why a drop-in cannot make /tmp noexec; empty if it can.
func (m *Machine) tmpMount() string {
	for _, line := range m.Host.Lines("/etc/fstab") {
		if f := strings.Fields(line); len(f) > 3 && f[1] == "/tmp" {
			return "/tmp is mounted by /etc/fstab, which is yours: add noexec to its options there"
		}
	}
	file := facts.UnitFile(m.Host, "tmp.mount")
	if file == "" {
		return "/tmp is a directory of the root file system, not a mount"
	}
	// Debian 13 and Fedora pull the unit in by themselves, with a link in /usr.
	for _, dir := range []string{"/usr/lib/systemd/system", "/lib/systemd/system"} {
		if _, err := m.Host.Lstat(dir + "/local-fs.target.wants/tmp.mount"); err == nil {
			return ""
		}
	}
	if facts.Enabled(m.Host, "tmp.mount") {
		return ""
	}
	return "systemd's tmp.mount is not enabled: /tmp is a directory of the root file system"
}
