package report

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"

	"github.com/vmgo/vmgo/internal/observe/findings"
)

//go:embed page.html
var page string

//go:embed page.css
var stylesheet string

//go:embed page.js
var script string

//go:embed flame.js
var flameScript string

// Page is all that a report shows.
type Page struct {
	Title    string
	Lead     string // one sentence below the title
	Facts    [][2]string
	Findings []findings.Finding
	None     string // what to say where there are none
	Notes    []string
	Changes  []Change // of a comparison
	Flames   []Flame
	Work     map[string]int64 // CPU time in ns by TRACE_ID, from the labels of the CPU profile
	Timeline *Timeline        // nil: none is drawn
}

// Change is a finding in two captures.
type Change struct {
	ID, Word, Before, After, Summary string
}

// Write writes the page.
func Write(w io.Writer, p Page) error {
	t, err := template.New("page").Parse(page)
	if err != nil {
		return err
	}
	data, err := p.data()
	if err != nil {
		return err
	}
	return t.Execute(w, struct {
		Page
		CSS    template.CSS
		Script template.JS
		Data   template.HTML // base64, in an element that browsers do not run
	}{p, template.CSS(stylesheet), template.JS(flameScript + script), template.HTML(data)})
}

// data is what the scripts draw: JSON, compressed, as base64.
func (p Page) data() (string, error) {
	n := &names{}
	all := struct {
		Names  []string         `json:"names"`
		Flames []flameData      `json:"flames"`
		Time   *timeData        `json:"time,omitempty"`
		Work   map[string]int64 `json:"work,omitempty"`
	}{Flames: flames(p.Flames, n), Work: p.Work}
	if p.Timeline != nil {
		time := p.Timeline.data(n)
		all.Time = &time
	}
	all.Names = n.List
	var buf bytes.Buffer
	zip, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if err := json.NewEncoder(zip).Encode(all); err != nil {
		return "", fmt.Errorf("writing the page: %w", err)
	}
	if err := zip.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(buf.Bytes()), nil
}
