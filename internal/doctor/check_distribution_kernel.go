package doctor

import (
	"context"
	"runtime"

	"github.com/vmgo/vmgo/internal/gover"
)

func kernelCheck() Check {
	return Check{
		ID: "distribution.kernel", Group: Distribution, Weight: 5,
		Title:  "whether the kernel is new enough for each installed release",
		Why:    "an older kernel lacks system calls that the runtime makes",
		Source: "/proc/sys/kernel/osrelease; go.dev/wiki/MinimumRequirements",
		Run:    runKernel,
	}
}

// minimumKernel is what a release needs: 3.2 since 1.24, 2.6.32 since 1.18,
// 2.6.23 before; some architectures came to Linux later.
func minimumKernel(v gover.Version, arch string) (major, minor int) {
	switch {
	case arch == "loong64":
		return 5, 19
	case arch == "ppc64" && v.Minor() >= 27:
		return 3, 13
	case arch == "mips64le":
		return 4, 8
	case v.Minor() >= 24:
		return 3, 2
	}
	return 2, 6
}

func runKernel(_ context.Context, m *Machine) Result {
	kernel := m.Kernel()
	versions := []gover.Version{}
	for _, rel := range m.Releases() {
		versions = append(versions, rel.Version)
	}
	if v := m.Selected(); !v.IsZero() {
		versions = append(versions, v)
	}
	if len(versions) == 0 {
		return skip("no release to check")
	}
	for _, v := range versions {
		major, minor := minimumKernel(v, runtime.GOARCH)
		enough, known := m.KernelAtLeast(major, minor)
		switch {
		case !known:
			return skip("the kernel's release %q cannot be read", kernel)
		case !enough:
			return fail("kernel %s is too old for Go %s", kernel, v).means("It needs Linux %d.%d.", major, minor).fixWith("vmgo use 1.23")
		}
	}
	if old, fixed := m.signalBug(); old {
		return warn("kernel %s with Go before 1.14.1: programs may crash at signals", kernel).at("https://go.dev/issue/35777", 0, "").fixWith("%s", fixed)
	}
	return ok("%s", kernel)
}

// signalBug: kernels 5.2 to 5.3.14 and 5.4.0, 5.4.1 corrupted vector registers
// when a signal came, which Go works around since 1.14.
func (m *Machine) signalBug() (bool, string) {
	v := m.Selected()
	from, _ := m.KernelAtLeast(5, 2)
	to, _ := m.KernelAtLeast(5, 4)
	return !v.IsZero() && v.Minor() < 14 && from && !to, "vmgo use stable"
}
