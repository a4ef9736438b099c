package profiles

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

// FromPerf makes a CPU profile of what `perf script -F comm,ip,sym` prints: a line for
// each sample, the frames below it, innermost first, and an empty line.
func FromPerf(r io.Reader, hertz int, took time.Duration) (*Profile, error) {
	period := int64(time.Second) / int64(hertz)
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"}, Period: period, DurationNanos: took.Nanoseconds(),
	}
	locations := map[string]*profile.Location{}
	location := func(name string) *profile.Location {
		l := locations[name]
		if l == nil {
			f := &profile.Function{ID: uint64(len(p.Function) + 1), Name: name}
			l = &profile.Location{ID: uint64(len(p.Location) + 1), Line: []profile.Line{{Function: f}}}
			locations[name] = l
			p.Function, p.Location = append(p.Function, f), append(p.Location, l)
		}
		return l
	}
	var current *profile.Sample
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "":
			current = nil
		case current == nil:
			current = &profile.Sample{Value: []int64{1, period}}
			p.Sample = append(p.Sample, current)
		default:
			current.Location = append(current.Location, location(symbol(line)))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(p.Sample) == 0 {
		return nil, errors.New("perf took no samples")
	}
	return &Profile{p}, p.CheckValid()
}

// symbol is the name in "55d0c3 main.churn+0x12 (/usr/bin/app)".
func symbol(line string) string {
	_, name, found := strings.Cut(line, " ")
	if !found {
		return "[unknown]"
	}
	if i := strings.LastIndex(name, " ("); i > 0 {
		name = name[:i]
	}
	if i := strings.LastIndex(name, "+0x"); i > 0 {
		name = name[:i]
	}
	return strings.TrimSpace(name)
}
