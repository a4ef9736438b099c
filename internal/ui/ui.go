// Package ui renders for people: tables, JSON, colour and progress. It decides
// nothing; whether a stream gets colour or a moving bar is said by the caller.
package ui

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

// JSON writes v as one indented document with a final line break.
func JSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// JSONLine writes v as one line, for streams of events.
func JSONLine(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// Table aligns columns. Cells may hold colour: escape sequences count as
// having no width.
type Table struct {
	// Columns is the width of the terminal, within which the last cell of a row is
	// broken into lines; 0 if there is none.
	Columns int
	rows    [][]string
}

// Add appends a row. Paths and other foreign text may stand in it: of escape
// sequences only those of a [Palette] are handed on.
func (t *Table) Add(cells ...string) {
	row := make([]string, len(cells))
	for i, cell := range cells {
		row[i] = tame(cell)
	}
	t.rows = append(t.rows, row)
}

// tame is diag.Line for text that was coloured.
func tame(cell string) string {
	var out strings.Builder
	for {
		at, code := paint(cell)
		out.WriteString(diag.Line(cell[:at]) + code)
		if code == "" {
			return out.String()
		}
		cell = cell[at+len(code):]
	}
}

// paint finds the first escape sequence of a Palette.
func paint(s string) (at int, code string) {
	at = len(s)
	for _, n := range []string{"0", "1", "2", "31", "32", "33", "36"} {
		if i := strings.Index(s, "\x1b["+n+"m"); i >= 0 && i < at {
			at, code = i, "\x1b["+n+"m"
		}
	}
	return at, code
}

// Len says how many rows there are.
func (t *Table) Len() int { return len(t.rows) }

// Write prints the rows, two spaces between the columns, nothing at line ends.
func (t *Table) Write(w io.Writer) error {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], Width(cell))
		}
	}
	var out strings.Builder
	for _, row := range t.rows {
		line := ""
		for i, cell := range row {
			if i == len(row)-1 {
				out.WriteString(t.end(line, cell))
				break
			}
			line += cell + strings.Repeat(" ", widths[i]-Width(cell)+2)
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// end returns the text of a row from its last cell, given what stands before that.
func (t *Table) end(line, cell string) string {
	const least = 20 // columns, in which text can be read
	used := Width(line)
	if cell == "" || t.Columns < used+least {
		return strings.TrimRight(line+cell, " ") + "\n"
	}
	return Fill(line, strings.Repeat(" ", used), cell, t.Columns)
}

// Palette colours text, or leaves it as it is.
type Palette bool

func (p Palette) paint(code, text string) string {
	if !p || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Bold, Dim, Green, Yellow, Red and Cyan colour text.
func (p Palette) Bold(s string) string   { return p.paint("1", s) }
func (p Palette) Dim(s string) string    { return p.paint("2", s) }
func (p Palette) Green(s string) string  { return p.paint("32", s) }
func (p Palette) Yellow(s string) string { return p.paint("33", s) }
func (p Palette) Red(s string) string    { return p.paint("31", s) }
func (p Palette) Cyan(s string) string   { return p.paint("36", s) }

// Error colours the lines that diag.Format made.
func (p Palette) Error(text string) string {
	if !p {
		return text
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		body := strings.TrimSuffix(line, "\n")
		if hint, found := strings.CutPrefix(body, "hint: "); found {
			out.WriteString(p.Cyan("hint:") + " " + hint + "\n")
			continue
		}
		name, rest, _ := strings.Cut(body, ": ")
		out.WriteString(p.Red(name+":") + " " + rest + "\n")
	}
	return out.String()
}

// Count writes a number of things: 1 file, 2 files. The noun is one whose plural is
// made with an s.
func Count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}

// Bytes writes a size for people: 206.3 MB, in powers of ten.
func Bytes(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	value, unit := float64(n)/1000, 0
	for value >= 999.95 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + " " + units[unit:unit+1] + "B"
}
