package harden

import (
	"bytes"
	_ "embed"
	"html/template"
	"time"
)

//go:embed report.html
var reportText string

// reportCell is one cell that vmgo changed: before and now.
type reportCell struct {
	Kind, Target, Before, Now string
	Items                     []string
	Drifted                   bool
	Diff                      string
}

// Report renders what was before, what is now, and what is left to do, as one
// page without anything to load.
func (e *Engine) Report(plan Plan) ([]byte, error) {
	led, err := e.Machine.loadLedger()
	if err != nil {
		return nil, err
	}
	page := struct {
		Plan  Plan
		Host  string
		Time  string
		Cells []reportCell
		Left  []ItemStatus
		Count map[string]int
	}{Plan: plan, Host: e.Machine.Host.Text("/etc/hostname"), Time: e.Machine.Host.Now().UTC().Format(time.RFC3339), Count: map[string]int{}}
	for _, r := range led.Records {
		page.Cells = append(page.Cells, e.reportCell(r))
	}
	for _, item := range plan.Items {
		state := string(item.State)
		if item.State == Pending && !item.Selected {
			state = "off"
		}
		page.Count[state]++
		if item.State == Drifted || item.Selected && item.State != Applied && item.State != NotApplicable {
			page.Left = append(page.Left, item)
		}
	}
	tmpl, err := template.New("report").Parse(reportText)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = tmpl.Execute(&out, page)
	return out.Bytes(), err
}

func (e *Engine) reportCell(r record) reportCell {
	cell := reportCell{Kind: string(r.Kind), Target: r.Target, Items: r.Items}
	now := r.Written
	if !r.Kind.runtime() || e.Machine.Live && (r.Kind != Unit || e.Machine.Systemd()) {
		read, err := e.Machine.read(r.Kind, r.Target)
		if err != nil {
			cell.Now = err.Error()
			return cell
		}
		now = read
	}
	cell.Drifted = !now.Same(r.Written) && !(r.Kind == Dir && now.Present)
	cell.Diff = Change{Kind: r.Kind, Target: r.Target, From: r.Original, To: now}.Diff()
	cell.Before, cell.Now = r.Original.brief(r.Kind), now.brief(r.Kind)
	return cell
}

// brief puts a value into a few words.
func (v Value) brief(kind Kind) string {
	switch {
	case !v.Present && kind.runtime():
		return "off"
	case !v.Present:
		return "absent"
	case kind == Sysctl || kind == Link:
		return v.Text
	case kind == Swap:
		return "on, priority " + v.Text
	case kind == Unit:
		return "active"
	}
	return v.ownership()
}
