package harden

import (
	"fmt"
	"regexp"

	"github.com/aymanbagabas/go-udiff"
)

// Diff renders the change of a file as a unified diff, with its mode and owner
// where they are not root's 0644. Other kinds have none.
func (c Change) Diff() string {
	if c.Kind != File || c.From.Text == c.To.Text && c.From.Present == c.To.Present {
		return ""
	}
	from, to := "a"+c.Target, "b"+c.Target
	if !c.From.Present {
		from = "/dev/null"
	}
	if !c.To.Present {
		to = "/dev/null"
	}
	return c.modeLine() + UnifiedDiff(from, to, withoutPasswords(c.From.Text), withoutPasswords(c.To.Text))
}

// UnifiedDiff returns the difference between two texts as diff -u does; from and
// to are the names in its head.
func UnifiedDiff(from, to, a, b string) string {
	text, err := udiff.ToUnified(from, to, a, udiff.Lines(a, b), udiff.DefaultContextLines)
	if err != nil {
		return "" // the edits are those of a
	}
	return text
}

// withoutPasswords hides the passwords of network shares, which /etc/fstab may have
// near the changed lines: diffs are shown and attached to tickets.
func withoutPasswords(text string) string {
	return regexp.MustCompile(`(?i)\b(pass(?:word)?2?)=[^,\s]+`).ReplaceAllString(text, "${1}=***")
}

func (c Change) modeLine() string {
	switch {
	case !c.From.Present:
		return fmt.Sprintf("new file mode %04o owner %d:%d\n", c.To.Mode, c.To.UID, c.To.GID)
	case c.To.Present && (c.From.Mode != c.To.Mode || c.From.UID != c.To.UID || c.From.GID != c.To.GID):
		return fmt.Sprintf("mode %04o owner %d:%d becomes mode %04o owner %d:%d\n",
			c.From.Mode, c.From.UID, c.From.GID, c.To.Mode, c.To.UID, c.To.GID)
	}
	return ""
}
