// Package profiles reads, subtracts and sums up profiles in pprof's format. It alone
// imports google/pprof.
package profiles

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// Profile is a profile in pprof's format.
type Profile struct{ p *profile.Profile }

// Parse reads a profile, compressed or not.
func Parse(data []byte) (*Profile, error) {
	p, err := profile.ParseData(data)
	if err != nil {
		return nil, fmt.Errorf("reading a profile: %w", err)
	}
	return &Profile{p}, nil
}

// Bytes returns the profile as a compressed file.
func (p *Profile) Bytes() ([]byte, error) {
	var buf bytes.Buffer
	if err := p.p.Write(&buf); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// Minus returns after less before: what happened in between. Both must be of one kind.
func Minus(after, before *Profile, scale float64) (*Profile, error) {
	negative := before.p.Copy()
	negative.Scale(-scale)
	merged, err := profile.Merge([]*profile.Profile{after.p, negative})
	if err != nil {
		return nil, fmt.Errorf("subtracting profiles: %w", err)
	}
	merged.TimeNanos, merged.DurationNanos = after.p.TimeNanos, after.p.DurationNanos
	return &Profile{merged}, nil
}

// Value is a kind of value that samples have.
type Value struct{ Type, Unit string }

// Values lists the kinds of values.
func (p *Profile) Values() []Value {
	var all []Value
	for _, t := range p.p.SampleType {
		all = append(all, Value{t.Type, t.Unit})
	}
	return all
}

// Index returns the place of a kind of value, the last where there is none of that type.
func (p *Profile) Index(kind string) int {
	for i, t := range p.p.SampleType {
		if t.Type == kind {
			return i
		}
	}
	return len(p.p.SampleType) - 1
}

// Total sums one kind of value.
func (p *Profile) Total(value int) int64 {
	var sum int64
	for _, s := range p.p.Sample {
		sum += s.Value[value]
	}
	return sum
}

// Seconds returns how long the profile was taken for, 0 if it does not tell.
func (p *Profile) Seconds() float64 { return float64(p.p.DurationNanos) / 1e9 }

// Labelled sums one kind of value by the values of a label.
func (p *Profile) Labelled(label string, value int) map[string]int64 {
	all := map[string]int64{}
	for _, s := range p.p.Sample {
		for _, text := range s.Label[label] {
			all[text] += s.Value[value]
		}
	}
	return all
}

// With sums one kind of value where one of the functions, by the beginnings of their
// names, is on the stack, and in all.
func (p *Profile) With(value int, functions ...string) (with, all int64) {
	for _, s := range p.p.Sample {
		all += s.Value[value]
		if slices.ContainsFunc(stack(s), func(f string) bool {
			return slices.ContainsFunc(functions, func(prefix string) bool { return strings.HasPrefix(f, prefix) })
		}) {
			with += s.Value[value]
		}
	}
	return with, all
}

// stack lists the functions of a sample, innermost first, inlined ones included.
func stack(s *profile.Sample) []string {
	var all []string
	for _, l := range s.Location {
		if len(l.Line) == 0 {
			all = append(all, fmt.Sprintf("0x%x", l.Address))
		}
		for _, line := range l.Line {
			if line.Function != nil {
				all = append(all, line.Function.Name)
			}
		}
	}
	return all
}

// Stack is samples of one stack.
type Stack struct {
	Functions []string // innermost first
	Place     string   // file:line of the innermost
	Value     int64
}

// Stacks lists stacks by one kind of value, the largest first, those of value 0 left out.
func (p *Profile) Stacks(value int) []Stack {
	byKey := map[string]*Stack{}
	for _, s := range p.p.Sample {
		functions := stack(s)
		key := strings.Join(functions, "\x00")
		if byKey[key] == nil {
			byKey[key] = &Stack{Functions: functions, Place: place(s)}
		}
		byKey[key].Value += s.Value[value]
	}
	all := make([]Stack, 0, len(byKey))
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		if s := byKey[key]; s.Value != 0 {
			all = append(all, *s)
		}
	}
	slices.SortStableFunc(all, func(a, b Stack) int { return cmp.Compare(b.Value, a.Value) })
	return all
}

func place(s *profile.Sample) string {
	for _, l := range s.Location {
		for _, line := range l.Line {
			if line.Function != nil && !strings.HasPrefix(line.Function.Name, "runtime.") && !strings.HasPrefix(line.Function.Name, "sync.") {
				return fmt.Sprintf("%s:%d", line.Function.Filename, line.Line)
			}
		}
	}
	return ""
}

// Function is a function's part of a profile.
type Function struct {
	Name string
	Self int64 // in the function itself
	All  int64 // and in what it calls
}

// Functions lists functions by their own value, the largest first.
func (p *Profile) Functions(value int) []Function {
	byName := map[string]*Function{}
	get := func(name string) *Function {
		if byName[name] == nil {
			byName[name] = &Function{Name: name}
		}
		return byName[name]
	}
	for _, s := range p.p.Sample {
		functions := stack(s)
		if len(functions) == 0 {
			continue
		}
		get(functions[0]).Self += s.Value[value]
		slices.Sort(functions)
		for _, name := range slices.Compact(functions) {
			get(name).All += s.Value[value]
		}
	}
	all := make([]Function, 0, len(byName))
	for _, f := range byName {
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b Function) int {
		return cmp.Or(cmp.Compare(b.Self, a.Self), cmp.Compare(b.All, a.All), strings.Compare(a.Name, b.Name))
	})
	return all
}
