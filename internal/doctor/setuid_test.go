package doctor_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/doctor"
	"github.com/vmgo/vmgo/internal/host/hosttest"
)

// A capability of a file gives rights of root without any bit of its mode.
func TestSetuid_capability(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file a capability")
	}
	h := hosttest.New(t, machineFiles(t, "ubuntu-24.04-kvm"))
	// cap_sys_admin, effective and permitted: struct vfs_cap_data of capabilities(7)
	capability := []byte{1, 0, 0, 2, 0, 0, 0x20, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	if err := syscall.Setxattr(h.Path("/opt/go/1.26.11/bin/go"), "security.capability", capability, 0); err != nil {
		t.Skip("this file system takes no capability: ", err)
	}
	o := examine(t, machineWith(t, h, doctor.Options{}), pick(t, "security.setuid")).Outcomes[0]
	if o.Status != doctor.Fail || !strings.Contains(textOf(o), "security.capability") || !strings.Contains(o.Fix, "setcap -r /opt/go/1.26.11/bin/go") {
		t.Errorf("%s\n%s\nfix: %s", o.Status, textOf(o), o.Fix)
	}
}
