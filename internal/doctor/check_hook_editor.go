package doctor

import (
	"context"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/ui"
)

func hookEditorCheck() Check {
	return Check{
		ID: "hook.editor", Group: Hook, Weight: 5,
		Title:  "which Go a running VS Code server uses",
		Why:    "it reads a shell's environment once, so it misses every later change",
		Source: "/proc/PID/environ of the user's own processes named --type=extensionHost",
		Run:    runHookEditor,
	}
}

func runHookEditor(_ context.Context, m *Machine) Result {
	hosts := 0
	for _, entry := range m.ReadDir("/proc") {
		if _, err := strconv.Atoi(entry.Name()); err != nil {
			continue
		}
		dir := "/proc/" + entry.Name()
		if !strings.Contains(m.Head(dir+"/cmdline", 8192), "--type=extensionHost") {
			continue
		}
		environ := m.Head(dir+"/environ", 1<<20)
		if environ == "" {
			continue // another user's
		}
		hosts++
		env := map[string]string{}
		for pair := range strings.SplitSeq(environ, "\x00") {
			name, value, _ := strings.Cut(pair, "=")
			env[name] = value
		}
		const kill = "kill %s   # the window reconnects and reads the environment again"
		if root := env["GOROOT"]; root != "" {
			return warn("a VS Code server has GOROOT set, which keeps its Go extension from switching").
				at(dir+"/environ", 0, "GOROOT=%s", root).fixWith(kill, entry.Name())
		}
		if m.Find("go", env["PATH"]) == "" {
			return warn("a VS Code server has no go on its PATH").at(dir+"/environ", 0, "PATH=%s", env["PATH"]).fixWith(kill, entry.Name())
		}
	}
	if hosts == 0 {
		return skip("no VS Code server of this user is running")
	}
	return ok("%s, with a go on PATH", ui.Count(hosts, "extension host"))
}
