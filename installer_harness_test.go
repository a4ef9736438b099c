package main_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// The shells that install.sh must work under. All but bash and dash are
// optional on a developer's machine; test.sh insists on all of them.
var installerShells = [][]string{{"dash"}, {"bash", "--posix"}, {"bash"}, {"busybox", "sh"}, {"mksh"}, {"ksh93"}, {"yash"}, {"zsh", "--emulate", "sh"}}

// fakeGo answers the questions of install.sh as a Go release of its own
// version would, and "builds" shell scripts that note how they were called.
const fakeGo = `#!/bin/sh
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd -P)
case $1:$2 in
env:GOROOT) echo "${GOROOT:-$root}" ;;
env:GOVERSION) echo "go1.99.0 X:fake" ;;
env:GOPROXY) echo "${GOPROXY:-$FAKE_PROXY}" ;;
version:*) [ "${FAKE_BROKEN:-}" != go ] && echo "go version go1.99.0 linux/fake" ;;
list:*) # fetches what a build needs, if the network lets it
	echo >>"$TRACE.list"
	[ "$(grep -c '' "$TRACE.list")" -gt "${FAKE_BREAKS:-0}" ]
	;;
build:*)
	[ "$(grep -c '' "$TRACE.list")" -gt "${FAKE_BREAKS:-0}" ] || exit 1
	[ "${FAKE_BROKEN:-}" != build ] || exit 1
	[ -f "$root/src/go.mod" ] && [ ! -e "$root/src/_go.mod" ] || exit 9
	case $root in */vmgo-install.*) [ "$(stat -c %a "$root/src/a b" "$root/VERSION" "$root/bin/gofmt" | grep -c '^[67][45][45]$')" = 3 ] || exit 9 ;; esac
	printf '%s\n' "$*" "CGO_ENABLED=$CGO_ENABLED GOTOOLCHAIN=$GOTOOLCHAIN GOROOT=$GOROOT GOFLAGS=$GOFLAGS GOOS=${GOOS:-} GOARCH=${GOARCH:-} GO111MODULE=${GO111MODULE:-} GOWORK=$GOWORK" "HOME=${HOME:-}" >>"$TRACE"
	[ "$2" != -v ] || echo fake/package >&2
	stat -c 'temporary directory: %a' "$GOTMPDIR" >>"$TRACE"
	while [ "$1" != -o ]; do shift; done
	mkdir -p "$2"
	for name in vmgo vmgo-shim; do
		cat >"$2/$name" <<-'END'
		#!/bin/sh
		[ "${FAKE_BROKEN:-}" != vmgo ] || exit 1
		printf '%s\n' "vmgo $*" >>"$TRACE"
		[ "$1" != install ] || exit "${FAKE_INSTALL:-0}"
		[ "$1" != exec ] || echo "go version go1.22.5 linux/fake"
		END
		chmod 700 "$2/$name"
	done
	;;
*) exit 8 ;;
esac
`

// installer is a made-up checkout with a copy of install.sh that pins a
// made-up Go, a proxy that has it, and a user.
type installer struct {
	t        *testing.T
	shell    []string
	checkout string
	home     string
	temp     string
	trace    string
	path     string
	env      []string
	as       *syscall.SysProcAttr
	fails    string   // what releases that are made fail at: "version", "doctor 2"
	more     []string // what they have besides: "bin/vmgo-deploy"
}

func newInstaller(t *testing.T, shell ...string) *installer {
	t.Helper()
	if testing.Short() {
		t.Skip("shell scripts run once, without -short")
	}
	if _, err := exec.LookPath(shell[0]); err != nil {
		t.Skipf("%s is not installed", shell[0])
	}
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skipf("install.sh pins no Go for %s", runtime.GOARCH)
	}
	base := filepath.Join(t.TempDir(), "a b'c")
	in := &installer{t: t, shell: shell, checkout: filepath.Join(base, "vmgo"), home: filepath.Join(base, "home"),
		temp: filepath.Join(base, "tmp"), trace: filepath.Join(base, "trace")}
	in.onlyTools("curl", "sha256sum", "unzip")
	proxy := filepath.Join(base, "proxy")
	sum := in.writeZip(filepath.Join(proxy, "golang.org/toolchain/@v", "v0.0.1-go1.99.0.linux-"+runtime.GOARCH+".zip"))

	script, err := os.ReadFile("install.sh")
	if err != nil {
		t.Fatal(err)
	}
	script = regexp.MustCompile(`(?m)^pinned_go=.*`).ReplaceAll(script, []byte("pinned_go=1.99.0"))
	script = regexp.MustCompile(`\b[0-9a-f]{64}\b`).ReplaceAll(script, []byte(sum))
	script = withoutThisMachinesGo(script)
	in.write(filepath.Join(in.checkout, "install.sh"), string(script))
	in.write(filepath.Join(in.checkout, "packaging/share.sh"), `mkdir -p "$3/man/man1" "$3/doc/vmgo" && echo "$2" >"$3/man/man1/vmgo.1.gz" && cp "$1/packaging/profile.sh" "$3/doc/vmgo/"`)
	in.write(filepath.Join(in.checkout, "packaging/profile.sh"), in.read("packaging/profile.sh"))
	in.write(filepath.Join(in.checkout, "go.mod"), "module github.com/vmgo/vmgo\n\ngo 1.99.0\n")
	in.write(filepath.Join(in.home, ".keep"), "")
	in.write(filepath.Join(in.temp, ".keep"), "")
	in.env = []string{"HOME=" + in.home, "TMPDIR=" + in.temp, "SHELL=/bin/bash", "TRACE=" + in.trace,
		"GOPROXY=file://" + filepath.Join(base, "absent") + ",file://" + proxy}
	return in
}

// withoutThisMachinesGo takes the places out of the script where this machine may have a Go.
func withoutThisMachinesGo(script []byte) []byte {
	script = bytes.ReplaceAll(script, []byte("/usr/local/go/bin:/opt/go/default/bin"), nil)
	return bytes.ReplaceAll(script, []byte(" /opt/go; do"), []byte("; do"))
}

func (in *installer) write(name, text string) {
	in.t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		in.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		in.t.Fatal(err)
	}
}

func (in *installer) read(name string) string {
	in.t.Helper()
	text, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		in.t.Fatal(err)
	}
	return string(text)
}

// writeZip writes the toolchain module that the script will fetch, and returns
// its SHA-256. As in those of Go 1.20 and before, no file in it has a mode, but for one that
// has a wrong one.
func (in *installer) writeZip(name string) string {
	var file bytes.Buffer
	w := zip.NewWriter(&file)
	top := "golang.org/toolchain@v0.0.1-go1.99.0.linux-" + runtime.GOARCH + "/"
	for _, entry := range [][2]string{
		{"bin/go", fakeGo}, {"bin/gofmt", "#!/bin/sh\n"}, {"pkg/tool/linux_fake/vet", "#!/bin/sh\n"},
		{"src/_go.mod", "module std\n"}, {"src/a b/_go.mod", "module x\n"}, {"VERSION", "go1.99.0"},
	} {
		header := &zip.FileHeader{Name: top + entry[0], Method: zip.Deflate}
		if entry[0] == "VERSION" {
			header.SetMode(0o602)
		}
		f, err := w.CreateHeader(header)
		if err != nil {
			in.t.Fatal(err)
		}
		if _, err := f.Write([]byte(entry[1])); err != nil {
			in.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		in.t.Fatal(err)
	}
	in.write(name, file.String())
	return fmt.Sprintf("%x", sha256.Sum256(file.Bytes()))
}

// run runs install.sh as its user would, in the home directory, and wants
// this exit status.
func (in *installer) run(status int, args ...string) (stdout, stderr string) {
	in.t.Helper()
	argv := append(append([]string{}, in.shell...), filepath.Join(in.checkout, "install.sh"))
	if !strings.Contains(strings.Join(args, " "), "--prefix") {
		argv = append(argv, "--prefix", filepath.Join(in.home, ".local")) // root's own would be this machine's
	}
	argv = append(argv, args...)
	shell, err := exec.LookPath(argv[0])
	if err != nil {
		in.t.Fatal(err)
	}
	cmd := exec.Cmd{Path: shell, Args: argv, Dir: in.home, Env: append([]string{"PATH=" + in.path}, in.env...), SysProcAttr: in.as}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != status {
		in.t.Fatalf("install.sh %q: exit status %d, not %d\nstdout:\n%sstderr:\n%s", args, got, status, &out, &errs)
	}
	if rest, _ := os.ReadDir(in.temp); len(rest) != 1 {
		in.t.Fatalf("install.sh %q left temporary files: %v", args, rest)
	}
	return out.String(), errs.String()
}

// tree lists what is beneath the home directory, with modes and contents.
func (in *installer) tree() string {
	var list strings.Builder
	err := filepath.WalkDir(in.home, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		link, _ := os.Readlink(name)
		fmt.Fprintf(&list, "%v %s -> %s", info.Mode(), strings.TrimPrefix(name, in.home), link)
		if info.Mode().IsRegular() {
			fmt.Fprintf(&list, " %q", in.read(name))
		}
		list.WriteString("\n")
		return nil
	})
	if err != nil {
		in.t.Fatal(err)
	}
	return list.String()
}

func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("lacks %q:\n%s", part, text)
		}
	}
}

func eachShell(t *testing.T, f func(t *testing.T, in *installer)) {
	for _, shell := range installerShells {
		t.Run(strings.Join(shell, " "), func(t *testing.T) {
			t.Parallel()
			f(t, newInstaller(t, shell...))
		})
	}
}

// onlyTools gives the user nothing on PATH but these and what every Debian has.
func (in *installer) onlyTools(names ...string) {
	in.t.Helper()
	in.path = filepath.Join(in.t.TempDir(), "tools")
	for _, name := range append(names, strings.Fields("sh dash awk cat chmod cp dd df dirname env find getent grep head id ln mkdir mktemp mv printf readlink rm rmdir sed sleep stat tail uname wc")...) {
		real, err := exec.LookPath(name)
		if err != nil {
			in.t.Fatal(err)
		}
		in.link(name, real)
	}
}

// fakeTool puts a script of the test in the place of a tool.
func (in *installer) fakeTool(name, script string) {
	in.t.Helper()
	path := filepath.Join(in.path, name)
	if err := os.Remove(path); err != nil {
		in.t.Fatal(err)
	}
	in.write(path, script)
	if err := os.Chmod(path, 0o755); err != nil {
		in.t.Fatal(err)
	}
}

func (in *installer) link(name, target string) {
	in.t.Helper()
	if err := os.MkdirAll(in.path, 0o755); err != nil {
		in.t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(in.path, name)); err != nil {
		in.t.Fatal(err)
	}
}
