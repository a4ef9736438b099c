package harden

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/webpage"
)

//go:embed report.html
var reportText string

// reportPage is what report.html shows.
type reportPage struct {
	Style  template.CSS
	Script template.JS
	Plan   Plan
	Live   bool
	Host   string
	Time   string
	Counts []reportCount
	Left   []reportItem // the gravest first
	Scores []reportScore
	Cells  []reportCell
	Undo   reportFix
	Rest   []reportFold
}

type reportCount struct{ Class, Text string }

// reportFix is a command to copy, with a label.
type reportFix struct{ Label, Text string }

// reportItem is an item with what helps where it is not as it should be.
type reportItem struct {
	ItemStatus
	Word, Class string
	After       string // until when the effect is not complete
	Open        bool
	Fix         *reportFix
}

// reportFold is a folded list of items in the same state.
type reportFold struct {
	Class, Title string
	Items        []reportItem
}

// reportScore is what systemd-analyze security says of a sandboxed service.
type reportScore struct{ Service, Before, After, Problem string }

// reportCell is one cell that vmgo changed: before and now.
type reportCell struct {
	Kind, Target, Before, Now string
	Items                     []string
	Drifted                   bool
	Diff                      string
}

const stateOff = "off" // pending, but not of the profile

// reportStates lists what an item can be in a report, the gravest first.
func reportStates() []struct{ word, class, title string } {
	return []struct{ word, class, title string }{
		{string(Drifted), "fail", ""},
		{string(Overridden), "fail", ""},
		{string(Blocked), "warn", "Blocked, and off in this profile"},
		{string(Pending), "warn", ""},
		{string(Applied), "ok", "Applied"},
		{stateOff, "skip", "Off in this profile"},
		{string(NotApplicable), "skip", "Not for this machine"},
	}
}

// Report renders what is left to do, what was before and what is now, as one page
// without anything to load.
func (e *Engine) Report(plan Plan) ([]byte, error) {
	led, err := e.Machine.loadLedger()
	if err != nil {
		return nil, err
	}
	page := reportPage{
		Style: webpage.Style(), Script: webpage.Script(), Plan: plan, Live: e.Machine.Live, Host: e.Machine.Host.Text("/etc/hostname"),
		Time: e.Machine.Host.Now().UTC().Format(time.RFC3339), Scores: e.exposure(led), Undo: reportFix{"Undo all", e.command("undo", "")},
	}
	for _, state := range reportStates() {
		fold, n := reportFold{Class: state.class, Title: state.title}, 0
		for _, item := range plan.Items {
			shown := e.reportItem(item, plan)
			if shown.Word != state.word {
				continue
			}
			n++
			if item.left() {
				shown.Open = true
				page.Left = append(page.Left, shown)
			} else {
				fold.Items = append(fold.Items, shown)
			}
		}
		if n > 0 {
			page.Counts = append(page.Counts, reportCount{state.class, fmt.Sprintf("%d %s", n, strings.ReplaceAll(state.word, "-", " "))})
		}
		if len(fold.Items) > 0 {
			fold.Title = fmt.Sprintf("%s: %d", fold.Title, len(fold.Items))
			page.Rest = append(page.Rest, fold)
		}
	}
	for _, r := range led.Records {
		page.Cells = append(page.Cells, e.reportCell(r))
	}
	tmpl, err := template.New("report").Funcs(template.FuncMap{"sentence": webpage.Sentence, "diff": webpage.Diff}).Parse(reportText)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = tmpl.Execute(&out, page)
	return out.Bytes(), err
}

// left reports whether somebody should look at the item.
func (s ItemStatus) left() bool {
	return s.State == Drifted || s.State == Overridden || s.Selected && s.State != Applied && s.State != NotApplicable
}

func (e *Engine) reportItem(item ItemStatus, plan Plan) reportItem {
	shown := reportItem{ItemStatus: item, Word: string(item.State)}
	if item.State == Pending && !item.Selected {
		shown.Word = stateOff
	}
	for _, state := range reportStates() {
		if state.word == shown.Word {
			shown.Class = state.class
		}
	}
	shown.After = map[Need]string{NeedsLogin: "a new login", NeedsRestart: "a restart of the services", NeedsReboot: "a reboot"}[item.Needs]
	if slices.Contains(item.Profiles, string(plan.Profile)) {
		shown.OffWhy = "" // it is on here
	}
	_, own := Find(e.Items, item.ID)
	switch {
	case shown.Word == stateOff, item.State == Drifted && own:
		shown.Fix = &reportFix{"Fix", e.command("apply", item.ID)}
	case item.State == Drifted: // the item of a service
		shown.Fix = &reportFix{"Fix", e.command("undo", item.ID)}
	case item.State == Pending:
		shown.Fix = &reportFix{"Fix", e.command("apply", "", "--profile", string(plan.Profile))}
	}
	if shown.Word == stateOff {
		shown.Fix.Label = "Switch on"
	}
	return shown
}

// command returns the command line of harden for an item, or for all.
func (e *Engine) command(verb, id string, flags ...string) string {
	words := append([]string{"sudo", "vmgo", "harden", verb}, flags...)
	if !e.Machine.Live {
		words = append(words, "--root", e.Machine.Host.Root)
	}
	if id != "" {
		words = append(words, "--only", id)
	}
	for i := range words {
		words[i] = diag.Word(words[i])
	}
	return strings.Join(words, " ")
}

// exposure returns what systemd-analyze says of each service that vmgo has sandboxed,
// without and with the sandbox.
func (e *Engine) exposure(led ledger) (scores []reportScore) {
	for _, r := range led.Records {
		if r.Kind != File || path.Base(r.Target) != sandboxDropIn {
			continue
		}
		s := Service{Name: strings.TrimSuffix(path.Base(path.Dir(r.Target)), ".d")}
		score := reportScore{Service: s.Name}
		var err error
		if score.Before, score.After, err = s.scores(e.Machine, r.Written.Text); err != nil {
			score.Problem = err.Error()
		}
		scores = append(scores, score)
	}
	return scores
}

func (e *Engine) reportCell(r record) reportCell {
	cell := reportCell{Kind: kindName(r.Kind), Target: r.Target, Items: r.Items}
	now := r.Written
	if !r.Kind.runtime() || e.Machine.Live && (r.Kind != Unit || e.Machine.Systemd()) {
		read, err := e.Machine.readLike(r.key(), r.Written)
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

// kindName returns what a cell is, for people.
func kindName(kind Kind) string {
	return map[Kind]string{
		File: "File", Dir: "Directory", Link: "Link", Mode: "Permissions of", Sysctl: "Kernel setting", Swap: "Swap on", Unit: "Unit",
	}[kind]
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
