package cmd

import (
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/install"
)

// An archive is unpacked while it still arrives: that is one phase for whoever
// waits, not a line for each turn.
func TestReport_onePhaseAtATime(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	a := &app{host: host.Host{Stderr: &out, Env: map[string]string{}, Now: time.Now}}
	r := a.newReport(false)
	v, err := gover.Parse("1.22.5")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []install.Event{
		{Kind: install.Resolved, Source: "goproxy"},
		{Kind: install.Download, Bytes: 10, Total: 100},
		{Kind: install.Extract, Bytes: 5, Total: 200},
		{Kind: install.Download, Bytes: 50, Total: 100},
		{Kind: install.Extract, Bytes: 90, Total: 200},
		{Kind: install.Download, Bytes: 100, Total: 100},
		{Kind: install.Extract, Bytes: 200, Total: 200},
		{Kind: install.Failed},
	} {
		e.Version = v
		r.event(e)
	}
	r.close()
	want := "go1.22.5: found in goproxy\ngo1.22.5: downloading\ngo1.22.5: unpacking\ngo1.22.5: failed\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
