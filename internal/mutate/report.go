//go:build mutate

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// key names a mutant without its line, so that it stays the same while the
// file changes elsewhere.
func (m *mutant) key() string { return fmt.Sprintf("%s %s", m.file, m.change()) }

// change is "FUNCTION: ORIGINAL => REPLACEMENT", with a number where a function
// has several of that text.
func (m *mutant) change() string {
	text := fmt.Sprintf("%s: %s => %s", m.function, m.original, m.replacement)
	if m.nth > 1 {
		text += fmt.Sprintf(" #%d", m.nth)
	}
	return text
}

func (m *mutant) String() string {
	return fmt.Sprintf("%s:%d: %s [%s]", m.file, m.line, m.change(), m.kind)
}

// readBaseline reads the accepted survivors: lines `FILE FUNCTION: ORIGINAL =>
// REPLACEMENT # REASON`.
func readBaseline(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	baseline := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, reason, ok := strings.Cut(line, " # ")
		if !ok {
			return nil, fmt.Errorf("%s: no reason: %s", path, line)
		}
		baseline[strings.TrimSpace(key)] = reason
	}
	return baseline, lines.Err()
}

// stale returns the keys of a baseline that are of files of the mutants, and of no mutant.
func stale(baseline map[string]string, mutants []*mutant) []string {
	files, keys := map[string]bool{}, map[string]bool{}
	for _, m := range mutants {
		files[m.file], keys[m.key()] = true, true
	}
	var old []string
	for _, key := range sortedKeys(baseline) {
		if file, _, _ := strings.Cut(key, " "); files[file] && !keys[key] {
			old = append(old, key)
		}
	}
	return old
}

// report counts outcomes and prints survivors as they come.
type report struct {
	out       io.Writer
	baseline  map[string]string
	verbose   bool
	total     int
	killed    int
	endless   int
	accepted  int
	stale     []string // keys of the baseline that are of no use
	survivors []*mutant
	unreached int
}

func (r *report) add(m *mutant, o outcome) {
	switch {
	case o.verdict == timedOut:
		r.endless++
	case o.verdict == failed:
		r.killed++
		if r.baseline[m.key()] != "" {
			r.stale = append(r.stale, m.key()+" (missed by "+o.by+")")
		}
	case r.baseline[m.key()] != "":
		r.accepted++
		o = outcome{verdict: "accepted:", by: r.baseline[m.key()]}
	default:
		r.survivors = append(r.survivors, m)
		if o.by != "" {
			r.unreached++
		}
	}
	done := r.killed + r.endless + r.accepted + len(r.survivors)
	if r.verbose {
		fmt.Fprintf(r.out, "%s: %s %s\n", m, o.verdict, o.by)
	} else if done%20 == 0 {
		say("%d of %d, %d survive", done, r.total, len(r.survivors))
	}
}

// end prints the survivors, the lines of the baseline that can go and the sums, and
// returns how many survived, and how many lines can go.
func (r *report) end() int {
	slices.SortFunc(r.survivors, func(a, b *mutant) int { return a.number - b.number })
	for _, m := range r.survivors {
		fmt.Fprintln(r.out, m)
	}
	for _, key := range r.stale {
		fmt.Fprintln(r.out, "accepted for nothing:", key)
	}
	fmt.Fprintf(r.out, "%d mutants: %d killed, %d without an end, %d accepted, %d survive (%d of them where no test comes)\n",
		r.total, r.killed, r.endless, r.accepted, len(r.survivors), r.unreached)
	return len(r.survivors) + len(r.stale)
}
