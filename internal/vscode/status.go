package vscode

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tailscale/hujson"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Examiner finds out which go the windows of editors get.
type Examiner struct {
	Host host.Host
	Home string
	Dir  string            // stands for the folder of a window that tells none
	Want map[string]string // what the settings should name
	// IsShim reports whether a program is a shim of vmgo's.
	IsShim func(path string) bool
	// Resolve returns what a shim runs with an environment in a directory.
	Resolve func(env map[string]string, dir string) (version, goroot string, err error)
	// Limit returns a context for one probe.
	Limit func(context.Context) (context.Context, context.CancelFunc)
}

// Report is the state of one folder of one window; its JSON is that of
// vmgo editor vscode status --json.
type Report struct {
	PID     int    `json:"pid,omitempty"`    // of the extension host; 0 for a window yet to be opened
	Server  int    `json:"server,omitempty"` // of the server
	Folder  string `json:"folder"`
	Known   bool   `json:"folder_known"` // else Folder is where status was called
	Go      string `json:"go"`
	From    string `json:"from"` // what names it: a setting, a variable, PATH
	Shim    bool   `json:"shim"`
	Version string `json:"version"`
	GOROOT  string `json:"goroot"`
	// Setup says that the settings are complete.
	Setup bool `json:"setup"`
	Stale bool `json:"stale"`
	// Problem and Fix are empty where nothing needs doing.
	Problem string `json:"problem,omitempty"`
	Fix     string `json:"fix,omitempty"`
}

// Examine reports on the windows of these servers; without one, on the window
// that would be opened next.
func (e Examiner) Examine(ctx context.Context, servers []Server) []Report {
	if len(servers) == 0 {
		next := Server{Process: Process{Env: freshEnv(e.Host.Env, e.Home), Dir: e.Home}}
		env, err := e.probe(ctx, next.Process)
		next.Windows = []Window{{Process: Process{Env: merged(next.Env, env)}}}
		machine := MachineSettings(e.Host, e.Home, nil)[:1]
		return []Report{e.window(next, next.Windows[0], machine[0], env, err, e.Dir, false)}
	}
	var reports []Report
	for _, s := range servers {
		env, err := e.probe(ctx, s.Process)
		for _, w := range s.Windows {
			folders := w.Folders()
			for _, folder := range folders {
				reports = append(reports, e.window(s, w, s.Settings(e.Home), env, err, folder, true))
			}
			if len(folders) == 0 {
				reports = append(reports, e.window(s, w, s.Settings(e.Home), env, err, e.Dir, false))
			}
		}
	}
	return reports
}

func (e Examiner) probe(ctx context.Context, server Process) (map[string]string, error) {
	ctx, cancel := e.Limit(ctx)
	defer cancel()
	return Probe(ctx, e.Host, server.Env, server.Dir)
}

// freshEnv is the environment in which sshd starts a server: its PATH is
// compiled in.
func freshEnv(own map[string]string, home string) map[string]string {
	env := map[string]string{"HOME": home, "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/games"}
	for _, name := range []string{"USER", "LOGNAME", "SHELL", "LANG"} {
		if own[name] != "" {
			env[name] = own[name]
		}
	}
	return env
}

func merged(env, over map[string]string) map[string]string {
	all := map[string]string{}
	for _, part := range []map[string]string{env, over} {
		for name, value := range part {
			all[name] = value
		}
	}
	return all
}

func (e Examiner) window(s Server, w Window, machine string, probed map[string]string, probeErr error, folder string, known bool) Report {
	files := []string{workspaceSettings(folder), machine}
	r := Report{PID: w.PID, Server: s.PID, Folder: folder, Known: known}
	r.Go, r.From = e.find(w.Env, files)
	r.Shim = r.Go != "" && e.IsShim(r.Go)
	var err error
	switch {
	case r.Shim:
		r.Version, r.GOROOT, err = e.Resolve(w.Env, folder)
	case r.Go != "":
		r.Version, r.GOROOT = e.release(r.Go)
	}
	for _, file := range files {
		r.Setup = r.Setup || file != "" && Complete(file, e.Want)
	}
	switch {
	case !r.Shim:
		r.Problem, r.Fix = "every folder gets one go: "+r.From+" names it", "vmgo editor vscode setup"
		if r.Go == "" {
			r.Problem = "the window finds no go"
		}
	case !r.Setup:
		r.Problem, r.Fix = "the settings leave programs to the extension", "vmgo editor vscode setup"
	case err != nil:
		r.Problem, r.Fix = diag.Line(err.Error()), "cd "+diag.Word(folder)+" && vmgo install"
	case probeErr != nil:
		r.Problem = "the server does without the environment of your shell: " + diag.Line(probeErr.Error())
		r.Fix = "time " + diag.Word(Shell(s.Env)) + " -i -l -c true"
	default:
		e.paths(&r, s, w, merged(s.Env, probed), files)
	}
	return r
}

// paths adds what is wrong with the PATH of a window whose settings are right.
// gopls and the terminals search PATH for go; the settings do not reach them.
func (e Examiner) paths(r *Report, s Server, w Window, next map[string]string, files []string) {
	later, _ := e.find(next, files)
	onPath := e.Host.Find("go", next["PATH"])
	switch {
	case later != r.Go || searchPath(w.Env, next) || e.Host.Find("go", w.Env["PATH"]) != onPath:
		r.Stale, r.Problem = true, "the server keeps the PATH of when it was started"
		r.Fix = "kill " + strconv.Itoa(s.PID) + "   # then reload the window: it starts a new server"
	case onPath == "" || !e.IsShim(onPath):
		r.Problem = "gopls and terminals find " + onPath + " on PATH before the shims"
		if onPath == "" {
			r.Problem = "gopls and terminals find no go on PATH"
		}
		file := facts.LoginFile(e.Host, e.Home, filepath.Base(Shell(s.Env)))
		r.Fix = "echo " + diag.Word("export PATH="+diag.Word(filepath.Dir(r.Go))+`:"$PATH"`) + " >> " + diag.Word(file)
	case e.pinned(w, r.Go):
		r.Stale, r.Problem = true, "gopls still runs with another go"
		r.Fix = "# in the editor: Developer: Reload Window"
	}
}

// searchPath reports whether a window lacks a directory of the PATH that the
// user's shell has by now.
func searchPath(env, next map[string]string) bool {
	for dir := range strings.SplitSeq(next["PATH"], ":") {
		if !strings.Contains(":"+env["PATH"]+":", ":"+dir+":") {
			return true
		}
	}
	return false
}

// pinned reports whether a gopls of the window finds another go than the window
// should: the extension puts the bin of one GOROOT first on its PATH.
func (e Examiner) pinned(w Window, program string) bool {
	for _, child := range w.Children {
		if len(child.Args) == 0 || filepath.Base(child.Args[0]) != "gopls" {
			continue
		}
		if found := e.Host.Find("go", child.Env["PATH"]); found != "" && found != program && !e.IsShim(found) {
			return true
		}
	}
	return false
}

// find returns the go that the extension takes, and what names it: the order of
// getBinPath in golang/vscode-go.
func (e Examiner) find(env map[string]string, files []string) (program, from string) {
	fixed := ""
	for i := len(files) - 1; i >= 0; i-- { // the workspace's goes before the machine's
		tool, root := readSettings(files[i])
		if e.Host.IsProgram(tool) {
			program, from = tool, alternateTools+" in "+files[i]
		}
		if root != "" {
			fixed = root
		}
	}
	if program != "" {
		return program, from
	}
	candidates := [][2]string{{env["GOBIN"], "GOBIN"}}
	for dir := range strings.SplitSeq(env["GOPATH"], ":") {
		candidates = append(candidates, [2]string{inBin(dir), "GOPATH"})
	}
	candidates = append(candidates, [2]string{inBin(fixed), goroot}, [2]string{inBin(env["GOROOT"]), "GOROOT"})
	for dir := range strings.SplitSeq(env["PATH"]+":/usr/local/go/bin:/usr/local/bin", ":") {
		candidates = append(candidates, [2]string{dir, "PATH"})
	}
	for _, c := range candidates {
		if path := filepath.Join(c[0], "go"); filepath.IsAbs(c[0]) && e.Host.IsProgram(path) {
			return path, c[1]
		}
	}
	return "", ""
}

func inBin(dir string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "bin")
}

// readSettings returns go.alternateTools.go and go.goroot of a settings file.
func readSettings(file string) (program, root string) {
	data, err := smallfile.Read(file, smallfile.Usual)
	if err != nil {
		return "", ""
	}
	plain, err := hujson.Standardize(data)
	if err != nil {
		return "", ""
	}
	var s struct {
		Tools struct {
			Go string `json:"go"`
		} `json:"go.alternateTools"`
		GOROOT string `json:"go.goroot"`
	}
	if json.Unmarshal(plain, &s) != nil || !filepath.IsAbs(s.Tools.Go) {
		s.Tools.Go = ""
	}
	return s.Tools.Go, s.GOROOT
}

// release returns the release that a go which is no shim belongs to.
func (e Examiner) release(program string) (version, root string) {
	real, err := e.Host.RealPath(program)
	if err != nil {
		return "", ""
	}
	root = filepath.Dir(filepath.Dir(real))
	first, _, _ := strings.Cut(e.Host.Text(filepath.Join(root, "VERSION")), "\n")
	if version = strings.TrimPrefix(first, "go"); version == first {
		return "", ""
	}
	return version, root
}
