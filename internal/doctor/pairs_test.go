package doctor_test

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/doctor"
	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/harden"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/host/hosttest"
)

// A pair is a check of doctor and the item of harden that speaks of the same
// subject, and machines to compare them on: every combination of one choice per
// group. A choice is files in the format of txtar, "" for none.
type pair struct {
	check, item string
	user        string // for an item per user
	groups      [][]string
	// unblocked says that the check cannot be content where the item is blocked.
	unblocked bool
}

const (
	systemd  = "-- usr/lib/systemd/systemd --\n-- run/systemd/system/x --\n"
	rootDisk = "1 0 8:1 / / rw - ext4 /dev/vda rw\n"
	swapHead = "Filename Type Size Used Priority\n"
	limits   = "-- proc/self/limits --\nLimit                     Soft Limit           Hard Limit           Units\n" +
		"Max processes             %s                 %s                processes\nMax open files            1024                 %s                files\n"
)

func machineText(lines string) string { return "-- machine --\n" + lines + "\n" }

func pairs() []pair {
	unit := "[Unit]\n[Install]\nWantedBy=sysinit.target\n"
	cgroup2 := func(controllers string) string {
		return "-- proc/self/mountinfo --\n" + rootDisk + "2 1 0:9 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n-- proc/self/cgroup --\n0::/\n" +
			"-- sys/fs/cgroup/cgroup.controllers --\n" + controllers + "\n"
	}
	return []pair{
		{check: "machine.timesync", item: "time-sync", unblocked: true, groups: [][]string{
			{"", machineText("clock unsynchronised")},
			{"", systemd},
			{"", "-- usr/lib/systemd/system/systemd-timesyncd.service --\n" + unit, "-- usr/lib/systemd/system/chronyd.service --\n" + unit},
			{"", "-- etc/systemd/system/multi-user.target.wants/chronyd.service --\n", "-- etc/systemd/system/sysinit.target.wants/systemd-timesyncd.service --\n"},
			{"", "-- proc/701/comm --\nchronyd\n", "-- proc/702/comm --\nvmtoolsd\n"},
			{"", "-- run/systemd/container --\nlxc\n"},
		}},
		{check: "machine.inotify", item: "inotify", groups: [][]string{
			{"8192", "65536", "524288", "1048576"}, {"100", "128", "1024"},
		}},
		{check: "machine.open-files", item: "login-limits", groups: [][]string{
			{"1024", "65536", "1048576"}, {"512", "65536"}, {"", "-- etc/security/limits.conf --\n"},
		}},
		{check: "machine.processes", item: "login-limits", groups: [][]string{
			{"1024", "1048576"}, {"512", "65536"}, {"", "-- etc/security/limits.conf --\n"},
		}},
		{check: "machine.swap", item: "zram", groups: [][]string{
			{"", swapHead + "/dev/vdb partition 2097148 0 -2\n", swapHead + "/dev/zram0 partition 2097148 0 100\n"},
			{"1048576", "1999999", "8388608"},
			{"", systemd},
			{"", "-- sys/class/zram-control/hot_add --\n"},
			{"", machineText("program /usr/sbin/zramctl\nprogram /usr/sbin/mkswap\nprogram /usr/sbin/swapon")},
			{"", "-- run/systemd/container --\nlxc\n"},
		}},
		{check: "machine.swap", item: "swap-off", groups: [][]string{
			{"", swapHead + "/dev/vdb partition 2097148 0 -2\n"}, {"1048576", "1999999", "8388608"},
		}},
		{check: "machine.cgroup", item: "cgroup-v2", unblocked: true, groups: [][]string{{
			cgroup2("cpu io memory pids"), cgroup2("cpu io pids"), cgroup2(""),
			"-- proc/self/mountinfo --\n" + rootDisk,
			"-- proc/self/mountinfo --\n" + rootDisk + "2 1 0:9 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
				"3 1 0:8 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n-- proc/self/cgroup --\n4:memory:/\n3:cpu:/\n",
		}, {"", "-- run/systemd/container --\nlxc\n"}}},
		{check: "machine.noexec", item: "tmp-noexec", groups: [][]string{
			{"", "2 1 0:5 / /tmp rw,noexec - tmpfs tmpfs rw\n", "2 1 0:5 / /tmp rw - tmpfs tmpfs rw\n"},
			{"", "3 1 0:6 / /var/tmp rw,noexec - ext4 /dev/vdc rw\n"},
			{"", machineText("env GOTMPDIR=/var/tmp/vmgo\nmode 1777 /var/tmp/vmgo")},
			{"", systemd},
		}},
		{check: "security.sudo", item: "sudo-path", groups: [][]string{
			{"/usr/bin:/bin", "/usr/local/bin:/usr/bin:/bin"},
			{"", machineText("program /usr/local/bin/go"), machineText("program /home/ann/bin/go\nenv PATH=/home/ann/bin:/usr/bin")},
			{"Defaults env_reset\n", "#includedir /etc/sudoers.d\n"},
		}},
		{check: "hook.shims", item: "shims", groups: [][]string{
			{"", machineText("program /usr/local/bin/vmgo-shim")},
			{"", machineText("link /usr/local/bin/go vmgo-shim"), machineText("link /usr/local/bin/go /gone/vmgo-shim")},
			{"", machineText("link /usr/local/bin/gofmt vmgo-shim"), machineText("link /usr/local/bin/gofmt /gone/vmgo-shim")},
		}},
		{check: "security.store", item: "store-modes", unblocked: true, groups: [][]string{
			{"", "-- opt/go/1.26.8/VERSION --\ngo1.26.8\n-- opt/go/1.26.8/bin/go --\n"},
			{"0755", "0777", "0700"}, {"0755", "0777"}, {"0755", "0775"},
		}},
		{check: "toolchain.leftovers", item: "policy", unblocked: true, groups: [][]string{
			{"", "-- etc/profile.d/go.sh --\nexport GOROOT=/usr/local/go\n", "-- etc/environment --\nGOSUMDB=off\n", "-- etc/zsh/zshenv --\nexport GO111MODULE=off\n"},
			{"", "-- etc/vmgo/env --\nVMGO_GOTOOLCHAIN=local\n"},
		}},
		{check: "machine.tmpfs", item: "gocache-tmpfs", user: "ann", groups: [][]string{
			{"8388608", "33554432"}, {"", "1"}, {"512M", "4G", "32G"},
		}},
	}
}

// layOut makes the machine of a combination.
func layOut(t *testing.T, p pair, choice []string) host.Host {
	t.Helper()
	text := machineText("uid 0\nenv PATH=/usr/local/bin:/usr/bin:/bin\nenv HOME=/root\nprogram /usr/local/bin/vmgo\nprogram /usr/bin/sudo\nprogram /usr/sbin/visudo") +
		"-- proc/1/comm --\nsystemd\n-- etc/passwd --\nroot:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n" +
		"-- proc/meminfo --\nMemTotal: 4194304 kB\nMemAvailable: 4194304 kB\n-- etc/profile --\n"
	switch p.check {
	case "machine.inotify":
		text += "-- proc/sys/fs/inotify/max_user_watches --\n" + choice[0] + "\n-- proc/sys/fs/inotify/max_user_instances --\n" + choice[1] + "\n" +
			"-- root/.vscode-server/x --\n"
	case "machine.open-files", "machine.processes":
		text += machineText("uid 1000") + fmt.Sprintf(limits, choice[1], choice[1], choice[0]) + choice[2]
	case "machine.swap":
		swaps := choice[0]
		if swaps == "" {
			swaps = swapHead
		}
		text += "-- proc/swaps --\n" + swaps + "-- proc/meminfo --\nMemTotal: " + choice[1] + " kB\nMemAvailable: " + choice[1] + " kB\n"
		if choice[0] != "" {
			text += "SwapTotal: 2097148 kB\nSwapFree: 2097148 kB\n"
		}
		text += "-- etc/fstab --\n/dev/vdb none swap sw 0 0\n" + strings.Join(choice[2:], "")
	case "machine.noexec":
		text += "-- proc/self/mountinfo --\n" + rootDisk + choice[0] + choice[1] + choice[2] + choice[3] + machineText("mode 1777 /tmp\nmode 1777 /var/tmp")
	case "security.sudo":
		text += "-- etc/sudoers --\nDefaults secure_path=" + choice[0] + "\n" + choice[2] + "-- etc/sudoers.d/README --\n" + choice[1]
	case "security.store":
		text += choice[0] + machineText("mode "+choice[1]+" /opt/go\nmode "+choice[2]+" /opt")
		if choice[0] != "" {
			text += machineText("mode " + choice[3] + " /opt/go/1.26.8")
		}
	case "machine.tmpfs":
		text += "-- proc/meminfo --\nMemTotal: " + choice[0] + " kB\nMemAvailable: " + choice[0] + " kB\n"
		if choice[1] != "" {
			text += "SwapTotal: 1048576 kB\nSwapFree: 1048576 kB\n"
		}
		text += systemd + "-- proc/self/mountinfo --\n" + rootDisk + "2 1 0:5 / /home/ann/.cache/go-build rw - tmpfs tmpfs rw\n" +
			machineText("uid 1000\nenv HOME=/home/ann\nmode 0700 /home/ann/.cache/go-build\nspace /home/ann/.cache/go-build "+choice[2]+" 100M")
	default:
		text += strings.Join(choice, "")
	}
	h := hosttest.New(t, hosttest.Files(text))
	if p.check == "security.store" { // both must see the real owner
		h.UID = os.Getuid()
		h.Sys.Owner = func(_ string, info fs.FileInfo) (int, int) {
			st := info.Sys().(*syscall.Stat_t)
			return int(st.Uid), int(st.Gid)
		}
	}
	return h
}

// combinations calls f with one choice of each group.
func combinations(groups [][]string, f func(choice []string)) {
	choice := make([]string, len(groups))
	var fill func(i int)
	fill = func(i int) {
		if i == len(groups) {
			f(append([]string(nil), choice...))
			return
		}
		for _, option := range groups[i] {
			choice[i] = option
			fill(i + 1)
		}
	}
	fill(0)
}

// TestPairs_neverContradict holds doctor and harden to one view of a machine.
func TestPairs_neverContradict(t *testing.T) {
	t.Parallel()
	for _, p := range pairs() {
		t.Run(p.check+"-"+p.item, func(t *testing.T) {
			t.Parallel()
			checks, err := doctor.Select(doctor.Catalogue(), []string{p.check}, nil)
			if err != nil {
				t.Fatal(err)
			}
			complains, content := 0, 0
			combinations(p.groups, func(choice []string) {
				h := layOut(t, p, choice)
				o := examine(t, machineWith(t, h, doctor.Options{}), checks).Outcomes[0]
				status, err := harden.Assess(h, p.item, p.user)
				if err != nil {
					t.Fatal(err)
				}
				bad := o.Status == doctor.Warn || o.Status == doctor.Fail
				if bad {
					complains++
				} else if o.Status != doctor.Skip {
					content++
				}
				for _, contradiction := range p.contradictions(h, o, status) {
					t.Errorf("%q: %s\n  doctor: %s %s, fix %q\n  harden: %s %s %v", choice, contradiction, o.Status, o.Summary, o.Fix, status.State, status.Reason, status.Notes)
				}
			})
			if complains == 0 || content == 0 {
				t.Errorf("the machines show nothing: the check complains on %d, and is content with %d", complains, content)
			}
		})
	}
}

func (p pair) contradictions(h host.Host, o doctor.Outcome, status harden.ItemStatus) []string {
	var found []string
	bad := o.Status == doctor.Warn || o.Status == doctor.Fail
	asks := strings.Contains(o.Fix, "harden apply --only "+p.item)
	satisfied := status.State == harden.Applied || status.State == harden.NotApplicable && strings.Contains(status.Reason, "already")
	elsewhere := p.item == "sudo-path" && !h.IsProgram("/usr/local/bin/go") || strings.Contains(o.Fix, "export PATH")
	named := p.item == "policy" && strings.Contains(strings.Join(status.Notes, "\n"), " sets ")
	if p.item == "policy" && named != bad {
		found = append(found, "one of the two names a bad line of a startup file")
	}
	if bad && satisfied && p.item != "swap-off" && p.item != "policy" && !elsewhere {
		found = append(found, "the item is satisfied, and the check complains")
	}
	if asks && status.State != harden.Pending {
		found = append(found, "the check asks for an item that has nothing to do")
	}
	if p.item == "swap-off" && status.State == harden.Pending && h.Memory().Total < facts.SwapBelow {
		found = append(found, "the item would make the check complain")
	}
	if p.unblocked && o.Status == doctor.OK && status.State == harden.Blocked {
		found = append(found, "the check is content, and the item is blocked")
	}
	return found
}

// everyItem is what the items need of a machine.
const everyItem = systemd + "-- etc/profile --\n-- etc/fish/config.fish --\n-- etc/security/limits.conf --\n-- usr/lib/systemd/system/tmp.mount --\n" +
	"-- usr/lib/systemd/system/local-fs.target.wants/tmp.mount --\n-- var/tmp/ --\n-- machine --\nprogram /usr/local/bin/vmgo-shim\n"

// TestPairs_hardenedMachine applies harden's items to the made-up machines: what
// harden writes, doctor does not complain about.
func TestPairs_hardenedMachine(t *testing.T) {
	t.Parallel()
	checks := slices.DeleteFunc(doctor.Catalogue(), func(c doctor.Check) bool { return c.Online || c.Slow })
	items := []string{"login-path", "policy", "inotify", "login-limits", "service-limits", "tmp-noexec"}
	statuses := func(h host.Host) map[string]doctor.Outcome {
		byCheck := map[string]doctor.Outcome{}
		for _, o := range examine(t, machineWith(t, h, doctor.Options{}), checks).Outcomes {
			byCheck[o.Check.ID] = o
		}
		return byCheck
	}
	applied := map[string]bool{}
	for _, name := range machineNames(t) {
		h := hosttest.New(t, append(machineFiles(t, name), hosttest.Files(everyItem)...))
		before := statuses(h)
		m, err := harden.Image(h, h.Root) // only files are changed, none of the kernel's settings
		if err != nil {
			t.Fatal(err)
		}
		m.Host.UID = os.Getuid()
		engine := &harden.Engine{Machine: m, Items: harden.Catalogue()}
		result, err := engine.Apply(t.Context(), harden.Selection{Only: items}, nil, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, item := range result.Plan.Items {
			if item.State == harden.Pending {
				applied[item.ID] = true
			}
		}
		for id, o := range statuses(h) {
			bad := o.Status == doctor.Warn || o.Status == doctor.Fail
			if was := before[id]; bad && o.Status != was.Status {
				t.Errorf("%s: %s was %s (%s) and is now %s (%s) %v", name, id, was.Status, was.Summary, o.Status, o.Summary, o.Evidence)
			}
		}
	}
	for _, id := range items {
		if !applied[id] {
			t.Errorf("%s was applied on no machine", id)
		}
	}
}
