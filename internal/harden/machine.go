package harden

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Machine is what harden looks at and changes: the running system, or the
// tree of an image.
type Machine struct {
	Root string // where its files begin
	// Live says that the tree is the running system, so that kernel settings,
	// swap and units exist.
	Live bool
	UID  int // of this process
	// Owner and Group own the files that are made: those of the root
	// directory, root's own on every real system.
	Owner, Group int
	Run          func(*exec.Cmd) error
	Now          func() time.Time

	// Profile is the one that is planned for.
	Profile Profile
	// User is the user whose things the items per user are for; may be empty.
	User string
	// baseline answers for cells that vmgo has changed before: their value
	// before vmgo.
	baseline map[cellKey]Value
}

// Open looks at the root directory of a machine.
func Open(root string, live bool, uid int, run func(*exec.Cmd) error, now func() time.Time) (*Machine, error) {
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, err
	}
	if root, err = filepath.Abs(root); err != nil {
		return nil, err
	}
	info, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: root, Err: syscall.ENOTDIR}
	}
	st := info.Sys().(*syscall.Stat_t)
	return &Machine{
		Root: root, Live: live, UID: uid, Owner: int(st.Uid), Group: int(st.Gid),
		Run: run, Now: now, Profile: Server,
	}, nil
}

// MayChange says whether this process may change the machine.
func (m *Machine) MayChange() bool { return m.UID == 0 || m.UID == m.Owner }

const maxLinks = 40

// real gives where a path of the machine is for this process. Links in its
// directories are followed as the machine itself would: an absolute one starts
// at the machine's root, and none leads out of it. The last component is not
// followed. Missing directories are no error.
func (m *Machine) real(path string) (string, error) {
	dir, err := m.walk(filepath.Dir(filepath.Clean("/" + path)))
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, filepath.Base(path)), nil
}

// follow is like real and follows the last component too.
func (m *Machine) follow(path string) (string, error) {
	return m.walk(filepath.Clean("/" + path))
}

func (m *Machine) walk(path string) (string, error) {
	at, links := m.Root, 0
	rest := strings.Split(strings.Trim(path, "/"), "/")
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			if at != m.Root {
				at = filepath.Dir(at)
			}
			continue
		}
		next := filepath.Join(at, name)
		target, err := os.Readlink(next)
		if err != nil {
			at = next // not a link, or not there
			continue
		}
		if links++; links > maxLinks {
			return "", &fs.PathError{Op: "resolve", Path: path, Err: syscall.ELOOP}
		}
		if filepath.IsAbs(target) {
			at = m.Root
		}
		rest = append(strings.Split(strings.Trim(target, "/"), "/"), rest...)
	}
	return at, nil
}

// Exists says whether the path is there, links followed.
func (m *Machine) Exists(path string) bool {
	real, err := m.follow(path)
	if err != nil {
		return false
	}
	_, err = os.Lstat(real)
	return err == nil
}

// ReadFile reads a small file of the machine, links followed.
func (m *Machine) ReadFile(path string) (string, error) {
	real, err := m.follow(path)
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(real)
	return string(data), err
}

// Glob lists the machine's paths that match.
func (m *Machine) Glob(pattern string) []string {
	dir, err := m.follow(filepath.Dir(pattern))
	if err != nil {
		return nil
	}
	found, err := filepath.Glob(filepath.Join(dir, filepath.Base(pattern)))
	if err != nil {
		return nil
	}
	for i, path := range found {
		found[i] = filepath.Join(filepath.Dir(pattern), filepath.Base(path))
	}
	return found
}

// Program finds a program of the machine in the usual directories.
func (m *Machine) Program(name string) (string, bool) {
	for _, dir := range []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		path := dir + "/" + name
		if m.Exists(path) {
			return path, true
		}
	}
	return "", false
}

// Systemd says whether systemd runs as the first process, as sd_booted(3) does.
func (m *Machine) Systemd() bool { return m.Live && m.Exists("/run/systemd/system") }

// HasSystemd says whether the machine has systemd at all, running or not.
func (m *Machine) HasSystemd() bool {
	return m.Exists("/usr/lib/systemd/systemd") || m.Exists("/lib/systemd/systemd") || m.Systemd()
}

// Memory is the machine's memory in bytes; an image has none.
func (m *Machine) Memory() (int64, bool) {
	if !m.Live {
		return 0, false
	}
	return m.meminfo("MemTotal")
}

func (m *Machine) meminfo(field string) (int64, bool) {
	text, err := m.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, ":")
		if name != field {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		return kib << 10, err == nil
	}
	return 0, false
}

// SwapArea is a swap area in use.
type SwapArea struct {
	Path     string
	Priority string
	Used     int64
}

// Swaps lists the swap areas in use.
func (m *Machine) Swaps() []SwapArea {
	text, err := m.ReadFile("/proc/swaps")
	if err != nil || !m.Live {
		return nil
	}
	var areas []SwapArea
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 5 || !strings.HasPrefix(fields[0], "/") {
			continue
		}
		used, _ := strconv.ParseInt(fields[3], 10, 64)
		areas = append(areas, SwapArea{Path: unescape(fields[0]), Priority: fields[4], Used: used << 10})
	}
	return areas
}

// unescape undoes the octal escapes of /proc/swaps and fstab(5).
func unescape(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				out.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// output runs a program of the live machine and gives what it printed.
func (m *Machine) output(name string, args ...string) (string, error) {
	var out, errs strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "SYSTEMD_COLORS=0", "SYSTEMD_PAGER="}
	err := m.Run(cmd)
	if err != nil {
		if text := strings.TrimSpace(errs.String()); text != "" {
			err = errors.New(text)
		}
	}
	return out.String(), err
}
