package trust_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// Two histories under one key: whichever way the cache stands, it is called by
// its name and the evidence is kept.
func TestLookup_fork(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		first  []string // looked up on the honest log
		second []string // on the forked one, of which the last must fail
		change func(*trust.LogConfig)
	}{
		{"the fork is longer", []string{"1.22.5"}, []string{"1.23.0"}, nil},
		{"without a cache", []string{"1.22.5"}, []string{"1.23.0"}, noCache},
		{"the same size", []string{"1.22.5"}, []string{"1.20.14"}, noCache},
		{"the same size, with a cache", []string{"1.22.5"}, []string{"1.20.14"}, nil},
		{"the fork is shorter", []string{"1.22.5", "1.20.14"}, []string{"1.23.0"}, nil},
	} {
		s, dir := newServer(t), t.TempDir()
		var heads []string
		for _, text := range c.first {
			r, err := newLog(t, s, dir, c.change).Lookup(t.Context(), version(t, text), linux)
			if err != nil {
				t.Fatal(err)
			}
			heads = append(heads, r.TreeHead)
		}
		s.SetLog(vmtest.LogForked)
		if c.name != "the fork is shorter" { // let it grow
			if _, err := newLog(t, s, t.TempDir(), nil).Lookup(t.Context(), version(t, "1.20.14"), linux); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		for _, text := range c.second {
			_, err = newLog(t, s, dir, c.change).Lookup(t.Context(), version(t, text), linux)
		}
		if diag.CodeOf(err) != diag.LogForked {
			t.Errorf("%s: %v [%s]", c.name, err, diag.CodeOf(err))
			continue
		}
		state := filepath.Join(dir, "state", "sumdb", vmtest.LogName)
		files, _ := filepath.Glob(filepath.Join(state, "fork-*.txt"))
		if len(files) != 1 || len(diag.HintsOf(err)) != 1 || diag.HintsOf(err)[0] != "less "+files[0] {
			t.Errorf("%s: evidence %q, hints %q", c.name, files, diag.HintsOf(err))
			continue
		}
		report, err := os.ReadFile(files[0])
		if err != nil || !bytes.Contains(report, []byte("proof of misbehavior")) || bytes.Count(report, []byte("go.sum database tree")) != 2 {
			t.Errorf("%s: %s %v", c.name, report, err)
		}
		head, err := os.ReadFile(filepath.Join(state, "latest"))
		if err != nil || string(head) != heads[len(heads)-1] {
			t.Errorf("%s: the forked head was taken over", c.name)
		}
	}
}
