package doctor

import (
	"context"
	"path/filepath"
	"time"
)

func diskSpeedCheck() Check {
	return Check{
		ID: "machine.disk-speed", Group: MachineGroup, Bench: true, Weight: 3, Limit: 8 * time.Second,
		Title:  "the speed of the disk of the build cache",
		Why:    "a cold build writes thousands of small files; installing syncs once",
		Source: "measured: 64 MB written and synced, then 4 kB writes each synced, one second at most",
		Run:    runDiskSpeed,
	}
}

func runDiskSpeed(ctx context.Context, m *Machine) Result {
	dir := m.Nearest(m.GoEnv("GOCACHE").Value)
	d, err := m.Sys.Disk(ctx, m.Path(dir))
	if err != nil {
		return skip("the disk of %s cannot be measured: %s", dir, m.Show(err.Error()))
	}
	mount, _ := m.MountOf(dir)
	return judgeDisk(d.Write, d.Sync).
		at(dir, 0, "%s/s written; sync of 4 kB: median %v, 95 %% below %v (%d tries, %s)",
			size(uint64(d.Write)), d.Sync.Round(10*time.Microsecond), d.Sync95.Round(10*time.Microsecond), d.Tries, mount.Type).
		means("%s", m.rotational(mount.Device))
}

// judgeDisk: a spinning disk syncs in about 10 ms, a good SSD in below 1 ms.
func judgeDisk(bytesPerSecond float64, median time.Duration) Result {
	switch {
	case median > 10*time.Millisecond:
		return warn("the disk is slow: a sync takes %v", median.Round(time.Millisecond)).
			means("This is typical of a spinning or shared disk. Cold builds and go mod download are slow; warm builds hardly change.")
	case bytesPerSecond < 50<<20:
		return warn("the disk is slow: %s/s", size(uint64(bytesPerSecond))).means("An install of a release writes 250 MB.")
	}
	return ok("the disk is fast: a sync takes %v", median.Round(10*time.Microsecond))
}

// rotational says what the kernel believes of the disk, and that a virtual disk
// says so whatever it is made of.
func (m *Machine) rotational(device string) string {
	if m.Text(filepath.Join("/sys/dev/block", device, "queue/rotational")) == "1" {
		return "The kernel calls the disk rotational, but virtual disks often do so on any storage: trust the measurement."
	}
	return ""
}
