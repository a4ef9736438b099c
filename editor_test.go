package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/vmtest"
	"github.com/vmgo/vmgo/internal/vscode"
)

// editorHome is a home with two releases whose go only sleeps, a project for
// each, shims, and the vmgo under test.
type editorHome struct {
	t                       *testing.T
	dir, store, shims, self string
}

func newEditorHome(t *testing.T) editorHome {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h := editorHome{t: t, dir: t.TempDir()}
	h.store, h.shims, h.self = filepath.Join(h.dir, "store"), filepath.Join(h.dir, ".local/bin"), filepath.Join(h.dir, "lib/vmgo")
	if os.Getuid() == 0 {
		h.shims = filepath.Join(h.dir, "root/usr/local/bin")
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	h.write(h.self, string(program), 0o755) // by this name a shim knows itself
	sleep, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"1.22.5", "1.26.8"} {
		root := filepath.Join(h.store, version)
		h.write(filepath.Join(root, "bin/go"), string(sleep), 0o755)
		h.write(filepath.Join(root, "VERSION"), "go"+version+"\n", 0o644)
		if err := vmtest.PutReceipt(root); err != nil {
			t.Fatal(err)
		}
		h.write(filepath.Join(h.dir, "p"+version, ".go-version"), version+"\n", 0o644)
	}
	return h
}

func (h editorHome) write(path, text string, mode os.FileMode) {
	h.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		h.t.Fatal(err)
	}
}

func (h editorHome) project(version string) string { return filepath.Join(h.dir, "p"+version) }

// env is the environment of an extension host of code-server 4.139, as it was
// seen, with this PATH.
func (h editorHome) env(path string) []string {
	return []string{
		"HOME=" + h.dir, "SHELL=/bin/bash", "USER=u", "PATH=" + path, "VMGO_ROOT=" + h.store, "TESTUID=" + strconv.Itoa(os.Getuid()),
		"TESTROOT=" + filepath.Join(h.dir, "root"), "LANG=C.UTF-8", "VSCODE_CWD=" + h.dir, "VSCODE_HANDLES_SIGPIPE=true",
		"VSCODE_ESM_ENTRYPOINT=vs/workbench/api/node/extensionHostProcess", "GOENV=off", "GOTOOLCHAIN=local",
	}
}

// vmgo runs the program under test.
func (h editorHome) vmgo(args ...string) (stdout, stderr string) {
	h.t.Helper()
	cmd := exec.Command(h.self)
	cmd.Args = append([]string{"vmgo"}, args...)
	cmd.Env, cmd.Dir = h.env("/usr/bin:/bin"), h.dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // status is 1 where a window has a problem
	return out.String(), errs.String()
}

// open starts a server with a window whose extension runs program in folder. It
// returns the process that runs there. CHILDPATH in env is the PATH of that process.
func (h editorHome) open(path, folder, program string, env ...string) (child int) {
	h.t.Helper()
	marker := filepath.Join(h.t.TempDir(), "child")
	window := `cd "$1" && { PATH="${CHILDPATH-$PATH}" "$2" 1000 & echo $! >"$3.new"; mv "$3.new" "$3"; cd "$4"; wait; }`
	server := `sh -c "$W" sh "$1" "$2" "$3" "$4" --type=extensionHost & wait`
	cmd := exec.Command("/bin/sh", "-c", server, "/opt/node", folder, program, marker, h.dir, "--server-data-dir", filepath.Join(h.dir, "data"))
	cmd.Env, cmd.Dir = append(append(h.env(path), env...), "W="+window), h.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	h.await(func() bool {
		data, err := os.ReadFile(marker)
		child, _ = strconv.Atoi(strings.TrimSpace(string(data)))
		return err == nil && strings.HasPrefix(h.exe(child), h.store)
	})
	return child
}

func (h editorHome) exe(pid int) string {
	target, _ := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
	return target
}

func (h editorHome) await(done func() bool) {
	h.t.Helper()
	for end := time.Now().Add(3 * time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatal("it did not come to that")
		}
	}
}

// profile has the user's startup file set PATH.
func (h editorHome) profile(path string) {
	h.t.Helper()
	h.write(filepath.Join(h.dir, ".profile"), `PATH="`+path+`"`+"\n", 0o644)
}

// report returns what status says of the window with this folder.
func (h editorHome) report(folder string) vscode.Report {
	h.t.Helper()
	stdout, stderr := h.vmgo("editor", "vscode", "status", "--json")
	var reports []vscode.Report
	if err := json.Unmarshal([]byte(stdout), &reports); err != nil {
		h.t.Fatalf("%v: %s%s", err, stdout, stderr)
	}
	for _, r := range reports {
		if r.Folder == folder {
			return r
		}
	}
	h.t.Fatalf("no window has the folder %s: %s%s", folder, stdout, stderr)
	return vscode.Report{}
}

// TestEditor_status compares what status says with what really runs in windows.
func TestEditor_status(t *testing.T) {
	t.Parallel()
	h := newEditorHome(t)
	old, fresh := h.project("1.22.5"), h.project("1.26.8")
	pinned := h.open(filepath.Join(h.store, "1.26.8/bin")+":/usr/bin:/bin", old, "go")
	r := h.report(old)
	if r.Go != h.exe(pinned) || r.Version != "1.26.8" || r.Shim || r.From != "PATH" || r.Fix != "vmgo editor vscode setup" {
		t.Errorf("a window with a release on PATH runs %s, status says %+v", h.exe(pinned), r)
	}

	if _, stderr := h.vmgo("editor", "vscode", "setup"); !strings.Contains(stderr, filepath.Join(h.dir, "data/data/Machine/settings.json: set up")) {
		t.Errorf("setup says %s", stderr)
	}
	shim := filepath.Join(h.shims, "go")
	h.profile(h.shims + ":/usr/bin:/bin")
	for _, folder := range []string{fresh, old} {
		child := h.open(h.shims+":/usr/bin:/bin", folder, shim)
		if folder == old {
			continue // the first window is there, too
		}
		r = h.report(folder)
		if filepath.Join(r.GOROOT, "bin/go") != h.exe(child) || !r.Shim || !r.Setup || r.Version != strings.TrimPrefix(filepath.Base(folder), "p") || r.Problem != "" {
			t.Errorf("a window with the shim runs %s, status says %+v", h.exe(child), r)
		}
	}

	h.profile("$HOME/more:" + h.shims + ":/usr/bin:/bin")
	if r = h.report(fresh); !r.Stale || r.Fix != "kill "+strconv.Itoa(r.Server)+"   # then reload the window: it starts a new server" {
		t.Errorf("after a change of start-up files: %+v", r)
	}
	h.write(filepath.Join(h.dir, ".profile"), "exit 1\n", 0o644)
	if r = h.report(fresh); r.Stale || !strings.Contains(r.Problem, "exits with status 1") {
		t.Errorf("with a start-up file that ends the shell: %+v", r)
	}
}

// TestEditor_staleGopls has a gopls that an earlier session of the extension
// started, with a release first on PATH.
func TestEditor_staleGopls(t *testing.T) {
	t.Parallel()
	h := newEditorHome(t)
	h.vmgo("editor", "vscode", "setup")
	folder := h.project("1.22.5")
	if err := os.Symlink(filepath.Join(h.store, "1.22.5/bin/go"), filepath.Join(h.dir, "gopls")); err != nil {
		t.Fatal(err)
	}
	h.vmgo("editor", "vscode", "setup", folder)
	h.profile(h.shims + ":/usr/bin:/bin")
	h.open(h.shims+":/usr/bin:/bin", folder, filepath.Join(h.dir, "gopls"), "CHILDPATH="+filepath.Join(h.store, "1.26.8/bin")+":/usr/bin:/bin")
	if r := h.report(folder); !r.Stale || !strings.Contains(r.Fix, "Reload Window") {
		t.Errorf("status says %+v", r)
	}
}

// TestEditor_shimsAreNotFirst has settings that name the shims, and a login shell
// whose PATH leads to one release: that is what gopls would run. What status
// proposes is done, until nothing is left but to end the server.
func TestEditor_shimsAreNotFirst(t *testing.T) {
	t.Parallel()
	h := newEditorHome(t)
	h.vmgo("editor", "vscode", "setup")
	folder, release := h.project("1.22.5"), filepath.Join(h.store, "1.26.8/bin")
	h.vmgo("editor", "vscode", "setup", folder)
	h.profile(release + ":/usr/bin:/bin")
	h.open(release+":/usr/bin:/bin", folder, filepath.Join(h.shims, "go"))
	r := h.report(folder)
	if r.Stale || r.Problem != "gopls and terminals find "+release+"/go on PATH before the shims" {
		t.Errorf("status says %+v", r)
	}
	if out, err := exec.Command("/bin/sh", "-c", r.Fix).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", r.Fix, err, out)
	}
	if r = h.report(folder); !r.Stale || !strings.HasPrefix(r.Fix, "kill ") {
		t.Errorf("after %q status says %+v", r.Fix, r)
	}
}
