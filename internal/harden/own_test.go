package harden

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/dirs"
)

// ownMachine is the own part of a user, this one, whose manager runs.
func ownMachine(t *testing.T, files map[string]string) *Machine {
	t.Helper()
	files["/usr/lib/systemd/systemd"], files["/run/user/7/systemd/private"] = "", ""
	files["/home/dev/.config/systemd/user/app.service"] = "[Service]\nExecStart=%h/app\n"
	h := made(t, true, files).Host
	h.UID = os.Getuid()
	layout := dirs.FromEnv(map[string]string{"HOME": h.Root + "/home/dev", "XDG_RUNTIME_DIR": h.Root + "/run/user/7"}, h.Root, h.UID)
	m, err := Own(h, layout)
	must(t, err)
	return m
}

func TestOwn_asksTheUsersManager(t *testing.T) {
	m := ownMachine(t, map[string]string{
		"/sys/fs/cgroup/user.slice/user@7.service/cgroup.controllers": "memory pids\n",
		"/proc/7/environ": "A=1\x00",
	})
	var ran []string
	m.Host.Run = func(cmd *exec.Cmd) error {
		ran = append(ran, strings.Join(cmd.Args, " "))
		if !slices.Contains(cmd.Env, "XDG_RUNTIME_DIR=/run/user/7") {
			t.Errorf("%q runs with %q", cmd.Args, cmd.Env)
		}
		_, err := cmd.Stdout.Write([]byte("ControlGroup=/user.slice/user@7.service\nMainPID=7\nMemoryMax=infinity\n"))
		return err
	}
	s, err := NewService(Service{Name: "app", Memory: 512 << 20, CPUs: 1, User: true})
	must(t, err)
	e := &Engine{Machine: m, Items: s.Items()}
	res, err := e.Apply(t.Context(), Selection{Only: []string{"user-service:app"}}, nil, nil)
	must(t, err)
	item := res.Plan.Items[0]
	if !slices.ContainsFunc(item.Notes, func(note string) bool { return strings.Contains(note, "no cpu controller, so CPUQuota has no effect") }) ||
		slices.ContainsFunc(item.Notes, func(note string) bool { return strings.Contains(note, "memory controller") }) {
		t.Errorf("with memory and pids the notes are %q", item.Notes)
	}
	if !slices.Equal(item.Advice, []string{"systemctl --user restart app.service"}) {
		t.Errorf("advice %q", item.Advice)
	}
	if !slices.Contains(ran, "systemctl --user daemon-reload") || slices.ContainsFunc(ran, func(c string) bool { return !strings.HasPrefix(c, "systemctl --user ") }) {
		t.Errorf("ran %q", ran)
	}
	if got, want := s.proof(m), "process 7 was started before and has no GOMEMLIMIT=460MiB: systemctl --user restart app"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if info, err := m.Host.Stat("/home/dev/.config/systemd/user/app.service.d"); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory of the drop-in: %v, %v", info, err)
	}
	// The manager has another value than the drop-in, and the ledger alone is enough to see it.
	state, reason := stateOf(t, &Engine{Machine: m}, Selection{Only: []string{"user-service:app"}})
	if state != Overridden || !strings.Contains(reason, "MemoryMax is infinity, not 536870912") {
		t.Errorf("%s (%s)", state, reason)
	}
	if m.Host.Exists(StateDir) || !m.Host.Exists("/home/dev/.local/state/vmgo/harden/ledger.json") {
		t.Error("the ledger is not in the user's state")
	}
}

// A full disk may be the one of /etc for the machine, not for a user.
func TestOwn_hasNoPartInEtc(t *testing.T) {
	for m, want := range map[*Machine]string{
		ownMachine(t, map[string]string{}):              "/home/dev/.local/state/vmgo/harden",
		{Host: made(t, true, map[string]string{}).Host}: StateDir + " /etc; df -i /etc",
	} {
		hints := diag.HintsOf((&Engine{Machine: m}).unchanged(syscall.ENOSPC))
		if len(hints) != 1 || hints[0] != "df -h "+want {
			t.Errorf("%q, want %s", hints, want)
		}
	}
}

func TestOwn_needsTheUsersOwnHome(t *testing.T) {
	h := made(t, true, map[string]string{"/home/dev": "DIR"}).Host
	h.UID = os.Getuid() + 1
	if _, err := Own(h, dirs.FromEnv(map[string]string{"HOME": h.Root + "/home/dev"}, h.Root, h.UID)); err == nil || !strings.Contains(err.Error(), "belongs to user") {
		t.Errorf("another user's home: %v", err)
	}
	if _, err := Own(h, dirs.Layout{}); err == nil {
		t.Error("there is no home, and no error")
	}
}
