// Package goenv computes the settings that the go command would use, without
// running it: from the environment, from the file of `go env -w`, and from
// go.env of a release.
//
// The rules are those of cmd/go/internal/cfg (readEnvFile, Getenv, EnvFile) and
// os.UserCacheDir. The package is part of the lean program: it opens no files.
package goenv

import (
	"path"
	"strings"
)

// Line is one NAME=VALUE line of a file in the format of `go env -w`.
type Line struct {
	Name, Value string
	Number      int // counted from 1
}

// Parse returns the lines of text that set something, in order. As the go
// command does, it ignores a line that has no "=" or does not begin with A to Z,
// and takes everything else literally: spaces, quotes and a carriage return are
// part of the value.
func Parse(text string) []Line {
	var lines []Line
	number := 0
	for line := range strings.Lines(text) {
		number++
		name, value, found := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if found && name != "" && name[0] >= 'A' && name[0] <= 'Z' {
			lines = append(lines, Line{name, value, number})
		}
	}
	return lines
}

// UserFile returns the path of the file of `go env -w`, "" if there is none
// (GOENV=off). Unlike the go command it ignores a relative HOME or
// XDG_CONFIG_HOME: each directory would have a file of its own.
func UserFile(env map[string]string) string {
	switch file := env["GOENV"]; file {
	case "off":
		return ""
	case "":
	default:
		return file
	}
	config := env["XDG_CONFIG_HOME"]
	if home := env["HOME"]; config == "" && home != "" {
		config = under(home, ".config")
	}
	if !isAbs(config) {
		return ""
	}
	return under(config, "go/env")
}

// File is the contents of a settings file of the go command.
type File struct{ Path, Text string }

// Settings is where the go command looks for its settings. Either file may be zero.
type Settings struct {
	Env     map[string]string
	User    File // of `go env -w`
	Release File // go.env of the release that runs
	// Vmgo is what vmgo's own settings files say about variables of go. The hook
	// and the shims export it, so that it goes before the release's file.
	Vmgo []Setting
}

// Forwarded lists the variables of go that may stand in vmgo's settings files,
// from where the hook and the shims export them if nothing else sets them.
func Forwarded() []string {
	return []string{"GOFLAGS", "GONOPROXY", "GONOSUMDB", "GOPRIVATE", "GOPROXY", "GOSUMDB"}
}

// Setting is a setting of the go command, and where it comes from.
type Setting struct {
	Name, Value string
	Path        string // the file that has it; "" for the environment and for a default
	Line        int    // of that file, counted from 1
	FromEnv     bool
}

// Origin returns where the value comes from, for people: a path, "environment" or "default".
func (v Setting) Origin() string {
	switch {
	case v.FromEnv:
		return "environment"
	case v.Path != "":
		return v.Path
	}
	return "default"
}

// IsSet reports whether the environment or a file has the setting.
func (v Setting) IsSet() bool { return v.FromEnv || v.Path != "" }

// Get returns the setting that the go command would use: that of the environment,
// else the last line of the user's file, else that of vmgo's settings files, else the first line of the release's,
// else Go's own default, if it has one. An empty variable of the environment
// counts as unset. An empty value in the user's file hides the release's.
func (s Settings) Get(name string) Setting {
	if text := s.Env[name]; text != "" {
		return Setting{Name: name, Value: text, FromEnv: true}
	}
	v, found := s.User.last(name)
	if !found {
		v, found = s.vmgo(name)
	}
	if !found {
		v, _ = s.Release.first(name)
	}
	if v.Value == "" {
		return Setting{Name: name, Value: s.fallback(name)}
	}
	return v
}

// vmgo returns the setting that vmgo's settings files have.
func (s Settings) vmgo(name string) (v Setting, found bool) {
	for _, v := range s.Vmgo {
		if v.Name == name {
			return v, true
		}
	}
	return Setting{}, false
}

// last returns the setting by the go command's rule for the user's file, where a
// later line replaces an earlier one.
func (f File) last(name string) (v Setting, found bool) {
	for _, line := range Parse(f.Text) {
		if line.Name == name {
			v, found = Setting{Name: name, Value: line.Value, Path: f.Path, Line: line.Number}, true
		}
	}
	return v, found
}

// first returns the setting by the rule for go.env of a release, which replaces
// nothing that is set already, not even by a line of its own.
func (f File) first(name string) (v Setting, found bool) {
	for _, line := range Parse(f.Text) {
		if line.Name == name {
			return Setting{Name: name, Value: line.Value, Path: f.Path, Line: line.Number}, true
		}
	}
	return Setting{}, false
}

// DefaultSumDB is the value of GOSUMDB where nothing sets it.
const DefaultSumDB = "sum.golang.org"

// DefaultProxy is what vmgo uses where nothing on the machine sets GOPROXY. It
// need not be trusted: the checksum database decides.
const DefaultProxy = "https://goproxy.cn"

// GOPROXY returns the list of proxies to use: the setting, or [DefaultProxy].
func (s Settings) GOPROXY() Setting {
	v := s.Get("GOPROXY")
	if v.Value == "" {
		v = Setting{Name: v.Name, Value: DefaultProxy}
	}
	return v
}

// fallback returns the default of the settings that vmgo asks for.
func (s Settings) fallback(name string) string {
	switch name {
	case "GOPATH":
		if home := s.Env["HOME"]; home != "" {
			return under(home, "go")
		}
	case "GOMODCACHE":
		if gopath := s.GOPATH(); gopath != "" {
			return under(gopath, "pkg/mod")
		}
	case "GOCACHE":
		if dir := s.Env["XDG_CACHE_HOME"]; dir != "" {
			if !isAbs(dir) {
				return "off"
			}
			return under(dir, "go-build")
		}
		if home := s.Env["HOME"]; home != "" {
			return under(home, ".cache/go-build")
		}
		return "off"
	case "GOSUMDB":
		return DefaultSumDB
	case "GONOPROXY", "GONOSUMDB":
		return s.Get("GOPRIVATE").Value
	}
	return ""
}

// GOPATH returns the first element of GOPATH, where `go install` and the module
// cache have their place; "" without GOPATH and HOME.
func (s Settings) GOPATH() string {
	first, _, _ := strings.Cut(s.Get("GOPATH").Value, ":")
	return first
}

// GOBIN returns the directory into which `go install` puts programs, "" if there
// is none.
func (s Settings) GOBIN() string {
	if v := s.Get("GOBIN"); v.Value != "" {
		return v.Value
	}
	if gopath := s.GOPATH(); gopath != "" {
		return under(gopath, "bin")
	}
	return ""
}

func isAbs(path string) bool { return strings.HasPrefix(path, "/") }

func under(dir, name string) string { return path.Join(dir, name) }
