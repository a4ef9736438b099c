package facts_test

import (
	"slices"
	"testing"

	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/host/hosttest"
)

func TestDropIns_lastDirectoryCounts(t *testing.T) {
	t.Parallel()
	h := hosttest.New(t, hosttest.Files("-- usr/d/20.conf --\n-- usr/d/10.conf --\n-- etc/d/20.conf --\n-- etc/d/15.conf --\n-- etc/d/30.conf~ --\n-- etc/d/README --\n"))
	got := facts.DropIns(h, ".conf", "/usr/d", "/none", "/etc/d")
	if want := []string{"/usr/d/10.conf", "/etc/d/15.conf", "/etc/d/20.conf"}; !slices.Equal(got, want) {
		t.Errorf("drop-ins %q, want %q", got, want)
	}
}

func TestTime_services(t *testing.T) {
	t.Parallel()
	const (
		unsynchronised = "-- machine --\nclock unsynchronised\n"
		chrony         = "-- usr/lib/systemd/system/chronyd.service --\n[Install]\n"
		enabled        = "-- etc/systemd/system/multi-user.target.wants/chronyd.service --\n"
	)
	for _, c := range []struct {
		text string
		want facts.TimeService
	}{
		{"", facts.TimeService{Synchronised: true}},
		{unsynchronised, facts.TimeService{}},
		{unsynchronised + enabled, facts.TimeService{}}, // a link to a unit that is gone
		{unsynchronised + chrony, facts.TimeService{Startable: "chronyd.service"}},
		{unsynchronised + chrony + enabled, facts.TimeService{Enabled: "chronyd.service"}},
		{unsynchronised + chrony + enabled + "-- proc/71/comm --\nchronyd\n", facts.TimeService{Enabled: "chronyd.service", Running: "chronyd"}},
		{unsynchronised + "-- proc/71/comm --\nVBoxService\n", facts.TimeService{Running: "VBoxService"}},
		{unsynchronised + chrony + "-- machine --\nlink /etc/systemd/system/chronyd.service /dev/null\n", facts.TimeService{}},
	} {
		h := hosttest.New(t, hosttest.Files(c.text))
		got := facts.Time(h, true)
		if got != c.want || got.Kept() != (c.want.Synchronised || c.want.Running != "") {
			t.Errorf("%q: %+v, want %+v", c.text, got, c.want)
		}
		if image := facts.Time(h, false); image.Kept() || image.Enabled != c.want.Enabled {
			t.Errorf("%q as an image: %+v", c.text, image)
		}
	}
}

func TestMissingControllers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ have, missing []string }{
		{[]string{"cpu", "io", "memory"}, []string{}}, {[]string{"cpu"}, []string{"memory"}}, {nil, []string{"cpu", "memory"}},
	} {
		if got := facts.MissingControllers(host.Cgroup{Controllers: c.have}); !slices.Equal(got, c.missing) {
			t.Errorf("%q lack %q, want %q", c.have, got, c.missing)
		}
	}
}
