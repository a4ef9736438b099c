package vscode

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/host"
)

// Process is a running process of this user.
type Process struct {
	PID, Parent int
	Args        []string
	Env         map[string]string // as it was started with
	Dir         string            // its working directory; empty if that cannot be told
}

// Server is a running server of VS Code or of an editor made from it, with the
// windows that it serves.
type Server struct {
	Process
	Windows []Window
}

// Window is an extension host: one for each window of an editor.
type Window struct {
	Process
	// Children are the processes that extensions have started.
	Children []Process
}

// Folders are the working directories of what the extensions started: gopls and
// go are started in the folders of a window.
func (w Window) Folders() []string {
	var folders []string
	for _, child := range w.Children {
		if child.Dir != "" && child.Dir != w.Dir && !slices.Contains(folders, child.Dir) {
			folders = append(folders, child.Dir)
		}
	}
	slices.Sort(folders)
	return folders
}

const extensionHost = "--type=extensionHost"

// Servers lists the running servers of this user, with this home, that have windows.
func Servers(h host.Host, home string) []Server {
	all := processes(h)
	var servers []Server
	for _, p := range all {
		if !slices.Contains(p.Args, extensionHost) || filepath.Clean(p.Env["HOME"]) != home {
			continue
		}
		w := Window{Process: p}
		for _, child := range all {
			if child.Parent == p.PID {
				w.Children = append(w.Children, child)
			}
		}
		i := slices.IndexFunc(servers, func(s Server) bool { return s.PID == p.Parent })
		if i < 0 {
			i = len(servers)
			servers = append(servers, Server{Process: parent(all, p)})
		}
		servers[i].Windows = append(servers[i].Windows, w)
	}
	return servers
}

func parent(all []Process, p Process) Process {
	i := slices.IndexFunc(all, func(q Process) bool { return q.PID == p.Parent })
	if i < 0 {
		return Process{PID: p.Parent, Env: p.Env}
	}
	return all[i]
}

// processes lists the processes of this user, by number.
func processes(h host.Host) []Process {
	var all []Process
	for _, entry := range h.ReadDir("/proc") {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		dir := "/proc/" + entry.Name()
		if uid, _ := h.Owner(dir); uid != h.UID {
			continue
		}
		p := Process{PID: pid, Args: fields(h, dir+"/cmdline"), Dir: h.LinkText(dir + "/cwd"), Env: map[string]string{}}
		for _, line := range h.Lines(dir + "/status") {
			if value, ok := strings.CutPrefix(line, "PPid:"); ok {
				p.Parent, _ = strconv.Atoi(strings.TrimSpace(value))
			}
		}
		for _, pair := range fields(h, dir+"/environ") {
			if name, value, ok := strings.Cut(pair, "="); ok {
				p.Env[name] = value
			}
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Process) int { return a.PID - b.PID })
	return all
}

// fields reads texts that end in NUL.
func fields(h host.Host, path string) []string {
	data, err := h.ReadFile(path)
	if err != nil || len(data) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(data), "\x00"), "\x00")
}

// homes are the directories, beneath a home, in which servers keep their data.
func homes() []string {
	return []string{".vscode-server", ".vscode-server-insiders", ".vscodium-server", ".cursor-server", ".windsurf-server"}
}

// Settings returns the file of machine settings that a server reads; "" if its
// command line does not tell.
func (s Server) Settings(home string) string {
	if dir := s.option("--user-data-dir"); dir != "" { // code-server
		return filepath.Join(dir, "Machine/settings.json")
	}
	dir := s.option("--server-data-dir")
	if dir == "" {
		dir = s.Env["VSCODE_AGENT_FOLDER"]
	}
	for _, name := range homes() {
		if dir == "" && slices.ContainsFunc(s.Args, func(arg string) bool { return strings.Contains(arg, "/"+name+"/") }) {
			dir = filepath.Join(home, name)
		}
	}
	if !filepath.IsAbs(dir) {
		return codeServer(s, home)
	}
	return filepath.Join(dir, "data/Machine/settings.json")
}

func codeServer(s Server, home string) string {
	if !slices.ContainsFunc(s.Args, func(arg string) bool { return strings.Contains(arg, "/code-server/") }) {
		return ""
	}
	data := s.Env["XDG_DATA_HOME"]
	if data == "" {
		data = filepath.Join(home, ".local/share")
	}
	return filepath.Join(data, "code-server/Machine/settings.json")
}

// option returns the absolute path that a flag has as its value.
func (s Server) option(flag string) string {
	for i, arg := range s.Args {
		value, found := strings.CutPrefix(arg, flag+"=")
		if arg == flag && i+1 < len(s.Args) {
			value, found = s.Args[i+1], true
		}
		if found && filepath.IsAbs(value) {
			return value
		}
	}
	return ""
}

// MachineSettings lists the files of machine settings of the servers that run
// and of those that were used in this home; with none of them the one that
// Remote-SSH will read.
func MachineSettings(h host.Host, home string, servers []Server) []string {
	var files []string
	add := func(file string) {
		if file != "" && !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	for _, s := range servers {
		add(s.Settings(home))
	}
	if home == "" {
		return files
	}
	for _, name := range homes() {
		if dir := filepath.Join(home, name); h.Exists(dir) {
			add(filepath.Join(dir, "data/Machine/settings.json"))
		}
	}
	if dir := filepath.Join(home, ".local/share/code-server"); h.Exists(dir) {
		add(filepath.Join(dir, "Machine/settings.json"))
	}
	if len(files) == 0 {
		add(filepath.Join(home, homes()[0], "data/Machine/settings.json"))
	}
	return files
}
