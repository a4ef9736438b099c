package onhost

import (
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/deploy/config"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/host/hosttest"
	"github.com/vmgo/vmgo/internal/libc"
)

// TestFitMemory counts what is free, and what the running release frees.
func TestFitMemory(t *testing.T) {
	t.Parallel()
	r := Release{Config: config.Config{Limits: config.Limits{Memory: 256 << 20}}}
	for name, c := range map[string]struct{ available, pid, want string }{
		"free":         {"300000", "0", ""},
		"taken":        {"100000", "0", "limits.memory is 268.4 MB; of the host's 1.0 GB, 102.4 MB are free"},
		"by itself":    {"100000", "7", ""},
		"by a program": {"10000", "7", "are free"},
	} {
		a := App{Root: "/", Name: "app", Host: hosttest.New(t, []hosttest.File{
			{Path: "/proc/meminfo", Data: []byte("MemTotal: 1000000 kB\nMemAvailable: " + c.available + " kB\n")},
			{Path: "/proc/7/status", Data: []byte("VmRSS: 999999 kB\nRssAnon: 200000 kB\n")},
			{Path: "/machine", Data: []byte("env PATH=/usr/bin\nprogram /usr/bin/systemctl\nrun systemctl show -p " + properties + " app.service = 0 MainPID=" + c.pid + "\\n\n")},
		})}
		if got := a.fitMemory(t.Context(), r); got != c.want && (c.want == "" || !strings.Contains(got, c.want)) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestFitLibc compares with the C library that the machine has.
func TestFitLibc(t *testing.T) {
	t.Parallel()
	h := host.OS()
	name, loader := h.Libc()
	if name != host.Glibc {
		t.Skip("this machine has no glibc")
	}
	a := App{Host: h, Root: "/", Name: "app"}
	for _, c := range []struct {
		needs libc.Needs
		want  string
	}{
		{libc.Needs{}, ""},
		{libc.Needs{Interpreter: loader, Glibc: "2.2.5"}, ""},
		{libc.Needs{Interpreter: loader, Glibc: "2.999"}, "the program needs glibc 2.999; this machine has " + libc.Installed(h) + ": build it with CGO_ENABLED=0"},
		{libc.Needs{Interpreter: "/lib/ld-none.so.1"}, "the program needs the loader /lib/ld-none.so.1, which is missing: build it with CGO_ENABLED=0"},
	} {
		if got := a.fitLibc(Release{Needs: c.needs}); got != c.want {
			t.Errorf("%+v: %q, want %q", c.needs, got, c.want)
		}
	}
}
