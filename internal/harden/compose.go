package harden

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"syscall"

	"github.com/aymanbagabas/go-udiff"
)

const (
	ownHeader = "# Written by vmgo. See it with `vmgo harden status`, undo it with `vmgo harden undo`.\n"
	// BlockBegin and BlockEnd enclose what vmgo changed in a file that it did
	// not create.
	BlockBegin = "# >>> vmgo harden >>>"
	BlockEnd   = "# <<< vmgo harden <<<"
)

// compose renders a shared file from the parts of its items, in a fixed order.
func compose(parts map[string]string) string {
	var out strings.Builder
	out.WriteString(ownHeader)
	for _, id := range slices.Sorted(maps.Keys(parts)) {
		out.WriteString("\n# item: " + id + "\n")
		out.WriteString(parts[id])
	}
	return out.String()
}

// withdraw reverts vmgo's change in a file that others have edited since: every
// run of lines that vmgo wrote becomes the original's again. ok is false where one
// of them is not there as vmgo wrote it.
func withdraw(current, written, original string) (text string, ok bool) {
	cur := textLines(current)
	var out strings.Builder
	for _, edit := range udiff.Lines(written, original) {
		run, back := textLines(written[edit.Start:edit.End]), textLines(edit.New)
		at := indexOf(cur, run)
		if at < 0 {
			return "", false
		}
		out.WriteString(strings.Join(cur[:at], ""))
		out.WriteString(strings.Join(back, ""))
		cur = cur[at+len(run):]
		if n := len(back); n > 0 && len(cur) > 0 && !strings.HasSuffix(back[n-1], "\n") {
			out.WriteString("\n") // it was the last line, and is followed by another now
		}
	}
	out.WriteString(strings.Join(cur, ""))
	return out.String(), true
}

// textLines splits text after each end of a line.
func textLines(text string) []string {
	lines := strings.SplitAfter(text, "\n")
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last]
	}
	return lines
}

// indexOf is where lines has run for the first time; -1 where it has not, or where
// there is nothing to look for.
func indexOf(lines, run []string) int {
	for i := 0; len(run) > 0 && i+len(run) <= len(lines); i++ {
		if slices.Equal(lines[i:i+len(run)], run) {
			return i
		}
	}
	return -1
}

func isNotEmpty(err error) bool {
	return errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, syscall.EEXIST) || errors.Is(err, syscall.EBUSY)
}
