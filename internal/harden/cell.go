package harden

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
)

type cellKey struct {
	Kind   Kind
	Target string
}

// otherKindError says that where a cell should be there is something of another
// kind: a link in place of a file, a file in place of a link.
type otherKindError struct{ target, kind string }

func (e otherKindError) Error() string { return e.target + " is not " + e.kind }

// maxFile bounds the files that are read into a plan.
const maxFile = 1 << 20

// readLike returns the value that a cell has now. like is another value of it.
func (m *Machine) readLike(key cellKey, like Value) (Value, error) {
	if key.Kind == Programs {
		return m.readPrograms(key.Target, like)
	}
	return m.read(key.Kind, key.Target)
}

// read returns the value that a cell has now.
func (m *Machine) read(kind Kind, target string) (Value, error) {
	if kind.runtime() {
		return m.readRuntime(kind, target)
	}
	path := m.real(target)
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return Absent(), nil
	}
	if err != nil {
		return Value{}, err
	}
	st := info.Sys().(*syscall.Stat_t)
	v := Value{Present: true, Mode: st.Mode & 0o7777, UID: int(st.Uid), GID: int(st.Gid)}
	switch kind {
	case Dir:
		info, err = m.Host.Stat(target) // it may be a link to one
		if err != nil {
			return Value{}, err
		}
		if !info.IsDir() {
			return Value{}, otherKindError{target, "a directory"}
		}
	case Link:
		return readLink(target, path, info)
	case File:
		if !info.Mode().IsRegular() {
			return Value{}, otherKindError{target, "a regular file"}
		}
		data, err := smallfile.Read(path, maxFile)
		if err != nil {
			return Value{}, err
		}
		v.Text, v.MTime = string(data), info.ModTime().UnixNano()
	}
	return v, nil
}

func readLink(target, path string, info fs.FileInfo) (Value, error) {
	if info.Mode()&fs.ModeSymlink == 0 {
		return Value{}, otherKindError{target, "a link"}
	}
	text, err := os.Readlink(path)
	return Value{Present: true, Text: text}, err
}

// write brings a cell from one value to another. at is told each step, for
// the tests that kill the program there.
func (m *Machine) write(c Change, at func(string)) error {
	if c.Kind.runtime() {
		return m.writeRuntime(c)
	}
	path := m.real(c.Target)
	if c.Keep != "" {
		if err := m.keep(c, at); err != nil {
			return err
		}
	}
	var err error
	switch c.Kind {
	case Dir:
		err = m.writeDir(c.Target, c.To)
	case Mode:
		err = m.writeMode(c.Target, c.To)
	case Programs:
		err = m.writePrograms(c)
	default:
		err = m.place(path, c, at)
	}
	if err != nil {
		return err
	}
	at("changed")
	return fsx.SyncDir(filepath.Dir(path))
}

func (m *Machine) writeDir(target string, to Value) error {
	path := m.real(target)
	if !to.Present {
		err := os.Remove(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if m.Host.UID == 0 && to.UID != m.Owner {
		return inTrusted(m.Host.Root, target, func(dir *fsx.Dir, name string) error {
			if err := dir.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
			return setOwner(dir, name, to)
		})
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return setMode(path, to)
}

func (m *Machine) writeMode(target string, to Value) error {
	rest, ok := strings.CutPrefix(target, MachineStore)
	if ok = ok && (rest == "" || rest[0] == '/'); ok && m.Host.UID == 0 && to.Present {
		return inTrusted(m.real(MachineStore), rest, func(dir *fsx.Dir, name string) error { return m.setStored(dir, name, target, to) })
	}
	return setMode(m.real(target), to)
}

// inTrusted opens the directory of what lies at rest beneath trusted, without
// following any link on the way. The directories may belong to a user, who could replace one by a link after a
// check and make root change another file.
func inTrusted(trusted, rest string, do func(dir *fsx.Dir, name string) error) error {
	root, err := fsx.OpenTrusted(trusted)
	if err != nil {
		return err
	}
	defer root.Close()
	rest = strings.TrimPrefix(filepath.Clean("/"+rest), "/")
	dir, err := root.Sub(filepath.Dir(rest))
	if err != nil {
		return err
	}
	defer dir.Close()
	return do(dir, filepath.Base(rest))
}

func setOwner(dir *fsx.Dir, name string, to Value) error {
	f, err := dir.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.SetOwner(to.UID, to.GID, to.Mode), f.Close())
}

// setMode changes the owner first: a change of owner clears the setuid bit.
func setMode(path string, to Value) error {
	if !to.Present {
		return nil
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	st := info.Sys().(*syscall.Stat_t)
	if int(st.Uid) != to.UID || int(st.Gid) != to.GID {
		if err := os.Lchown(path, to.UID, to.GID); err != nil {
			return err
		}
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return nil
	}
	return syscall.Chmod(path, to.Mode)
}

// stagePath is where a file is prepared. The name is fixed, so that what a
// crash leaves is found again, and none that a drop-in directory is read for:
// it begins with a dot and ends in no known suffix.
func stagePath(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".vmgo-stage")
}

// place makes a file or a link by one rename, or removes it.
func (m *Machine) place(path string, c Change, at func(string)) error {
	stage := stagePath(path)
	if err := os.Remove(stage); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !c.To.Present {
		err := os.Remove(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	err := m.stage(stage, path, c)
	if err == nil {
		at("staged")
		err = m.check(c.Check, stage)
	}
	if err != nil {
		return errors.Join(err, os.Remove(stage))
	}
	return os.Rename(stage, path)
}

// stage writes the new file or link in full and on the disk.
func (m *Machine) stage(stage, path string, c Change) error {
	if c.Kind == Link {
		if err := os.Symlink(c.To.Text, stage); err != nil {
			return err
		}
		return os.Lchown(stage, m.Owner, m.Group)
	}
	f, err := os.OpenFile(stage, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(c.To.Text)
	if err == nil {
		err = fsx.CopyXattrs(path, stage)
	}
	if err == nil {
		err = setMode(stage, c.To)
	}
	if err == nil && c.To.MTime != 0 {
		err = setMTime(stage, c.To.MTime)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func setMTime(path string, nanos int64) error {
	ts := syscall.NsecToTimespec(nanos)
	return syscall.UtimesNano(path, []syscall.Timespec{ts, ts})
}

// check runs the command that checks a new file. In an image it is the image's own, as that
// one will have to read the file; only if this machine cannot run it, for it is
// of another architecture, is it this machine's.
func (m *Machine) check(argv []string, stage string) error {
	if len(argv) == 0 {
		return nil
	}
	with := func(path string) []string {
		var run []string
		for _, arg := range argv {
			run = append(run, strings.ReplaceAll(arg, "{}", path))
		}
		return run
	}
	run := with(stage)
	if !m.Live && m.Host.Root != "/" {
		run = append([]string{"chroot", m.Host.Root}, with(strings.TrimPrefix(stage, m.Host.Root))...)
	}
	out, err := m.answer(run[0], run[1:]...)
	if err != nil && strings.Contains(err.Error(), "Exec format error") {
		run = with(stage)
		out, err = m.answer(run[0], run[1:]...)
	}
	if err != nil {
		return fmt.Errorf("%s refuses the new file: %w %s", argv[0], err, strings.TrimSpace(out))
	}
	return nil
}

// keep puts a copy of the file as it is now beside it, for its author.
func (m *Machine) keep(c Change, at func(string)) error {
	path := m.real(c.Target)
	kept := m.real(c.Keep)
	copied := Change{Kind: c.Kind, Target: c.Keep, To: c.From}
	stage := stagePath(kept)
	if err := os.Remove(stage); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := m.stage(stage, path, copied); err != nil {
		return err
	}
	at("kept-staged")
	if err := os.Rename(stage, kept); err != nil {
		return err
	}
	at("kept")
	return nil
}

// sweep removes what a crash may have left of a change that is done, and the
// copy that a now reverted change made.
func (m *Machine) sweep(c Change) error {
	if c.Kind != File && c.Kind != Link {
		return nil
	}
	leftovers := []string{stagePath(m.real(c.Target))}
	if c.Keep != "" {
		leftovers = append(leftovers, stagePath(m.real(c.Keep)))
	}
	if c.drop != "" {
		leftovers = append(leftovers, stagePath(m.real(c.drop)), m.real(c.drop))
	}
	for _, path := range leftovers {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return err
		}
	}
	return nil
}
