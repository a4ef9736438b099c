package goenv_test

import (
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/goenv"
)

// asked are the settings that vmgo computes.
var asked = []string{"GOPATH", "GOMODCACHE", "GOCACHE", "GOBIN", "GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOFLAGS"}

// files are contents of the file of `go env -w`; DIR stands for a directory.
var files = map[string]string{
	"absent":                "",
	"one line":              "GOPATH=DIR/a\n",
	"no newline at the end": "GOPATH=DIR/a\nGOBIN=DIR/bin",
	"last line wins":        "GOPATH=DIR/a\nGOPATH=DIR/b\n",
	"last line is empty":    "GOPATH=DIR/a\nGOPATH=\n",
	"empty hides go.env":    "GOPROXY=\n",
	"quotes":                "GOPROXY=\"https://a.example\"\nGOFLAGS='-mod=mod'\n",
	"spaces":                "GOPROXY= https://a.example \nGOSUMDB =off\n GOBIN=DIR/x\n",
	"comments":              "# GOPATH=DIR/a\n#GOBIN=DIR/x\n\n=\nGOPROXY=off # really\n",
	"CRLF":                  "GOPROXY=https://a.example\r\nGOPRIVATE=b.example\r\n",
	"unknown names":         "NOPE=1\nGOPATHS=DIR/a\ngopath=DIR/b\nGOPRIVATE=c.example\n",
	"equals in value":       "GOFLAGS=-ldflags=-X=main.a=b\n",
	"private":               "GOPRIVATE=a.example\nGONOSUMDB=b.example\n",
	"list":                  "GOPATH=DIR/a:DIR/b\n",
	"slash at the end":      "GOPATH=DIR/a/\n",
}

// TestSettings_agreesWithGo compares with what real releases answer, which are 1.26
// and, with the network, 1.20 and 1.22: go.env came with 1.21.
func TestSettings_agreesWithGo(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"local", "go1.20.14", "go1.22.12"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			goroot := realGo(t, version)
			for name, text := range files {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					dir := t.TempDir()
					compare(t, goroot, strings.ReplaceAll(text, "DIR", dir), map[string]string{"HOME": dir})
				})
			}
			for name, env := range map[string]map[string]string{
				"GOENV off":     {"GOENV": "off"},
				"environment":   {"GOPROXY": "direct", "GOPATH": "DIR/env"},
				"empty":         {"GOPATH": "", "GOBIN": ""},
				"caches by XDG": {"XDG_CACHE_HOME": "DIR/c", "XDG_CONFIG_HOME": "DIR/cfg"},
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					dir := t.TempDir()
					full := map[string]string{"HOME": dir}
					for key, value := range env {
						full[key] = strings.ReplaceAll(value, "DIR", dir)
					}
					compare(t, goroot, "GOPATH="+dir+"/file\nGOSUMDB=off\n", full)
				})
			}
		})
	}
}

// compare writes text as the file of `go env -w` and as $GOENV, and holds Get to
// what go says of both.
func compare(t *testing.T, goroot, text string, env map[string]string) {
	t.Helper()
	check := func() {
		t.Helper()
		s := goenv.Settings{Env: env, User: read(goenv.UserFile(env)), Release: read(goroot + "/go.env")}
		want := ask(t, goroot, env)
		for _, name := range asked {
			if got := s.Get(name).Value; got != want[name] && !builtIn(name, got, goroot) {
				t.Errorf("%s is %q, for go %q; GOENV=%q, file:\n%s", name, got, want[name], env["GOENV"], text)
			}
		}
	}
	if path := goenv.UserFile(env); path != "" {
		write(t, path, text)
	}
	check()
	if env["GOENV"] == "" {
		env["GOENV"] = filepath.Join(env["HOME"], "named file")
		write(t, env["GOENV"], text)
		check()
	}
}

// builtIn reports whether the value is one that releases before 1.21 have compiled
// in, which is not ours to compute; and those that have go.env need no default.
func builtIn(name, got, goroot string) bool {
	_, err := os.Stat(goroot + "/go.env")
	return name == "GOPROXY" && got == "" && err != nil || name == "GOSUMDB" && got == goenv.DefaultSumDB && err == nil
}

func ask(t *testing.T, goroot string, env map[string]string) map[string]string {
	t.Helper()
	command := exec.Command(goroot+"/bin/go", append([]string{"env", "-json"}, asked...)...)
	command.Dir = env["HOME"]
	// Otherwise a process of its own writes there while the directory is removed.
	write(t, filepath.Join(cmp.Or(env["XDG_CONFIG_HOME"], env["HOME"]+"/.config"), "go/telemetry/mode"), "off\n")
	command.Env = []string{"GOTOOLCHAIN=local", "PATH=/nonexistent"}
	for name, value := range env {
		command.Env = append(command.Env, name+"="+value)
	}
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]string
	if err := json.Unmarshal(out, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// realGo returns the GOROOT of the go on PATH, or of a release that it fetches.
func realGo(t *testing.T, version string) string {
	t.Helper()
	if version != "local" && testing.Short() {
		t.Skip("fetches " + version + ": not with -short")
	}
	command := exec.Command("go", "env", "GOROOT")
	command.Env = append(os.Environ(), "GOTOOLCHAIN="+version)
	out, err := command.Output()
	if err != nil {
		t.Skip(version + " cannot be fetched: " + err.Error())
	}
	return strings.TrimSpace(string(out))
}

func read(path string) goenv.File {
	data, err := os.ReadFile(path)
	if err != nil {
		return goenv.File{}
	}
	return goenv.File{Path: path, Text: string(data)}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestSettings_Get_origin(t *testing.T) {
	t.Parallel()
	s := goenv.Settings{
		Env:     map[string]string{"GOFLAGS": "-v", "HOME": "/h"},
		User:    goenv.File{Path: "/h/env", Text: "# mine\nGOBIN=/b\nGOBIN=/c\n"},
		Release: goenv.File{Path: "/r/go.env", Text: "GOSUMDB=x\nGOSUMDB=y\nGOBIN=/d\n"},
	}
	for name, want := range map[string]goenv.Setting{
		"GOFLAGS": {Name: "GOFLAGS", Value: "-v", FromEnv: true},
		"GOBIN":   {Name: "GOBIN", Value: "/c", Path: "/h/env", Line: 3},
		"GOSUMDB": {Name: "GOSUMDB", Value: "x", Path: "/r/go.env", Line: 1},
		"GOPATH":  {Name: "GOPATH", Value: "/h/go"},
		"GOVCS":   {Name: "GOVCS"},
	} {
		if got := s.Get(name); got != want {
			t.Errorf("Get(%q) is %+v, want %+v", name, got, want)
		}
	}
	if s.GOBIN() != "/c" || (goenv.Settings{Env: map[string]string{"GOPATH": "/a:/b"}}).GOBIN() != "/a/bin" || (goenv.Settings{}).GOBIN() != "" {
		t.Error("GOBIN is not the setting, or bin of the first GOPATH")
	}
}

func TestUserFile_ignoresRelativeHome(t *testing.T) {
	t.Parallel()
	for _, env := range []map[string]string{{}, {"HOME": "h"}, {"XDG_CONFIG_HOME": "c", "HOME": "/h"}} {
		if got := goenv.UserFile(env); got != "" {
			t.Errorf("UserFile(%v) is %q", env, got)
		}
	}
	if got := goenv.UserFile(map[string]string{"HOME": "/"}); got != "/.config/go/env" {
		t.Errorf("with HOME=/ it is %q", got)
	}
}

func TestProxies(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]goenv.Proxy{
		"":                             nil,
		" , |":                         nil,
		"https://a.example/":           {{URL: "https://a.example"}},
		"a.example|b.example,direct,c": {{URL: "https://a.example", AnyError: true}, {URL: "https://b.example"}, {Direct: true}},
		"off,https://a.example":        {{Off: true}},
		"file:///p, direct":            {{URL: "file:///p"}, {Direct: true}},
		"/p":                           {{URL: "/p"}},
		"word":                         {{URL: "word"}},
	} {
		if got := goenv.Proxies(text); !slices.Equal(got, want) {
			t.Errorf("Proxies(%q) is %+v, want %+v", text, got, want)
		}
	}
}

func TestParseSumDB(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]goenv.SumDB{
		"":                            {Key: "sum.golang.org"},
		"off":                         {Off: true},
		"sum.golang.org":              {Key: "sum.golang.org"},
		"sum.golang.google.cn":        {Key: "sum.golang.org", URL: "https://sum.golang.google.cn"},
		"a.example+abc+def https://u": {Key: "a.example+abc+def", URL: "https://u"},
		"a.example https://u/x/":      {Key: "a.example", URL: "https://u/x"},
	} {
		if got, err := goenv.ParseSumDB(text); err != nil || got != want {
			t.Errorf("ParseSumDB(%q) is %+v, %v", text, got, err)
		}
	}
	if got, err := goenv.ParseSumDB("a b c"); err == nil {
		t.Errorf("three fields give %+v", got)
	}
	if name := (goenv.SumDB{Key: "a.example+abc+def"}).Name(); name != "a.example" {
		t.Errorf("the name is %q", name)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                               nil,
		"  -v\t-mod=mod ":                {"-v", "-mod=mod"},
		`'-ldflags=-s -w' "-gcflags=-N"`: {"-ldflags=-s -w", "-gcflags=-N"},
		`-ldflags="-s`:                   {`-ldflags="-s`},
	} {
		if got, err := goenv.Flags(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("Flags(%q) is %q, %v", text, got, err)
		}
	}
	if _, err := goenv.Flags("-v '-x"); err == nil {
		t.Error("an open quote gives no error")
	}
}

// The go command itself is the judge.
func TestUserFile_isWhatTheGoCommandTakes(t *testing.T) {
	t.Parallel()
	for _, pairs := range [][]string{
		{"HOME=/home/u"}, {"HOME=/home/u", "XDG_CONFIG_HOME=/c"}, {"HOME=/home/u", "XDG_CONFIG_HOME=/c//d/"},
		{"HOME=/home/u", "XDG_CONFIG_HOME=relative"}, {"HOME=/home/u", "XDG_CONFIG_HOME=~/c"}, {"XDG_CONFIG_HOME=/c"}, {},
		{"HOME=/home/u", "GOENV=off"}, {"HOME=/home/u", "GOENV=/elsewhere"}, {"GOENV=/elsewhere"}, {"HOME=/home/u", "GOENV="},
	} {
		env := map[string]string{}
		for _, pair := range pairs {
			name, value, _ := strings.Cut(pair, "=")
			env[name] = value
		}
		ask := exec.Command("go", "env", "GOENV")
		ask.Dir, ask.Env = t.TempDir(), append([]string{"PATH=" + os.Getenv("PATH"), "GOCACHE=off", "GOPATH=/gopath", "GOTOOLCHAIN=local"}, pairs...)
		out, err := ask.Output()
		if err != nil {
			t.Fatal(err)
		}
		want := strings.TrimSuffix(string(out), "\n")
		if want == "off" {
			want = ""
		}
		if got := goenv.UserFile(env); got != want {
			t.Errorf("%q: %q, and the go command says %q", pairs, got, want)
		}
	}
	if got := goenv.UserFile(map[string]string{"HOME": "relative"}); got != "" {
		t.Errorf("a relative HOME gives %q", got)
	}
}
