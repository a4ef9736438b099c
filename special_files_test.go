package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/vmtest"
)

// readByVmgo are the files that vmgo reads, beneath a made-up machine, each with
// a command that reads it. A pattern must match.
var readByVmgo = []struct{ file, command string }{
	{"root/home/u/.config/vmgo/env", "vmgo current"},
	{"root/home/u/.config/vmgo/env", "vmgo config"},
	{"root/home/u/.config/vmgo/env", "vmgo config -w VMGO_SHOW=1"},
	{"root/home/u/.config/vmgo/env", "vmgo-shim hook bash f . '' ''"},
	{"root/home/u/.config/vmgo/env", "./go version"},
	{"root/home/u/.config/vmgo/default", "vmgo current"},
	{"root/home/u/.config/vmgo/default", "vmgo list"},
	{"root/home/u/.config/vmgo/default", "vmgo default 1.22.5"},
	{"root/home/u/.config/vmgo/default", "vmgo prune --dry-run"},
	{"root/home/u/.config/vmgo/default", "./go version"},
	{"root/home/u/.config/go/env", "vmgo env"},
	{"root/home/u/.config/go/env", "vmgo install --dry-run 1.22.4"},
	{"root/home/u/.config/go/env", "./go version"},
	{"root/home/u/.netrc", "vmgo list-remote"},
	{"root/home/u/ca.pem", "vmgo list-remote"},
	{"root/home/u/certs/one.pem", "vmgo list-remote"},
	{"root/home/u/keyring.asc", "VMGO_KEYRING=$PWD/root/home/u/keyring.asc vmgo install --reinstall 1.22.5"},
	{"root/home/u/.bashrc", "vmgo doctor --offline"},
	{"root/home/u/.local/state/vmgo/projects/*", "vmgo prune --dry-run"},
	{"root/home/u/.local/state/vmgo/projects/*", "cd project && vmgo-shim hook bash f . '' ''"},
	{"root/home/u/.local/state/vmgo/sumdb/*/latest", "vmgo install --reinstall 1.22.5"},
	{"root/home/u/.local/state/vmgo/sumdb/*/lock", "vmgo install --reinstall 1.22.5"},
	{"root/home/u/.cache/vmgo/sumdb/*/lookup/*/*", "vmgo install --reinstall 1.22.5"},
	{"root/home/u/.cache/vmgo/sumdb/*/tile/8/0/*", "vmgo install --reinstall 1.22.5"},
	{"root/home/u/.cache/vmgo/goproxy/*.list", "vmgo list-remote --source goproxy 1.22"},
	{"root/home/u/.cache/vmgo/godev/*.index", "vmgo list-remote --source godev"},
	{oldFix + "/manifest.json", "vmgo doctor --undo"},
	{oldFix + "/0", "vmgo doctor --undo"},
	{"root/home/u/old.rc", "vmgo doctor --undo"},
	{"root/home/u/.local/state/vmgo/doctor/2*/ledger.json", "rm -rf " + oldFix + "; vmgo doctor --undo"},
	{"root/home/u/.bashrc", "vmgo doctor --undo"},
	{"project/.go-version", "cd project && vmgo current"},
	{"project/.go-version", "cd project && vmgo use 1.22.5"},
	{"project/.go-version", "cd project && ../go version"},
	{"project/.tool-versions", "cd project && vmgo current --explain"},
	{"project/go.mod", "cd project && vmgo use --mod 1.22.5"},
	{"project/go.mod", "cd project && vmgo doctor --offline"},
	{"project/go.work", "cd project && vmgo current --explain"},
	{"root/etc/vmgo/env", "vmgo current"},
	{"root/etc/vmgo/env", "./go version"},
	{"root/etc/os-release", "vmgo doctor --offline"},
	{"root/etc/passwd", "vmgo doctor --offline"},
	{"root/etc/passwd", "vmgo prune --dry-run"},
	{"root/proc/meminfo", "vmgo doctor --offline"},
	{"root/opt/go/1.22.5/VERSION", "vmgo verify --files 1.22.5"},
	{"root/opt/go/1.22.5/go.env", "vmgo list-remote"},
	{"root/opt/go/1.22.5/bin/go", "vmgo doctor --offline"},
	{"root/opt/go/.vmgo/lock", "vmgo uninstall --force 1.99.9"},
	{"root/opt/go/.vmgo/locks/1.22.5", "vmgo install --reinstall 1.22.5"},
	{"root/opt/go/.vmgo/receipts/1.22.5*", "vmgo list --json"},
	{"root/opt/go/.vmgo/receipts/1.22.5*", "vmgo verify 1.22.5"},
	{"root/opt/go/.vmgo/manifests/1.22.5*", "vmgo verify --files 1.22.5"},
	{"root/opt/go/.vmgo/manifests/1.22.5*", "vmgo install 1.22.4"},
	{"root/opt/go/.vmgo/manifests/1.22.5*", "vmgo store check"},
	{swapMarker, "vmgo store repair"},
	{"root/var/lib/vmgo/harden/ledger.json", "vmgo harden status"},
	{"root/var/lib/vmgo/harden/journal.json", "vmgo harden status"},
	{"root/etc/security/limits.d/60-vmgo.conf", "vmgo harden status --only limits"},
	{"other/VERSION", "vmgo adopt other"},
	{"other/VERSION", "vmgo verify $PWD/other"},
	{"other/VERSION", "PATH=$PWD/other/bin:$PATH VMGO_VERSION=system vmgo current"},
	{"other/go.env", "PATH=$PWD/other/bin:$PATH vmgo list-remote"},
	{"plan.json", "vmgo harden apply plan.json"},
	{"proof.json", "vmgo install --proof proof.json $PWD/go.zip"},
	{"go.zip", "vmgo install $PWD/go.zip"},
}

// oldFix is what a vmgo of before harden's ledger left of a doctor --fix, as the last one.
const oldFix = "root/home/u/.local/state/vmgo/doctor/9"

const swapMarker = "root/opt/go/.vmgo/staging/1.22.4.x/swap"

// plants are what may stand in the place of a file.
var plants = map[string]func(path string) error{
	"a fifo":      func(path string) error { return syscall.Mkfifo(path, 0o666) },
	"a device":    func(path string) error { return os.Symlink("/dev/zero", path) },
	"a directory": func(path string) error { return os.Mkdir(path, 0o777) },
	"a link loop": func(path string) error { return os.Symlink(path, path) },
	"1 GB": func(path string) error {
		return errors.Join(os.WriteFile(path, nil, 0o666), os.Truncate(path, 1<<30))
	},
	"unreadable": func(path string) error { return os.WriteFile(path, []byte("VMGO_SHOW=1\n"), 0) },
}

// TestSpecialFiles plants what is no ordinary file in the place of each file
// that vmgo reads. Each command ends by itself, without taking the memory.
func TestSpecialFiles(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	for _, read := range readByVmgo {
		for name, plant := range plants {
			if read.file == swapMarker {
				m.write(read.file, "1.22.4 1\n") // as a crash leaves it; whoever reads it removes it
			}
			files, err := filepath.Glob(filepath.Join(m.top, read.file))
			if err != nil || len(files) == 0 {
				t.Errorf("no file is %s: %v", read.file, err)
				break
			}
			m.try(read.file+": "+name+": "+read.command, files[0], plant, read.command)
		}
	}
}

// machine is a made-up machine with files that all have been read once.
type machine struct {
	t    *testing.T
	top  string
	env  []string
	user *syscall.SysProcAttr // who runs the commands; root may read everything
	// limit bounds the memory of a command. The race detector cannot live with it.
	limit string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{t: t, top: t.TempDir()}
	server := vmtest.NewServer(t, vmtest.Options{TLS: true, Toolchains: []vmtest.Toolchain{{Version: "1.22.4"}, {Version: "1.22.5"}}})
	m.env = []string{
		"HOME=" + m.top + "/root/home/u", "TESTROOT=" + m.top + "/root", "PATH=" + m.top + "/bin:" + withoutGo(os.Getenv("PATH")),
		"GOPROXY=" + server.TLSURL, "GOSUMDB=" + server.GOSUMDB(), "VMGO_GODEV=" + server.URL + "/dl",
		"SSL_CERT_FILE=" + m.top + "/root/home/u/ca.pem", "SSL_CERT_DIR=" + m.top + "/root/home/u/certs",
		"GORACE=atexit_sleep_ms=0", "LC_ALL=C.UTF-8", "TERM=dumb",
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	m.write("bin/.keep", "")
	for _, name := range []string{"bin/vmgo", "bin/vmgo-shim", "go"} {
		m.check(copyFile(self, filepath.Join(m.top, name)))
	}
	for name, text := range map[string]string{
		"root/home/u/.config/vmgo/env": "VMGO_GOPATH=version\n", "root/home/u/.config/vmgo/default": "1.22.5\n", "root/home/u/.config/go/env": "GOFLAGS=\n",
		"root/home/u/.netrc": "machine x login y password z\n", "root/home/u/ca.pem": string(server.CertPEM()), "root/home/u/certs/one.pem": string(server.CertPEM()),
		"root/home/u/keyring.asc": "", "root/home/u/.bashrc": "export GOTOOLCHAIN=go1.20.1\n",
		"project/.go-version": "1.22.5\n", "project/.tool-versions": "golang 1.22.5\n", "project/go.mod": "module m\ngo 1.22\n", "project/go.work": "go 1.22\n",
		"root/etc/vmgo/env": "VMGO_GOPATH=version\n", "root/etc/os-release": "ID=debian\n", "root/etc/passwd": "u:x:1:1::/home/u:/bin/sh\n",
		"root/proc/meminfo":                    "MemTotal: 1000000 kB\n",
		"root/var/lib/vmgo/harden/ledger.json": "{}", "root/var/lib/vmgo/harden/journal.json": "{}",
		"root/etc/security/limits.d/60-vmgo.conf": "", "other/VERSION": "go1.22.4\n", "other/bin/go": "#!/bin/sh\n", "other/go.env": "GOPROXY=off\n",
		oldFix + "/manifest.json": fmt.Sprintf(`{"format": 1, "files": [{"path": %q, "backup": "0", "after": "%x"}]}`, m.top+"/root/home/u/old.rc", sha256.Sum256(nil)),
		oldFix + "/0":             "", "root/home/u/old.rc": "",
		"plan.json": "{}", "proof.json": "{}", "go.zip": string(vmtest.Toolchain{Version: "1.22.4"}.Zip()),
	} {
		m.write(name, text)
	}
	m.check(os.Chmod(filepath.Join(m.top, "other/bin/go"), 0o755))
	m.becomeNobody()
	m.limit = "ulimit -v 3000000; "
	if _, err := m.run("vmgo version"); err != nil {
		m.limit = ""
	}
	for _, command := range []string{
		"vmgo install 1.22.5", "cd project && vmgo-shim hook bash f . '' '' && vmgo current", "vmgo list-remote --source goproxy",
		"vmgo list-remote --source godev", "vmgo doctor --offline --fix --yes",
	} {
		if out, err := m.run(command); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	return m
}

// becomeNobody returns the machine to a user whom permissions bind.
func (m *machine) becomeNobody() {
	if os.Getuid() != 0 {
		return
	}
	const nobody = 65534
	m.user = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	m.check(filepath.WalkDir(filepath.Dir(m.top), func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, nobody, nobody))
	}))
}

// try puts something in the place of a file and runs a command.
func (m *machine) try(name, file string, plant func(string) error, command string) {
	m.t.Helper()
	aside := file + ".aside"
	m.check(os.Rename(file, aside))
	m.check(plant(file))
	if m.user != nil {
		m.check(os.Lchown(file, int(m.user.Credential.Uid), int(m.user.Credential.Gid)))
	}
	out, err := m.run(command)
	m.check(os.RemoveAll(file))
	if err := os.Rename(aside, file); !errors.Is(err, fs.ErrNotExist) { // the command may have removed the directory
		m.check(err)
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() < 0:
		m.t.Errorf("%s: %v\n%s", name, err, out)
	case err != nil && (exit == nil || !strings.Contains(out, "vmgo: ")):
		m.t.Errorf("%s: it does not say why: %v\n%s", name, err, out)
	case strings.Contains(out, "goroutine "):
		m.t.Errorf("%s: %s", name, out)
	}
}

// run runs a command line with so much memory as none of ours needs. Whatever
// still runs after minutes waits for something that never comes.
func (m *machine) run(command string) (string, error) {
	ctx, cancel := context.WithTimeout(m.t.Context(), 3*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "sh", "-c", m.limit+command)
	c.Dir, c.Env, c.SysProcAttr = m.top, m.env, m.user
	c.WaitDelay = time.Second
	out, err := c.CombinedOutput()
	return string(out), err
}

func (m *machine) write(name, text string) {
	m.t.Helper()
	path := filepath.Join(m.top, name)
	m.check(errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)))
	if m.user != nil {
		m.check(os.Lchown(filepath.Dir(path), int(m.user.Credential.Uid), int(m.user.Credential.Gid)))
	}
}

func (m *machine) check(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// copyFile makes no link: the copy gets another owner, and the scripts run the original.
func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	return errors.Join(err, os.WriteFile(to, data, 0o755))
}
