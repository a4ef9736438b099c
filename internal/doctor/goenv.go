package doctor

import (
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/internal/fetch"
)

// GoSetting is a variable of the go command with its origin.
type GoSetting struct {
	Name, Value string
	// Path is the file it stands in; empty for the environment, and for Go's
	// own default.
	Path    string
	Line    int
	FromEnv bool
}

// Set says whether anybody set it.
func (s GoSetting) Set() bool { return s.FromEnv || s.Path != "" }

// where adds the setting to a result's evidence.
func (s GoSetting) where(r Result) Result {
	if s.FromEnv {
		return r.at("environment", 0, "%s=%s", s.Name, s.Value)
	}
	return r.at(s.Path, s.Line, "%s=%s", s.Name, s.Value)
}

// unset adds what takes a setting away: a command, and for the user's own file
// what --fix may do. go.env inside a release is not to be edited, so what it says is
// overridden.
func (r Result) unset(m *Machine, s GoSetting) Result {
	switch s.Path {
	case "":
		return r.mend("unset %s", s.Name)
	case m.GoEnvFile():
		return r.safely(dropLine(s.Path, s.Line, m.rawLine(s.Path, s.Line))).mend("go env -u %s", s.Name)
	}
	return r.mend("go env -w %s=%s", s.Name, diag.Word(publishedGoEnv()[s.Name]))
}

// publishedGoEnv is what go.env of a release says since 1.21; its GOPROXY is not of
// interest where that has to be replaced.
func publishedGoEnv() map[string]string {
	return map[string]string{"GOPROXY": fetch.DefaultProxy, "GOSUMDB": "sum.golang.org", "GOTOOLCHAIN": "auto"}
}

// movedTo is where a directory of go may move to that does not lie well.
func (m *Machine) movedTo(name string) string { return "/var/tmp/" + name + "-" + m.userName() }

// setGo is the command that gives a variable of go another value: where the
// environment has it, go env -w would have no effect.
func (m *Machine) setGo(name, value string) string {
	if m.Env[name] != "" {
		return "export " + name + "=" + diag.Word(value)
	}
	return "go env -w " + name + "=" + diag.Word(value)
}

// GoEnvFile is the file of "go env -w"; empty if there is none (GOENV=off).
func (m *Machine) GoEnvFile() string { return dirs.GoEnvFile(m.Env) }

// GoEnvLines reads the file of "go env -w" and, after it, go.env of the Go in
// force, as the go command does: the first that has a name wins.
func (m *Machine) GoEnvLines() []GoSetting {
	all := m.parseGoEnv(m.GoEnvFile())
	if root := m.GOROOT(); root != "" {
		all = append(all, m.parseGoEnv(filepath.Join(root, "go.env"))...)
	}
	return all
}

func (m *Machine) parseGoEnv(path string) []GoSetting {
	if path == "" {
		return nil
	}
	var all []GoSetting
	for i, line := range m.Lines(path) {
		name, value, found := strings.Cut(strings.TrimSuffix(line, "\r"), "=")
		if !found || strings.HasPrefix(name, "#") {
			continue
		}
		if n := len(value); n >= 2 && (value[0] == '\'' || value[0] == '"') && value[n-1] == value[0] {
			value = value[1 : n-1]
		}
		all = append(all, GoSetting{Name: strings.TrimSpace(name), Value: value, Path: path, Line: i + 1})
	}
	return all
}

// GoEnv is what the go command would take a variable to be. An empty variable
// of the environment counts as unset, as it does for go.
func (m *Machine) GoEnv(name string) GoSetting {
	if value := m.Env[name]; value != "" {
		return GoSetting{Name: name, Value: value, FromEnv: true}
	}
	for _, s := range m.GoEnvLines() {
		if s.Name == name && s.Value != "" {
			return s
		}
	}
	return GoSetting{Name: name, Value: m.goDefault(name)}
}

// goDefault is Go's own default for the variables that checks ask for.
func (m *Machine) goDefault(name string) string {
	switch name {
	case "GOPATH":
		return m.HomePath("go")
	case "GOCACHE":
		if dir := m.Env["XDG_CACHE_HOME"]; filepath.IsAbs(dir) {
			return filepath.Join(dir, "go-build")
		}
		return m.HomePath(".cache/go-build")
	case "GOMODCACHE":
		if path := m.GOPATH(); path != "" {
			return filepath.Join(path, "pkg/mod")
		}
	case "GOSUMDB":
		return "sum.golang.org"
	case "GONOSUMDB", "GONOPROXY":
		return m.GoEnv("GOPRIVATE").Value
	}
	return ""
}

// GOPATH is the first element of GOPATH.
func (m *Machine) GOPATH() string {
	first, _, _ := strings.Cut(m.GoEnv("GOPATH").Value, ":")
	return first
}

// GOBIN is where "go install" puts programs.
func (m *Machine) GOBIN() string {
	if s := m.GoEnv("GOBIN"); s.Value != "" {
		return s.Value
	}
	if path := m.GOPATH(); path != "" {
		return filepath.Join(path, "bin")
	}
	return ""
}

// TempDir is where programs put temporary files.
func (m *Machine) TempDir() string {
	if dir := m.Env["TMPDIR"]; dir != "" {
		return dir
	}
	return "/tmp"
}

// BuildDir is where go build works.
func (m *Machine) BuildDir() string {
	if s := m.GoEnv("GOTMPDIR"); s.Value != "" {
		return s.Value
	}
	return m.TempDir()
}

// GoDirs are the directories that builds write to, by the name of the variable
// that moves them.
func (m *Machine) GoDirs() []GoSetting {
	dirs := []GoSetting{{Name: "TMPDIR", Value: m.TempDir()}}
	for _, name := range []string{"GOTMPDIR", "GOCACHE", "GOMODCACHE"} {
		if s := m.GoEnv(name); filepath.IsAbs(s.Value) {
			dirs = append(dirs, s)
		}
	}
	return dirs
}
