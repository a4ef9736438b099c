package project

import (
	"errors"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
)

// pin is what a file of a version manager asks for; line 0 means nothing.
type pin struct {
	selector  gover.Selector
	fallbacks []gover.Selector // in their order, where the one before is not installed
	line      int
	note      string // what of the file is not obeyed
}

// lines returns the lines of a text file with their numbers, without BOM, line
// ends and comments, blanks trimmed; lines that are then empty are left out. A
// control byte anywhere is a fault: no version file has one.
func lines(data []byte, uncomment func(string) string, each func(number int, line string) *fault) *fault {
	text := strings.TrimPrefix(string(data), "\ufeff")
	for number := 1; text != ""; number++ {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		line = strings.TrimSuffix(line, "\r")
		for i := 0; i < len(line); i++ {
			if c := line[i]; c < ' ' && c != '\t' || c == 0x7f {
				return faulty(number, "has a control character, so it is not a text file", "vmgo use 1.22.5   # rewrites the version")
			}
		}
		if line = strings.Trim(uncomment(line), " \t"); line == "" {
			continue
		}
		if f := each(number, line); f != nil {
			return f
		}
	}
	return nil
}

// uncomment cuts a comment off: a # at the beginning or after a blank.
func uncomment(line string) string {
	for i := 0; i < len(line); i++ {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}

// uncommentAll cuts a comment off as asdf does: any # begins one.
func uncommentAll(line string) string {
	before, _, _ := strings.Cut(line, "#")
	return before
}

// parseGoVersion reads the grammar of .go-version: the first line that is
// neither empty nor a comment holds the selector. goenv lets further lines name
// further versions, of which the first is active; they are not obeyed.
func parseGoVersion(data []byte) (pin, *fault) {
	var first pin
	f := lines(data, uncomment, func(number int, line string) *fault {
		selector, err := gover.ParseSelector(line)
		switch {
		case first.line == 0 && err != nil:
			return badSelector(number, err)
		case first.line == 0:
			first = pin{selector: selector, line: number}
		case err != nil && first.note == "":
			first.note = "line " + strconv.Itoa(number) + " is not a version and is ignored"
		}
		return nil
	})
	if f != nil {
		return pin{}, f
	}
	if first.line == 0 {
		return pin{}, faulty(0, "has no version", "vmgo use 1.22.5   # writes one")
	}
	return first, nil
}

// parseToolVersions reads the lines "golang" or "go" of a .tool-versions file;
// the first such line counts. Of several versions on it the first that is
// installed is taken. The other lines are other tools' business.
func parseToolVersions(data []byte) (pin, *fault) {
	var first pin
	f := lines(data, uncommentAll, func(number int, line string) *fault {
		fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
		if first.line != 0 || fields[0] != "golang" && fields[0] != "go" {
			return nil
		}
		if len(fields) == 1 {
			return faulty(number, "has no version of "+fields[0])
		}
		var f *fault
		first, f = toolVersions(number, fields[1:])
		return f
	})
	if f != nil {
		return pin{}, f
	}
	return first, nil
}

// toolVersions reads the versions of one line. What vmgo never has installed is
// passed over where another version stands beside it.
func toolVersions(number int, texts []string) (pin, *fault) {
	p := pin{line: number}
	var unsupported *fault
	for _, text := range texts {
		selector, f := toolVersion(number, text)
		switch {
		case f != nil && isForeign(text):
			p.note = "vmgo has no " + text
			if unsupported == nil {
				unsupported = f
			}
		case f != nil:
			return pin{}, f
		case p.selector.IsZero():
			p.selector = selector
		default:
			p.fallbacks = append(p.fallbacks, selector)
		}
	}
	if p.selector.IsZero() {
		return pin{}, unsupported
	}
	return p, nil
}

// toolVersion reads a version of .tool-versions. There it is a version or the
// beginning of one, latest, or system; latest:1.22 (asdf) and prefix:1.22 (mise)
// are the newest of a line.
func toolVersion(number int, text string) (gover.Selector, *fault) {
	bare, line := strings.CutPrefix(text, "latest:")
	if !line {
		bare, line = strings.CutPrefix(text, "prefix:")
	}
	selector, err := gover.ParseSelector(bare)
	kind := selector.Kind()
	switch {
	case err == nil && (kind == gover.Exact || kind == gover.Prefix || !line && (kind == gover.System || text == "latest")):
		return selector, nil
	case isForeign(text):
		return selector, foreign(number, text)
	case err == nil:
		return selector, faulty(number, `"`+text+`" is not supported in .tool-versions`,
			"vmgo use --as-typed "+diag.Word(text)+"   # a .go-version takes precedence")
	default:
		return selector, badSelector(number, err)
	}
}

// isForeign reports whether text has the form of a version that another manager
// makes or finds by itself: ref:master, path:/usr/local/go.
func isForeign(text string) bool { return strings.IndexByte(text, ':') > 0 }

func foreign(number int, text string) *fault {
	reason := `"` + text + `" is not a release of Go`
	if dir, found := strings.CutPrefix(text, "path:"); found {
		return faulty(number, reason, "vmgo adopt "+diag.Word(dir)+"   # then name its version instead")
	}
	if strings.HasPrefix(text, "ref:") {
		return faulty(number, reason+", and vmgo does not build releases", "vmgo use latest   # a .go-version takes precedence; system is the go of PATH")
	}
	return faulty(number, reason, "vmgo use 1.22.5   # a .go-version takes precedence")
}

func badSelector(line int, err error) *fault {
	f := faulty(line, err.Error())
	var e *diag.Error
	if errors.As(err, &e) {
		f.hints = e.Hints
	}
	return f
}
