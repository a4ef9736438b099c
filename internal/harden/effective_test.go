package harden

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

func stateOf(t *testing.T, e *Engine, sel Selection) (State, string) {
	t.Helper()
	items, err := e.Status(sel)
	must(t, err)
	i := slices.IndexFunc(items, func(s ItemStatus) bool { return s.ID == sel.Only[0] })
	return items[i].State, items[i].Reason
}

func TestSysctls_overriddenAtTheNextBoot(t *testing.T) {
	m := testMachine(t, fakeRoot(t))
	e, sel := &Engine{Machine: m, Items: Catalogue()}, Selection{Only: []string{"swappiness"}}
	_, err := e.Apply(t.Context(), sel, nil, nil)
	must(t, err)
	if state, reason := stateOf(t, e, sel); state != Applied {
		t.Fatalf("%s: %s", state, reason)
	}
	write(t, m.Host.Root+"/etc/sysctl.d/99-site.conf", "vm.swappiness = 60\n")
	if state, reason := stateOf(t, e, sel); state != Overridden || !strings.HasPrefix(reason, "/etc/sysctl.d/99-site.conf:1 sets vm.swappiness") {
		t.Errorf("%s: %s", state, reason)
	}
}

func TestSysctls_ofTheHostAreNotAContainersToSet(t *testing.T) {
	m := made(t, true, map[string]string{"/proc/sys/vm/swappiness": "60", "/run/systemd/container": "lxc"})
	want := "blocked: this is a container (lxc), and vm.swappiness would change for its host: set them there"
	if got := verdict(desiredOf(t, m, swappinessItem())); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestLoginLimits_overridden(t *testing.T) {
	for name, want := range map[string]string{"50-site.conf": "wanted", "90-site.conf": "blocked: /etc/security/limits.d/90-site.conf:2 also sets nofile for *"} {
		m := made(t, true, map[string]string{"/etc/security/limits.d/" + name: "# site\n* hard nofile 4096\n@ops hard nofile 9\n"})
		if got := verdict(desiredOf(t, m, loginLimitsItem())); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestLoginLimits_byWhatALoginReads(t *testing.T) {
	for _, c := range []struct{ user, file, text, want string }{
		{"dev", "/etc/security/limits.conf", "dev hard nofile 4096\n", "blocked: /etc/security/limits.conf:1 sets nofile for dev, and a line for a user wins"},
		{"ann", "/etc/security/limits.conf", "dev hard nofile 4096\n* hard nofile 4096\n", "wanted"},
		{"root", "/etc/security/limits.conf", "root hard nofile 4096\n", "wanted"},
		{"dev", "/etc/security/limits.d/50-x.conf", "dev - nofile 4096\n", "blocked: /etc/security/limits.d/50-x.conf:1 sets nofile for dev"},
		{"dev", "/etc/pam.d/sshd", "# session required pam_limits.so\nsession required pam_unix.so\n", "not applicable: no file in /etc/pam.d loads pam_limits.so"},
		{"dev", "/etc/pam.d/sshd", "session required pam_limits.so # yes\n", "wanted"},
		{"dev", "/proc/sys/fs/nr_open", "524288\n", "blocked: fs.nr_open is 524288: with a hard limit of 1048576"},
		{"dev", "/proc/sys/fs/nr_open", "1048576\n", "wanted"},
	} {
		m := made(t, true, map[string]string{"/etc/security": "DIR", c.file: c.text})
		m.User = c.user
		if got := verdict(desiredOf(t, m, loginLimitsItem())); !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestService_withinTheMachine(t *testing.T) {
	for _, c := range []struct {
		service Service
		want    string
	}{
		{Service{CPUs: 2}, "wanted"},
		{Service{CPUs: 2.5}, "blocked: 2.5 CPUs are not a limit: this machine has 2"},
		{Service{Memory: 1 << 30}, "wanted"},
		{Service{Memory: 999 << 40}, "blocked: 1.1 PB of memory are not a limit: this machine has 4.2 GB"},
	} {
		m := made(t, true, map[string]string{
			"/usr/lib/systemd/systemd": "", "/etc/systemd/system/app.service": "[Service]\nExecStart=/usr/bin/app\n",
			"/sys/devices/system/cpu/online": "0-1", "/proc/meminfo": "MemTotal: 4096000 kB\n", "/run/systemd/system": "DIR",
		})
		c.service.Name = "app.service"
		w := desiredOf(t, m, c.service.limitsItem())
		if got := verdict(w); !strings.HasPrefix(got, c.want) || (w.Blocked == "") != (len(w.Advice) > 0) {
			t.Errorf("%+v: %s, want %s; advice %q", c.service, got, c.want, w.Advice)
		}
	}
}

func TestParseMemory_share(t *testing.T) {
	for text, want := range map[string]int64{"50%": 2 << 30, "512M": 512 << 20, "0%": 0, "101%": 0, "x%": 0, "NaN%": 0} {
		if got, err := ParseMemory(text, 4<<30); got != want || (err == nil) != (want > 0) {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	if _, err := ParseMemory("50%", 0); err == nil {
		t.Error("a share of an unknown memory")
	}
}

// What the collector is told makes sense for Go programs alone.
func TestService_ofAnotherLanguage(t *testing.T) {
	self, err := os.Executable()
	must(t, err)
	goFile, err := os.ReadFile(self)
	must(t, err)
	for program, want := range map[string]bool{"/usr/bin/go-app": true, "/usr/bin/c-app": false, "/usr/bin/script": true, "/usr/bin/absent": true, "/bin/sh": true} {
		m := made(t, false, map[string]string{
			"/usr/lib/systemd/systemd": "", "/usr/bin/go-app": string(goFile), "/usr/bin/script": "#!/bin/sh\n",
			"/usr/bin/c-app": "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 100), "/bin/sh": "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 100),
			"/etc/systemd/system/app.service": "[Service]\nExecStart=-" + program + " --flag\n",
		})
		w := desiredOf(t, m, Service{Name: "app.service", Memory: 1 << 30, CPUs: 1}.limitsItem())
		if got := strings.Contains(w.Wants[0].Value.Text, "GOMEMLIMIT"); got != want || strings.Contains(w.Wants[0].Value.Text, "GOMAXPROCS") != want {
			t.Errorf("%s: GOMEMLIMIT %v, want %v", program, got, want)
		}
	}
}

// A plan that could not be shown is not carried out.
func TestApply_stopsWhereThePlanCannotBeShown(t *testing.T) {
	m := testMachine(t, fakeRoot(t))
	before := snapshot(t, m.Host.Root)
	e := &Engine{Machine: m, Items: fakeItems()}
	_, err := e.Apply(t.Context(), Selection{}, nil, func(Plan) error { return errors.New("no space left on stdout") })
	if err == nil || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("%v", err)
	}
	if got := differences(before, snapshot(t, m.Host.Root)); len(got) > 0 {
		t.Errorf("it changed %q", got)
	}
}
