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

func TestPackages(t *testing.T) {
	t.Parallel()
	const lists = "-- var/lib/apt/lists/mirror.example.org_debian_dists_bookworm_main_binary-amd64_Packages --\n"
	for _, c := range []struct{ name, files, install, remove, picked string }{
		{"an image of Debian", "-- etc/os-release --\nID=debian\n", "sudo apt-get update && sudo apt-get install -y a b", "sudo apt-get remove a", "deb"},
		{"Ubuntu", "-- etc/os-release --\nID=ubuntu\nID_LIKE=debian\n" + lists, "sudo apt-get install -y a b", "sudo apt-get remove a", "deb"},
		{"Rocky Linux", "-- etc/os-release --\nID=rocky\nID_LIKE=\"rhel centos fedora\"\n", "sudo dnf install -y a b", "sudo dnf remove a", "rpm"},
		{"Alpine", "-- etc/os-release --\nID=alpine\n", "sudo apk add a b", "sudo apk del a", "apk"},
		{"another", "-- etc/os-release --\nID=nixos\n", "# with your package manager, install: a b", "# with your package manager, remove: a", "deb"},
	} {
		h := hosttest.New(t, hosttest.Files(c.files))
		p := facts.PackagesOf(h)
		if got := p.Install("sudo ", "a", "b"); got != c.install {
			t.Errorf("%s: %q, want %q", c.name, got, c.install)
		}
		if got := p.Remove("sudo ", "a"); got != c.remove {
			t.Errorf("%s: %q, want %q", c.name, got, c.remove)
		}
		if got := facts.PackageName(h, "deb", "rpm", "apk"); got != c.picked {
			t.Errorf("%s: picked %q, want %q", c.name, got, c.picked)
		}
	}
}

func TestIsShim(t *testing.T) {
	t.Parallel()
	h := hosttest.New(t, hosttest.Files("-- machine --\nprogram /usr/local/bin/vmgo-shim\nprogram /usr/bin/go\n"+
		"link /usr/local/bin/go vmgo-shim\nlink /usr/bin/gofmt /usr/local/bin/go\nlink /usr/local/bin/gofmt /gone/vmgo-shim\n"))
	for file, want := range map[string]bool{
		"/usr/local/bin/go": true, "/usr/bin/gofmt": true, // a link to the link
		"/usr/local/bin/gofmt": false, "/usr/bin/go": false, "/usr/local/bin/vmgo-shim": false, "/none": false,
	} {
		if got := facts.IsShim(h, file); got != want {
			t.Errorf("%s: %v", file, got)
		}
	}
}

func TestStartupFiles_dropIns(t *testing.T) {
	t.Parallel()
	h := hosttest.New(t, hosttest.Files("-- etc/profile.d/b.sh --\n-- etc/profile.d/a.sh --\n-- etc/profile.d/c.txt --\n-- etc/fish/conf.d/go.fish --\n"))
	files := facts.StartupFiles(h)
	for _, file := range []string{"/etc/environment", "/etc/profile", "/etc/profile.d/a.sh", "/etc/profile.d/b.sh", "/etc/fish/conf.d/go.fish"} {
		if !slices.Contains(files, file) {
			t.Errorf("%s is missing in %q", file, files)
		}
	}
	if slices.Contains(files, "/etc/profile.d/c.txt") {
		t.Error("no shell reads c.txt")
	}
}
