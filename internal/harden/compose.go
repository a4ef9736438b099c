package harden

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"syscall"
)

const (
	ownHeader = "# Written by vmgo. See it with `vmgo harden status`, take it back with `vmgo harden undo`.\n"
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

// withdraw takes vmgo's change out of a file that others have edited since:
// the lines that vmgo wrote, if they are all there and together, become the
// original's again. ok is false where they are not.
func withdraw(current, written, original string) (text string, ok bool) {
	cur, ours, orig := strings.SplitAfter(current, "\n"), strings.SplitAfter(written, "\n"), strings.SplitAfter(original, "\n")
	for len(ours) > 0 && len(orig) > 0 && ours[0] == orig[0] {
		ours, orig = ours[1:], orig[1:]
	}
	for len(ours) > 0 && len(orig) > 0 && ours[len(ours)-1] == orig[len(orig)-1] {
		ours, orig = ours[:len(ours)-1], orig[:len(orig)-1]
	}
	if len(ours) == 0 {
		return "", false
	}
	at := -1
	for i := 0; i+len(ours) <= len(cur); i++ {
		if slices.Equal(cur[i:i+len(ours)], ours) {
			if at >= 0 {
				return "", false
			}
			at = i
		}
	}
	if at < 0 {
		return "", false
	}
	return strings.Join(slices.Concat(cur[:at], orig, cur[at+len(ours):]), ""), true
}

func isNotEmpty(err error) bool {
	return errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, syscall.EEXIST) || errors.Is(err, syscall.EBUSY)
}
