package doctor

import (
	"context"
	"path/filepath"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/goenv"
)

func execCheck() Check {
	return Check{
		ID: "machine.noexec", Group: MachineGroup, Weight: 8,
		Title:  "whether programs may run from the directories of go",
		Why:    "go test runs from the temporary directory, go run and go tool since 1.24 from the build cache",
		Source: "mount options in /proc/self/mountinfo of TMPDIR, GOTMPDIR, GOCACHE and the stores",
		Run:    runExec,
	}
}

func runExec(_ context.Context, m *Machine) Result {
	if len(m.Mounts()) == 0 {
		return skip("%s", noMounts)
	}
	r := ok("programs may run from every directory of go")
	build := m.BuildDir()
	for _, place := range []goenv.Setting{{Name: "GOTMPDIR", Value: build}, {Name: "GOCACHE", Value: m.GoEnv("GOCACHE").Value}} {
		mount, known := m.MountOf(place.Value)
		if place.Value == "" || !known || !mount.Has("noexec") {
			continue
		}
		r.worse(Fail)
		r = r.at(place.Value, 0, "%s (%s) is mounted noexec", mount.Point, mount.Type)
		other := m.HomePath(".cache/go-tmp")
		if place.Name == "GOCACHE" {
			other = "/var/tmp/go-build-" + m.userName()
		}
		if alt, known := m.MountOf(other); known && !alt.Has("noexec") {
			r = r.fixWith("mkdir -p %s && %s", diag.Word(other), m.setGo(place.Name, other))
		}
	}
	for _, s := range m.Stores() {
		if mount, known := m.MountOf(s); known && mount.Has("noexec") && m.Exists(s) {
			r.worse(Fail)
			r = r.at(filepath.Clean(s), 0, "%s is mounted noexec", mount.Point).fixWith("sudo mount -o remount,exec %s", diag.Word(mount.Point))
		}
	}
	if r.Status == Fail {
		r.Summary = "programs cannot run from every directory of go: expect \"fork/exec: permission denied\""
	}
	return r
}
