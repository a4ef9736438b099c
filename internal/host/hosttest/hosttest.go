// Package hosttest builds made-up machines for tests, from txtar archives that
// can be reviewed: the files are the machine's files, and a file named
// "machine" describes what no file can hold, a line a fact:
//
//	uid 1000                       user of the process
//	env NAME=VALUE                 a variable of the environment
//	dir /home/u/app                working directory
//	now 2026-11-23T10:00:00Z       the clock
//	cpuid KVMKVMKVM 3              hypervisor vendor ("-": none) and x86-64 level
//	space /tmp 20G 512M 100000     size, free bytes, free inodes of a file system
//	owner 1000 /home/u             owner of a file or tree
//	mode 0777 /opt/go              permissions
//	link /usr/bin/go ../lib/go/bin/go
//	program /usr/bin/gcc           an executable file, if the archive has no such file
//	run "bash -lc" "command -v go*" = 0 /usr/bin/go\n
//	http https://host/path 200 Date:Mon,_23_Nov_2026_10:00:00_GMT | body, quoted or not
//	dns proxy.example 192.0.2.7
//	elf /usr/bin/x interpreter=/lib64/ld-linux-x86-64.so.2 go=go1.22.5 path=example.com/x
//	delete /etc/ssl/certs/ca-certificates.crt
//	sources 25 /usr/local/go/src/fmt 2026-05-05T10:00:00Z   so many Go files of that time
//	random blocked                 the kernel's random numbers are not ready
//	clock unsynchronised
//	disk 200M 300us                write speed and time of a sync
//	nolock /mnt/share              file locks fail beneath
//
// The arguments of run are joined by blanks; a program without an answer fails
// the way a crashed one does. Lines of a later archive add to and override
// those of an earlier one. A directory named like a release that has a file
// VERSION gets a receipt, as if it were installed in a store; "delete" removes it.
package hosttest

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/store/installed"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// File is one file of an archive, by its absolute path on the machine.
type File struct {
	Path string
	Data []byte
}

// Archive reads the files of a txtar archive, leaving out those whose name
// does not begin with prefix, and cutting it off.
func Archive(tb testing.TB, path, prefix string) []File {
	tb.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var files []File
	for _, f := range archive.Files {
		if name, ok := strings.CutPrefix(f.Name, prefix); ok {
			files = append(files, File{Path: "/" + name, Data: f.Data})
		}
	}
	return files
}

// machine is the state while lines are read.
type machine struct {
	tb      testing.TB
	root    string
	host    host.Host
	answers map[string]answer
	pages   map[string]page
	spaces  map[string]host.Space
	owners  map[string]int
	noLocks []string
	disk    host.Disk
	names   map[string]string
	modes   []func() // carried out last, since they may close directories
}

// New lays out a machine in a temporary directory and gives its host. The
// directory goes away with the test.
func New(tb testing.TB, files []File) host.Host {
	tb.Helper()
	m := &machine{
		tb: tb, root: tempDir(tb),
		answers: map[string]answer{}, pages: map[string]page{},
		spaces: map[string]host.Space{"/": {Size: 40 << 30, Free: 20 << 30, Inodes: 2 << 20, FreeInode: 1 << 20}},
		owners: map[string]int{}, names: map[string]string{},
	}
	m.host = host.Host{
		Args: []string{"vmgo"}, Env: map[string]string{}, Dir: "/", Root: m.root,
		Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard,
		Executable: "/usr/local/bin/vmgo", UID: 1000, PID: 4242,
		Run: m.run, Transport: m,
	}
	m.host.Sys = host.Sys{
		CPU:               func() host.CPU { return host.CPU{} },
		Space:             m.space,
		Random:            func() error { return nil },
		ClockSynchronised: func() (bool, error) { return true, nil },
		Lock:              m.lock,
		Owner:             m.owner,
		MayWrite:          m.mayWrite,
		Lookup:            m.lookup,
		Disk:              func(context.Context, string) (host.Disk, error) { return m.disk, nil },
	}
	m.setNow("2026-11-23T10:00:00Z")
	for _, f := range files {
		if f.Path != "/machine" {
			m.write(f)
		}
	}
	for _, f := range files {
		if f.Path == "/machine" {
			for line := range strings.Lines(string(f.Data)) {
				m.line(strings.TrimSpace(line))
			}
		}
	}
	for _, set := range m.modes {
		set()
	}
	return m.host
}

func (m *machine) path(p string) string { return filepath.Join(m.root, p) }

func (m *machine) check(err error) {
	m.tb.Helper()
	if err != nil {
		m.tb.Fatal(err)
	}
}

func (m *machine) write(f File) {
	m.tb.Helper()
	p := m.path(f.Path)
	m.check(os.MkdirAll(filepath.Dir(p), 0o755))
	if strings.HasSuffix(f.Path, "/") {
		m.check(os.MkdirAll(p, 0o755))
		return
	}
	mode := fs.FileMode(0o644)
	if strings.HasPrefix(string(f.Data), "#!") {
		mode = 0o755
	}
	m.check(os.WriteFile(p, f.Data, mode))
	if _, ok := installed.VersionOf(filepath.Base(filepath.Dir(p))); ok && filepath.Base(p) == "VERSION" {
		m.check(vmtest.PutReceipt(filepath.Dir(p)))
	}
}

func (m *machine) line(line string) {
	m.tb.Helper()
	if line == "" || strings.HasPrefix(line, "#") {
		return
	}
	verb, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	f := strings.Fields(rest)
	switch verb {
	case "uid":
		n, err := strconv.Atoi(rest)
		m.check(err)
		m.host.UID = n
	case "env":
		name, value, _ := strings.Cut(rest, "=")
		if strings.HasPrefix(name, "-") {
			delete(m.host.Env, name[1:])
			return
		}
		m.host.Env[name] = value
	case "dir":
		m.check(os.MkdirAll(m.path(rest), 0o755))
		m.host.Dir = rest
	case "now":
		m.setNow(rest)
	case "cpuid":
		m.setCPU(f)
	case "space":
		m.setSpace(f)
	case "random":
		m.host.Sys.Random = func() error { return errors.New("resource temporarily unavailable") }
	case "clock":
		m.host.Sys.ClockSynchronised = func() (bool, error) { return false, nil }
	case "disk":
		m.disk.Write = float64(parseSize(m.tb, f[0]))
		sync, err := time.ParseDuration(f[1])
		m.check(err)
		m.disk.Sync, m.disk.Sync95, m.disk.Tries = sync, 2*sync, 100
	case "dns":
		m.names[f[0]] = f[1]
	case "nolock":
		m.noLocks = append(m.noLocks, rest)
	case "run":
		m.setRun(rest)
	case "http":
		m.setPage(rest)
	default:
		m.fileLine(verb, f)
	}
}

func (m *machine) fileLine(verb string, f []string) {
	m.tb.Helper()
	switch {
	case verb == "owner" && len(f) == 2:
		n, err := strconv.Atoi(f[0])
		m.check(err)
		m.owners[f[1]] = n
	case verb == "mode" && len(f) == 2:
		mode, err := strconv.ParseUint(f[0], 8, 32)
		m.check(err)
		if _, err := os.Stat(m.path(f[1])); err != nil {
			m.check(os.MkdirAll(m.path(f[1]), 0o755))
		}
		m.modes = append(m.modes, func() {
			if _, err := os.Stat(m.path(f[1])); err != nil {
				return // deleted by a later line
			}
			bits := fs.FileMode(mode & 0o777)
			for bit, flag := range map[uint64]fs.FileMode{0o1000: fs.ModeSticky, 0o2000: fs.ModeSetgid, 0o4000: fs.ModeSetuid} {
				if mode&bit != 0 {
					bits |= flag
				}
			}
			m.check(os.Chmod(m.path(f[1]), bits))
		})
	case verb == "link" && len(f) == 2:
		p := m.path(f[0])
		m.check(os.MkdirAll(filepath.Dir(p), 0o755))
		_ = os.Remove(p)
		m.check(os.Symlink(f[1], p))
	case verb == "program" && len(f) == 1:
		p := m.path(f[0])
		if _, err := os.Stat(p); err != nil {
			m.write(File{Path: f[0]})
		}
		m.check(os.Chmod(p, 0o755))
	case verb == "elf" && len(f) > 0:
		m.write(File{Path: f[0], Data: readProgram(f[1:]).image()})
		m.check(os.Chmod(m.path(f[0]), 0o755))
	case verb == "sources" && len(f) == 3:
		n, err := strconv.Atoi(f[0])
		m.check(err)
		at, err := time.Parse(time.RFC3339, f[2])
		m.check(err)
		for i := range n {
			p := filepath.Join(f[1], at.Format("20060102")+"_"+strconv.Itoa(i)+".go")
			m.write(File{Path: p, Data: []byte("package x\n")})
			m.check(os.Chtimes(m.path(p), at, at))
		}
	case verb == "delete" && len(f) == 1:
		m.check(os.RemoveAll(m.path(f[0])))
	default:
		m.tb.Fatalf("machine: unknown line %q %q", verb, f)
	}
}

// readProgram reads NAME=VALUE words.
func readProgram(words []string) program {
	var p program
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		switch name {
		case "interpreter":
			p.interpreter = value
		case "go":
			p.release = value
		case "path":
			p.path = value
		}
	}
	return p
}

func (m *machine) setNow(text string) {
	t, err := time.Parse(time.RFC3339, text)
	m.check(err)
	m.host.Now = func() time.Time { return t }
}

func (m *machine) setCPU(f []string) {
	cpu := host.CPU{Level: 3}
	if f[0] != "-" {
		cpu.Hypervisor, cpu.VM = strings.ReplaceAll(f[0], "_", " "), true
	}
	if len(f) > 1 {
		cpu.Level, _ = strconv.Atoi(f[1])
	}
	m.host.Sys.CPU = func() host.CPU { return cpu }
}

func (m *machine) setSpace(f []string) {
	m.tb.Helper()
	size, free := parseSize(m.tb, f[1]), parseSize(m.tb, f[2])
	s := host.Space{Size: size, Free: free, Inodes: 1 << 20, FreeInode: 1 << 19}
	if len(f) > 3 {
		s.FreeInode = parseSize(m.tb, f[3])
	}
	m.spaces[f[0]] = s
}

// parseSize reads "512M".
func parseSize(tb testing.TB, s string) uint64 {
	tb.Helper()
	shift := map[byte]uint{'K': 10, 'M': 20, 'G': 30}[s[len(s)-1]]
	n, err := strconv.ParseUint(strings.TrimRight(s, "KMG"), 10, 64)
	if err != nil {
		tb.Fatal(err)
	}
	return n << shift
}

func (m *machine) space(path string) (host.Space, error) {
	dir := longest(m.host.Show(path), m.spaces)
	return m.spaces[dir], nil
}

func (m *machine) owner(path string, _ fs.FileInfo) (uid, gid int) {
	dir := longest(m.host.Show(path), m.owners)
	return m.owners[dir], m.owners[dir]
}

// mayWrite goes by the mode: the made-up user is in every group.
func (m *machine) mayWrite(path string, info fs.FileInfo) bool {
	uid, _ := m.owner(path, info)
	mode := info.Mode().Perm()
	return m.host.UID == 0 || mode&0o022 != 0 || uid == m.host.UID && mode&0o200 != 0
}

func (m *machine) lock(dir string) error {
	for _, share := range m.noLocks {
		if strings.HasPrefix(m.host.Show(dir), share) {
			return errors.New("function not implemented")
		}
	}
	return nil
}

// longest is the longest key that is p or a directory above it.
func longest[V any](p string, known map[string]V) string {
	var keys []string
	for k := range known {
		if k == "/" || p == k || strings.HasPrefix(p, k+"/") {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return ""
	}
	sort.Slice(keys, func(i, j int) bool { return len(keys[i]) > len(keys[j]) })
	return keys[0]
}

// tempDir is a directory that goes away with the test, in memory where the
// machine has such a place: a suite lays out tens of thousands of small files.
func tempDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "vmgo-machine-")
	if err != nil {
		dir = tb.TempDir()
	} else {
		tb.Cleanup(func() {
			if err := os.RemoveAll(dir); err != nil {
				tb.Error(err)
			}
		})
	}
	if err := os.Chmod(dir, 0o755); err != nil { // as / is
		tb.Fatal(err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return real
}

// Files reads the files of a txtar archive that is given as text. Several files
// named "machine" count together.
func Files(text string) []File {
	var files []File
	for _, f := range txtar.Parse([]byte(text)).Files {
		files = append(files, File{Path: "/" + f.Name, Data: f.Data})
	}
	return files
}
