package project

import (
	"bytes"
	"strings"

	"github.com/vmgo/vmgo/internal/gover"
)

// directives are the lines of a go.mod or go.work that matter here, as text.
type directives struct {
	goVersion, toolchain directive
	moduleEnd            int // where the module directive ends; 0 without one
}

// directive is one line's argument; line 0 means that there is no such line.
type directive struct {
	text string
	line int
}

// parseDirectives reads the go and toolchain lines of a go.mod or go.work. It
// knows the whole lexical grammar, so that it is not misled by strings,
// comments and blocks; of the other directives it knows nothing. Every file
// that the go command reads gives the same two lines here.
func parseDirectives(data []byte) (directives, *fault) {
	var d directives
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	blockLine := 0 // where the open block began
	for number := 1; len(data) > 0; number++ {
		line := data
		if end := bytes.IndexByte(data, '\n'); end >= 0 {
			line, data = data[:end], data[end+1:]
		} else {
			data = nil
		}
		l, f := scanLine(line, number)
		switch {
		case f != nil:
			return d, f
		case l.count == 0:
		case blockLine == 0:
			if f := d.add(l, number); f != nil {
				return d, f
			}
			if l.opens {
				blockLine = number
			}
			if string(l.verb) == "module" {
				d.moduleEnd = number
			}
		case string(l.verb) == ")":
			if l.count > 1 {
				return d, faulty(number, "something follows a closing parenthesis", modHint)
			}
			if blockLine == d.moduleEnd {
				d.moduleEnd = number
			}
			blockLine = 0
		}
	}
	if blockLine != 0 {
		return d, faulty(blockLine, "a parenthesis is not closed", modHint)
	}
	return d, nil
}

// olderNote ends the note on a toolchain line that the go line overrules.
const olderNote = " is older than the go line"

const modHint = "go mod edit -json PATH   # shows the fault as the go command sees it; for a go.work: go work edit"

// add takes in a line that stands outside any block.
func (d *directives) add(l modLine, number int) *fault {
	var dst *directive
	switch string(l.verb) {
	case "go":
		dst = &d.goVersion
	case "toolchain":
		dst = &d.toolchain
	default:
		return nil
	}
	if dst.line != 0 {
		return faulty(number, "a second "+string(l.verb)+" line", modHint)
	}
	if l.count != 2 || l.opens {
		return faulty(number, "a "+string(l.verb)+" line takes one version", modHint)
	}
	*dst = directive{string(l.argument), number}
	return nil
}

// modLine is what matters of a line: its first two tokens, their number, and
// whether a block begins at its end.
type modLine struct {
	verb, argument []byte
	count          int
	opens          bool
}

// scanLine splits one line into tokens.
func scanLine(line []byte, number int) (modLine, *fault) {
	var l modLine
	for {
		for len(line) > 0 && (line[0] == ' ' || line[0] == '\t' || line[0] == '\r') {
			line = line[1:]
		}
		if len(line) == 0 || bytes.HasPrefix(line, []byte("//")) {
			return l, nil
		}
		size, reason := tokenSize(line)
		if reason != "" {
			return l, faulty(number, reason, modHint)
		}
		switch l.count {
		case 0:
			l.verb = line[:size]
		case 1:
			l.argument = line[:size]
		}
		// The parenthesis opens a block when nothing follows it on the line.
		l.opens = l.count > 0 && line[0] == '('
		l.count++
		line = line[size:]
	}
}

// tokenSize measures the token at the beginning of line, which is not empty.
func tokenSize(line []byte) (size int, reason string) {
	switch line[0] {
	case '(', ')', '[', ']', '{', '}', ',':
		return 1, ""
	case '"', '`':
		for i := 1; i < len(line); i++ {
			switch {
			case line[i] == line[0]:
				return i + 1, ""
			case line[i] == '\\' && line[0] == '"':
				i++
			}
		}
		return 0, "a string is not closed"
	}
	for size = 0; size < len(line); size++ {
		switch c := line[size]; {
		case strings.IndexByte(" \t\r()[]{},", c) >= 0:
			return size, ""
		case c == '/' && size+1 < len(line) && line[size+1] == '/':
			return size, ""
		case c == '/' && size+1 < len(line) && line[size+1] == '*':
			return 0, "a comment of the form /* */, which go.mod does not have"
		case c < ' ' || c == 0x7f:
			return 0, "has a control character, so it is not a text file"
		}
	}
	return size, ""
}

// demand is what the go and toolchain lines of one file come to.
type demand struct {
	pin, minimum gover.Selector
	pinLine      int    // 0: no toolchain line that counts
	minimumLine  int    // 0: no go line
	note         string // why a toolchain line does not count
}

// judge gives the lines their meaning: a toolchain line pins, the go line is a
// minimum. As for the go command, "toolchain default" is no pin, and neither is
// a toolchain older than the go line. A toolchain with a suffix
// (go1.22.5-custom) was built by somebody else and cannot be had from any
// source, so the go line decides there too.
func (d directives) judge() (demand, *fault) {
	var m demand
	if d.goVersion.line != 0 {
		selector, ok := plainVersion(d.goVersion.text)
		if !ok || strings.HasPrefix(d.goVersion.text, "go") {
			return m, faulty(d.goVersion.line, `"go `+d.goVersion.text+`" is not a version of Go`, modHint)
		}
		m.minimum, m.minimumLine = selector, d.goVersion.line
	}
	name, suffix, _ := strings.Cut(d.toolchain.text, "-")
	switch {
	case d.toolchain.line == 0 || d.toolchain.text == "default":
		return m, nil
	case suffix != "" && strings.HasPrefix(name, "go1"):
		m.note = "toolchain " + d.toolchain.text + " is not an official release"
		return m, nil
	}
	selector, ok := plainVersion(d.toolchain.text)
	if !ok || !strings.HasPrefix(name, "go") {
		return m, faulty(d.toolchain.line, `"toolchain `+d.toolchain.text+`" is not a release of Go`, modHint)
	}
	version := selector.Version()
	if m.minimumLine != 0 && version.Compare(m.minimum.Version()) < 0 {
		m.note = "toolchain " + d.toolchain.text + olderNote
		return m, nil
	}
	m.pin, m.pinLine = gover.ExactSelector(version), d.toolchain.line
	return m, nil
}

// plainVersion reads a version in Go's own spelling and no other kind of selector.
func plainVersion(text string) (gover.Selector, bool) {
	if _, err := gover.Parse(text); err != nil {
		return gover.Selector{}, false
	}
	selector, err := gover.ParseSelector(text)
	return selector, err == nil
}
