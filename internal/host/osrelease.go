package host

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// OSRelease is what /etc/os-release says.
type OSRelease struct {
	ID      string   // debian, ubuntu, centos, almalinux, alpine, …
	Like    []string // ID_LIKE
	Version string   // VERSION_ID
	Pretty  string
}

// Is reports whether the distribution is id or descends from it.
func (r OSRelease) Is(id string) bool {
	if r.ID == id {
		return true
	}
	return slices.Contains(r.Like, id)
}

// OSRelease reads /etc/os-release, or /usr/lib/os-release where that is absent.
func (h Host) OSRelease() OSRelease {
	lines := h.Lines("/etc/os-release")
	if lines == nil {
		lines = h.Lines("/usr/lib/os-release")
	}
	var r OSRelease
	for _, line := range lines {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		value = strings.Trim(value, `"'`)
		switch name {
		case "ID":
			r.ID = value
		case "ID_LIKE":
			r.Like = strings.Fields(value)
		case "VERSION_ID":
			r.Version = value
		case "PRETTY_NAME":
			r.Pretty = value
		}
	}
	if r.Pretty == "" {
		r.Pretty = strings.TrimSpace(r.ID + " " + r.Version)
	}
	return r
}

// Kernel is the release of the kernel, such as "6.1.0-18-amd64".
func (h Host) Kernel() string { return h.Text("/proc/sys/kernel/osrelease") }

// KernelAtLeast compares the first two numbers of the kernel's release. Known
// is false when they cannot be read.
func (h Host) KernelAtLeast(major, minor int) (atLeast, known bool) {
	parts := strings.FieldsFunc(h.Kernel(), func(r rune) bool { return r < '0' || r > '9' })
	if len(parts) < 2 {
		return false, false
	}
	a, errA := strconv.Atoi(parts[0])
	b, errB := strconv.Atoi(parts[1])
	if errA != nil || errB != nil {
		return false, false
	}
	return a > major || (a == major && b >= minor), true
}

// C libraries.
const (
	Glibc = "glibc"
	Musl  = "musl"
)

// Libc is the C library that programs of the distribution are linked with, by
// its dynamic loader, and its version where a file name tells it.
func (h Host) Libc() (name, loader string) {
	for _, l := range []struct{ pattern, name string }{
		{"/lib64/ld-linux-x86-64.so.2", Glibc},
		{"/lib/ld-linux-*.so.*", Glibc},
		{"/lib64/ld*.so.*", Glibc},
		{"/lib/*-linux-gnu*/ld-linux*.so.*", Glibc},
		{"/lib/ld-musl-*.so.1", Musl},
	} {
		matches, _ := filepath.Glob(filepath.Join(h.Path(filepath.Dir(filepath.Dir(l.pattern))),
			filepath.Base(filepath.Dir(l.pattern)), filepath.Base(l.pattern)))
		if len(matches) > 0 {
			return l.name, h.Show(matches[0])
		}
	}
	return "", ""
}
