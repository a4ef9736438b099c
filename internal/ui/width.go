package ui

import (
	"strings"

	"github.com/rivo/uniseg"
)

// Width returns the number of columns that a terminal shows s in: two for wide
// characters, none for combining ones and for escape sequences that colour.
func Width(s string) int {
	n := 0
	for s != "" {
		if strings.HasPrefix(s, "\x1b[") {
			if end := strings.IndexByte(s, 'm'); end > 0 {
				s = s[end+1:]
				continue
			}
		}
		_, rest, columns, _ := uniseg.FirstGraphemeClusterInString(s, -1)
		s, n = rest, n+columns
	}
	return n
}

// Cut returns the beginning of a text without escape sequences that is no wider
// than columns; what was cut off is told by an ellipsis.
func Cut(text string, columns int) string {
	if columns < 1 {
		return ""
	}
	if Width(text) <= columns {
		return text
	}
	var kept strings.Builder
	for n := 1; text != ""; { // one column for the ellipsis
		cluster, rest, width, _ := uniseg.FirstGraphemeClusterInString(text, -1)
		if n += width; n > columns {
			break
		}
		kept.WriteString(cluster)
		text = rest
	}
	return kept.String() + "…"
}

// Fill breaks text at blanks into lines no wider than columns, where words are short
// enough: the first begins with first, the others with rest. Columns of 0 break nothing.
func Fill(first, rest, text string, columns int) string {
	var out strings.Builder
	line, empty := first, true
	for word, more := "", text; more != ""; {
		blanks := len(more) - len(strings.TrimLeft(more, " "))
		end := strings.IndexByte(more[blanks:]+" ", ' ') + blanks
		word, more = more[:end], more[end:]
		if columns > 0 && !empty && Width(line)+Width(word) > columns {
			out.WriteString(line + "\n")
			line, word = rest, word[blanks:]
		}
		line, empty = line+word, false
	}
	return out.String() + line + "\n"
}
