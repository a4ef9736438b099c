package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
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
		want := fmt.Sprintf("%s: %s\n\nCommands:\n", p.Spoken(), p.About)
		for _, command := range p.Commands {
			want += fmt.Sprintf("  %-10s %s\n", command[0], command[1])
		}
		var out bytes.Buffer
		h := host.OS()
		h.Args, h.Stdout, h.Stderr = []string{name, "--help"}, &out, &out
		if status := mains[name](h); status != 0 || !strings.HasPrefix(out.String(), want+"\n") {
			t.Errorf("%s has not the commands of the table: status %d\n%s", name, status, &out)
		}
	}
}
