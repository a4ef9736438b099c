package doctor

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/ui"
)

// Print writes a report for a terminal: a heading per group, and its findings. detailed
// shows every check with its evidence, for a run of a few that were named; otherwise checks
// that are ok or skipped are only counted.
func (r Report) Print(w io.Writer, p ui.Palette, detailed bool) error {
	var out strings.Builder
	out.WriteString(p.Bold("vmgo doctor") + "  " + p.Dim(r.Summary.String()) + "\n")
	for _, group := range Groups() {
		var outcomes []Outcome
		for _, o := range r.Heads() {
			if o.Check.Group == group && (detailed || o.Status != OK && o.Status != Skip) {
				outcomes = append(outcomes, o)
			}
		}
		if len(outcomes) > 0 {
			r.writeGroup(&out, p, group, outcomes, detailed)
		}
	}
	r.writeEnd(&out, p)
	_, err := io.WriteString(w, out.String())
	return err
}

func (r Report) writeGroup(out *strings.Builder, p ui.Palette, group Group, outcomes []Outcome, detailed bool) {
	fmt.Fprintf(out, "\n%s\n", p.Bold(strings.ToUpper(string(group[:1]))+string(group[1:])))
	for _, o := range outcomes {
		name := strings.TrimPrefix(o.Check.ID, string(group)+".")
		summary := o.Summary
		if o.Status == Skip {
			name, summary = p.Dim(pad(name, 14)), p.Dim(summary)
		} else {
			name = pad(name, 14)
		}
		if r.isNew(o.Check.ID) {
			summary += "  " + p.Bold("(new)")
		}
		fmt.Fprintf(out, "  %s %s %s\n", mark(p, o.Status), name, summary)
		if detailed || o.Bad() {
			writeDetails(out, p, o)
		}
		for _, c := range r.Consequences(o.Check.ID) {
			writeWrapped(out, "hence "+c.Check.ID+": "+c.Summary)
		}
	}
}

const indent = "                   "

func writeDetails(out *strings.Builder, p ui.Palette, o Outcome) {
	for i, e := range o.Evidence {
		if i == 12 && len(o.Evidence) > 14 {
			fmt.Fprintf(out, "%s%s\n", indent, p.Dim(fmt.Sprintf("… and %d more (--json has them)", len(o.Evidence)-i)))
			break
		}
		fmt.Fprintf(out, "%s%s\n", indent, p.Dim(e.String()))
	}
	if o.Detail != "" {
		writeWrapped(out, o.Detail)
	}
	if !o.Bad() {
		return
	}
	writeWrapped(out, "why: "+o.Check.Why)
	for line := range strings.Lines(o.Fix) {
		fmt.Fprintf(out, "%s%s %s\n", indent, p.Cyan("fix:"), strings.TrimSuffix(line, "\n"))
	}
}

// writeWrapped breaks prose so that lines stay below a hundred columns.
func writeWrapped(out *strings.Builder, text string) {
	line := indent
	for word := range strings.FieldsSeq(text) {
		if len(line)+len(word) > 96 && line != indent {
			out.WriteString(strings.TrimRight(line, " ") + "\n")
			line = indent
		}
		line += word + " "
	}
	out.WriteString(strings.TrimRight(line, " ") + "\n")
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

func (r Report) writeEnd(out *strings.Builder, p ui.Palette) {
	out.WriteString("\n" + r.counts(p) + "\n")
	if text := r.Changed.String(); text != "" {
		out.WriteString(p.Dim(text) + "\n")
	}
	best := r.Fixes(3)
	if len(best) == 0 {
		return
	}
	out.WriteString("\n" + p.Bold("What helps most") + "\n")
	fixable := 0
	for i, o := range best {
		fmt.Fprintf(out, "  %d. %s: %s\n", i+1, o.Check.ID, o.Summary)
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
