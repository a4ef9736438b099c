package doctor

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/ui"
)

// usualColumns is the width of prose that is no terminal's.
const usualColumns = 96

// sheet is the text of a report for a terminal, while it is written.
type sheet struct {
	strings.Builder
	ui.Palette
	columns int    // of the terminal; 0 if there is none
	indent  string // of what stands below a summary
}

func newSheet(p ui.Palette, columns int) *sheet {
	indent := strings.Repeat(" ", 19)
	if columns > 0 && columns < 60 {
		indent = "    "
	}
	return &sheet{Palette: p, columns: columns, indent: indent}
}

// Print writes a report for a terminal of so many columns, 0 for none: a heading per group,
// and its findings. detailed shows every check with its evidence, for a run of a few that
// were named; otherwise checks that are ok or skipped are only counted.
func (r Report) Print(w io.Writer, p ui.Palette, columns int, detailed bool) error {
	out := newSheet(p, columns)
	out.WriteString(ui.Fill(p.Bold("vmgo doctor")+"  ", strings.Repeat(" ", 13), p.Dim(r.Summary.String()), columns))
	for _, group := range Groups() {
		var outcomes []Outcome
		for _, o := range r.Heads() {
			if o.Check.Group == group && (detailed || o.Status != OK && o.Status != Skip) {
				outcomes = append(outcomes, o)
			}
		}
		if len(outcomes) > 0 {
			r.writeGroup(out, group, outcomes, detailed)
		}
	}
	r.writeEnd(out)
	_, err := io.WriteString(w, out.String())
	return err
}

func (r Report) writeGroup(out *sheet, group Group, outcomes []Outcome, detailed bool) {
	fmt.Fprintf(out, "\n%s\n", out.Bold(strings.ToUpper(string(group[:1]))+string(group[1:])))
	for _, o := range outcomes {
		name := pad(strings.TrimPrefix(o.Check.ID, string(group)+"."), 14)
		summary := o.Summary
		if o.Status == Skip {
			name, summary = out.Dim(name), out.Dim(summary)
		}
		if r.isNew(o.Check.ID) {
			summary += "  " + out.Bold("(new)")
		}
		out.WriteString(ui.Fill("  "+mark(out.Palette, o.Status)+" "+name+" ", out.indent, summary, out.columns))
		if detailed || o.Bad() {
			out.details(o)
		}
		for _, c := range r.Consequences(o.Check.ID) {
			out.prose("hence " + c.Check.ID + ": " + c.Summary)
		}
	}
}

func (out *sheet) details(o Outcome) {
	for i, e := range o.Evidence {
		if i == 12 && len(o.Evidence) > 14 {
			fmt.Fprintf(out, "%s%s\n", out.indent, out.Dim(fmt.Sprintf("… and %d more (--json has them)", len(o.Evidence)-i)))
			break
		}
		out.WriteString(ui.Fill(out.indent, out.indent, out.Dim(e.String()), out.columns))
	}
	if o.Detail != "" {
		out.prose(o.Detail)
	}
	if !o.Bad() {
		return
	}
	out.prose("why: " + o.Check.Why)
	for line := range strings.Lines(o.Fix) { // never broken: it is to be pasted
		fmt.Fprintf(out, "%s%s %s\n", out.indent, out.Cyan("fix:"), strings.TrimSuffix(line, "\n"))
	}
}

// prose writes text below a summary, broken into lines.
func (out *sheet) prose(text string) {
	out.WriteString(ui.Fill(out.indent, out.indent, text, cmp.Or(out.columns, usualColumns)))
}

// pad fills up to a width in runes; ids are ASCII.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-len(s)))
}

func mark(p ui.Palette, s Status) string {
	switch s {
	case OK:
		return p.Green("✓")
	case Info:
		return p.Cyan("i")
	case Warn:
		return p.Yellow("!")
	case Fail:
		return p.Red("✗")
	}
	return p.Dim("–")
}

func (r Report) writeEnd(out *sheet) {
	p := out.Palette
	out.WriteString("\n" + r.counts(p) + "\n")
	if text := r.Changed.String(); text != "" {
		out.WriteString(ui.Fill("", "", p.Dim(text), out.columns))
	}
	best := r.Fixes(3)
	if len(best) == 0 {
		return
	}
	out.WriteString("\n" + p.Bold("What helps most") + "\n")
	fixable := 0
	for i, o := range best {
		out.WriteString(ui.Fill(fmt.Sprintf("  %d. ", i+1), "     ", o.Check.ID+": "+o.Summary, out.columns))
		for line := range strings.Lines(o.Fix) {
			fmt.Fprintf(out, "     %s\n", p.Cyan(strings.TrimSuffix(line, "\n")))
		}
	}
	for _, o := range r.Outcomes {
		if len(o.Edits) > 0 {
			fixable++
		}
	}
	if fixable > 0 {
		fmt.Fprintf(out, "\n%s can be fixed automatically: %s\n", ui.Count(fixable, "finding"), p.Cyan("vmgo doctor --fix"))
	}
}

// Since returns the report without the findings that an earlier one has, by id, at the
// same grade or a worse one.
func (r Report) Since(earlier Document) Report {
	known := statuses{}
	for _, check := range earlier.Checks {
		known[currentID(check.ID)] = check.Status
	}
	r.Outcomes = slices.DeleteFunc(slices.Clone(r.Outcomes), known.knows)
	return r
}

func (r Report) counts(p ui.Palette) string {
	var parts []string
	if n := r.Count(OK); n > 0 {
		parts = append(parts, p.Green(fmt.Sprintf("%d ok", n)))
	}
	if n := r.Count(Info); n > 0 {
		parts = append(parts, p.Cyan(fmt.Sprintf("%d for information", n)))
	}
	if n := r.Count(Warn); n > 0 {
		parts = append(parts, p.Yellow(ui.Count(n, "warning")))
	}
	if n := r.Count(Fail); n > 0 {
		parts = append(parts, p.Red(ui.Count(n, "failure")))
	}
	if n := r.Count(Skip); n > 0 {
		parts = append(parts, p.Dim(fmt.Sprintf("%d skipped", n)))
	}
	return strings.Join(parts, ", ")
}

// Fixes are the outcomes whose fixes help most: failures first, then by weight.
func (r Report) Fixes(n int) []Outcome {
	var all []Outcome
	for _, o := range r.Heads() {
		if o.Fix != "" && o.Bad() {
			all = append(all, o)
		}
	}
	slices.SortStableFunc(all, func(a, b Outcome) int {
		if (a.Status == Fail) != (b.Status == Fail) {
			if a.Status == Fail {
				return -1
			}
			return 1
		}
		return b.Check.Weight - a.Check.Weight
	})
	return all[:min(n, len(all))]
}
