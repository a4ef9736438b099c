package cmd

import (
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/install"
)

func TestReport_onePhaseAtATime(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		events []install.Event
		want   string
	}{
		// That is one phase for whoever waits, not a line for each turn.
		"unpacked while it still arrives": {[]install.Event{
			{Kind: install.Download, Bytes: 10, Total: 100},
			{Kind: install.Extract, Bytes: 5, Total: 200},
			{Kind: install.Download, Bytes: 50, Total: 100},
			{Kind: install.Extract, Bytes: 90, Total: 200},
			{Kind: install.Download, Bytes: 100, Total: 100},
			{Kind: install.Extract, Bytes: 200, Total: 200},
		}, "downloading|unpacking"},
		// Others may be unpacked first.
		"unpacked later": {[]install.Event{
			{Kind: install.Download, Bytes: 10, Total: 100},
			{Kind: install.Download, Bytes: 100, Total: 100},
			{Kind: install.Extract, Bytes: 5, Total: 200},
			{Kind: install.Extract, Bytes: 200, Total: 200},
		}, "downloading|downloaded, not yet unpacked|unpacking"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkPhases(t, test.events, test.want)
		})
	}
}

func checkPhases(t *testing.T, events []install.Event, want string) {
	t.Helper()
	var out strings.Builder
	a := &app{host: host.Host{Stderr: &out, Env: map[string]string{}, Now: time.Now}}
	r := a.newReport(false)
	v, err := gover.Parse("1.22.5")
	if err != nil {
		t.Fatal(err)
	}
	events = append([]install.Event{{Kind: install.Resolved, Source: "goproxy"}}, events...)
	for _, e := range append(events, install.Event{Kind: install.Failed}) {
		e.Version = v
		r.event(e)
	}
	r.close()
	var lines strings.Builder
	for phase := range strings.SplitSeq("found in goproxy|"+want+"|failed", "|") {
		lines.WriteString("go1.22.5: " + phase + "\n")
	}
	if out.String() != lines.String() {
		t.Errorf("got\n%s\nwant\n%s", out.String(), lines.String())
	}
}
