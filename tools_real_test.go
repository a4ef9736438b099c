package main_test

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Tools are built from the real module proxy, built again by a newer release,
// and serve the projects of an old release and of the newest as an editor
// uses them.
func TestTools_real(t *testing.T) {
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip("gopls and Delve are built for minutes: ./test.sh --long")
	}
	const old = "1.22.5"
	m := newRealMachine(t, old)
	k := newToolbox(m)
	k.env = append(k.env, "VMGO_SOURCE=goproxy")
	first := k.change("install", "stringer")["stringer"]
	if first.Builder != old || !first.Built {
		t.Errorf("installed with %s: %+v", old, first)
	}
	if out := k.vmgo("tools", "outdated"); !strings.Contains(out, "every tool has the newest version that fits") {
		t.Errorf("outdated just after install: %s", out)
	}

	k.vmgo("install", "latest")
	newest := strings.TrimPrefix(strings.TrimSpace(k.vmgo("exec", "latest", "--", "go", "env", "GOVERSION")), "go")
	if out := k.vmgo("tools", "outdated"); !strings.Contains(out, "vmgo tools upgrade stringer") {
		t.Errorf("outdated after the install of %s: %s", newest, out)
	}
	if out := k.vmgo("upgrade"); !strings.Contains(out, "vmgo tools sync") {
		t.Errorf("upgrade does not offer to build the tools again: %s", out)
	}
	synced := k.change("sync")["stringer"]
	if synced.Builder != newest || synced.Version != first.Version || !synced.Built {
		t.Errorf("sync: %+v was %+v", synced, first)
	}
	upgraded := k.change("upgrade")["stringer"]
	if upgraded.Builder != newest || upgraded.Version == first.Version || !upgraded.Built {
		t.Errorf("upgrade: %+v was %+v", upgraded, first)
	}
	k.vmgo("tools", "rollback", "stringer")
	if now := k.json("list", "--json")["stringer"]; now.Version != first.Version || now.Builder != newest {
		t.Errorf("rollback: %+v was %+v", now, synced)
	}

	for name, tool := range k.change("install", "gopls", "dlv", "staticcheck") {
		if tool.Builder != newest {
			t.Errorf("%s: %+v", name, tool)
		}
	}
	for release, other := range map[string]string{old: newest, newest: old} {
		k.program("p"+release, release)
		k.recipes("p"+release, release, other)
		k.gopls("p"+release, release)
		k.delve("p" + release)
		if out, err := k.command("p"+release, "staticcheck", ".").CombinedOutput(); err != nil {
			t.Errorf("staticcheck in a project of %s: %v: %s", release, err, out)
		}
	}

	k.vmgo("tools", "remove", "staticcheck")
	if _, err := os.Lstat(m.base + "/home/go/bin/staticcheck"); err == nil {
		t.Error("remove leaves the link")
	}
}

// toolbox runs vmgo tools, and the tools as an editor does: with the shims
// first on PATH.
type toolbox struct{ *realMachine }

// newToolbox lets builds use the build cache of this machine, as go test does:
// it has the outcome of earlier runs. Modules are fetched each time.
func newToolbox(m *realMachine) toolbox {
	m.t.Helper()
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		m.t.Fatal(err)
	}
	m.env = append(m.env, "GOCACHE="+strings.TrimSpace(string(cache)))
	m.t.Cleanup(func() { // the go command makes the module cache read-only
		if out, err := m.run(m.base, filepath.Join(m.base, "store/1.22.5/bin/go"), "clean", "-modcache"); err != nil {
			m.t.Errorf("%v: %s", err, out)
		}
	})
	return toolbox{m}
}

// builtTool is what the tests look at of a tool in the output of --json.
type builtTool struct {
	Name, Version, Builder string
	Built                  bool
}

func (k toolbox) vmgo(args ...string) string {
	k.t.Helper()
	out, err := k.run(k.base, k.base+"/bin/vmgo", args...)
	if err != nil {
		k.t.Fatalf("vmgo %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return out
}

func (k toolbox) change(args ...string) map[string]builtTool {
	return k.json(append(args, "--json")...)
}

func (k toolbox) json(args ...string) map[string]builtTool {
	k.t.Helper()
	out := k.vmgo(append([]string{"tools"}, args...)...)
	var list []builtTool
	if err := json.NewDecoder(strings.NewReader(out[strings.Index(out, "["):])).Decode(&list); err != nil {
		k.t.Fatalf("%v: %s", err, out)
	}
	tools := map[string]builtTool{}
	for _, tool := range list {
		tools[tool.Name] = tool
	}
	return tools
}

const toolsProgram = `package main

import "fmt"

func main() {
	answer := 42
	fmt.Println("the answer is", answer)
}
`

// program makes a module with a program, for that release.
func (k toolbox) program(dir, release string) {
	k.t.Helper()
	k.module(dir, release)
	if err := os.Remove(filepath.Join(k.base, dir, "x.go")); err != nil {
		k.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(k.base, dir, "main.go"), []byte(toolsProgram), 0o644); err != nil {
		k.t.Fatal(err)
	}
}

// command is an installed tool, to be started in a project by its name alone.
func (k toolbox) command(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(k.base+"/home/go/bin/"+name, args...)
	cmd.Dir = filepath.Join(k.base, dir)
	cmd.Env = append(k.env, "PATH="+k.base+"/bin:/usr/bin:/bin", "PWD="+cmd.Dir)
	return cmd
}

// gopls has a session of the language server: definition and hover of fmt.Println
// must be those of the project's release.
func (k toolbox) gopls(dir, release string) {
	k.t.Helper()
	cmd := k.command(dir, "gopls")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		k.t.Fatal(err)
	}
	kill := func() { _ = cmd.Process.Kill() }
	k.t.Cleanup(kill)
	f := newFramed(k.t, out, in, kill)
	ids := 0
	ask := func(method string, params any) json.RawMessage {
		k.t.Helper()
		ids++
		id := float64(ids)
		f.send(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
		answer := f.await(method, func(m message) bool {
			if m.ID != nil && m.Method != "" { // a request of the server
				f.send(map[string]any{"jsonrpc": "2.0", "id": m.ID, "result": nil})
			}
			return m.ID == id && m.Method == ""
		})
		if answer.Error != nil {
			k.t.Fatalf("%s: %s", method, answer.Error)
		}
		return answer.Result
	}
	tell := func(method string, params any) {
		f.send(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
	}

	root := "file://" + cmd.Dir
	uri := map[string]any{"uri": root + "/main.go"}
	ask("initialize", map[string]any{"processId": nil, "rootUri": root, "capabilities": map[string]any{}})
	tell("initialized", map[string]any{})
	tell("textDocument/didOpen", map[string]any{
		"textDocument": map[string]any{"uri": uri["uri"], "languageId": "go", "version": 1, "text": toolsProgram},
	})
	println := map[string]any{"textDocument": uri, "position": map[string]int{"line": 6, "character": 6}}
	places := decode[[]struct{ URI string }](k.t, ask("textDocument/definition", println))
	if want := "file://" + k.base + "/store/" + release + "/src/fmt/print.go"; len(places) != 1 || places[0].URI != want {
		k.t.Errorf("fmt.Println is defined in %+v, not in %s", places, want)
	}
	hover := decode[struct{ Contents struct{ Value string } }](k.t, ask("textDocument/hover", println))
	if !strings.Contains(hover.Contents.Value, "func fmt.Println(a ...any)") && !strings.Contains(hover.Contents.Value, "func Println(a ...any)") {
		k.t.Errorf("hover: %+v", hover)
	}
	ask("shutdown", nil)
	tell("exit", nil)
	if err := cmd.Wait(); err != nil {
		k.t.Errorf("gopls: %v", err)
	}
}

// delve has a session of the debugger: it stops at a breakpoint, reads a
// variable, and the program comes to its end.
func (k toolbox) delve(dir string) {
	k.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		k.t.Fatal(err)
	}
	defer listener.Close()
	cmd := k.command(dir, "dlv", "dap", "--client-addr="+listener.Addr().String())
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	kill := func() { _ = cmd.Process.Kill() }
	k.t.Cleanup(kill)
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Wait()
		listener.Close() // if it never called
	}()
	conn, err := listener.Accept()
	if err != nil {
		k.t.Fatalf("dlv does not connect: %v, %v", err, <-ended)
	}
	defer conn.Close()
	f := newFramed(k.t, conn, conn, kill)
	seq := 0
	send := func(command string, arguments any) int {
		k.t.Helper()
		seq++
		f.send(map[string]any{"seq": seq, "type": "request", "command": command, "arguments": arguments})
		return seq
	}
	answer := func(to int) json.RawMessage {
		k.t.Helper()
		m := f.await("an answer", func(m message) bool { return m.Type == "response" && m.RequestSeq == to })
		if !m.Success {
			k.t.Fatalf("%s: %s %s", m.Command, m.Message, m.Body)
		}
		return m.Body
	}
	event := func(name string) json.RawMessage {
		k.t.Helper()
		return f.await(name, func(m message) bool { return m.Event == name }).Body
	}

	file := filepath.Join(cmd.Dir, "main.go")
	answer(send("initialize", map[string]any{"adapterID": "go", "linesStartAt1": true, "pathFormat": "path"}))
	launched := send("launch", map[string]any{"request": "launch", "mode": "debug", "program": cmd.Dir})
	event("initialized")
	answer(send("setBreakpoints", map[string]any{"source": map[string]any{"path": file}, "breakpoints": []any{map[string]int{"line": 7}}}))
	answer(send("configurationDone", nil))
	answer(launched)
	stopped := decode[struct {
		Reason   string
		ThreadID int `json:"threadId"`
	}](k.t, event("stopped"))
	if stopped.Reason != "breakpoint" {
		k.t.Errorf("it stopped for the reason %s", stopped.Reason)
	}
	stack := decode[struct{ StackFrames []struct{ ID, Line int } }](k.t, answer(send("stackTrace", map[string]any{"threadId": stopped.ThreadID})))
	if len(stack.StackFrames) == 0 || stack.StackFrames[0].Line != 7 {
		k.t.Fatalf("it stopped at %+v", stack)
	}
	scopes := decode[struct {
		Scopes []struct{ VariablesReference int }
	}](k.t, answer(send("scopes", map[string]any{"frameId": stack.StackFrames[0].ID})))
	if len(scopes.Scopes) == 0 {
		k.t.Fatal("there is no scope")
	}
	variables := answer(send("variables", map[string]any{"variablesReference": scopes.Scopes[0].VariablesReference}))
	found := decode[struct {
		Variables []struct{ Name, Value string }
	}](k.t, variables)
	if len(found.Variables) != 1 || found.Variables[0].Name != "answer" || found.Variables[0].Value != "42" {
		k.t.Errorf("the variables are %s", variables)
	}
	answer(send("continue", map[string]any{"threadId": stopped.ThreadID}))
	event("terminated")
	answer(send("disconnect", nil))
	if err := <-ended; err != nil {
		k.t.Errorf("dlv: %v", err)
	}
}
