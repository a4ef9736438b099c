package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	deploy "github.com/vmgo/vmgo/internal/deploy/cli"
	fleet "github.com/vmgo/vmgo/internal/fleet/cli"
	"github.com/vmgo/vmgo/internal/host"
	observe "github.com/vmgo/vmgo/internal/observe/cli"
	"github.com/vmgo/vmgo/internal/program"
	proxy "github.com/vmgo/vmgo/internal/proxy/cli"
)

// mains are the programs beside vmgo, by the names of their files.
var mains = map[string]func(host.Host) int{
	"vmgo-deploy":  deploy.Main,
	"vmgo-fleet":   fleet.Main,
	"vmgo-observe": observe.Main,
	"vmgo-proxy":   proxy.Main,
}

// TestPrograms compares the table of the programs beside vmgo with their commands,
// and with what is built and installed.
func TestPrograms(t *testing.T) {
	t.Parallel()
	installer, err := os.ReadFile("install.sh")
	if err != nil {
		t.Fatal(err)
	}
	built, err := filepath.Glob("cmd/vmgo-*/main.go")
	if err != nil || len(built) != len(program.All()) {
		t.Errorf("built: %v, %v", built, err)
	}
	for _, p := range program.All() {
		name := p.Executable()
		if _, err := os.Stat("cmd/" + name + "/main.go"); err != nil || mains[name] == nil {
			t.Fatalf("%s is not built, or not tested: %v", name, err)
		}
		for _, place := range []string{"man1/" + name + ".1.gz", " " + name} {
			if !strings.Contains(string(installer), place) {
				t.Errorf("install.sh does not have %q", place)
			}
		}
		var out bytes.Buffer
		h := host.OS()
		h.Args, h.Stdout, h.Stderr = []string{name, "--help"}, &out, &out
		if status := mains[name](h); status != 0 {
			t.Errorf("%s --help: status %d\n%s", name, status, &out)
		}
		heading, list, _ := strings.Cut(out.String(), "\nCommands:\n")
		about, commands := p.About, 0
		for _, command := range p.Commands {
			if command[0] == "" {
				about = command[1] // what it does without a command has its help there
				continue
			}
			commands++
			if line := regexp.MustCompile(`(?m)^  ` + command[0] + ` +` + regexp.QuoteMeta(command[1]) + `$`); !line.MatchString(list) {
				t.Errorf("%s has no line for %s:\n%s", name, command[0], &out)
			}
		}
		if !strings.HasPrefix(heading, p.Spoken()+": "+about+"\n") || strings.Count(list, "\n  ") != commands-1 {
			t.Errorf("%s has not the commands of the table:\n%s", name, &out)
		}
	}
}

// TestBuilds_haveTheSameTags: without them, urfave/cli brings a Markdown library along.
func TestBuilds_haveTheSameTags(t *testing.T) {
	t.Parallel()
	list := regexp.MustCompile(`urfave_cli_\w+(?:,urfave_cli_\w+)*`)
	same := ""
	for _, file := range []string{"Makefile", "install.sh", "packaging/release.sh", "internal/bench/main.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := list.FindAllString(string(text), -1)
		if len(found) == 0 {
			t.Errorf("%s builds without tags", file)
		}
		for _, tags := range found {
			if same == "" {
				same = tags
			}
			if tags != same {
				t.Errorf("%s builds with %s, the Makefile with %s", file, tags, same)
			}
		}
	}
}
