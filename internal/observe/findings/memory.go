package findings

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/vmgo/vmgo/internal/observe/journal"
	"github.com/vmgo/vmgo/internal/observe/profiles"
	"github.com/vmgo/vmgo/internal/ui"
)

// heap compares what was live at the last collections before and after.
func heap(in Input) *Finding {
	if in.Heap == nil || in.HeapBefore == nil {
		return nil
	}
	const least, part = 4 << 20, 0.2
	value := in.Heap.Index("inuse_space")
	before, after := in.HeapBefore.Total(value), in.Heap.Total(value)
	grown := after - before
	if grown < least || float64(grown) < part*float64(before) {
		return nil
	}
	f := &Finding{
		ID: "heap-growth", Value: float64(grown) / in.Window.Seconds(), Unit: "bytes per second", score: 45 + 40*min(float64(grown)/float64(max(before, 1)), 1),
		Summary:  fmt.Sprintf("the live heap grew by %s in %s", ui.Bytes(grown), short(in.Window)),
		Evidence: []string{fmt.Sprintf("%s live at the beginning, %s at the end", ui.Bytes(before), ui.Bytes(after))},
		Advice:   "a second capture later tells growth from a cache that fills: vmgo observe diff A B",
	}
	if diff, err := profiles.Minus(in.Heap, in.HeapBefore, 1); err == nil {
		for i, s := range diff.Stacks(value) {
			if i == top || s.Value < 1<<20 {
				break
			}
			f.Evidence = append(f.Evidence, fmt.Sprintf("%s more by %s: %s", ui.Bytes(s.Value), author(s.Functions), s.Place))
		}
	}
	return f
}

// memoryLimit tells what the kernel did because the group reached its limit.
func memoryLimit(in Input) *Finding {
	var evidence []string
	score := 0.0
	var value int64
	for _, event := range []struct {
		name, meaning string
		score         float64
	}{{"oom_kill", "processes of the group were killed", 98}, {"max", "the group was at its limit and memory was reclaimed", 70}, {"high", "the kernel slowed the group down", 75}} {
		if n := in.After.Group.MemoryEvents[event.name] - in.Before.Group.MemoryEvents[event.name]; in.Known && n > 0 {
			evidence = append(evidence, fmt.Sprintf("memory.events: %s +%d: %s", event.name, n, event.meaning))
			score, value = max(score, event.score), value+n
		}
	}
	if len(evidence) == 0 {
		return nil
	}
	g := in.After.Group
	return &Finding{
		ID: "memory-limit", Value: float64(value), Unit: "events", score: score, Summary: "the service runs into its memory limit",
		Evidence: append(evidence, fmt.Sprintf("%s in use, the limit is %s: %s", ui.Bytes(g.Memory), ui.Bytes(g.MemoryLimit), g.MemoryFrom)),
		Advice:   "set GOMEMLIMIT below the limit, which the Go runtime does not read: vmgo harden service " + orName(in.Unit) + " --memory SIZE",
	}
}

func files(in Input) *Finding {
	used, most := in.After.OpenFiles, in.After.MaxFiles
	if !in.Known || most <= 0 || float64(used) < 0.8*float64(most) {
		return nil
	}
	return &Finding{
		ID: "open-files", Value: float64(used), Unit: "open files", score: 80,
		Summary:  fmt.Sprintf("%d files are open, and the limit is %d", used, most),
		Evidence: []string{"/proc/PID/limits: Max open files", fmt.Sprintf("%d at the beginning", in.Before.OpenFiles)},
	}
}

// slowLines finds entries about work that took far longer than most.
func slowLines(in Input) *Finding {
	var took []time.Duration
	for _, l := range in.Journal {
		if d := l.Took(); d > 0 {
			took = append(took, d)
		}
	}
	if len(took) == 0 {
		return nil
	}
	slices.Sort(took)
	const least, times = 200 * time.Millisecond, 10
	limit := max(least, times*took[len(took)/2])
	var slow []journal.Line
	for _, l := range in.Journal {
		if l.Took() >= limit {
			slow = append(slow, l)
		}
	}
	if len(slow) == 0 {
		return nil
	}
	slices.SortStableFunc(slow, func(a, b journal.Line) int { return cmp.Compare(b.Took(), a.Took()) })
	f := &Finding{
		ID: "slow-lines", Value: slow[0].Took().Seconds(), Unit: "s (longest)", score: 35, At: &slow[0].Time,
		Summary: fmt.Sprintf("%d log lines are about work that took %s or more, where half took below %s", len(slow), short(limit), short(took[len(took)/2])),
	}
	for _, l := range slow[:min(len(slow), top)] {
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s %s took %s %s", l.Time.UTC().Format("15:04:05.000"), l.Message, short(l.Took()), l.TraceID))
	}
	return f
}

func errorLines(in Input) *Finding {
	const worst = 3 // syslog's "error"
	var lines []journal.Line
	for _, l := range in.Journal {
		if l.Priority <= worst {
			lines = append(lines, l)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	f := &Finding{
		ID: "error-lines", Value: float64(len(lines)), Unit: "lines", score: 33, At: &lines[0].Time,
		Summary: fmt.Sprintf("%d of %d log lines are errors", len(lines), len(in.Journal)),
	}
	for _, l := range lines[:min(len(lines), top)] {
		f.Evidence = append(f.Evidence, l.Time.UTC().Format("15:04:05.000")+" "+l.Message)
	}
	return f
}
