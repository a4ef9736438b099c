package doctor

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/ui"
)

func sizingCheck() Check {
	return Check{
		ID: "machine.sizing", Group: MachineGroup, Weight: 6,
		Title:  "whether there is enough memory for the cores",
		Why:    "go build runs one compiler per core; with too little memory the kernel kills one of them",
		Source: "/proc/meminfo, cgroup limits, CPU affinity; measured: building std with two compilers peaks at 0.5 GB",
		Run:    runSizing,
	}
}

// Measured on amd64 with a cold build of the standard library: 504 MB with two
// compilers at once, below 384 MB with one. The race detector's shadow memory
// multiplies what a test needs by 5 to 10 (go.dev/doc/articles/race_detector).
const (
	oneCompiler = 384 << 20
	perCompiler = 256 << 20
)

func runSizing(_ context.Context, m *Machine) Result {
	cpus := m.CPUs()
	total := m.Memory().Total
	if cpus == 0 || total == 0 {
		return skip("/proc does not report cores and memory")
	}
	memory, limited := m.memoryLimit()
	if !limited || memory > total {
		memory = total
	}
	fit := max(1, int(math.Floor(float64(memory)/perCompiler)))
	head := fmt.Sprintf("%s, %s", ui.Count(cpus, "core"), size(memory))
	switch {
	case memory < oneCompiler:
		return fail("%s: not enough to build the standard library", head).
			means("One compiler at a time needs %s. Build elsewhere, or add memory or swap.", size(oneCompiler)).
			fixWith("GOMAXPROCS=1 go build -p=1 ./...")
	case fit < cpus && m.atOnce(cpus) <= fit:
		return info("%s: room for about %s at once, and go is configured for it", head, ui.Count(fit, "compiler"))
	case fit < cpus:
		return warn("%s: room for about %s at once", head, ui.Count(fit, "compiler")).
			means("Each needs about %s; go would start %d.", size(perCompiler), m.atOnce(cpus)).
			fixWith("%s", m.setGo("GOFLAGS", m.goflagsWith("-p="+itoa(fit))))
	case memory < 2<<30:
		return info("%s: enough for builds, tight for go test -race", head).
			means("The race detector multiplies a test's memory by 5 to 10.")
	}
	return ok("%s: enough for builds and for go test -race", head).
		means("Rule: %s per compiler, one compiler per core.", size(perCompiler))
}

// atOnce is how many compilers go starts: -p of GOFLAGS, or else GOMAXPROCS.
func (m *Machine) atOnce(cpus int) int {
	n := cpus
	if set, err := strconv.Atoi(m.Env["GOMAXPROCS"]); err == nil && set > 0 {
		n = set
	}
	words, _ := goenv.Flags(m.GoEnv("GOFLAGS").Value) // toolchain.goflags reports a bad one
	for _, word := range words {
		if p, err := strconv.Atoi(strings.TrimPrefix(strings.TrimLeft(word, "-"), "p=")); err == nil && p > 0 {
			n = p
		}
	}
	return n
}

// goflagsWith is GOFLAGS with another -p.
func (m *Machine) goflagsWith(p string) string {
	words := slices.DeleteFunc(strings.Fields(m.GoEnv("GOFLAGS").Value), func(word string) bool {
		return strings.HasPrefix(strings.TrimLeft(word, "-"), "p=")
	})
	return strings.Join(append(words, p), " ")
}

// memoryLimit is the tightest limit of the control groups above this process.
func (m *Machine) memoryLimit() (uint64, bool) {
	limit := math.Inf(1)
	for _, l := range m.MemoryLimits(m.Cgroup()) {
		limit = math.Min(limit, l.Value)
	}
	if math.IsInf(limit, 1) {
		return 0, false
	}
	return uint64(limit), true
}
