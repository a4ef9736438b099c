package doctor

import (
	_ "embed"
	"html/template"
	"io"
	"strings"
	"time"
)

//go:embed report.css
var stylesheet string

//go:embed report.html
var pageText string

// reportPage is what report.html shows.
type reportPage struct {
	Style         template.CSS
	Machine, Time string
	Counts        []pageCount
	Best          []Outcome
	Groups        []pageGroup
}

type pageCount struct {
	Status Status
	N      int
	Word   string
}

type pageGroup struct {
	Title    string
	Outcomes []pageOutcome
}

type pageOutcome struct {
	Outcome
	Consequences []Outcome
}

// Open reports whether the details are shown without a click.
func (o pageOutcome) Open() bool { return o.Bad() }

// Why returns the reason without a full stop.
func (o pageOutcome) Why() string { return strings.TrimSuffix(o.Check.Why, ".") }

// HTML writes the report as one page that needs nothing else, to be attached
// to a ticket.
func (r Report) HTML(w io.Writer, now time.Time) error {
	p := reportPage{
		Style:   template.CSS(stylesheet), //nolint:gosec // it is part of the program
		Machine: r.Summary.String(), Time: now.UTC().Format("2006-01-02 15:04 UTC"), Best: r.Fixes(3),
	}
	for _, s := range []Status{Fail, Warn, Info, OK, Skip} {
		if n := r.Count(s); n > 0 {
			p.Counts = append(p.Counts, pageCount{s, n, statusWord(s)})
		}
	}
	for _, group := range Groups() {
		g := pageGroup{Title: strings.ToUpper(string(group[:1])) + string(group[1:])}
		for _, o := range r.Heads() {
			if o.Check.Group == group {
				g.Outcomes = append(g.Outcomes, pageOutcome{o, r.Consequences(o.Check.ID)})
			}
		}
		if len(g.Outcomes) > 0 {
			p.Groups = append(p.Groups, g)
		}
	}
	tmpl, err := template.New("report").Parse(pageText)
	if err != nil {
		return err
	}
	return tmpl.Execute(w, p)
}

func statusWord(s Status) string {
	return map[Status]string{OK: "ok", Info: "to know", Warn: "to look at", Fail: "broken", Skip: "not looked at"}[s]
}
