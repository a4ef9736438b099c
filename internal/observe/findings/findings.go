// Package findings says in words what hurts a service, worst first, each with what
// shows it. It decides by what was captured alone: no clock, no files.
package findings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/observe/exectrace"
	"github.com/vmgo/vmgo/internal/observe/journal"
	"github.com/vmgo/vmgo/internal/observe/proc"
	"github.com/vmgo/vmgo/internal/observe/profiles"
	"github.com/vmgo/vmgo/internal/ui"
)

// Finding is something that costs the service time or memory.
type Finding struct {
	ID       string     `json:"id"`
	Rank     int        `json:"rank"`    // 1 is the worst
	Summary  string     `json:"summary"` // one sentence
	Evidence []string   `json:"evidence"`
	Advice   string     `json:"advice,omitempty"`
	Value    float64    `json:"value"` // what is compared between two captures
	Unit     string     `json:"unit"`
	At       *time.Time `json:"at,omitempty"` // when it was worst
	score    float64
}

// Input is all that was captured. What is missing is nil or zero.
type Input struct {
	Unit          string
	Known         bool // the process is on this machine, so that snapshots are about it
	Window        time.Duration
	Before, After proc.Snapshot
	Trace         *exectrace.Trace
	CPU           *profiles.Profile
	HeapBefore    *profiles.Profile
	Heap          *profiles.Profile
	Mutex         *profiles.Profile // of the window alone
	Block         *profiles.Profile // of the window alone
	GoBefore      *profiles.Profile
	Goroutines    *profiles.Profile
	Leaks         *profiles.Profile
	Journal       []journal.Line
}

// top is how many places a finding names.
const top = 5

// Find returns what hurts, the worst first.
func Find(in Input) []Finding {
	all := []Finding{}
	in.Window = max(in.Window, time.Millisecond)
	for _, rule := range []func(Input) *Finding{
		throttled, collector, locks, syscalls, leak, heap, memoryLimit, stolen, runQueue, files, slowLines, errorLines,
	} {
		if f := rule(in); f != nil {
			all = append(all, *f)
		}
	}
	consequences(all)
	slices.SortFunc(all, func(a, b Finding) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.ID, b.ID)) })
	for i := range all {
		all[i].Rank = i + 1
	}
	return all
}

// consequences moves what follows from something else below it.
func consequences(all []Finding) {
	cause := slices.ContainsFunc(all, func(f Finding) bool { return f.ID == "throttled" || f.ID == "gc" || f.ID == "steal" })
	for i := range all {
		if cause && all[i].ID == "run-queue" {
			all[i].score = 30
			all[i].Evidence = append(all[i].Evidence, "it may follow from the findings above")
		}
	}
}

func throttled(in Input) *Finding {
	before, after := in.Before.Group, in.After.Group
	periods, hit := after.Periods-before.Periods, after.Throttled-before.Throttled
	lost := after.ThrottledTime - before.ThrottledTime
	const share, least = 0.05, 20 * time.Millisecond
	if !in.Known || periods <= 0 || float64(hit)/float64(periods) < share || lost < least {
		return nil
	}
	part := float64(hit) / float64(periods)
	f := &Finding{
		ID: "throttled", Value: lost.Seconds() * 1000 / in.Window.Seconds(), Unit: "ms throttled per second", score: 60 + 40*part,
		Summary: fmt.Sprintf("the CPU quota throttled the service for %s, in %d of %d periods", short(lost), hit, periods),
		Evidence: []string{
			fmt.Sprintf("cpu.stat of %s: nr_throttled +%d, throttled time +%s", after.Path, hit, short(lost)),
			fmt.Sprintf("it used %.2f CPUs", (in.After.CPU-in.Before.CPU).Seconds()/in.Window.Seconds()),
		},
		Advice: "raise the quota, or have the program use fewer Ps: vmgo harden service " + orName(in.Unit) + " --cpus N",
	}
	if after.Quota > 0 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("the quota is %.2f CPUs: %s", after.Quota, after.QuotaFrom))
	}
	if in.Trace != nil {
		f.Evidence = append(f.Evidence, fmt.Sprintf("GOMAXPROCS is %d", in.Trace.Procs))
	}
	return f
}

func orName(unit string) string {
	if unit == "" {
		return "NAME"
	}
	return strings.TrimSuffix(unit, ".service")
}

// collector compares the collector's part of the CPU time with what a program usually
// gives it: up to a quarter while it works.
func collector(in Input) *Finding {
	const most = 0.25
	var share, cpus float64
	var f Finding
	switch {
	case in.Trace != nil && in.Trace.Running > 0 && in.Trace.Nanos > 0:
		t := in.Trace
		share = float64(t.Collector) / float64(max(t.Running-t.Idle, 1))
		cpus = float64(t.Collector) / float64(t.Nanos)
		if in.Known { // in a trace, a thread that has no CPU runs on
			cpus = share * (in.After.CPU - in.Before.CPU).Seconds() / in.Window.Seconds()
		}
		f.Evidence = []string{
			fmt.Sprintf("%d collections in %s, %.2f CPUs for dedicated workers and assists, %.2f for workers on idle Ps", t.Cycles, short(time.Duration(t.Nanos)), cpus, float64(t.Idle)/float64(t.Nanos)),
			fmt.Sprintf("the world stood still for %s in all", short(time.Duration(t.Stopped))),
		}
		if n := len(t.Heap); n > 0 && len(t.Goal) > 0 {
			f.Evidence = append(f.Evidence, fmt.Sprintf("heap %s, the next collection ends at %s", ui.Bytes(t.Heap[n-1].Value), ui.Bytes(t.Goal[len(t.Goal)-1].Value)))
		}
	case in.CPU != nil:
		value := in.CPU.Index("cpu")
		with, all := in.CPU.With(value, "runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.bgsweep")
		share = float64(with) / float64(max(all, 1))
		cpus = float64(with) / 1e9 / in.Window.Seconds()
		f.Evidence = []string{fmt.Sprintf("CPU profile: %.0f %% below runtime.gcBgMarkWorker, gcAssistAlloc and bgsweep", share*100)}
	}
	if share < most || cpus < 0.05 {
		return nil
	}
	if p := in.After.Group; in.Known && p.MemoryLimit > 0 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("the control group has %s of %s: %s", ui.Bytes(p.Memory), ui.Bytes(p.MemoryLimit), p.MemoryFrom))
	}
	f.Evidence = append(f.Evidence, topFunctions("allocates", in.Heap, "alloc_space")...)
	f.ID, f.Value, f.Unit, f.score = "gc", share*100, "% of the CPU time", 50+50*min(share, 1)
	f.Summary = fmt.Sprintf("the garbage collector takes %.0f %% of the CPU time", share*100)
	f.Advice = "raise GOMEMLIMIT or GOGC if there is memory, or allocate less: see the flame graph of allocations"
	return &f
}

func topFunctions(verb string, p *profiles.Profile, value string) []string {
	if p == nil {
		return nil
	}
	i := p.Index(value)
	total := p.Total(i)
	var lines []string
	for _, f := range p.Functions(i) {
		if len(lines) == 3 || f.Self*20 < total || total == 0 {
			break
		}
		lines = append(lines, fmt.Sprintf("%s %s %.0f %%", f.Name, verb, float64(f.Self)*100/float64(total)))
	}
	return lines
}

func runQueue(in Input) *Finding {
	if in.Trace == nil || in.Trace.Nanos == 0 {
		return nil
	}
	d := &in.Trace.Delay
	const late, least = 10 * time.Millisecond, 0.5
	p99 := time.Duration(d.Quantile(0.99))
	waiting := float64(d.Sum) / float64(in.Trace.Nanos) // goroutines, on average
	if p99 < late || waiting < least {
		return nil
	}
	f := &Finding{
		ID: "run-queue", Value: float64(p99) / 1e6, Unit: "ms (99th percentile)", score: 40 + 40*min(waiting/4, 1),
		Summary: fmt.Sprintf("goroutines that were ready waited for a processor: 1 of 100 for %s or more", short(p99)),
		Evidence: []string{
			fmt.Sprintf("%d times, half below %s, the longest %s", d.Count, short(time.Duration(d.Quantile(0.5))), short(time.Duration(d.Longest))),
			fmt.Sprintf("%.1f goroutines waited on average, on %d Ps that were %.0f %% busy", waiting, in.Trace.Procs, float64(in.Trace.Running)*100/float64(in.Trace.Capacity())),
		},
	}
	if in.Known {
		f.Evidence = append(f.Evidence, fmt.Sprintf("threads of the process were ready and had no CPU for %s: other processes, or the quota", short(in.After.RunDelay-in.Before.RunDelay)))
	}
	return f
}

func stolen(in Input) *Finding {
	steal := in.After.Steal - in.Before.Steal
	all := in.Window * time.Duration(max(in.After.CPUs, 1))
	if !in.Known || float64(steal) < 0.1*float64(all) {
		return nil
	}
	return &Finding{
		ID: "steal", Value: float64(steal) * 100 / float64(all), Unit: "% of all CPUs", score: 50 + 40*min(float64(steal)/float64(all), 1),
		Summary:  fmt.Sprintf("the hypervisor gave %.0f %% of the CPU time of this machine to others", float64(steal)*100/float64(all)),
		Evidence: []string{fmt.Sprintf("/proc/stat: steal +%s on %d CPUs in %s", short(steal), in.After.CPUs, short(in.Window))},
		Advice:   "nothing within this machine helps: ask for another host or for dedicated CPUs",
	}
}

// short writes a duration with about three digits.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.String()
}
