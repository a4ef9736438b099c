package ui

import (
	"io"
	"strings"
)

// Terminal returns a writer for a terminal: of the control characters in what is
// written only line breaks, tabs and the colours of a [Palette] reach it, whoever
// named the file that has them. Each Write is of whole characters.
func Terminal(w io.Writer) io.Writer { return terminal{w} }

type terminal struct{ w io.Writer }

// Write is part of [io.Writer].
func (t terminal) Write(p []byte) (int, error) {
	var out strings.Builder
	for line := range strings.Lines(string(p)) {
		body, ended := strings.CutSuffix(line, "\n")
		for i, part := range strings.Split(body, "\t") {
			if i > 0 {
				out.WriteByte('\t')
			}
			out.WriteString(tame(part))
		}
		if ended {
			out.WriteByte('\n')
		}
	}
	if _, err := io.WriteString(t.w, out.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}
