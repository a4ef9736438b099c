package fsx

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/vmgo/vmgo/internal/diag"
)

// Entry is what decides who may change a directory or a link.
type Entry struct {
	Path     string
	Mode     fs.FileMode // type, permissions and sticky bit
	UID, GID int
	Target   string // of a link
	ACL      []byte // value of system.posix_acl_access, nil without one
}

// Owners are the users whose directories are safe to write in: root, one user
// and their private groups. It is the one rule for that: installs, checks and
// repairs of a store ask it.
type Owners struct {
	UID int // the user, beside root
	// PrivateGroup reports whether the group has no member but that user or root.
	PrivateGroup func(gid int) bool
	// Unmapped reports whether this number stands for all users outside of the
	// user namespace, root among them. It may be nil.
	Unmapped func(uid int) bool
}

// UnsafeError says who else may decide what is in a directory.
type UnsafeError struct {
	Path   string
	Reason string // "every user may write in /opt/go"
	Fix    string // a command to paste
	Owner  bool   // the directory belongs to somebody else
	Mode   bool   // its permissions alone are the reason
}

// Error is the reason.
func (e *UnsafeError) Error() string { return e.Reason }

// Directory judges one directory, nil if nobody but the owners may change it.
// An ancestor may be sticky: others may make files in it and not touch ours.
func (o Owners) Directory(e Entry, ancestor bool) *UnsafeError {
	word := diag.Word(e.Path)
	if e.Mode.Type() != fs.ModeDir {
		if e.Mode.Type() == fs.ModeSymlink {
			return &UnsafeError{Path: e.Path, Reason: e.Path + " is a link, and a store keeps its directories within itself", Fix: "rm " + word}
		}
		return &UnsafeError{Path: e.Path, Reason: e.Path + " is not a directory", Fix: "ls -ld " + word}
	}
	if !o.has(e.UID) && !(ancestor && o.Unmapped != nil && o.Unmapped(e.UID)) {
		u := o.foreign(e)
		if ancestor && o.UID == 0 && e.UID != nobody { // a home stays its user's
			u.Fix = "ls -ld " + word + "   # use a directory of root's own, or: chown root:root " + word
		}
		return u
	}
	if ancestor && e.Mode&fs.ModeSticky != 0 {
		return nil
	}
	if e.Mode&0o002 != 0 {
		return &UnsafeError{Path: e.Path, Reason: "every user may write in " + e.Path, Fix: "chmod o-w " + word, Mode: true}
	}
	if !e.groupWrites() {
		return nil
	}
	if e.ACL != nil {
		return o.judgeACL(e)
	}
	if !o.PrivateGroup(e.GID) {
		return &UnsafeError{Path: e.Path, Reason: "group " + strconv.Itoa(e.GID) + " may write in " + e.Path, Fix: "chmod g-w " + word, Mode: true}
	}
	return nil
}

func (o Owners) has(uid int) bool { return uid == 0 || uid == o.UID }

// nobody is the user as which root arrives at an NFS server with root_squash.
const nobody = 65534

func (o Owners) foreign(e Entry) *UnsafeError {
	u := &UnsafeError{Path: e.Path, Owner: true}
	switch {
	case e.UID == nobody && o.UID == 0:
		u.Reason = e.Path + " belongs to nobody (user 65534), like files of root on NFS with root_squash: root cannot protect a store there"
		u.Fix = "vmgo config -w VMGO_ROOT=/opt/go   # a directory of this machine; or run vmgo as the user who owns the share"
	case o.UID == 0:
		u.Reason = e.Path + " belongs to user " + strconv.Itoa(e.UID) + ", who can change what root puts there"
		u.Fix = "chown root:root " + diag.Word(e.Path) + "   # then: vmgo verify --all"
	default:
		u.Reason = e.Path + " belongs to user " + strconv.Itoa(e.UID) + ", neither to root nor to you (user " + strconv.Itoa(o.UID) + ")"
		u.Fix = "ls -ld " + diag.Word(e.Path) + "   # then set VMGO_ROOT to a directory of your own"
	}
	return u
}

// judgeACL reads the entries of acl(5) that give the right to write.
func (o Owners) judgeACL(e Entry) *UnsafeError {
	const header, size = 4, 8
	const user, groupObject, group = 0x02, 0x04, 0x08
	unsafe := func(who string) *UnsafeError {
		return &UnsafeError{Path: e.Path, Reason: "an ACL lets " + who + " write in " + e.Path, Fix: "setfacl -b " + diag.Word(e.Path) + " && chmod g-w " + diag.Word(e.Path)}
	}
	if (len(e.ACL)-header)%size != 0 { // so it is where not even the header is there
		return unsafe("somebody")
	}
	for entry := range slices.Chunk(e.ACL[header:], size) {
		tag, perm := binary.LittleEndian.Uint16(entry), binary.LittleEndian.Uint16(entry[2:])
		id := int(binary.LittleEndian.Uint32(entry[4:]))
		switch {
		case perm&2 == 0:
		case tag == user && !o.has(id):
			return unsafe("user " + strconv.Itoa(id))
		case tag == group && !o.PrivateGroup(id):
			return unsafe("group " + strconv.Itoa(id))
		case tag == groupObject && !o.PrivateGroup(e.GID):
			return unsafe("group " + strconv.Itoa(e.GID))
		}
	}
	return nil
}

// Chain returns the directories and links on the way to the directory at path,
// the root first and each link before what it leads to, and what is missing of
// the path. look gives the entry of a path without following a link.
//
// Names were looked up in this order, so that if none of the entries is unsafe,
// nobody else could change what any of them means, then or later.
func Chain(path string, look func(path string) (Entry, error)) (way []Entry, missing []string, err error) {
	way, _, missing, err = follow(path, look)
	return way, missing, err
}

// follow is [Chain], and returns the last directory on the way, with no link in its path:
// it need not be the last entry, since a link may lead up.
func follow(path string, look func(path string) (Entry, error)) (way []Entry, at string, missing []string, err error) {
	at = "/"
	todo := elements(path)
	top, err := look(at)
	if err != nil {
		return nil, at, nil, err
	}
	way = append(way, top)
	for links := 0; len(todo) > 0; {
		name := todo[0]
		if name == ".." {
			at, todo = filepath.Dir(at), todo[1:]
			continue
		}
		next := filepath.Join(at, name)
		e, err := look(next)
		if errors.Is(err, fs.ErrNotExist) {
			return way, at, todo, nil
		}
		if err != nil {
			return way, at, nil, err
		}
		way, todo = append(way, e), todo[1:]
		switch e.Mode.Type() {
		case fs.ModeSymlink:
			if links++; links > maxLinks {
				return way, at, nil, &os.PathError{Op: "open", Path: path, Err: syscall.ELOOP}
			}
			if filepath.IsAbs(e.Target) {
				at = "/"
			}
			todo = append(elements(e.Target), todo...)
		case fs.ModeDir:
			at = next
		default:
			return way, at, nil, &os.PathError{Op: "open", Path: next, Err: syscall.ENOTDIR}
		}
	}
	return way, at, nil, nil
}

// maxLinks is how many links the kernel follows in one path.
const maxLinks = 40

func elements(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// Judge returns what is unsafe about the way to a directory and the directory
// itself, which is the last entry unless it is still missing.
func (o Owners) Judge(way []Entry, missing bool) (unsafe []*UnsafeError) {
	shared := map[string]bool{} // directories in which others may make names
	for i, e := range way {
		if e.Mode.Type() == fs.ModeSymlink {
			if shared[filepath.Dir(e.Path)] && !o.has(e.UID) {
				u := o.foreign(e)
				u.Fix = "rm " + diag.Word(e.Path)
				unsafe = append(unsafe, u)
			}
			continue
		}
		if u := o.Directory(e, missing || i < len(way)-1); u != nil {
			unsafe = append(unsafe, u)
		}
		shared[e.Path] = e.Mode&0o022 != 0
	}
	return unsafe
}

// Look is the entry of a path of this machine, for [Chain].
func Look(path string) (Entry, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return Entry{}, &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	e := entryOf(path, &st)
	if e.Mode.Type() == fs.ModeSymlink {
		target, err := os.Readlink(path)
		if err != nil {
			return Entry{}, err
		}
		e.Target = target
	}
	if e.groupWrites() {
		e.ACL = ReadACL(path)
	}
	return e, nil
}

// groupWrites reports whether the bits of the group, which are the mask of an
// ACL, let anybody write in the directory.
func (e Entry) groupWrites() bool { return e.Mode.IsDir() && e.Mode&0o020 != 0 }

const accessACL = "system.posix_acl_access"

// ReadACL reads the ACL of a directory, nil if it has none. One that cannot be
// read is given as one that cannot be understood.
func ReadACL(path string) []byte {
	return readACL(func(buf []byte) (int, error) { return unix.Lgetxattr(path, accessACL, buf) })
}

func readACL(get func([]byte) (int, error)) []byte {
	buf := make([]byte, 64<<10)
	n, err := get(buf)
	switch err {
	case nil:
		return buf[:n]
	case unix.ENODATA, unix.ENOTSUP, unix.ENOSYS:
		return nil
	}
	return []byte{}
}

func entryOf(path string, st *unix.Stat_t) Entry {
	e := Entry{Path: path, Mode: fs.FileMode(st.Mode & 0o777), UID: int(st.Uid), GID: int(st.Gid)}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		e.Mode |= fs.ModeDir
	case unix.S_IFLNK:
		e.Mode |= fs.ModeSymlink
	case unix.S_IFREG:
	default:
		e.Mode |= fs.ModeIrregular
	}
	if st.Mode&unix.S_ISVTX != 0 {
		e.Mode |= fs.ModeSticky
	}
	return e
}

// Survey judges the way to a directory, the directory and those of the named
// directories within it that exist. real is where it is once links are resolved.
func (o Owners) Survey(dir string, within []string, look func(path string) (Entry, error)) (real string, unsafe []*UnsafeError, err error) {
	way, at, missing, err := follow(dir, look)
	unsafe = o.Judge(way, len(missing) > 0)
	if err != nil {
		return "", unsafe, err
	}
	real = filepath.Join(append([]string{at}, missing...)...)
	for _, name := range within {
		e, err := look(filepath.Join(real, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return real, unsafe, err
		}
		if u := o.Directory(e, false); u != nil {
			unsafe = append(unsafe, u)
		}
	}
	return real, unsafe, nil
}
