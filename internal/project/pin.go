package project

import (
	"errors"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
)

// pin is what a file of a version manager asks for; line 0 means nothing.
type pin struct {
	selector gover.Selector
	line     int
}

// lines gives the lines of a text file with their numbers, without BOM, line
// ends and comments, blanks trimmed; lines that are then empty are left out. A
// control byte anywhere is a fault: no version file has one.
func lines(data []byte, each func(number int, line string) *fault) *fault {
	text := strings.TrimPrefix(string(data), "\ufeff")
	for number := 1; text != ""; number++ {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		line = strings.TrimSuffix(line, "\r")
		for i := 0; i < len(line); i++ {
			if c := line[i]; c < ' ' && c != '\t' || c == 0x7f {
				return faulty(number, "has a control character, so it is not a text file", "vmgo use 1.22.5   # writes the version again")
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

// parseGoVersion reads the grammar of .go-version: the first line that is
// neither empty nor a comment holds the selector. goenv lets further lines name
// further versions, of which the first is the one in force; so they may follow,
// but nothing else may.
func parseGoVersion(data []byte) (pin, *fault) {
	var first pin
	f := lines(data, func(number int, line string) *fault {
		selector, err := gover.ParseSelector(line)
		if err != nil {
			return badSelector(number, err)
		}
		if first.line == 0 {
			first = pin{selector, number}
		}
		return nil
	})
	if f != nil {
		return pin{}, f
	}
	if first.line == 0 {
		return pin{}, faulty(0, "holds no version", "vmgo use 1.22.5   # writes one")
	}
	return first, nil
}

// parseToolVersions reads the lines "golang" or "go" of a .tool-versions file;
// the first such line counts, and on it the first version, since the others are
// only fallbacks. The other lines are other tools' business.
func parseToolVersions(data []byte) (pin, *fault) {
	var first pin
	f := lines(data, func(number int, line string) *fault {
		fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
		if first.line != 0 || fields[0] != "golang" && fields[0] != "go" {
			return nil
		}
		if len(fields) == 1 {
			return faulty(number, "names no version of "+fields[0])
		}
		selector, f := toolVersion(number, fields[1])
		first = pin{selector, number}
		return f
	})
	if f != nil {
		return pin{}, f
	}
	return first, nil
}

// toolVersion reads a version of .tool-versions. There it is a version or the
// beginning of one, latest, or system; what else asdf and mise know (ref:,
// path:, prefix:) vmgo does not have.
func toolVersion(number int, text string) (gover.Selector, *fault) {
	selector, err := gover.ParseSelector(text)
	kind := selector.Kind()
	switch {
	case err == nil && (kind == gover.Exact || kind == gover.Prefix || kind == gover.System || text == "latest"):
		return selector, nil
	case err == nil:
		return selector, faulty(number, `"`+text+`" is not supported in .tool-versions`,
			"vmgo use --as-typed "+diag.Word(text)+"   # a .go-version goes before it")
	case strings.IndexByte(text, ':') > 0:
		return selector, faulty(number, `"`+text+`" is not a release of Go`, "vmgo use 1.22.5   # a .go-version goes before it")
	default:
		return selector, badSelector(number, err)
	}
}

func badSelector(line int, err error) *fault {
	f := faulty(line, err.Error())
	var e *diag.Error
	if errors.As(err, &e) {
		f.hints = e.Hints
	}
	return f
}
