package report

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/vmgo/vmgo/internal/observe/exectrace"
	"github.com/vmgo/vmgo/internal/observe/journal"
)

// lines puts log lines into the page: all of them, or the gravest, the slowest, and of
// the rest as many as fit, evenly.
func (d *timeData) lines(t Timeline, begin time.Time, n *names) {
	kept := thinLines(t.Journal, maxLines)
	if len(kept) < len(t.Journal) {
		d.Thinned = append(d.Thinned, counted(len(t.Journal)-len(kept), "log lines"))
	}
	end := begin.Add(time.Duration(d.Length) * time.Microsecond)
	for _, i := range kept {
		l := t.Journal[i]
		if l.Time.Before(begin) || l.Time.After(end) {
			continue
		}
		d.Lines = append(d.Lines, []any{
			l.Time.Sub(begin).Microseconds(), l.Priority, l.Message, l.TraceID, l.Place, fields(l.Fields, n), moment(t.Traces, i, l.Time, n),
		})
	}
}

func thinLines(all []journal.Line, most int) []int {
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	if len(all) <= most {
		return order
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(min(all[a].Priority, 5), min(all[b].Priority, 5)), cmp.Compare(all[b].Took(), all[a].Took()))
	})
	kept := slices.Clone(order[:most/2])
	rest := order[most/2:]
	slices.Sort(rest)
	for i := range most - most/2 {
		kept = append(kept, rest[i*len(rest)/(most-most/2)])
	}
	slices.Sort(kept)
	return kept
}

func fields(all map[string]string, n *names) [][2]any {
	out := [][2]any{}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		out = append(out, [2]any{n.of(key), all[key]})
	}
	return out
}

// moment is what the goroutines did at the time of the line with that number: each
// trace was read with all lines as marks. nil outside of the traces.
func moment(traces []*exectrace.Trace, i int, at time.Time, n *names) any {
	for _, t := range traces {
		if at.Before(t.Begin) || at.After(t.Wall(t.Nanos)) || i >= len(t.Moments) {
			continue
		}
		m := t.Moments[i]
		running := [][]any{}
		for _, r := range m.Running {
			running = append(running, []any{r.Proc, r.G, n.of(t.Names[r.Name])})
		}
		groups := [][]any{}
		for _, g := range m.Groups {
			groups = append(groups, []any{g.Count, n.of(g.State), n.of(g.Reason), n.of(t.Names[g.Name])})
		}
		return []any{running, groups, m.Others}
	}
	return nil
}

// counted returns "12 log lines" for a number and words that are a plural already.
func counted(n int, words string) string { return strconv.Itoa(n) + " " + words }
