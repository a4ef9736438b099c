package harden

import (
	"slices"
	"strings"
	"testing"
)

func TestCgroup_tellsHowToSwitch(t *testing.T) {
	hybrid := map[string]string{
		"/proc/self/cgroup":    "1:memory:/\n0::/\n",
		"/proc/self/mountinfo": "30 25 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n31 25 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
	}
	w := desiredOf(t, made(t, true, hybrid), cgroupItem())
	if w.Blocked == "" || len(w.Advice) > 0 || !strings.Contains(strings.Join(w.Notes, "\n"), unified) || len(w.Wants) > 0 {
		t.Errorf("an unknown boot loader: %+v", w)
	}
	hybrid["/usr/sbin/update-grub"] = ""
	w = desiredOf(t, made(t, true, hybrid), cgroupItem())
	if want := `echo 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX ` + unified + `"' >/etc/default/grub.d/90-cgroup.cfg`; !slices.Contains(w.Advice, want) {
		t.Errorf("%q is not among %q", want, w.Advice)
	}
	hybrid["/usr/sbin/grubby"] = ""
	w = desiredOf(t, made(t, true, hybrid), cgroupItem())
	if !strings.Contains(strings.Join(w.Advice, "\n"), "grubby --update-kernel=ALL") {
		t.Errorf("%+v", w)
	}
}
