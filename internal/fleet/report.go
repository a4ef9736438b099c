package fleet

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/ui"
)

// Print writes the table of hosts, then what failed, once for all hosts that it
// failed on.
func (r Report) Print(w io.Writer, colour ui.Palette) error {
	columns := r.columns()
	var table ui.Table
	head := []string{"HOST", "VMGO", "GO"}
	for _, id := range columns {
		head = append(head, strings.ToUpper(id))
	}
	for i, cell := range head {
		head[i] = colour.Bold(cell)
	}
	table.Add(head...)
	for _, h := range r.Hosts {
		table.Add(h.row(columns, colour)...)
	}
	if err := table.Write(w); err != nil {
		return err
	}
	var out strings.Builder
	out.WriteString("\n" + r.Counts() + "\n")
	for _, h := range r.Hosts {
		if h.Error != "" {
			out.WriteString(colour.Red(h.State) + " " + diag.Line(h.Error) + "\n")
		}
	}
	for _, p := range r.Failures() {
		fmt.Fprintf(&out, "%s %s %s: %s (%s)\n", colour.Red(Fail), p.Check, diag.Line(p.ID), diag.Line(p.Summary), diag.Line(p.where()))
		if p.Fix != "" {
			out.WriteString("     " + colour.Cyan(diag.Line(strings.ReplaceAll(strings.TrimSpace(p.Fix), "\n", "; "))) + "\n")
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// columns lists the checks that at least one host has.
func (r Report) columns() []string {
	return slices.DeleteFunc(Checks(), func(id string) bool {
		return !slices.ContainsFunc(r.Hosts, func(h Host) bool { return h.Check(id) != nil })
	})
}

// Check returns a check by its name; nil where the host does not have it.
func (h Host) Check(id string) *Check {
	i := slices.IndexFunc(h.Checks, func(c Check) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	return &h.Checks[i]
}

func (h Host) row(columns []string, colour ui.Palette) []string {
	vmgo := h.Vmgo
	switch {
	case h.State == Unreachable, h.State == TimedOut && vmgo == "":
		return []string{h.Host, colour.Red(h.State)}
	case h.State == NoVmgo:
		vmgo = colour.Yellow("none")
	case vmgo == "":
		vmgo = colour.Red("broken")
	}
	cells := []string{h.Host, vmgo, h.Toolchains()}
	paint := map[string]func(string) string{Pass: colour.Green, Warn: colour.Yellow, Fail: colour.Red, Skip: colour.Dim}
	for _, id := range columns {
		c := h.Check(id)
		text := ""
		switch {
		case c != nil && c.Status == Skip:
			text = colour.Dim("-")
		case c != nil:
			text = c.Summary
			if f := paint[c.Status]; f != nil {
				text = f(text)
			}
		}
		cells = append(cells, text)
	}
	return cells
}

// Toolchains names the releases of Go on a host, the default one first.
func (h Host) Toolchains() string {
	var list []string
	for _, r := range h.Go {
		if r.Default {
			list = append([]string{r.Version + " (default)"}, list...)
		} else {
			list = append(list, r.Version)
		}
	}
	if h.OtherGo != "" {
		list = append(list, h.OtherGo+" (not by vmgo)")
	}
	if len(list) == 0 {
		return "-"
	}
	return strings.Join(list, ", ")
}

// Counts says how many hosts are in which state.
func (r Report) Counts() string {
	count := map[string]int{}
	for _, h := range r.Hosts {
		count[h.State]++
	}
	words := map[string]string{OK: "ok", Problems: "with problems", NoVmgo: "without vmgo", Unreachable: "unreachable", TimedOut: "not done in time"}
	var parts []string
	for _, state := range []string{OK, Problems, NoVmgo, Unreachable, TimedOut} {
		if n := count[state]; n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+words[state])
		}
	}
	return ui.Count(len(r.Hosts), "host") + ": " + strings.Join(parts, ", ")
}

// Problem is a finding with the hosts that have it.
type Problem struct {
	Check string
	Finding
	Hosts []string
}

// Failures lists what failed, what most hosts have first.
func (r Report) Failures() []Problem {
	return slices.DeleteFunc(r.Problems(), func(p Problem) bool { return p.Status != Fail })
}

// Problems lists all findings, failures first.
func (r Report) Problems() []Problem {
	var list []Problem
	at := map[[3]string]int{}
	for _, h := range r.Hosts {
		for _, c := range h.Checks {
			for _, f := range c.Findings {
				key := [3]string{c.ID, f.ID, f.Summary}
				i, found := at[key]
				if !found {
					i = len(list)
					at[key], list = i, append(list, Problem{Check: c.ID, Finding: f})
				}
				list[i].Hosts = append(list[i].Hosts, h.Host)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Problem) int {
		if (a.Status == Fail) != (b.Status == Fail) {
			return map[bool]int{true: -1, false: 1}[a.Status == Fail]
		}
		return len(b.Hosts) - len(a.Hosts)
	})
	return list
}

// where names some of the hosts.
func (p Problem) where() string {
	const shown = 4
	if n := len(p.Hosts); n > shown+1 {
		return strings.Join(p.Hosts[:shown], ", ") + " and " + strconv.Itoa(n-shown) + " more"
	}
	return strings.Join(p.Hosts, ", ")
}
