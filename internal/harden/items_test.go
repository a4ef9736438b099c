package harden

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/host"
)

// made is a machine of the given files, with the identity of a plain VM.
func made(t *testing.T, live bool, files map[string]string) *Machine {
	t.Helper()
	h := fakeHost(layOut(t, files))
	h.Sys.CPU = func() host.CPU { return host.CPU{Hypervisor: "KVMKVMKVM", VM: true} }
	m, err := Running(h)
	must(t, err)
	m.Live = live
	return m
}

func desiredOf(t *testing.T, m *Machine, item Item) Desired {
	t.Helper()
	w, err := item.Desired(m)
	must(t, err)
	commands := []string{"apt-get", "chroot", "dnf", "echo", "grubby", "mkdir", "systemctl", "update-grub", "vi", "visudo"}
	for _, advice := range w.Advice { // has a button that copies it
		if program, _, _ := strings.Cut(advice, " "); !slices.Contains(commands, program) {
			t.Errorf("%s: %q is no command", item.ID, advice)
		}
	}
	return w
}

// verdict puts a desired state into one line for tables.
func verdict(w Desired) string {
	switch {
	case w.Blocked != "":
		return "blocked: " + w.Blocked
	case w.NotApplicable != "":
		return "not applicable: " + w.NotApplicable
	}
	return "wanted"
}

const noSwap = "Filename Type Size Used Priority\n"

func TestSwapOff_refusesWhereMemoryIsShort(t *testing.T) {
	disk := noSwap + "/dev/vdb partition 2097148 1048576 -2\n"
	for _, c := range []struct {
		name, meminfo, swaps, fstab string
		profile                     Profile
		want                        string
	}{
		{"none", "MemTotal: 16777216 kB\n", noSwap, "", Dev, "not applicable: there is no swap"},
		{"enough", "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n", disk, "", Dev, "wanted"},
		{"short for dev", "MemTotal: 4194304 kB\nMemAvailable: 4000000 kB\n", disk, "", Dev, "blocked: profile dev needs 8.6 GB of memory to do without swap, this machine has 4.3 GB"},
		{"the same as a server", "MemTotal: 4194304 kB\nMemAvailable: 4000000 kB\n", disk, "", Server, "wanted"},
		{"in use", "MemTotal: 16777216 kB\nMemAvailable: 524288 kB\n", disk, "", Dev, "blocked: 1.1 GB lie in swap, and only 536.9 MB of memory are free"},
		{"compressed memory", "MemTotal: 16777216 kB\n", noSwap + "/dev/zram0 partition 2097148 0 100\n", "", Dev, "not applicable: there is no swap on a disk"},
		{"at boot only", "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n", noSwap, "/dev/vdb none swap sw 0 0\n", Dev, "wanted"},
	} {
		m := made(t, true, map[string]string{"/proc/meminfo": c.meminfo, "/proc/swaps": c.swaps, "/etc/fstab": c.fstab})
		m.Profile = c.profile
		if got := verdict(desiredOf(t, m, swapOffItem())); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestSwapOff_comesBackWithItsPriority(t *testing.T) {
	for _, priority := range []string{"-2", "7"} {
		m := made(t, true, map[string]string{
			"/proc/meminfo": "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n", "/etc/fstab": "/dev/vdb none swap sw 0 0", "/var/lib": "DIR",
			"/proc/swaps": noSwap + "/dev/vdb partition 2097148 0 " + priority + "\n",
		})
		before := snapshot(t, m.Host.Root)
		e := &Engine{Machine: m, Items: Catalogue()}
		_, err := e.Apply(t.Context(), Selection{Only: []string{"swap-off"}}, nil, nil)
		must(t, err)
		if len(m.Swaps()) != 0 {
			t.Fatalf("swap is on: %v", m.Swaps())
		}
		_, err = e.Undo(t.Context(), nil, nil)
		must(t, err)
		log, err := os.ReadFile(commandLog(m.Host.Root))
		must(t, err)
		want := "swapon /dev/vdb\n"
		if priority == "7" {
			want = "swapon -p 7 /dev/vdb\n"
		}
		if !strings.Contains(string(log), want) {
			t.Errorf("undo ran %q, want %q", log, want)
		}
		after := snapshot(t, m.Host.Root)
		delete(before, "/proc/swaps")
		delete(after, "/proc/swaps")
		if got := differences(before, after); len(got) > 0 {
			t.Errorf("undo left %q", got)
		}
	}
}

func TestGocache_refusesWhereMemoryIsShort(t *testing.T) {
	base := map[string]string{
		"/usr/lib/systemd/systemd": "", "/home/dev": "DIR",
		"/etc/passwd": "root:x:0:0:root:/root:/bin/sh\ndev:x:1000:1000::/home/dev:/bin/bash\n",
	}
	for _, c := range []struct{ user, meminfo, want string }{
		{"", "", "blocked: it is per user"},
		{"ghost", "", "blocked: there is no user ghost"},
		{"dev", "MemTotal: 4194304 kB\nSwapTotal: 1024 kB\n", "blocked: a cache in memory needs 8.6 GB of it, this machine has 4.3 GB"},
		{"dev", "MemTotal: 16777216 kB\nSwapTotal: 0 kB\n", "blocked: without swap"},
		{"dev", "MemTotal: 12582912 kB\nSwapTotal: 1024 kB\n", "wanted"},
	} {
		base["/proc/meminfo"] = c.meminfo
		m := made(t, true, base)
		m.User = c.user
		w := desiredOf(t, m, gocacheItem())
		if got := verdict(w); !strings.HasPrefix(got, c.want) {
			t.Errorf("user %q, %s: %s, want %s", c.user, c.meminfo, got, c.want)
		}
		if c.want == "wanted" && !slices.ContainsFunc(w.Wants, func(w Want) bool { return strings.Contains(w.Value.Text, "size=3221225472") }) {
			t.Errorf("a quarter of 12 GiB is not the size: %+v", w.Wants)
		}
	}
}

func TestGocache_refusesLinks(t *testing.T) {
	m := made(t, false, map[string]string{
		"/usr/lib/systemd/systemd": "", "/home/dev": "DIR", "/root/.cache": "DIR", "/etc/passwd": "dev:x:1000:1000::/home/dev:/bin/bash\n",
	})
	m.User = "dev"
	must(t, os.Symlink("/root/.cache", m.Host.Root+"/home/dev/.cache"))
	if got := verdict(desiredOf(t, m, gocacheItem())); got != "blocked: /home/dev/.cache has a link in its path, which systemd does not mount on" {
		t.Error(got)
	}
}

func TestSysctls_leavesGoodEnoughAlone(t *testing.T) {
	m := made(t, true, map[string]string{
		"/proc/sys/fs/inotify/max_user_watches":   "1000000\n",
		"/proc/sys/fs/inotify/max_user_instances": "128\n",
		"/etc/sysctl.d/99-site.conf":              "# site\n-fs/inotify/max_user_instances=64\n",
	})
	w := desiredOf(t, m, inotifyItem())
	if len(w.Wants) != 2 || strings.Contains(w.Wants[0].Value.Text, "watches") {
		t.Errorf("wants %+v", w.Wants)
	}
	if !strings.HasPrefix(w.Blocked, "/etc/sysctl.d/99-site.conf:2 sets fs.inotify.max_user_instances") {
		t.Errorf("the later file is not named: %q", w.Blocked)
	}
}

func TestSysctls_thatTheKernelLacks(t *testing.T) {
	m := made(t, true, map[string]string{"/proc/sys/kernel/printk": "4"})
	if got := verdict(desiredOf(t, m, swappinessItem())); got != "not applicable: this kernel has no vm.swappiness" {
		t.Error(got)
	}
}

func TestSudo(t *testing.T) {
	const el, dir = "Defaults secure_path=/sbin:/bin\n", "@includedir /etc/sudoers.d\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"EL", map[string]string{"/etc/sudoers": el + dir}, "wanted"},
		{"vmgo's own does not count", map[string]string{"/etc/sudoers": el + dir, "/etc/sudoers.d/60-vmgo": "Defaults secure_path=/sbin:/usr/local/bin\n"}, "wanted"},
		{"read before", map[string]string{"/etc/sudoers": dir, "/etc/sudoers.d/50-site": el}, "wanted"},
		{"Debian", map[string]string{"/etc/sudoers": "Defaults secure_path=\"/usr/local/bin:/bin\"\n" + dir}, "not applicable: /etc/sudoers:1 already has /usr/local/bin"},
		{"none", map[string]string{"/etc/sudoers": dir}, "not applicable: sudo keeps the caller's PATH: there is no secure_path"},
		{"read after", map[string]string{"/etc/sudoers": dir, "/etc/sudoers.d/site": el},
			"blocked: /etc/sudoers.d/site:1 sets secure_path and is read after /etc/sudoers.d/60-vmgo, so it wins"},
		{"behind the directory", map[string]string{"/etc/sudoers": dir + el},
			"blocked: /etc/sudoers:2 sets secure_path and is read after /etc/sudoers.d/60-vmgo, so it wins"},
		{"no drop-ins", map[string]string{"/etc/sudoers": el}, "blocked: /etc/sudoers does not include /etc/sudoers.d, so a file there has no effect"},
	} {
		c.files["/usr/sbin/visudo"], c.files["/usr/local/bin"] = "", "DIR"
		if c.files["/etc/sudoers.d/site"]+c.files["/etc/sudoers.d/50-site"]+c.files["/etc/sudoers.d/60-vmgo"] == "" {
			c.files["/etc/sudoers.d"] = "DIR"
		}
		if got := verdict(desiredOf(t, made(t, true, c.files), sudoItem())); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestSudo_refusesADirectoryThatOthersMayWrite(t *testing.T) {
	m := made(t, true, map[string]string{
		"/usr/sbin/visudo": "", "/etc/sudoers": "Defaults secure_path=/bin\n@includedir /etc/sudoers.d\n", "/etc/sudoers.d": "DIR", "/usr/local/bin": "DIR",
	})
	must(t, os.Chmod(m.Host.Root+"/usr/local/bin", 0o775))
	if got := verdict(desiredOf(t, m, sudoItem())); !strings.HasPrefix(got, "blocked: others than root may write") {
		t.Error(got)
	}
}

func TestPolicy_namesWhatWeakensGo(t *testing.T) {
	m := made(t, true, map[string]string{
		"/etc/environment":         "LANG=C\nGOSUMDB=off\n",
		"/etc/profile.d/go.sh":     "export GOFLAGS=\"-mod=vendor -v\" GOROOT=/usr/local/go\n# export GOSUMDB=off\n",
		"/etc/systemd/system.conf": "[Manager]\nDefaultEnvironment=GONOSUMDB=* FOO=1\n",
	})
	w := desiredOf(t, m, policyItem())
	for _, want := range []string{
		"/etc/environment:2 sets GOSUMDB=off", "/etc/profile.d/go.sh:1 sets GOFLAGS=", "/etc/profile.d/go.sh:1 sets GOROOT=/usr/local/go",
		"/etc/systemd/system.conf:2 sets GONOSUMDB=*",
	} {
		if !slices.ContainsFunc(w.Notes, func(n string) bool { return strings.HasPrefix(n, want) }) {
			t.Errorf("%q is not among %q", want, w.Notes)
		}
	}
	if len(w.Notes) != 4 {
		t.Errorf("%d notes: %q", len(w.Notes), w.Notes)
	}
	if want := "vi +2 /etc/environment   # remove GOSUMDB=off"; !slices.Contains(w.Advice, want) {
		t.Errorf("%q is not among %q", want, w.Advice)
	}
	m.Live = false
	if want := "vi +2 " + m.Host.Root + "/etc/environment   # remove GOSUMDB=off"; !slices.Contains(desiredOf(t, m, policyItem()).Advice, want) {
		t.Errorf("an image: no %q", want)
	}
}

func TestTimeSync(t *testing.T) {
	unit := "[Unit]\n[Install]\nWantedBy=sysinit.target\nAlias=dbus-time.service\n"
	base := map[string]string{"/usr/lib/systemd/systemd": "", "/etc/os-release": "ID=almalinux\nID_LIKE=\"rhel centos fedora\"\n"}
	w := desiredOf(t, made(t, true, base), timeSyncItem())
	if w.Blocked == "" || !slices.Contains(w.Advice, "dnf install -y chrony") {
		t.Errorf("nothing installed: %+v", w)
	}
	unknown := desiredOf(t, made(t, true, map[string]string{"/usr/lib/systemd/systemd": ""}), timeSyncItem())
	if unknown.Blocked == "" || len(unknown.Advice) > 0 {
		t.Errorf("an unknown package manager: %+v", unknown)
	}
	image := made(t, false, base)
	if want := "chroot " + image.Host.Root + " sh -c 'dnf install -y chrony'"; !slices.Contains(desiredOf(t, image, timeSyncItem()).Advice, want) {
		t.Errorf("an image: no %q", want)
	}
	base["/usr/lib/systemd/system/systemd-timesyncd.service"] = unit
	w = desiredOf(t, made(t, true, base), timeSyncItem())
	if len(w.Wants) != 3 || w.Wants[0].Target != "/etc/systemd/system/sysinit.target.wants/systemd-timesyncd.service" || w.Wants[1].Target != "/etc/systemd/system/dbus-time.service" {
		t.Errorf("installed: %+v", w)
	}
	base["/usr/lib/systemd/system/chronyd.service"] = unit
	base["/etc/systemd/system/multi-user.target.wants/chronyd.service"] = ""
	base["/run/systemd/system/.keep"] = ""
	w = desiredOf(t, made(t, true, base), timeSyncItem())
	if len(w.Wants) != 1 || w.Wants[0].Target != "chronyd.service" || w.Wants[0].Kind != Unit || w.Blocked != "" {
		t.Errorf("chrony is enabled, and does not run: %+v", w)
	}
	base["/proc/701/comm"] = "chronyd\n"
	w = desiredOf(t, made(t, true, base), timeSyncItem())
	if len(w.Wants) != 0 || w.Blocked != "" {
		t.Errorf("chrony is enabled and runs: %+v", w)
	}
}

func TestTmp(t *testing.T) {
	m := made(t, true, map[string]string{"/proc/self/mountinfo": "1 0 8:1 / / rw - ext4 /dev/vda rw\n2 1 0:5 / /tmp rw,noexec - tmpfs tmpfs rw\n", "/tmp": "DIR", "/var/tmp": "DIR"})
	w := desiredOf(t, m, tmpItem())
	if verdict(w) != "wanted" || slices.ContainsFunc(w.Wants, func(w Want) bool { return w.Target == tmpDropIn }) {
		t.Errorf("noexec already: %+v", w)
	}
	m = made(t, true, map[string]string{"/proc/self/mountinfo": "1 0 8:1 / / rw - ext4 /dev/vda rw\n", "/tmp": "DIR", "/var/tmp": "DIR"})
	if got := verdict(desiredOf(t, m, tmpItem())); !strings.HasPrefix(got, "not applicable: /tmp is a directory") {
		t.Error(got)
	}
}

func TestEscapePathAsSystemdDoes(t *testing.T) {
	if _, err := exec.LookPath("systemd-escape"); err != nil {
		t.Skip("systemd-escape is not installed")
	}
	for _, path := range []string{"/", "/home/dev/.cache/go-build", "/a b/c-d", "/.hidden/x", "/ä/_:/9", "/a//b/"} {
		out, err := exec.Command("systemd-escape", "--path", path).Output()
		must(t, err)
		if got := escapePath(path); got != strings.TrimSpace(string(out)) {
			t.Errorf("%q: %q, systemd says %q", path, got, strings.TrimSpace(string(out)))
		}
	}
}

func TestServiceFigures(t *testing.T) {
	for _, memory := range []int64{minMemory, 100 << 20, 512 << 20, 8 << 30} {
		high, goLimit, _ := Service{Memory: memory}.limits()
		if goLimit >= high || high >= memory || goLimit < memory/100*85 && memory > 64<<20 {
			t.Errorf("of %d: MemoryHigh %d, GOMEMLIMIT %d", memory, high, goLimit)
		}
	}
	for text, want := range map[string]int64{"512M": 512 << 20, "1.5G": 3 << 29, "100000": 100000, "64MiB": 64 << 20, "2gb": 2 << 30} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "M", "-1G", "0", "NaN", "1e300", "12X", "Inf"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q is read as %d", text, got)
		}
	}
}

func TestService_namesWhatWins(t *testing.T) {
	m := made(t, false, map[string]string{
		"/usr/lib/systemd/systemd":                           "",
		"/etc/systemd/system/app@.service":                   "[Service]\nEnvironmentFile=-/etc/app.env\n",
		"/etc/app.env":                                       "A=1\nGOMAXPROCS=9\n",
		"/usr/lib/systemd/system/app@.service.d/99-mem.conf": "[Service]\nMemoryMax=1G\n",
		"/etc/systemd/system/app@one.service.d/99-go.conf":   "[Service]\nEnvironment=\"GOMEMLIMIT=1GiB\"\n",
		"/etc/systemd/system/app@one.service.d/50-own.conf":  "[Service]\nMemoryMax=1G\n",
		"/run/systemd/system/app@one.service.d/99-mem.conf":  "[Service]\n\nCPUQuota=10%\n",
	})
	s, err := NewService(Service{Name: "app@one", Memory: 512 << 20, CPUs: 1})
	must(t, err)
	want := "/etc/app.env:2 also sets GOMAXPROCS, and an EnvironmentFile wins; " +
		"/etc/systemd/system/app@one.service.d/99-go.conf:2 also sets GOMEMLIMIT and is read later, so it wins; " +
		"/run/systemd/system/app@one.service.d/99-mem.conf:3 also sets CPUQuota and is read later, so it wins: change it there"
	if got := desiredOf(t, m, s.Items()[0]).Blocked; got != want {
		t.Errorf("blocked by\n%s\nwant\n%s", got, want)
	}
	s.CPUs = 0 // what it does not set is no rival
	if got := desiredOf(t, m, s.Items()[0]).Blocked; strings.Contains(got, "GOMAXPROCS") || strings.Contains(got, "CPUQuota") {
		t.Errorf("memory alone is blocked by %s", got)
	}
}

// asked is a systemctl that knows the properties of a service.
func asked(m *Machine, properties string) {
	run := m.Host.Run
	m.Host.Run = func(cmd *exec.Cmd) error {
		if slices.Contains(cmd.Args, "show") {
			_, err := cmd.Stdout.Write([]byte(properties))
			return err
		}
		return run(cmd)
	}
}

func TestService_refusesLessThanItUses(t *testing.T) {
	m := made(t, true, map[string]string{
		"/usr/lib/systemd/systemd": "", "/run/systemd/system": "DIR", "/etc/systemd/system/app.service": "[Service]\nUser=app\n",
		"/sys/fs/cgroup/system.slice/app.service/memory.stat": "anon 943718400\nfile 99\n",
		"/sys/fs/cgroup/system.slice/app.service/memory.peak": "1073741824\n",
	})
	asked(m, "ControlGroup=/system.slice/app.service\n")
	s, err := NewService(Service{Name: "app", Memory: 512 << 20})
	must(t, err)
	w := desiredOf(t, m, s.Items()[0])
	if got := verdict(w); !strings.HasPrefix(got, "blocked: the service uses 943.7 MB of memory now, more than the 482.3 MB") {
		t.Error(got)
	}
	// Without MemoryPeak (systemd before 255) the kernel's figure counts.
	if want := "its peak was 1.1 GB, file cache included: --memory 1281M leaves a quarter of room"; !slices.Contains(w.Notes, want) {
		t.Errorf("notes %q, want %q", w.Notes, want)
	}
	asked(m, "ControlGroup=/system.slice/app.service\nMemoryPeak=104857600\n")
	if w := desiredOf(t, m, s.Items()[0]); !slices.Contains(w.Notes, "its peak was 104.9 MB, file cache included: --memory 126M leaves a quarter of room") {
		t.Errorf("notes %q", w.Notes)
	}
}

func TestService_provesWhatTheProcessWasTold(t *testing.T) {
	for environ, want := range map[string]string{
		"A=1\x00GOMEMLIMIT=460MiB\x00GOMAXPROCS=2\x00": "process 7 runs with GOMEMLIMIT=460MiB and GOMAXPROCS=2",
		"GOMAXPROCS=2\x00GOMEMLIMIT=460MiB\x00":        "process 7 runs with GOMEMLIMIT=460MiB and GOMAXPROCS=2",
		"XGOMEMLIMIT=460MiB\x00GOMAXPROCS=2\x00":       "process 7 was started before and has no GOMEMLIMIT=460MiB: systemctl restart app",
		"GOMEMLIMIT=460MiBx\x00GOMAXPROCS=2\x00":       "process 7 was started before and has no GOMEMLIMIT=460MiB: systemctl restart app",
	} {
		m := made(t, true, map[string]string{
			"/usr/lib/systemd/systemd": "", "/run/systemd/system": "DIR", "/etc/systemd/system/app.service": "[Service]\n", "/proc/7/environ": environ,
		})
		s := Service{Name: "app.service", Memory: 512 << 20, CPUs: 1.5}
		asked(m, "MainPID=7\n")
		if got := s.proof(m); got != want {
			t.Errorf("%q: %q, want %q", environ, got, want)
		}
		asked(m, "MainPID=0\n") // it does not run
		if got := s.proof(m); got != "" {
			t.Errorf("a stopped service: %q", got)
		}
	}
}
