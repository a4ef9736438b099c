package program_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/program"
)

// A terminal gets no control characters of what a command prints, whichever command it
// is; a pipe gets every byte.
func TestMain_terminal(t *testing.T) {
	t.Parallel()
	const raw = "\x1b]0;title\a/dir\x1b[2J\n"
	for terminal, want := range map[bool]string{true: `\x1b]0;title\x07/dir\x1b[2J` + "\n", false: raw} {
		var stdout, stderr bytes.Buffer
		h := host.OS()
		h.Args, h.Stdout, h.Stderr, h.StdoutTTY = []string{"vmgo-fleet", "status"}, &stdout, &stderr, terminal
		status := program.Main(h, program.Fleet(), func(h host.Host) []program.Command {
			return []program.Command{{Name: "status", Run: func(context.Context, []string) error {
				_, err := io.WriteString(h.Stdout, raw)
				return err
			}}}
		})
		if status != 0 || stdout.String() != want || stderr.Len() > 0 {
			t.Errorf("terminal %t: status %d, %q, %q", terminal, status, stdout.String(), stderr.String())
		}
	}
}
