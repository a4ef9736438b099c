package doctor

import (
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gobin"
	"github.com/vmgo/vmgo/internal/goenv"
)

// where adds a setting of the go command to a result's evidence.
func where(s goenv.Setting, r Result) Result {
	return r.at(s.Origin(), s.Line, "%s=%s", s.Name, s.Value)
}

// unset adds what takes a setting away for good: in this shell, and in the startup
// file that sets it; for the user's own files what --fix may do. go.env inside a
// release is not to be edited, so what it says is overridden.
func (r Result) unset(m *Machine, s goenv.Setting) Result {
	switch s.Path {
	case "":
		for _, a := range m.Startup() {
			if a.Name == s.Name {
				r = r.at(a.Path, a.Line, "%s", a.Text).silence(m, a)
			}
		}
		return r.fixWith("unset %s", s.Name)
	case m.GoEnvFile():
		return r.safely(dropLine(s.Path, s.Line, m.rawLine(s.Path, s.Line))).fixWith("%sgo env -u %s", withoutSwitch(s.Name), s.Name)
	}
	if slices.ContainsFunc(m.Settings.Go, func(v goenv.Setting) bool { return v.Name == s.Name && v.Path == s.Path }) {
		return r.fixWith("vmgo config -u %s", s.Name)
	}
	return r.fixWith("go env -w %s=%s", s.Name, diag.Word(publishedGoEnv()[s.Name]))
}

// withoutSwitch is what keeps go from starting the release that GOTOOLCHAIN names while
// that setting is taken away.
func withoutSwitch(name string) string {
	if name == "GOTOOLCHAIN" {
		return "GOTOOLCHAIN=local "
	}
	return ""
}

// publishedGoEnv is what go.env of a release says since 1.21; its GOPROXY is not of
// interest where that has to be replaced.
func publishedGoEnv() map[string]string {
	return map[string]string{"GOPROXY": goenv.DefaultProxy, "GOSUMDB": goenv.DefaultSumDB, "GOTOOLCHAIN": "auto"}
}

// movedTo returns a better place for a directory of go.
func (m *Machine) movedTo(name string) string { return "/var/tmp/" + name + "-" + m.userName() }

// setGo returns the commands that give a variable of go another value: where the
// environment has it, go env -w would have no effect.
func (m *Machine) setGo(name, value string) string {
	if m.Env[name] != "" {
		fix := "export " + name + "=" + diag.Word(value)
		for _, a := range m.Startup() {
			if a.Name == name && m.standsAlone(a) && strings.Contains(a.Text, name+"=") {
				script := strconv.Itoa(a.Line) + "s|=.*|=" + sedText(diag.Word(value)) + "|"
				fix += "\n" + m.sudoFor(a.Path) + "sed -i " + diag.Word(script) + " " + diag.Word(a.Path)
			}
		}
		return fix
	}
	return "go env -w " + name + "=" + diag.Word(value)
}

// sedText quotes a text for the replacement of sed's "s|…|…|".
func sedText(text string) string {
	return strings.NewReplacer(`\`, `\\`, "&", `\&`, "|", `\|`).Replace(text)
}

// GoEnvFile is the file of "go env -w"; empty if there is none (GOENV=off).
func (m *Machine) GoEnvFile() string { return goenv.UserFile(m.Env) }

// goSettings is where the go command that is active here looks for its settings.
func (m *Machine) goSettings() goenv.Settings {
	s := goenv.Settings{Env: maps.Clone(m.Env), User: m.goEnvFile(m.GoEnvFile()), Vmgo: m.Settings.Go}
	if root := m.GOROOT(); root != "" {
		s.Release = m.goEnvFile(filepath.Join(root, "go.env"))
	}
	return s
}

func (m *Machine) goEnvFile(path string) goenv.File {
	if path == "" {
		return goenv.File{}
	}
	data, _ := m.ReadFile(path)
	return goenv.File{Path: path, Text: string(data)}
}

// goEnvLines returns what a settings file of the go command sets, line by line.
func (m *Machine) goEnvLines(path string) []goenv.Setting {
	var all []goenv.Setting
	for _, line := range goenv.Parse(m.goEnvFile(path).Text) {
		all = append(all, goenv.Setting{Name: line.Name, Value: line.Value, Path: path, Line: line.Number})
	}
	return all
}

// GoEnv returns the value of a variable as the go command sees it.
func (m *Machine) GoEnv(name string) goenv.Setting { return m.goSettings().Get(name) }

// GOPATH is the first element of GOPATH.
func (m *Machine) GOPATH() string { return m.goSettings().GOPATH() }

// GOBIN is where "go install" puts programs: the user's one directory where bin
// of a project's GOPATH is a link to it.
func (m *Machine) GOBIN() string {
	bin := m.goSettings().GOBIN()
	if record := gobin.Record(m.Layout.Data); m.LinkText(bin) == record {
		return m.LinkText(record)
	}
	return bin
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
func (m *Machine) GoDirs() []goenv.Setting {
	dirs := []goenv.Setting{{Name: "TMPDIR", Value: m.TempDir()}}
	for _, name := range []string{"GOTMPDIR", "GOCACHE", "GOMODCACHE"} {
		if s := m.GoEnv(name); filepath.IsAbs(s.Value) {
			dirs = append(dirs, s)
		}
	}
	return dirs
}
