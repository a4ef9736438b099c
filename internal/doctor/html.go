package doctor

import (
	_ "embed"
	"fmt"
	"html"
	"io"
	"strings"
	"time"
)

//go:embed report.css
var stylesheet string

// HTML writes the report as one page that needs nothing else, to be attached
// to a ticket.
func (r Report) HTML(w io.Writer, now time.Time) error {
	var out strings.Builder
	e := html.EscapeString
	out.WriteString("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n" +
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>vmgo doctor</title>\n" +
		"<style>" + stylesheet + "</style></head><body><main>\n")
	fmt.Fprintf(&out, "<header><h1>vmgo doctor</h1><p>%s</p><p class=\"time\">%s</p></header>\n",
		e(r.Summary.String()), now.UTC().Format("2006-01-02 15:04 UTC"))
	out.WriteString("<p class=\"counts\">")
	for _, s := range []Status{Fail, Warn, Info, OK, Skip} {
		if n := r.Count(s); n > 0 {
			fmt.Fprintf(&out, "<span class=\"pill %s\">%d %s</span> ", s, n, statusWord(s))
		}
	}
	out.WriteString("</p>\n")
	r.htmlFixes(&out)
	for _, group := range Groups() {
		r.htmlGroup(&out, group)
	}
	out.WriteString("</main></body></html>\n")
	_, err := io.WriteString(w, out.String())
	return err
}

func statusWord(s Status) string {
	return map[Status]string{OK: "ok", Info: "to know", Warn: "to look at", Fail: "broken", Skip: "not looked at"}[s]
}

func (r Report) htmlFixes(out *strings.Builder) {
	best := r.Fixes(3)
	if len(best) == 0 {
		return
	}
	out.WriteString("<section class=\"fixes\"><h2>What helps most</h2><ol>\n")
	for _, o := range best {
		fmt.Fprintf(out, "<li><a href=\"#%s\">%s</a><pre>%s</pre></li>\n",
			o.Check.ID, html.EscapeString(o.Summary), html.EscapeString(o.Fix))
	}
	out.WriteString("</ol></section>\n")
}

func (r Report) htmlGroup(out *strings.Builder, group Group) {
	begun := false
	for _, o := range r.Outcomes {
		if o.Check.Group != group {
			continue
		}
		if !begun {
			begun = true
			fmt.Fprintf(out, "<section><h2>%s</h2>\n", strings.ToUpper(string(group[:1]))+string(group[1:]))
		}
		htmlOutcome(out, o)
	}
	if begun {
		out.WriteString("</section>\n")
	}
}

func htmlOutcome(out *strings.Builder, o Outcome) {
	e := html.EscapeString
	open := ""
	if o.Status == Warn || o.Status == Fail {
		open = " open"
	}
	fmt.Fprintf(out, "<details id=\"%s\"%s class=\"%s\"><summary><span class=\"pill %s\">%s</span><code>%s</code> %s</summary>\n",
		e(o.Check.ID), open, o.Status, o.Status, o.Status, e(o.Check.ID), e(o.Summary))
	fmt.Fprintf(out, "<p class=\"title\">%s: %s.</p>\n", e(o.Check.Title), e(strings.TrimSuffix(o.Check.Why, ".")))
	if o.Detail != "" {
		fmt.Fprintf(out, "<p>%s</p>\n", e(o.Detail))
	}
	if len(o.Evidence) > 0 {
		out.WriteString("<ul>")
		for _, ev := range o.Evidence {
			fmt.Fprintf(out, "<li><code>%s</code></li>", e(ev.String()))
		}
		out.WriteString("</ul>\n")
	}
	if o.Fix != "" {
		fmt.Fprintf(out, "<pre>%s</pre>\n", e(o.Fix))
	}
	fmt.Fprintf(out, "<p class=\"source\">From: %s</p></details>\n", e(o.Check.Source))
}
