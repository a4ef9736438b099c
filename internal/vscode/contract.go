package vscode

import (
	"encoding/json"
	"path/filepath"
)

// Tools lists the programs that the Go extension is told where to find. The
// first is go itself.
func Tools() []string { return []string{"go", "gopls", "dlv", "staticcheck"} }

// Settings of the Go extension, https://github.com/golang/vscode-go/wiki/settings.
const (
	alternateTools = "go.alternateTools"
	goroot         = "go.goroot"
	activate       = "go.terminal.activateEnvironment"
	autoUpdate     = "go.toolsManagement.autoUpdate"
	configurations = "configurations"
	launchVersion  = "version"
)

// pinning are settings that fix one Go for every directory.
func pinning() []string { return []string{goroot, "go.gopath"} }

// contract returns what the settings have to be so that each directory gets its
// own Go. A tool named in go.alternateTools is not installed by the extension,
// which would do it once for each project. Named so, the extension puts the bin
// of one GOROOT first on the PATH of gopls and of terminals, unless
// go.terminal.activateEnvironment is false.
func contract(tools map[string]string) []change {
	var changes []change
	for _, name := range pinning() {
		changes = append(changes, change{Path: []string{name}})
	}
	changes = append(changes, change{Path: []string{alternateTools}, Value: "{}", Keep: true})
	for _, name := range Tools() {
		if path := tools[name]; path != "" {
			changes = append(changes, change{Path: []string{alternateTools, name}, Value: quoted(path)})
		}
	}
	return append(changes,
		change{Path: []string{activate}, Value: "false"},
		change{Path: []string{autoUpdate}, Value: "false"})
}

func quoted(s string) string {
	data, _ := json.Marshal(s) // of a string it cannot fail
	return string(data)
}

// launch returns the launch configurations that people need first. None that
// starts a program has a port: it would tell the extension that a Delve serves
// there already.
func launch() []change {
	made := []struct{ name, text string }{
		{"Go: package", `"request": "launch",
	"mode": "auto",
	"program": "${fileDirname}"`},
		{"Go: test at cursor, its name selected", `"request": "launch",
	"mode": "test",
	"program": "${fileDirname}",
	"args": ["-test.run", "^${selectedText}$"]`},
		{"Go: attach to a process", `"request": "attach",
	"mode": "local",
	"processId": "${command:pickGoProcess}"`},
		{"Go: attach to a remote dlv", `"request": "attach",
	"mode": "remote",
	"host": "127.0.0.1",
	"port": 2345`},
	}
	changes := []change{
		{Path: []string{launchVersion}, Value: `"0.2.0"`, Keep: true},
		{Path: []string{configurations}, Value: "[]", Keep: true},
	}
	for _, m := range made {
		changes = append(changes, change{
			Path: []string{configurations, m.name}, Keep: true, // one of that name is the user's
			Value: "{\n\t\"name\": " + quoted(m.name) + ",\n\t\"type\": \"go\",\n\t" + m.text + "\n}",
		})
	}
	return changes
}

// workspaceSettings is the file of settings of a directory.
func workspaceSettings(dir string) string { return filepath.Join(dir, ".vscode/settings.json") }
