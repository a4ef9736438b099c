package doctor

// Document is the shape of `vmgo doctor --json`.
type Document struct {
	OK     bool           `json:"ok"`
	Host   Summary        `json:"host"`
	Checks []CheckSummary `json:"checks"`
	// Changed compares with the last run; left out where there was none, or this one is
	// of some checks only.
	Changed *Changed `json:"changed,omitempty"`
}

// CheckSummary is one check of the document.
type CheckSummary struct {
	ID       string     `json:"id"`
	Group    Group      `json:"group"`
	Title    string     `json:"title"`
	Status   Status     `json:"status"`
	Summary  string     `json:"summary"`
	Detail   string     `json:"detail"`
	Why      string     `json:"why"`
	Evidence []Evidence `json:"evidence"`
	Fix      string     `json:"fix"`
	Fixable  bool       `json:"fixable"`
	Cause    string     `json:"cause,omitempty"` // the id of the check whose finding explains this one
	Source   string     `json:"source"`
	Seconds  float64    `json:"seconds"`
}

// Document makes the document of a report.
func (r Report) Document() Document {
	doc := Document{OK: r.OK(), Host: r.Summary, Checks: []CheckSummary{}, Changed: r.Changed}
	for _, o := range r.Outcomes {
		doc.Checks = append(doc.Checks, CheckSummary{
			ID: o.Check.ID, Group: o.Check.Group, Title: o.Check.Title, Status: o.Status,
			Summary: o.Summary, Detail: o.Detail, Why: o.Check.Why, Evidence: o.Evidence,
			Fix: o.Fix, Fixable: len(o.Edits) > 0, Source: o.Check.Source, Cause: o.Cause,
			Seconds: float64(o.Took.Milliseconds()) / 1000,
		})
	}
	return doc
}

// Listed is one check of `vmgo doctor --list --json`.
type Listed struct {
	ID     string `json:"id"`
	Group  Group  `json:"group"`
	Title  string `json:"title"`
	Why    string `json:"why"`
	Source string `json:"source"`
	Online bool   `json:"online"`
	Bench  bool   `json:"bench"`
	Slow   bool   `json:"slow"`
}

// List describes checks.
func List(checks []Check) []Listed {
	all := []Listed{}
	for _, c := range checks {
		all = append(all, Listed{c.ID, c.Group, c.Title, c.Why, c.Source, c.Online, c.Bench, c.Slow})
	}
	return all
}
