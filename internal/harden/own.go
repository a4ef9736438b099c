package harden

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/host"
)

// own is the part of a machine that a user may change without root: the drop-ins of the
// user's own service manager. The zero value is the system's manager.
type own struct {
	home   string
	config string // $XDG_CONFIG_HOME
	data   string // $XDG_DATA_HOME
	// runtime is $XDG_RUNTIME_DIR, where the manager listens.
	runtime string
	// state takes the place of StateDir.
	state string
	// undo is the command that undoes what is recorded there.
	undo string
}

// Own is the user's own part of the machine that the process runs on: `systemctl --user`.
// Its ledger, journal and originals are in the user's state directory.
func Own(h host.Host, layout dirs.Layout) (*Machine, error) {
	if layout.Home == "" {
		return nil, diag.New(diag.Failure, "nothing says where this user's home directory is", "export HOME=/home/NAME")
	}
	m, err := Running(h)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(layout.Home)
	if err != nil {
		return nil, err
	}
	st := info.Sys().(*syscall.Stat_t)
	if int(st.Uid) != h.UID {
		return nil, diag.New(diag.Failure, fmt.Sprintf("%s belongs to user %d, and this process is user %d", layout.Home, st.Uid, h.UID), "ls -ld "+diag.Word(layout.Home))
	}
	m.Owner, m.Group = h.UID, int(st.Gid)
	within := func(dir string) string { return filepath.Join("/", h.Show(dir)) }
	m.own = own{
		home: within(layout.Home), config: within(filepath.Dir(layout.Config)), data: within(filepath.Dir(layout.Data)),
		runtime: within(filepath.Dir(layout.Runtime)), state: within(filepath.Join(layout.State, "harden")),
		undo: "vmgo harden undo --user",
	}
	return m, nil
}

// Recorded is the machine for changes of which the ledger, the journal and the originals
// are in state, a directory that is made if it is missing and whose owner makes the
// changes. undo is the command that undoes them. Of what runs, nothing is changed.
func Recorded(h host.Host, state, undo string) (*Machine, error) {
	m, err := open(h, false)
	if err != nil {
		return nil, err
	}
	if err := fsx.MkdirAll(m.Host.Path(state), 0o700); err != nil {
		return nil, err
	}
	info, err := os.Stat(m.Host.Path(state))
	if err != nil {
		return nil, err
	}
	m.Owner, m.Group = owner(info)
	m.own = own{state: state, undo: undo}
	return m, nil
}

// isOwn reports whether this is a user's own part of a machine.
func (m *Machine) isOwn() bool { return m.own.state != "" }

// record returns where a file of StateDir is.
func (m *Machine) record(file string) string {
	if rest, ok := strings.CutPrefix(file, StateDir); ok && m.isOwn() {
		return m.own.state + rest
	}
	return file
}

// UndoCommand undoes what was applied to this part of the machine.
func (m *Machine) UndoCommand() string {
	if m.isOwn() {
		return m.own.undo
	}
	return "vmgo harden undo"
}

// header is the first line of a file of this part of the machine.
func (m *Machine) header() string {
	return strings.ReplaceAll(ownHeader, "vmgo harden undo", m.UndoCommand())
}

// systemctl returns a command for the manager of the services.
func (m *Machine) systemctl(args ...string) []string {
	if m.isOwn() {
		args = slices.Insert(args, 0, "--user")
	}
	return slices.Insert(args, 0, "systemctl")
}

// unitDir is where an administrator, or the user, writes units.
func (m *Machine) unitDir() string {
	if m.isOwn() {
		return m.own.config + "/systemd/user"
	}
	return "/etc/systemd/system"
}

// unitDirs returns the directories of units in the order in which systemd looks for one, by
// systemd.unit(5); those that generators write are left out.
func (m *Machine) unitDirs() []string {
	if !m.isOwn() {
		return append([]string{"/etc/systemd/system.control", "/run/systemd/system.control"}, facts.UnitDirs()...) // first those of systemctl set-property
	}
	return []string{
		m.own.config + "/systemd/user.control", m.own.runtime + "/systemd/user.control",
		m.unitDir(), "/etc/systemd/user", m.own.runtime + "/systemd/user", "/run/systemd/user",
		m.own.data + "/systemd/user", "/usr/local/share/systemd/user", "/usr/share/systemd/user",
		"/usr/local/lib/systemd/user", "/usr/lib/systemd/user",
	}
}

// unitFile finds the file of a unit, "" if there is none.
func (m *Machine) unitFile(unit string) string { return facts.UnitFileIn(m.Host, m.unitDirs(), unit) }

// homeOf replaces the specifier of the home directory in a value of a unit, by systemd.unit(5).
func (m *Machine) homeOf(value string) string {
	if m.isOwn() {
		return strings.ReplaceAll(value, "%h", m.own.home)
	}
	return value
}

// uncontrolled names what of the limits the kernel does not enforce, since the user's
// manager was not given the controllers of its control group; empty where that is not known.
func (s Service) uncontrolled(m *Machine) (notes []string) {
	group := m.properties("")["ControlGroup"]
	if !m.isOwn() || group == "" {
		return nil
	}
	file := "/sys/fs/cgroup" + group + "/cgroup.controllers"
	if !m.Host.Exists(file) {
		return nil
	}
	given := strings.Fields(m.Host.Text(file))
	note := func(controller, setting, variable string) {
		if !slices.Contains(given, controller) {
			notes = append(notes, fmt.Sprintf("the manager of your services has no %s controller, so %s has no effect and only %s counts; root gives it: systemctl edit user@.service, with Delegate=cpu memory pids in [Service]",
				controller, setting, variable))
		}
	}
	if s.Memory != 0 {
		note("memory", "MemoryMax", "GOMEMLIMIT")
	}
	if s.CPUs != 0 {
		note("cpu", "CPUQuota", "GOMAXPROCS")
	}
	return notes
}
