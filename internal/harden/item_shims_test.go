package harden

import (
	"os"
	"strings"
	"testing"
)

// A link in /usr/local/bin makes the program everybody's go, root's own too.
func TestShims_areNotMadeOfAProgramThatOthersMayChange(t *testing.T) {
	t.Parallel()
	m := made(t, true, map[string]string{shimProgram: "#!/bin/sh\n"})
	for _, test := range []struct {
		program, dir os.FileMode
		want         string
	}{
		{0o755, 0o755, "wanted"},
		{0o757, 0o755, "blocked: others may write to " + shimProgram},
		{0o755, 0o777, "blocked: every user may write in /usr/local/bin"},
	} {
		must(t, os.Chmod(m.real(shimProgram), test.program))
		must(t, os.Chmod(m.real("/usr/local/bin"), test.dir))
		if got := verdict(desiredOf(t, m, shimsItem())); !strings.HasPrefix(got, test.want) {
			t.Errorf("%v in %v: %s, want %s", test.program, test.dir, got, test.want)
		}
	}
}
