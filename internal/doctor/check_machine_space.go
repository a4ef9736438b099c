package doctor

import (
	"context"

	"github.com/vmgo/vmgo/internal/goenv"
)

func spaceCheck() Check {
	return Check{
		ID: "machine.space", Group: MachineGroup, Weight: 7,
		Title:  "free bytes and inodes in the directories of go",
		Why:    "a release takes 260 MB and 12,000 inodes, a build cache grows to gigabytes",
		Source: "statfs of the stores, TMPDIR, GOTMPDIR, GOCACHE, GOMODCACHE",
		Run:    runSpace,
	}
}

func runSpace(_ context.Context, m *Machine) Result {
	places := m.GoDirs()
	if m.GoEnv("GOTMPDIR").Value != "" {
		places = places[1:] // builds do not work in TMPDIR then
	}
	for _, s := range m.Stores() {
		if m.Exists(s) {
			places = append(places, goenv.Setting{Name: "store", Value: s})
		}
	}
	r := ok("enough")
	shown, suggested := map[string]bool{}, map[string]bool{}
	for _, p := range places {
		mount, _ := m.MountOf(p.Value)
		space, err := m.Space(p.Value)
		if err != nil {
			continue
		}
		if !shown[mount.Point] {
			shown[mount.Point] = true
			r = r.at(p.Value, 0, "%s free of %s, %d inodes (%s)", size(space.Free), size(space.Size), space.FreeInode, mount.Point)
		}
		status := judgeSpace(p.Name, space.Free, space.Inodes, space.FreeInode)
		if status == OK {
			continue
		}
		r.worse(status)
		if command := m.makeRoom(p.Name, mount.Point); !suggested[command] {
			suggested[command] = true
			r = r.fixWith("%s", command)
		}
	}
	if r.Status != OK {
		r.Summary = "a disk is nearly full"
	}
	return r
}

// makeRoom is the command that frees space, or moves what needs it elsewhere.
func (m *Machine) makeRoom(name, mount string) string {
	switch {
	case name == "store":
		return "vmgo prune --dry-run"
	case name == "GOMODCACHE":
		return "go clean -modcache"
	case name == "GOCACHE" || mount == "/":
		return "go clean -cache"
	}
	dir := m.HomePath(".cache/go-tmp")
	return "mkdir -p " + dir + " && " + m.setGo("GOTMPDIR", dir)
}

func judgeSpace(name string, free, inodes, freeInodes uint64) Status {
	fatal, low := uint64(1<<30), uint64(5<<30)
	if name == "TMPDIR" || name == "GOTMPDIR" {
		// A build of the standard library's tests keeps a few hundred MB there.
		fatal, low = 200<<20, 1<<30
	}
	switch {
	case free < fatal || inodes > 0 && freeInodes < 5000:
		return Fail
	case free < low || inodes > 0 && freeInodes < 50000:
		return Warn
	}
	return OK
}
