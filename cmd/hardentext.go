package cmd

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/harden"
	"github.com/vmgo/vmgo/internal/ui"
)

// hardenTable prints the state of the items, one per line.
func (a *app) hardenTable(engine *harden.Engine, plan harden.Plan, named bool) error {
	palette, table := ui.Palette(a.colour(a.host.StdoutTTY)), ui.Table{Columns: a.columns()}
	for _, item := range plan.Items {
		if named && !item.Selected {
			continue
		}
		note := item.Reason
		if note == "" {
			note = item.What
		}
		table.Add(item.ID, stateText(palette, item), note)
	}
	if err := table.Write(a.host.Stdout); err != nil {
		return err
	}
	for _, note := range plan.Notes {
		a.sayf("%s", note)
	}
	kind := "profile " + string(plan.Profile)
	if !engine.Machine.Live {
		kind += ", image " + plan.Root
	}
	a.sayf("%s; \"off\" items are not included: vmgo harden plan --only ID shows one with its reasons", kind)
	return nil
}

// stateText returns the state of an item in one word. Pending is split: an
// item that the profile does not switch on is off.
func stateText(p ui.Palette, item harden.ItemStatus) string {
	switch {
	case item.State == harden.Applied:
		return p.Green(string(item.State))
	case item.State == harden.Drifted, item.State == harden.Overridden:
		return p.Red(string(item.State))
	case item.State == harden.Pending && !item.Selected:
		return p.Dim("off")
	case item.State == harden.NotApplicable:
		return p.Dim(string(item.State))
	}
	return p.Yellow(string(item.State))
}

// hardenText prints a plan in full: every change as a diff or a command.
func (a *app) hardenText(plan harden.Plan) error {
	palette := ui.Palette(a.colour(a.host.StdoutTTY))
	var out strings.Builder
	for _, note := range plan.Notes {
		fmt.Fprintf(&out, "# %s\n", note)
	}
	for _, item := range plan.Items {
		if item.State == harden.Drifted && len(item.Changes)+len(item.Commands) == 0 {
			fmt.Fprintf(&out, "# %s has drifted (%s) and is not changed; --only %s writes it again\n", item.ID, item.Reason, item.ID)
			continue
		}
		if !item.Selected || item.State == harden.Applied && len(item.Changes)+len(item.Commands) == 0 {
			continue
		}
		if item.State == harden.NotApplicable {
			out.WriteString(ui.Fill("", "  ", palette.Bold(item.ID+": "+item.What)+"  "+string(item.State)+": "+item.Reason, a.columns()) + "\n")
			continue
		}
		if slices.Contains(item.Profiles, string(plan.Profile)) {
			item.OffWhy = "" // it is on here
		}
		writeItem(&out, palette, a.columns(), item)
	}
	if len(plan.Changes) == 0 && plan.Interrupted == "" {
		out.WriteString("nothing to change\n")
	}
	_, err := io.WriteString(a.host.Stdout, out.String())
	return err
}

// writeItem writes an item; its prose, not what it changes, fits in the columns.
func writeItem(out *strings.Builder, p ui.Palette, columns int, item harden.ItemStatus) {
	out.WriteString(ui.Fill("", "  ", p.Bold(item.ID+": "+item.What)+"  "+string(item.State), columns))
	line := func(label, text string) {
		if text != "" {
			out.WriteString(ui.Fill("  "+label+": ", "    ", text, columns))
		}
	}
	line("reason", item.Reason)
	line("why", item.Why)
	line("effect", item.Effect)
	line("evidence", item.Evidence)
	line("off by default", item.OffWhy)
	for _, note := range item.Notes {
		line("note", note)
	}
	line("felt after", needText(item.Needs))
	line("undo", item.Undo)
	for _, step := range item.Steps {
		if step.File == nil {
			fmt.Fprintf(out, "$ %s\n", step.Command)
			continue
		}
		out.WriteString(paintDiff(p, step.File.Diff))
		if step.File.Keep != "" {
			line("the changed file is kept as", step.File.Keep)
		}
	}
	for _, advice := range item.Advice {
		fmt.Fprintf(out, "  run yourself: %s\n", advice)
	}
	out.WriteString("\n")
}

func needText(need harden.Need) string {
	switch need {
	case harden.NeedsLogin:
		return "a new login"
	case harden.NeedsRestart:
		return "the services are restarted"
	case harden.NeedsReboot:
		return "a reboot"
	}
	return ""
}

func paintDiff(p ui.Palette, diff string) string {
	var out strings.Builder
	for line := range strings.Lines(diff) {
		text, end, _ := strings.Cut(line, "\n")
		text = shown(text)
		switch {
		case strings.HasPrefix(text, "+"):
			text = p.Green(text)
		case strings.HasPrefix(text, "-"):
			text = p.Red(text)
		case strings.HasPrefix(text, "@@"):
			text = p.Cyan(text)
		}
		out.WriteString(text + end + "\n")
	}
	return out.String()
}

// shown returns a line of a file with control characters escaped, tabs kept.
func shown(line string) string {
	parts := strings.Split(line, "\t")
	for i := range parts {
		parts[i] = diag.Line(parts[i])
	}
	return strings.Join(parts, "\t")
}

func changes(n int) string {
	if n == 1 {
		return "1 change"
	}
	return strconv.Itoa(n) + " changes"
}

// hardenDone prints a summary of the changes.
func (a *app) hardenDone(res harden.Result, undo string) {
	n := len(res.Plan.Changes)
	switch {
	case n == 0:
		a.sayf("nothing was changed")
	case res.Plan.Verb == "undo":
		a.sayf("reverted %s", changes(n))
	default:
		a.sayf("made %s; undo with: %s", changes(n), undo)
	}
	var needs []string
	for _, item := range res.Plan.Items {
		text := needText(item.Needs)
		if text != "" && len(item.Changes)+len(item.Commands) > 0 && !slices.Contains(needs, text) {
			needs = append(needs, text)
		}
	}
	if len(needs) > 0 {
		a.sayf("takes full effect after %s", strings.Join(needs, " and "))
	}
	for _, c := range res.Plan.Changes {
		if c.Keep != "" {
			a.sayf("kept what was written by others: %s", c.Keep)
		}
	}
}
