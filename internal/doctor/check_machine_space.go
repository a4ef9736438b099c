package doctor

import (
	"context"
)

func spaceCheck() Check {
	return Check{
		ID: "machine.space", Group: MachineGroup, Weight: 7,
		Title:  "free bytes and inodes where Go works",
		Why:    "a release takes 260 MB and 12,000 inodes, a build cache grows to gigabytes",
		Source: "statfs of the stores, TMPDIR, GOTMPDIR, GOCACHE, GOMODCACHE",
		Run:    runSpace,
	}
}

func runSpace(_ context.Context, m *Machine) Result {
	places := m.GoDirs()
	for _, s := range m.Stores() {
		if m.Exists(s) {
			places = append(places, GoSetting{Name: "store", Value: s})
		}
	}
	r := ok("enough")
	seen := map[string]bool{}
	for _, p := range places {
		mount, _ := m.MountOf(p.Value)
		space, err := m.Space(p.Value)
		if err != nil || seen[mount.Point] {
			continue
		}
		seen[mount.Point] = true
		status := judgeSpace(p.Name, space.Free, space.Inodes, space.FreeInode)
		r = r.at(p.Value, 0, "%s free of %s, %d inodes (%s)", size(space.Free), size(space.Size), space.FreeInode, mount.Point)
		if status == OK {
			continue
		}
		r.worse(status)
		switch p.Name {
		case "store":
			r = r.mend("vmgo prune --dry-run")
		case "GOMODCACHE":
			r = r.mend("go clean -modcache")
		case "GOCACHE":
			r = r.mend("go clean -cache")
		default:
			r = r.mend("mkdir -p %s && go env -w GOTMPDIR=%s", m.HomePath(".cache/go-tmp"), m.HomePath(".cache/go-tmp"))
		}
	}
	if r.Status != OK {
		r.Summary = "little space is left"
	}
	return r
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
