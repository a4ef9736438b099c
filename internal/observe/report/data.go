// Package report makes the page: one file that needs nothing else, findings first.
package report

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/vmgo/vmgo/internal/observe/capture"
	"github.com/vmgo/vmgo/internal/observe/exectrace"
	"github.com/vmgo/vmgo/internal/observe/journal"
	"github.com/vmgo/vmgo/internal/observe/profiles"
)

// Flame is a profile to be drawn.
type Flame struct {
	ID, Title string
	Profile   *profiles.Profile
	Value     string // the kind of value that is drawn
}

// Timeline is what is drawn over time.
type Timeline struct {
	Began, Ended time.Time
	Traces       []*exectrace.Trace // in order, not overlapping
	Journal      []journal.Line     // in order, as each trace got them as marks
	Throttle     []capture.Throttle
}

// Limits of what is in a page: 3 MB for some seconds of a busy server.
const (
	maxCells   = 24_000
	maxLong    = 24_000
	maxTasks   = 4000
	maxRegions = 4000
	maxRanges  = 6000
	maxLines   = 4000
	maxRows    = 40 // of the table beside a flame graph
)

// names gives each text a number once.
type names struct {
	List  []string
	index map[string]int
}

func (n *names) of(text string) int {
	if n.index == nil {
		n.index = map[string]int{}
	}
	i, ok := n.index[text]
	if !ok {
		i = len(n.List)
		n.index[text] = i
		n.List = append(n.List, text)
	}
	return i
}

// flameData is a profile in the page: a node is [name, value, child...].
type flameData struct {
	ID    string   `json:"id"`
	Title string   `json:"title"`
	Unit  string   `json:"unit"`
	Total int64    `json:"total"`
	Tree  any      `json:"tree"`
	Rows  [][3]any `json:"rows"` // name, self, all
}

func flames(all []Flame, n *names) []flameData {
	out := []flameData{}
	for _, f := range all {
		if f.Profile == nil {
			continue
		}
		i := f.Profile.Index(f.Value)
		tree := f.Profile.Tree(i)
		if len(tree.Children) == 0 {
			continue
		}
		d := flameData{ID: f.ID, Title: f.Title, Unit: f.Profile.Values()[i].Unit, Total: tree.Value, Tree: node(tree, n), Rows: [][3]any{}}
		for _, row := range f.Profile.Functions(i) {
			if len(d.Rows) == maxRows || row.Self == 0 && row.All == 0 {
				break
			}
			d.Rows = append(d.Rows, [3]any{n.of(row.Name), row.Self, row.All})
		}
		out = append(out, d)
	}
	return out
}

func node(t *profiles.Node, n *names) []any {
	out := []any{n.of(t.Name), t.Value}
	for _, c := range t.Children {
		out = append(out, node(c, n))
	}
	return out
}

// timeData is the timeline in the page. Times are µs since Zero.
type timeData struct {
	Zero     int64    `json:"zero"` // µs since 1970
	Length   int64    `json:"length"`
	Procs    int      `json:"procs"`
	Long     [][]any  `json:"long"`   // at, for, proc, name, goroutine, system call
	Cells    [][]any  `json:"cells"`  // at, for, proc, name, percent of the time busy
	Ranges   [][]any  `json:"ranges"` // at, for, name
	States   [][]any  `json:"states"` // at, running, runnable, waiting, in a system call
	Heap     [][]any  `json:"heap"`
	Goal     [][]any  `json:"goal"`
	Throttle [][]any  `json:"throttle"` // at, ms throttled since the sample before
	Tasks    [][]any  `json:"tasks"`    // at, for, type, TRACE_ID
	Regions  [][]any  `json:"regions"`  // at, for, type, goroutine
	Lines    [][]any  `json:"lines"`    // at, priority, message, TRACE_ID, place, fields, moment
	Thinned  []string `json:"thinned"`
}

func (t Timeline) data(n *names) timeData {
	begin := t.Began
	if len(t.Traces) > 0 && t.Traces[0].Begin.Before(begin) {
		begin = t.Traces[0].Begin
	}
	d := timeData{Zero: begin.UnixMicro(), Length: max(t.Ended.Sub(begin).Microseconds(), 1)}
	for _, x := range t.Traces {
		d.Length = max(d.Length, x.Wall(x.Nanos).Sub(begin).Microseconds())
	}
	for _, x := range t.Traces {
		d.trace(x, x.Begin.Sub(begin).Nanoseconds(), n)
	}
	d.thinTasks(t.Journal)
	d.throttle(t.Throttle, begin)
	d.lines(t, begin, n)
	return d
}

func (d *timeData) trace(t *exectrace.Trace, offset int64, n *names) {
	d.Procs = max(d.Procs, t.Procs)
	us := func(at int64) int64 { return (at + offset) / 1000 }
	d.slices(t, offset, n)
	for i, s := range t.States {
		at := us(t.Nanos * int64(i+1) / int64(len(t.States)))
		d.States = append(d.States, []any{at, s.Running, s.Runnable, s.Waiting, s.Syscall})
	}
	for _, r := range thinRanges(t.Ranges) {
		d.Ranges = append(d.Ranges, []any{us(r.At), r.For / 1000, n.of(r.Name)})
	}
	if len(t.Ranges) > maxRanges {
		d.Thinned = append(d.Thinned, counted(len(t.Ranges)-maxRanges, "shortest ranges of the collector"))
	}
	for _, s := range every(t.Heap, 2000) {
		d.Heap = append(d.Heap, []any{us(s.At), s.Value})
	}
	for _, s := range every(t.Goal, 500) {
		d.Goal = append(d.Goal, []any{us(s.At), s.Value})
	}
	for _, task := range t.Tasks {
		d.Tasks = append(d.Tasks, []any{us(task.At), task.For / 1000, n.of(task.Type), task.TraceID})
	}
	regions := slices.Clone(t.Regions)
	slices.SortFunc(regions, func(a, b exectrace.Region) int { return cmp.Compare(b.For, a.For) })
	if len(regions) > maxRegions {
		d.Thinned = append(d.Thinned, counted(len(regions)-maxRegions, "shortest regions"))
		regions = regions[:maxRegions]
	}
	for _, r := range regions {
		d.Regions = append(d.Regions, []any{us(r.At), r.For / 1000, n.of(r.Type), r.G})
	}
	if t.Dropped.Slices > 0 {
		d.Thinned = append(d.Thinned, counted(t.Dropped.Slices, "runs of goroutines shorter than "+time.Duration(t.Dropped.Shorter).String()))
	}
	if n := t.Dropped.Tasks + t.Dropped.Regions; n > 0 {
		d.Thinned = append(d.Thinned, counted(n, "tasks and regions at the end"))
	}
}

func thinRanges(all []exectrace.Range) []exectrace.Range {
	if len(all) <= maxRanges {
		return all
	}
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b exectrace.Range) int { return cmp.Compare(b.For, a.For) })
	return all[:maxRanges]
}

// every thins samples evenly.
func every(all []exectrace.Sample, most int) []exectrace.Sample {
	if len(all) <= most {
		return all
	}
	var out []exectrace.Sample
	for i := range most {
		out = append(out, all[i*len(all)/most])
	}
	return out
}

// cell is a piece of time on a P in which many short runs lie.
type cell struct {
	busy int64
	by   map[int32]int64
}

// slices divides what ran into runs long enough to be drawn alone, and cells that tell
// how busy a P was with what.
func (d *timeData) slices(t *exectrace.Trace, offset int64, n *names) {
	procs := max(t.Procs, 1)
	step := max(t.Nanos/int64(max(maxCells/procs, 1)), 1000)
	shortest := step
	for count := maxLong + 1; count > maxLong; {
		count = 0
		for _, s := range t.Slices {
			if s.For >= shortest {
				count++
			}
		}
		if count > maxLong {
			shortest *= 2
		}
	}
	cells := map[[2]int64]*cell{}
	for _, s := range t.Slices {
		if s.For >= shortest {
			d.Long = append(d.Long, []any{(s.At + offset) / 1000, s.For / 1000, s.Proc, n.of(t.Names[s.Name]), s.G, s.Syscall})
			continue
		}
		key := [2]int64{int64(s.Proc), s.At / step}
		c := cells[key]
		if c == nil {
			c = &cell{by: map[int32]int64{}}
			cells[key] = c
		}
		c.busy += s.For
		c.by[s.Name] += s.For
	}
	for _, key := range slices.SortedFunc(maps.Keys(cells), func(a, b [2]int64) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	}) {
		c := cells[key]
		most := slices.MaxFunc(slices.Sorted(maps.Keys(c.by)), func(a, b int32) int { return cmp.Compare(c.by[a], c.by[b]) })
		d.Cells = append(d.Cells, []any{(key[1]*step + offset) / 1000, step / 1000, key[0], n.of(t.Names[most]), min(c.busy*100/step, 100)})
	}
	if len(cells) > 0 {
		d.Thinned = append(d.Thinned, "runs of goroutines shorter than "+time.Duration(shortest).String()+" are drawn together; trace.json.gz has them one by one")
	}
}

// thinTasks keeps those that a grave or slow log line is about, then the longest.
func (d *timeData) thinTasks(lines []journal.Line) {
	if len(d.Tasks) <= maxTasks {
		return
	}
	logged := map[string]bool{}
	for _, l := range lines {
		if l.TraceID != "" {
			logged[l.TraceID] = logged[l.TraceID] || l.Priority <= 4 || l.Took() > 100*time.Millisecond
		}
	}
	slices.SortStableFunc(d.Tasks, func(a, b []any) int {
		x, y := logged[a[3].(string)], logged[b[3].(string)]
		if x != y {
			if x {
				return -1
			}
			return 1
		}
		return cmp.Compare(b[1].(int64), a[1].(int64))
	})
	d.Thinned = append(d.Thinned, counted(len(d.Tasks)-maxTasks, "shortest tasks"))
	d.Tasks = d.Tasks[:maxTasks]
}

func (d *timeData) throttle(all []capture.Throttle, begin time.Time) {
	for i := 1; i < len(all); i++ {
		if more := all[i].Sum - all[i-1].Sum; more > 0 {
			d.Throttle = append(d.Throttle, []any{all[i-1].At.Sub(begin).Microseconds(), all[i].At.Sub(all[i-1].At).Microseconds(), float64(more) / 1e6})
		}
	}
}
