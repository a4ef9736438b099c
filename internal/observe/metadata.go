package observe

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/observe/capture"
	"github.com/vmgo/vmgo/internal/observe/proc"
	"github.com/vmgo/vmgo/internal/observe/target"
	"github.com/vmgo/vmgo/internal/redact"
	"github.com/vmgo/vmgo/internal/ui"
)

// metadataFormat is the number of the format of metadata.json.
const metadataFormat = 1

// Metadata is metadata.json: what was captured, of what, when.
type Metadata struct {
	Format      int           `json:"format"`
	Target      target.Target `json:"target"`
	CommandLine string        `json:"command_line,omitempty"`
	Began       time.Time     `json:"began"`
	Ended       time.Time     `json:"ended"`
	Seconds     float64       `json:"seconds"`
	Interrupted bool          `json:"interrupted"`
	Machine     Machine       `json:"machine"`
	Before      proc.Snapshot `json:"before"`
	After       proc.Snapshot `json:"after"`
	Overhead    Overhead      `json:"overhead"`
	Clock       string        `json:"clock"`
	Journal     int           `json:"journal_lines"`
	Events      int           `json:"trace_events"`
	Notes       []string      `json:"notes"`
}

// Machine is where it ran.
type Machine struct {
	Name   string `json:"name"`
	Kernel string `json:"kernel"`
	CPUs   int    `json:"cpus"`
}

// Overhead is what the capture cost the program, as it was measured.
type Overhead struct {
	CPUsBefore float64 `json:"cpus_before"` // that the program used in the second before
	CPUsDuring float64 `json:"cpus_during"`
	Samples    int64   `json:"cpu_samples"`
	Own        int64   `json:"cpu_samples_of_profilers"` // those in profiler and tracer
}

// String says it in one sentence.
func (o Overhead) String() string {
	return fmt.Sprintf("the program used %.2f CPUs in the second before and %.2f during the capture; %d of %d CPU samples are the profiler's and the tracer's own",
		o.CPUsBefore, o.CPUsDuring, o.Own, o.Samples)
}

func newMetadata(h host.Host, c *capture.Capture, r redact.Redactor) Metadata {
	m := Metadata{
		Format: metadataFormat, Target: c.Target, Began: c.Began.UTC(), Ended: c.Ended.UTC(), Seconds: c.Ended.Sub(c.Began).Seconds(), Interrupted: c.Cut,
		Machine: Machine{Name: h.Text("/proc/sys/kernel/hostname"), Kernel: h.Text("/proc/sys/kernel/osrelease"), CPUs: c.After.CPUs},
		Before:  c.Before, After: c.After, Notes: []string{},
		Overhead: Overhead{CPUsBefore: rate(c.Quiet[0], c.Quiet[1]), CPUsDuring: rate(c.Before, c.After)},
	}
	if c.Target.PID != 0 {
		line := strings.ReplaceAll(h.Text("/proc/"+strconv.Itoa(c.Target.PID)+"/cmdline"), "\x00", " ")
		m.CommandLine = r.Text(strings.TrimSpace(line))
	}
	for _, note := range c.Notes {
		m.Notes = append(m.Notes, r.Text(note))
	}
	if c.Target.Endpoint == nil {
		m.Notes = append(m.Notes, "the program serves no profiles, so this is less: no execution trace, no heap, locks or goroutines. Add them: vmgo observe init")
		m.Notes = append(m.Notes, c.Target.Tried...)
	}
	return m
}

func rate(a, b proc.Snapshot) float64 {
	d := b.Time.Sub(a.Time).Seconds()
	if d <= 0 {
		return 0
	}
	return (b.CPU - a.CPU).Seconds() / d
}

// facts are the rows of the page's last table.
func (m Metadata) facts() [][2]string {
	endpoint := "none"
	if e := m.Target.Endpoint; e != nil {
		endpoint = e.Network + " " + e.Address
	}
	rows := [][2]string{
		{"process", strings.TrimSpace(fmt.Sprintf("%s %d %s", m.Target.Unit, m.Target.PID, m.CommandLine))},
		{"profiles from", endpoint},
		{"machine", fmt.Sprintf("%s, %d CPUs, Linux %s", m.Machine.Name, m.Machine.CPUs, m.Machine.Kernel)},
		{"window", fmt.Sprintf("%s to %s, %.1f s", m.Began.Format(time.RFC3339Nano), m.Ended.Format("15:04:05.000"), m.Seconds)},
		{"clock", m.Clock},
		{"overhead", m.Overhead.String()},
	}
	if m.Target.PID == 0 {
		return rows
	}
	memory := ui.Bytes(m.After.RSS) + " resident, " + ui.Bytes(m.Before.RSS) + " before"
	if g := m.After.Group; g.MemoryLimit > 0 {
		memory += fmt.Sprintf("; control group %s of %s", ui.Bytes(g.Memory), ui.Bytes(g.MemoryLimit))
	}
	group := "cgroup " + m.After.Group.Mode + " " + m.After.Group.Path
	if m.After.Group.Quota > 0 {
		group += fmt.Sprintf(", quota %.2f CPUs", m.After.Group.Quota)
	}
	files := strconv.Itoa(m.After.OpenFiles)
	if m.After.MaxFiles > 0 {
		files += fmt.Sprintf(" of %d", m.After.MaxFiles)
	}
	rows = append(rows, [2]string{"memory", memory}, [2]string{"limits", group}, [2]string{"open files", files},
		[2]string{"threads", strconv.Itoa(m.After.Threads)},
		[2]string{"waited for a CPU", (m.After.RunDelay - m.Before.RunDelay).String() + ", all threads together"},
		[2]string{"load", m.After.LoadAvg})
	for _, what := range []string{"cpu", "memory", "io"} {
		if text := m.After.Pressure[what]; text != "" {
			rows = append(rows, [2]string{"pressure " + what, strings.ReplaceAll(text, "\n", "; ")})
		}
	}
	return rows
}
