package harden

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/passwd"
	"github.com/vmgo/vmgo/internal/ui"
)

// session is a login session that is open.
type session struct {
	uid int
	pid int // the oldest process that is left of it
}

// loginSessions lists the sessions that systemd-logind knows: each has a control group
// session-N.scope beneath the slice of its user (systemd-logind.service(8), pam_systemd(8)).
// Without logind there are none.
func (m *Machine) loginSessions() []session {
	if !m.Live {
		return nil
	}
	scope := regexp.MustCompile(`/user-(\d+)\.slice/session-[^/]+\.scope`)
	open := map[string]session{}
	entries := slices.DeleteFunc(m.Host.ReadDir("/proc"), func(e fs.DirEntry) bool { return !e.IsDir() })
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		at := scope.FindStringSubmatch(m.Host.Text("/proc/" + entry.Name() + "/cgroup"))
		if at == nil {
			continue
		}
		uid, _ := strconv.Atoi(at[1])
		if s, known := open[at[0]]; !known || pid < s.pid {
			open[at[0]] = session{uid, pid}
		}
	}
	return slices.SortedFunc(maps.Values(open), func(a, b session) int { return a.pid - b.pid })
}

// olderSessions says how many open sessions have another limit than a new login gets;
// enough judges one. It is empty if there is none.
func (m *Machine) olderSessions(limit string, enough func(host.Rlimit) bool) string {
	var users []string
	older := 0
	accounts := m.Host.Accounts()
	for _, s := range m.loginSessions() {
		has, known := m.Host.RlimitOf(strconv.Itoa(s.pid), limit)
		if !known || enough(has) {
			continue
		}
		older++
		name := fmt.Sprint("user ", s.uid)
		if a, found := passwd.ByUID(accounts, s.uid); found {
			name = a.Name
		}
		if !slices.Contains(users, name) {
			users = append(users, name)
		}
	}
	switch {
	case older == 0:
		return ""
	case older == 1:
		return "1 session (" + users[0] + ") was opened before and has other limits: log in again"
	}
	return ui.Count(older, "session") + " (" + strings.Join(users, ", ") + ") were opened before and have other limits: log in again"
}
