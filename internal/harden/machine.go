package harden

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/host"
)

// Machine is what harden examines and changes: the running system, or the
// tree of an image.
type Machine struct {
	// Host has the machine's files beneath its Root.
	Host host.Host
	// Live says that the tree is the running system, so that kernel settings,
	// swap and units exist.
	Live bool
	// Owner and Group own the files that are made: those of the root
	// directory, root's own on every real system.
	Owner, Group int

	// Profile is the one that is planned for.
	Profile Profile
	// User is the user whose things the items per user are for; may be empty.
	User string
	// baseline returns the value before vmgo of a cell that vmgo
	// has changed.
	baseline map[cellKey]Value
	// stored counts the names of the files of the store; nil before they are counted.
	stored storeNames
	// above is the directory in which this process made the state directory, and
	// aboveTime its time before that; empty if it was there.
	above     string
	aboveTime int64
	// own is the user's part of the machine; zero for all of it.
	own own
	// patience is how long an answer is waited for.
	patience time.Duration
}

// Running is the machine that the process runs on.
func Running(h host.Host) (*Machine, error) { return open(h, true) }

// Image is the machine whose tree begins at dir. Nothing of it runs.
func Image(h host.Host, dir string) (*Machine, error) {
	h.Root = dir
	return open(h, false)
}

func open(h host.Host, live bool) (*Machine, error) {
	if h.Root == "" {
		h.Root = "/"
	}
	root, err := filepath.EvalSymlinks(h.Root)
	if err != nil {
		return nil, err
	}
	if h.Root, err = filepath.Abs(root); err != nil {
		return nil, err
	}
	info, err := os.Stat(h.Root)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: h.Root, Err: syscall.ENOTDIR}
	}
	st := info.Sys().(*syscall.Stat_t)
	return &Machine{Host: h, Live: live, Owner: int(st.Uid), Group: int(st.Gid), Profile: Server, patience: 20 * time.Second}, nil
}

// MayChange reports whether this process may change the machine.
func (m *Machine) MayChange() bool { return m.Host.UID == 0 || m.Host.UID == m.Owner }

// real returns where a path of the machine is for this process. Links in its
// directories are followed as the machine itself would, never out of its root;
// the last component is not followed.
func (m *Machine) real(path string) string {
	path = filepath.Clean("/" + path)
	return filepath.Join(m.Host.Path(filepath.Dir(path)), filepath.Base(path))
}

// Program finds a program of the machine in the usual directories.
func (m *Machine) Program(name string) (string, bool) {
	return facts.Program(m.Host, name)
}

// onThisMachine returns the name by which a file of an image is opened from outside of it;
// that of a running machine stays as it is.
func (m *Machine) onThisMachine(file string) string {
	if m.Live {
		return file
	}
	return m.Host.Path(file)
}

// within returns a shell command that acts on the image where there is one.
func (m *Machine) within(command string) string {
	if m.Live {
		return command
	}
	return "chroot " + diag.Word(m.Host.Root) + " sh -c " + diag.Word(command)
}

// Systemd reports whether systemd is the first process; of a user's own part, whether
// that user's manager runs.
func (m *Machine) Systemd() bool {
	if m.isOwn() {
		return m.Live && m.Host.Exists(m.own.runtime+"/systemd/private")
	}
	return m.Live && facts.SystemdRuns(m.Host)
}

// HasSystemd reports whether the machine has systemd at all, running or not.
func (m *Machine) HasSystemd() bool {
	return m.Host.Exists("/usr/lib/systemd/systemd") || m.Host.Exists("/lib/systemd/systemd") || m.Systemd()
}

// Memory is the machine's memory; that of an image is not known.
func (m *Machine) Memory() (host.Memory, bool) {
	if !m.Live {
		return host.Memory{}, false
	}
	memory := m.Host.Memory()
	return memory, memory.Total > 0
}

// Swaps lists the swap areas in use; an image has none.
func (m *Machine) Swaps() []host.Swap {
	if !m.Live {
		return nil
	}
	return m.Host.Swaps()
}

// answer is what a program says that only looks. One that does not come to its end
// (a systemctl whose bus is stuck, say) is ended.
func (m *Machine) answer(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), m.patience)
	defer cancel()
	out, err := m.run(ctx, name, args...)
	if ctx.Err() != nil {
		err = fmt.Errorf("%s did not answer within %v", name, m.patience)
	}
	return out, err
}

// output runs a program that changes the machine, however long it takes, and gives
// what it printed.
func (m *Machine) output(name string, args ...string) (string, error) {
	return m.run(context.Background(), name, args...)
}

func (m *Machine) run(ctx context.Context, name string, args ...string) (string, error) {
	var out, errs strings.Builder
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second // what it started may hold its output open
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "SYSTEMD_COLORS=0", "SYSTEMD_PAGER="}
	if m.isOwn() {
		cmd.Env = append(cmd.Env, "HOME="+m.own.home, "XDG_RUNTIME_DIR="+m.own.runtime)
	}
	err := m.Host.Run(cmd)
	if err != nil {
		if text := strings.TrimSpace(errs.String()); text != "" {
			err = errors.New(text)
		}
	}
	return out.String(), err
}

// writable returns an error if a file system that is to be changed is read-only, or
// may not be written.
func (m *Machine) writable(changes []Change) error {
	seen := map[string]bool{}
	for _, c := range changes {
		if !c.Kind.named() {
			continue
		}
		dir := m.Host.Path(filepath.Dir(c.Target))
		if seen[dir] {
			continue
		}
		seen[dir] = true
		if err := fsx.Writable(dir); err != nil {
			return err
		}
	}
	return nil
}

// container names the kind of container that this is; empty outside of one and
// for an image.
func (m *Machine) container() string {
	if !m.Live {
		return ""
	}
	return m.Host.Virt().Container
}
