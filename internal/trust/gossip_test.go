package trust

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vmgo/vmgo/internal/diag"
)

// Heads of one history are told from those of another by the tiles of the longer one.
func TestLog_Compare(t *testing.T) {
	t.Parallel()
	h := newHistorian(t)
	short, long := h.history(t, "a\n", "b\n"), h.history(t, "a\n", "b\n", "c\n")
	otherShort, otherLong := h.history(t, "a\n", "x\n"), h.history(t, "a\n", "x\n", "c\n")
	const forked, fails = diag.LogForked, diag.Code("another error")
	for _, tt := range []struct {
		name         string
		known, other history
		held         history   // whose tiles and head the server has
		want         diag.Code // empty: one history
		report       []string  // parts of the evidence
	}{
		{"the same head", short, short, history{}, "", nil},
		{"a newer one", short, long, long, "", nil},
		{"an older one", long, short, long, "", nil},
		{"tiles of another history in the cache", short, long, long, "", nil},
		{"tiles of another history in the cache, too", short, long, otherLong, forked, []string{short.tree.Hash.String()}},
		{"no head known", history{}, short, long, "", nil},
		{"no head known, and none to be seen", history{}, short, history{}, fails, nil},
		{"no head known, and none with the tiles", history{}, short, history{tiles: short.tiles}, fails, nil},
		{"a head that is none", history{head: []byte("junk")}, short, short, fails, nil},
		{"without tiles", short, long, history{}, fails, nil},
		{"another of the same size", short, otherShort, history{}, forked, []string{short.tree.Hash.String(), otherShort.tree.Hash.String()}},
		{"a longer one", short, otherLong, otherLong, forked, []string{"by the tree proof\n\t", short.tree.Hash.String(), otherShort.tree.Hash.String()}},
		{"a shorter one", long, otherShort, long, forked, []string{"by the tree proof\n\t", short.tree.Hash.String(), otherShort.tree.Hash.String()}},
		{"tiles of another history", short, otherLong, long, forked, []string{"whose tiles it does not show", otherLong.tree.Hash.String()}},
	} {
		held := merge(tt.held.tiles)
		if tt.held.head != nil {
			held["/latest"] = string(tt.held.head)
		}
		s := testSession(t, held)
		s.log.key = h.key
		if tt.known.head != nil {
			put(t, s.log.stateFile("latest"), string(tt.known.head))
		}
		if strings.Contains(tt.name, "in the cache") { // the server is asked again
			for path, text := range otherLong.tiles {
				put(t, s.cacheFile(s.log.name+path), text)
			}
		}
		g, err := s.log.Compare(t.Context(), tt.other.head)
		if tt.want == "" {
			ours := tt.known.tree.N
			if tt.known.head == nil {
				ours = tt.held.tree.N
			}
			if want := (Gossip{Log: s.log.name, Ours: ours, Theirs: tt.other.tree.N, Heads: 1}); err != nil || g != want {
				t.Errorf("%s: %+v, %v, want %+v", tt.name, g, err, want)
			}
			continue
		}
		if err == nil || (diag.CodeOf(err) == forked) != (tt.want == forked) || g != (Gossip{}) {
			t.Errorf("%s: %+v, %v", tt.name, g, err)
			continue
		}
		if tt.want == fails {
			continue
		}
		evidence, readErr := os.ReadFile(strings.TrimPrefix(diag.HintsOf(err)[0], "less "))
		must(t, readErr)
		for _, part := range tt.report {
			if !strings.Contains(string(evidence), part) {
				t.Errorf("%s: the evidence lacks %q:\n%s", tt.name, part, evidence)
			}
		}
	}
}

// Any text may hold heads. Those that others signed do not count, and no more than some.
func TestLog_headsIn(t *testing.T) {
	t.Parallel()
	h := newHistorian(t)
	s := testSession(t, nil)
	s.log.key = h.key
	a, b := string(h.history(t, "a\n").head), string(h.history(t, "a\n", "b\n").head)
	quoted, err := json.Marshal(map[string]any{"number": 7, "proof": map[string]any{"heads": []string{a, "text", b}}})
	must(t, err)
	var many bytes.Buffer
	for n := range maxGossip + 1 {
		many.Write(h.sign(t, string(tlog.FormatTree(tlog.Tree{N: int64(n + 1)}))))
	}
	half := many.Len() / 2
	parts, err := json.Marshal([]string{many.String()[:half], many.String()[half:], a, b})
	must(t, err)
	for text, want := range map[string]int{
		string(parts): maxGossip, "": 0, "text": 0, a: 1, a + a: 1, "first\n" + a + "then\n" + b: 2, string(quoted): 2, string(newHistorian(t).history(t, "a\n").head): 0,
		many.String(): maxGossip, many.String() + a: maxGossip,
	} {
		if got := s.log.headsIn([]byte(text)); len(got) != want {
			t.Errorf("%d heads, want %d, in\n%.300s", len(got), want, text)
		}
	}
	if _, err := s.log.Compare(t.Context(), []byte("text")); diag.CodeOf(err) != diag.ProofInvalid {
		t.Errorf("nothing to compare with: %v", err)
	}
}
