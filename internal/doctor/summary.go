package doctor

import (
	"runtime"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/ui"
)

// Summary is the machine in a few words.
type Summary struct {
	OS        string `json:"os"`
	Kernel    string `json:"kernel"`
	Arch      string `json:"arch"`
	VM        string `json:"vm"`        // empty on bare metal
	Container string `json:"container"` // empty outside
	CPUs      int    `json:"cpus"`
	Memory    uint64 `json:"memory_bytes"`
	Cgroup    string `json:"cgroup"`
	Libc      string `json:"libc"`
	Init      string `json:"init"`
	Go        string `json:"go"` // the selected release, if any
}

// unknownMachine is what is said of a machine that does not answer, as when its
// files lie on a server that is gone.
func unknownMachine() Summary {
	return Summary{OS: "unknown system", Arch: runtime.GOARCH, VM: "unknown machine", Cgroup: "unknown"}
}

// Summary collects it.
func (m *Machine) Summary() Summary {
	v := m.Virt()
	libc, _ := m.Libc()
	cpus := m.CPUs()
	if cpus == 0 {
		cpus = m.OnlineCPUs()
	}
	return Summary{
		OS: diag.Line(m.OSRelease().Pretty), Kernel: m.Kernel(), Arch: runtime.GOARCH,
		VM: v.VM, Container: v.Container, CPUs: cpus, Memory: m.Memory().Total,
		Cgroup: m.Cgroup().Mode, Libc: libc, Init: m.Text("/proc/1/comm"), Go: m.Selected().String(),
	}
}

// String is one line for the head of the report.
func (s Summary) String() string {
	where := "bare metal"
	if s.VM != "" {
		where = s.VM
	}
	if s.Container != "" {
		where = s.Container + " on " + where
	}
	var parts []string
	add := func(known bool, text string) {
		if known {
			parts = append(parts, text)
		}
	}
	add(s.OS != "", s.OS)
	add(true, where)
	add(s.CPUs > 0, ui.Count(s.CPUs, "CPU"))
	add(s.Memory > 0, size(s.Memory))
	add(s.Kernel != "", "kernel "+s.Kernel)
	add(true, "cgroup "+s.Cgroup)
	return strings.Join(parts, " · ")
}
