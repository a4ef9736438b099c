package fetch

import "strings"

// DefaultProxy is where modules come from when nothing on the machine says
// otherwise. It need not be trusted: the checksum database decides.
const DefaultProxy = "https://goproxy.cn"

// GoEnvFile is the content of a file in the format of `go env -w`.
type GoEnvFile struct {
	Path string
	Data []byte
}

// GoSettings finds the settings of the go command without running it: in the
// environment, then in Files, of which the first that names a setting wins.
// They are to be the user's go env file, then go.env of an installed release
// or of the go on PATH.
type GoSettings struct {
	Env   map[string]string
	Files []GoEnvFile
}

// Get gives a setting's value and where it comes from: "environment", the path
// of a file, or "" where it is set nowhere. As for the go command, an empty
// value counts as not set.
func (g GoSettings) Get(name string) (value, origin string) {
	if value := g.Env[name]; value != "" {
		return value, "environment"
	}
	for _, file := range g.Files {
		if value := goEnvValue(string(file.Data), name); value != "" {
			return value, file.Path
		}
	}
	return "", ""
}

// GOPROXY gives the proxies to use and where that is said; the origin is
// "default" for [DefaultProxy].
func (g GoSettings) GOPROXY() (value, origin string) {
	if value, origin := g.Get("GOPROXY"); value != "" {
		return value, origin
	}
	return DefaultProxy, "default"
}

// GOSUMDB gives the checksum database to use and where that is said.
func (g GoSettings) GOSUMDB() (value, origin string) {
	if value, origin := g.Get("GOSUMDB"); value != "" {
		return value, origin
	}
	return "sum.golang.org", "default"
}

func goEnvValue(text, name string) string {
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
