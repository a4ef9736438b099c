package cmd

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/host"
)

// raw is what drives a terminal, but for the colours that we use ourselves.
var raw = regexp.MustCompile("[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f\u0080-\u009f\u202e]|\x1b([^\\[]|\\[[^0-9]|\\[[0-9]+[^0-9m])")

// Every command is run with names that drive a terminal: what reaches it has none
// of that. stdout is data, which a pipe gets to the byte.
func TestTerminal_everyCommand(t *testing.T) {
	t.Parallel()
	const hostile = "a\x1b]0;owned\x07\x1b[2Jb\u009bc\u202e"
	dir := filepath.Join(t.TempDir(), hostile)
	store := filepath.Join(dir, ".local/share/vmgo/go")
	goroot := filepath.Join(store, "1.22.5")
	for _, d := range []string{goroot + "/bin", store + "/.vmgo/receipts"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"/bin/go": "#!/bin/sh\n", "/VERSION": "go1.22.5\n"} {
		if err := os.WriteFile(goroot+name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(store+"/.vmgo/receipts/1.22.5", []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	a := &app{ownPath: func() string { return "vmgo" }}
	var tries [][]string
	var collect func(words []string, commands []*cli.Command)
	collect = func(words []string, commands []*cli.Command) {
		for _, c := range commands {
			words := append(words[:len(words):len(words)], c.Name)
			collect(words, c.Subcommands)
			for _, more := range [][]string{nil, {"--json"}, {"--explain"}, {"--dry-run"}, {"--dir", dir}, {"1.22.5"}, {hostile}, {"go"}, {"VMGO_ROOT"}, {"--help"}} {
				tries = append(tries, append(words[:len(words):len(words)], more...))
			}
		}
	}
	collect(nil, a.commands())
	for _, version := range []string{"1.22.5", hostile, "system"} {
		for _, words := range tries {
			var stdout, stderr bytes.Buffer
			h := host.OS()
			h.Root, h.Dir, h.UID = dir, dir, 1000
			h.OnResize = func(func()) {}
			h.Args = append([]string{"vmgo"}, words...)
			h.Env = map[string]string{"HOME": dir, "VMGO_VERSION": version, "PATH": dir, "GOPROXY": "off", "GOSUMDB": "off", "VMGO_OFFLINE": "1"}
			if version == "system" {
				h.Env["VMGO_ROOT"] = dir
			}
			h.Stdin, h.Stdout, h.Stderr = strings.NewReader(""), &stdout, &stderr
			h.StdinTTY, h.StdoutTTY, h.StderrTTY = false, true, true
			h.Exec = func(string, []string, []string) error { return errors.New("nothing is run") }
			h.Run = func(*exec.Cmd) error { return errors.New("nothing is run") }
			h.Interrupts = func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithCancel(ctx) }
			h.Env["TERM"] = "dumb"
			Main(h)
			if found := raw.FindString(stdout.String()); found != "" {
				t.Errorf("vmgo %q with VMGO_VERSION=%q: stdout has %q", words, version, found)
			}
			if found := raw.FindString(stderr.String()); found != "" {
				t.Errorf("vmgo %q with VMGO_VERSION=%q: stderr has %q", words, version, found)
			}
		}
	}
}

func TestTerminal_pipesAreExact(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	a := &app{host: host.Host{Stdout: &out}}
	if err := a.outln("/a\x1b[2J\nb"); err != nil || out.String() != "/a\x1b[2J\nb\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	out.Reset()
	a.host.StdoutTTY = true
	if err := a.outln("/a\x1b[2J\nb"); err != nil || out.String() != `/a\x1b[2J\nb`+"\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}
