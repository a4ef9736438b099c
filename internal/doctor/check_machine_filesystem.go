package doctor

import (
	"context"
	"path/filepath"
)

func filesystemCheck() Check {
	return Check{
		ID: "machine.filesystem", Group: MachineGroup, Weight: 7,
		Title:  "whether caches and the project are on a local disk",
		Why:    "shared directories and network disks have no or broken file locks, and are slow for small files",
		Source: "/proc/self/mountinfo; a lock tried in GOCACHE and GOMODCACHE; go.dev/issue/37461",
		Run:    runFilesystem,
	}
}

// noMounts is why checks of mounts say nothing, as in a jail without /proc.
const noMounts = "/proc does not list the mounts"

func runFilesystem(_ context.Context, m *Machine) Result {
	r := ok("caches and project are on local disks")
	for _, name := range []string{"GOCACHE", "GOMODCACHE"} {
		dir := m.GoEnv(name).Value
		if !filepath.IsAbs(dir) {
			continue
		}
		mount, known := m.MountOf(dir)
		if known && mount.Remote() {
			r.worse(Warn)
			r = r.at(dir, 0, "%s on %s", mount.Type, mount.Point).fixWith("%s", m.setGo(name, m.movedTo(name)))
		}
		if !m.Exists(dir) {
			continue
		}
		if uid, _ := m.Owner(dir); uid != m.UID {
			continue // security.owner reports it
		}
		if err := m.Sys.Lock(m.Path(dir)); err != nil {
			r.worse(Fail)
			r = r.at(dir, 0, "a lock cannot be taken: %s", m.Show(err.Error()))
			if !mount.Remote() {
				r = r.fixWith("%s", m.setGo(name, m.movedTo(name)))
			}
		}
	}
	if module := m.moduleRoot(); module != "" {
		if mount, known := m.MountOf(module); known && mount.Remote() {
			r.worse(Info)
			r = r.at(module, 0, "%s on %s", mount.Type, mount.Point).
				means("Editors here do not notice changes made on the other side.")
		}
	}
	switch r.Status {
	case OK:
		if len(m.Mounts()) == 0 {
			return skip("%s", noMounts)
		}
	case Fail:
		r.Summary = "file locks do not work where go needs them"
	case Warn:
		r.Summary = "a cache is on another machine's disk"
	case Info:
		r.Summary = "the project is on another machine's disk"
	}
	return r
}
