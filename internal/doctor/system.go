package doctor

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/harden"
)

// harden adds the command that changes a setting of the machine: that of vmgo
// harden, which shows the change, keeps a journal and can undo it, where it has
// something to do here and root may run this vmgo; else plain commands. A machine
// gets only one of the two, so that no setting has two files.
func (r Result) harden(ctx context.Context, m *Machine, item, plain string) Result {
	status, err := harden.Assess(m.Host, item, "")
	if err == nil && status.ByVmgo() && status.Needs == harden.NeedsLogin {
		return r.means("vmgo harden has set this (%s); it takes full effect after you log in again.", item)
	}
	vmgo := m.vmgoForRoot(ctx)
	if err != nil || vmgo == "" || status.State != harden.Pending && status.State != harden.Drifted {
		return r.fixWith("%s", plain)
	}
	return r.fixWith("%s", hardenCommand(vmgo, item))
}

func hardenCommand(vmgo, item string) string { return "sudo " + vmgo + " harden apply --only " + item }

// vmgoForRoot returns how root calls this vmgo: by its name where sudo finds it, else
// by its path; "" where others than root may change it, as it would be root's program
// then.
func (m *Machine) vmgoForRoot(ctx context.Context) string {
	if !m.rootMayRun(m.Options.Vmgo) {
		return ""
	}
	path := m.Env["PATH"]
	if m.UID != 0 {
		secure, _, err := m.SecurePath(ctx)
		if err == nil && secure != "" {
			path = secure
		} else {
			path = "" // what sudo finds is not known
		}
	}
	if m.Find("vmgo", path) == filepath.Clean(m.Options.Vmgo) {
		return "vmgo"
	}
	return diag.Word(m.Options.Vmgo)
}

// rootMayRun reports whether nobody but root decides what a program does.
func (m *Machine) rootMayRun(program string) bool {
	unsafe, err := facts.Owners(m.Host, 0).Program(program, true, m.look)
	return err == nil && len(unsafe) == 0
}

// setSysctl adds the commands that set a kernel setting now and at every boot: lines
// that set another value at boot go, or are overridden where they belong to a
// package. Without such a line the kernel's own value returns, which is value.
func (r Result) setSysctl(m *Machine, name, value string) Result {
	file, packaged := "/etc/sysctl.d/zz-"+name+".conf", false
	for _, l := range facts.SysctlLines(m.Host, name) {
		if l.Value == value {
			continue
		}
		r = r.at(l.File, l.Line, "%s = %s", name, l.Value)
		if packaged = packaged || strings.HasPrefix(l.File, "/usr/"); !strings.HasPrefix(l.File, "/usr/") {
			r = r.fixWith("sudo sed -i %s %s", diag.Word(itoa(l.Line)+"s/^/# /"), diag.Word(l.File))
		}
	}
	if packaged {
		r = r.fixWith("echo %s | sudo tee %s", diag.Word(name+" = "+value), file)
	}
	return r.fixWith("sudo sysctl -w %s=%s", name, value)
}
