package harden

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/host"
)

// loginFiles is the hard limit of open files, fs.nr_open of kernels since 2.6.25.
const loginFiles = 1048576

// loginSoftFiles is the soft limit of open files.
const loginSoftFiles = 65536

func loginLimitsItem() Item {
	return Item{
		ID:   "login-limits",
		What: "raise the limits of open files and processes for logins",
		Why:  "a proxy or a load generator that is started by hand may need more files than the limit allows.",
		Effect: "a login session may open 65536 files at once and 1048576 if it asks. Go programs ask by themselves: " +
			"since Go 1.19 the runtime raises the soft limit to the hard one. Programs that use select(2) fail with more than 1024 files.",
		Evidence: "measured: a Go program that was started with 1024 of 1048576 had 1048575, and one with 1024 of 20000 opened 19990 files (Go 1.26.8). This does not reach services (measured: they keep 1024, hard 524288); see service-limits",
		OffWhy:   "Go raises the soft limit itself, so Go programs gain nothing unless the hard limit is low",
		Needs:    NeedsLogin,
		Desired: func(m *Machine) (Desired, error) {
			if !m.Host.Exists("/etc/security") {
				return Desired{NotApplicable: "there is no /etc/security: logins do not use pam_limits"}, nil
			}
			var text strings.Builder
			for _, who := range []string{"*   ", "root"} { // the star does not cover root
				fmt.Fprintf(&text, "%[1]s soft nofile %[2]d\n%[1]s hard nofile %[3]d\n", who, loginSoftFiles, loginFiles)
			}
			w := Desired{}
			if limit, ok := m.Host.Rlimit("Max processes"); m.Live && ok && limit.Hard >= 65536 {
				w.Notes = append(w.Notes, "the limit of processes is not changed: 65536 would be lower than the present one")
			} else {
				text.WriteString("*    soft nproc  65536\n*    hard nproc  65536\n")
			}
			w.Wants = []Want{m.part(limitsFile, text.String())}
			if reason := m.limitsUnread(); reason != "" {
				return Desired{NotApplicable: reason}, nil
			}
			if most, err := strconv.ParseInt(m.Host.Text("/proc/sys/fs/nr_open"), 10, 64); m.Live && err == nil && most < loginFiles {
				w.Blocked = fmt.Sprintf("fs.nr_open is %d: with a hard limit of %d, pam_limits would refuse logins", most, loginFiles)
				return w, nil
			}
			if m.mayNotRaise() {
				w.Blocked = "this container may not raise limits (it has no CAP_SYS_RESOURCE): they are its host's to change"
				return w, nil
			}
			rivals := m.laterLimits()
			if len(rivals) > 0 {
				w.Blocked = strings.Join(rivals, "; ") + ": change it there"
			}
			w.Effective = func() []string { return rivals }
			w.Older = func() string {
				return m.olderSessions(host.LimitOpenFiles, func(has host.Rlimit) bool { return has.Soft >= loginSoftFiles && has.Hard >= loginFiles })
			}
			return w, nil
		},
	}
}

func serviceLimitsItem() Item {
	return Item{
		ID:   "service-limits",
		What: "raise the limits of open files and tasks for systemd services",
		Why:  "limits.d is only for logins: services get their limits from systemd.",
		Effect: "services may open 65536 files at once and 1048576 if they ask, and may have half of the machine's tasks (systemd's own default is 15 %). " +
			"Go services ask by themselves: they get the hard limit anyway, 524288 since systemd 240.",
		Evidence: "measured in a Debian 12 VM: a Go service had 524287 files without any of this",
		OffWhy:   "Go raises the soft limit itself, and 524288 files are enough for nearly all services; set LimitNOFILE= in the one unit that needs more",
		Needs:    NeedsRestart,
		Desired: func(m *Machine) (Desired, error) {
			if !m.HasSystemd() {
				return Desired{NotApplicable: "there is no systemd"}, nil
			}
			return Desired{
				Wants: []Want{m.part(managerFile, "[Manager]\nDefaultLimitNOFILE=65536:1048576\nDefaultTasksMax=50%\n")},
				Effective: func() []string {
					return m.unlike(m.properties(""), map[string]string{"DefaultLimitNOFILE": "1048576", "DefaultLimitNOFILESoft": "65536"},
						facts.DropIns(m.Host, ".conf", "/usr/lib/systemd/system.conf.d", "/run/systemd/system.conf.d", "/etc/systemd/system.conf.d"), managerFile)
				},
			}, nil
		},
	}
}

// mayNotRaise reports whether the hard limit of open files is too low and not even root may raise
// it, by capabilities(7): pam_limits then leaves it as it is, without a word.
func (m *Machine) mayNotRaise() bool {
	const capSysResource = 24
	limit, known := m.Host.Rlimit(host.LimitOpenFiles)
	if !m.Live || !known || limit.Hard >= loginFiles {
		return false
	}
	for _, line := range m.Host.Lines("/proc/self/status") {
		if text, found := strings.CutPrefix(line, "CapBnd:"); found {
			set, err := strconv.ParseUint(strings.TrimSpace(text), 16, 64)
			return err == nil && set&(1<<capSysResource) == 0
		}
	}
	return false
}

// limitsUnread returns why limits.d counts for no login: where no service of PAM loads
// pam_limits. It is empty without a configuration of PAM that can be read.
func (m *Machine) limitsUnread() string {
	services := m.Host.ReadDir("/etc/pam.d")
	for _, service := range services {
		for _, line := range m.Host.Lines("/etc/pam.d/" + service.Name()) {
			if line, _, _ = strings.Cut(line, "#"); strings.Contains(line, "pam_limits.so") {
				return ""
			}
		}
	}
	if len(services) == 0 {
		return ""
	}
	return "no file in /etc/pam.d loads pam_limits.so: logins do not read /etc/security/limits.d"
}

// laterLimits names the lines that count in place of ours for everybody, for root or for
// the user who is meant: by limits.conf(5) the last line counts, and one for a user goes
// before those for everybody in whatever file it is.
func (m *Machine) laterLimits() (rivals []string) {
	files := append([]string{"/etc/security/limits.conf"}, facts.DropIns(m.Host, ".conf", "/usr/lib/security/limits.d", "/etc/security/limits.d")...)
	for n, file := range files {
		later := n > 0 && path.Base(file) > path.Base(limitsFile)
		for i, line := range m.Host.Lines(file) {
			f := strings.Fields(line)
			if len(f) != 4 || f[2] != "nofile" {
				continue
			}
			switch {
			case later && (f[0] == "*" || f[0] == "root"):
				rivals = append(rivals, fmt.Sprintf("%s:%d also sets %s for %s and is read later, so it wins", file, i+1, f[2], f[0]))
			case m.User != "" && f[0] == m.User && (later || f[0] != "root"):
				rivals = append(rivals, fmt.Sprintf("%s:%d sets %s for %s, and a line for a user wins", file, i+1, f[2], f[0]))
			}
		}
	}
	return rivals
}
