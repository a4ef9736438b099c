package fleet

import (
	_ "embed"
	"html/template"
	"io"
	"strings"
)

//go:embed page.html
var pageText string

// HTML writes the report as one page that needs nothing else.
func (r Report) HTML(w io.Writer) error {
	page, err := template.New("fleet").Funcs(template.FuncMap{"upper": strings.ToUpper}).Parse(pageText)
	if err != nil {
		return err
	}
	return page.Execute(w, struct {
		Report
		Columns []string
	}{r, r.columns()})
}
