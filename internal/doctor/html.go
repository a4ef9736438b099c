package doctor

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/vmgo/vmgo/internal/ui"
	"github.com/vmgo/vmgo/internal/webpage"
)

//go:embed report.html
var pageText string

// reportPage is what report.html shows.
type reportPage struct {
	Style         template.CSS
	Script        template.JS
	Machine, Time string
	Changed       string // since the last run; empty where that is not known
	Best          []Outcome
	Sections      []pageSection
}

// pageSection has the outcomes of one status. What is well, or was skipped, is
// folded.
type pageSection struct {
	Status   Status
	Title    string
	Count    string
	Folded   bool
	Outcomes []pageOutcome
}

type pageOutcome struct {
	Outcome
	Consequences []Outcome
	New          bool // not among the findings of the last run
}

// Open reports whether the details are shown without a click.
func (o pageOutcome) Open() bool { return o.Bad() }

// Word returns the status as a word for people.
func (o pageOutcome) Word() string {
	return map[Status]string{OK: "ok", Info: "note", Warn: "warning", Fail: "failure", Skip: "skipped"}[o.Status]
}

// HTML writes the report as one page that needs nothing else, to be attached
// to a ticket.
func (r Report) HTML(w io.Writer, now time.Time) error {
	p := reportPage{
		Style: webpage.Style(), Script: webpage.Script(),
		Machine: r.Summary.String(), Time: now.UTC().Format("2006-01-02 15:04 UTC"), Best: r.Fixes(3),
		Changed: r.Changed.String(),
	}
	for _, s := range []Status{Fail, Warn, Info, OK, Skip} {
		if n := r.Count(s); n > 0 {
			p.Sections = append(p.Sections, r.section(s, n))
		}
	}
	tmpl, err := template.New("report").Funcs(template.FuncMap{"sentence": webpage.Sentence}).Parse(pageText)
	if err != nil {
		return err
	}
	return tmpl.Execute(w, p)
}

// section gathers the outcomes of a status in the order of the groups.
func (r Report) section(s Status, n int) pageSection {
	texts := map[Status][2]string{
		Fail: {"Broken", ui.Count(n, "failure")},
		Warn: {"To look at", ui.Count(n, "warning")},
		Info: {"To know", ui.Count(n, "note")},
		OK:   {"What is well: " + ui.Count(n, "check"), fmt.Sprintf("%d ok", n)},
		Skip: {"What was skipped: " + ui.Count(n, "check"), fmt.Sprintf("%d skipped", n)},
	}
	section := pageSection{Status: s, Title: texts[s][0], Count: texts[s][1], Folded: s == OK || s == Skip}
	for _, group := range Groups() {
		for _, o := range r.Heads() {
			if o.Check.Group == group && o.Status == s {
				section.Outcomes = append(section.Outcomes, pageOutcome{o, r.Consequences(o.Check.ID), r.isNew(o.Check.ID)})
			}
		}
	}
	return section
}
