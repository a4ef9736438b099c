package harden

import (
	"strings"
	"testing"
)

func limitsOf(soft, hard string) string {
	return "Limit                     Soft Limit           Hard Limit           Units     \n" +
		"Max core file size        0                    unlimited            bytes     \n" +
		"Max open files            " + soft + "                 " + hard + "              files     \n"
}

func TestLoginLimits_namesOlderSessions(t *testing.T) {
	const old, applied = "1024", "65536"
	m := made(t, true, map[string]string{
		"/etc/security": "DIR", "/etc/passwd": "dev:x:1000:1000::/home/dev:/bin/bash\n",
		// Session 3 is older. In session 5 a program has lowered its own limit. A service and the user's
		// manager are no sessions.
		"/proc/30/cgroup": "0::/user.slice/user-1000.slice/session-3.scope\n", "/proc/30/limits": limitsOf(old, "1048576"),
		"/proc/31/cgroup": "0::/user.slice/user-1000.slice/session-3.scope/below\n", "/proc/31/limits": limitsOf(applied, "1048576"),
		"/proc/50/cgroup": "1:name=systemd:/user.slice/user-0.slice/session-5.scope\n", "/proc/50/limits": limitsOf(applied, "1048576"),
		"/proc/51/cgroup": "1:name=systemd:/user.slice/user-0.slice/session-5.scope\n", "/proc/51/limits": limitsOf(old, old),
		"/proc/60/cgroup": "0::/system.slice/ssh.service\n", "/proc/60/limits": limitsOf(old, "524288"),
		"/proc/70/cgroup": "0::/user.slice/user-1000.slice/user@1000.service/init.scope\n", "/proc/70/limits": limitsOf(old, "524288"),
	})
	e, sel := &Engine{Machine: m, Items: Catalogue()}, Selection{Only: []string{"login-limits"}}
	if state, reason := stateOf(t, e, sel); state != Pending || reason != "" {
		t.Fatalf("before: %s (%s)", state, reason)
	}
	_, err := e.Apply(t.Context(), sel, nil, nil)
	must(t, err)
	for _, line := range []string{"*    soft nofile 65536\n", "*    hard nofile 1048576\n", "root soft nofile 65536\n", "root hard nofile 1048576\n"} {
		if text := m.Host.Text(limitsFile); !strings.Contains(text+"\n", line) {
			t.Errorf("%s has no %q: %s", limitsFile, line, text)
		}
	}
	for _, c := range []struct{ soft, hard, want string }{
		{old, "1048576", "1 session (dev) was opened before and has other limits: log in again"},
		{applied, "524288", "1 session (dev) was opened before and has other limits: log in again"},
		{applied, "1048576", ""},
		{"1048576", "1048576", ""}, // a Go program has raised its own
	} {
		write(t, m.Host.Path("/proc/30/limits"), limitsOf(c.soft, c.hard))
		if state, reason := stateOf(t, e, sel); state != Applied || reason != c.want {
			t.Errorf("%s of %s files: %s (%s), want %q", c.soft, c.hard, state, reason, c.want)
		}
	}
	core := Selection{Only: []string{"core-dumps"}}
	_, err = e.Apply(t.Context(), core, nil, nil)
	must(t, err)
	if state, reason := stateOf(t, e, core); state != Applied || !strings.HasPrefix(reason, "2 sessions (dev, user 0) were opened before") {
		t.Errorf("core dumps: %s (%s)", state, reason)
	}
}

func TestLoginLimits_needTheRightToRaise(t *testing.T) {
	const without = "Name:\tvmgo\nCapBnd:\t000001fffeffffff\n"
	for _, c := range []struct {
		hard, status string
		blocked      bool
	}{
		{"20000", without, true},
		{"1048576", without, false},
		{"20000", "CapBnd:\t000001ffffffffff\n", false},
		{"20000", "", false},
	} {
		m := made(t, true, map[string]string{"/etc/security": "DIR", "/proc/self/limits": limitsOf("1024", c.hard), "/proc/self/status": c.status})
		if got := desiredOf(t, m, loginLimitsItem()).Blocked; strings.Contains(got, "may not raise limits") != c.blocked {
			t.Errorf("a hard limit of %s, %q: blocked %q", c.hard, c.status, got)
		}
	}
}
