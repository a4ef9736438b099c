package trust

import (
	"context"
	"maps"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vmgo/vmgo/internal/diag"
)

// hashOf is a hash of the kind that records have.
func hashOf(letter string) string { return "h1:" + strings.Repeat(letter, 43) + "=" }

// moduleRecord is the record of a version of example.com/m.
func moduleRecord(version string) string {
	return "example.com/m " + version + " " + hashOf("Z") + "\nexample.com/m " + version + "/go.mod " + hashOf("M") + "\n"
}

// served is what a server of the history has: its tiles, its head, and records by what they begin with.
func (x history) served() map[string]string {
	held := maps.Clone(x.tiles)
	held["/latest"] = string(x.head)
	for _, answer := range x.answers {
		_, line, _ := strings.Cut(answer, "\n")
		if fields := strings.Fields(line); len(fields) > 2 {
			held["/lookup/"+fields[0]+"@"+fields[1]] = answer
		}
	}
	return held
}

// logOf returns a log of the historian's that is served what is held.
func (h historian) logOf(t *testing.T, held map[string]string) *Log {
	t.Helper()
	l := testSession(t, held).log
	l.key = h.key
	return l
}

// wantError fails the test unless the error has the code and the text.
func wantError(t *testing.T, name string, err error, code diag.Code, text string) {
	t.Helper()
	if diag.CodeOf(err) != code || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: %v [%s], want [%s] %q", name, err, diag.CodeOf(err), code, text)
	}
}

// The hashes of a module are those of its own lines, and it needs both.
func TestLog_Module(t *testing.T) {
	t.Parallel()
	h := newHistorian(t)
	zip, mod := "example.com/m v1.0.0 "+hashOf("Z")+"\n", "example.com/m v1.0.0/go.mod "+hashOf("M")+"\n"
	for _, tt := range []struct{ name, record, refused string }{
		{"whole", zip + mod, ""},
		{"beside other lines", "example.com/m v1.0.0 " + hashOf("X") + " more\nexample.com/x v1.0.0 " + hashOf("X") + "\nexample.com/m v1.0.0 h2:x\n" +
			"example.com/m v1.0.1 " + hashOf("X") + "\nexample.com/m v1.0.1/go.mod " + hashOf("X") + "\n" + zip + mod, ""},
		{"before other lines", zip + mod + "example.com/m v1.0.0/go.mod h2:x\nexample.com/x v1.0.0/go.mod " + hashOf("X") +
			"\nexample.com/m v1.0.0/go.mod " + hashOf("X") + " more\nexample.com/m v1.0.1/go.mod " + hashOf("X") + "\nword\n", ""},
		{"without the go.mod", zip, "about something else"},
		{"without the zip", mod, "about something else"},
		{"of another module", "example.com/x v1.0.0 " + hashOf("Z") + "\nexample.com/x v1.0.0/go.mod " + hashOf("M") + "\n", "about something else"},
	} {
		x := h.history(t, tt.record)
		held := x.served()
		held["/lookup/example.com/m@v1.0.0"] = x.answers[0]
		r, err := h.logOf(t, held).Module(t.Context(), "example.com/m", "v1.0.0")
		switch {
		case tt.refused != "":
			wantError(t, tt.name, err, diag.ProofInvalid, tt.refused)
		case err != nil || r.Zip != hashOf("Z") || r.Mod != hashOf("M") || string(r.Answer) != x.answers[0]:
			t.Errorf("%s: %+v, %v", tt.name, r, err)
		}
	}
	_, err := h.logOf(t, h.history(t, zip+mod).served()).Module(t.Context(), "example.com/m", "v1.0.1")
	wantError(t, "no record", err, diag.Unproven, "has no record of example.com/m@v1.0.1")
	_, err = h.logOf(t, nil).Module(t.Context(), "not a path", "v1")
	wantError(t, "no path", err, diag.ProofInvalid, "about not a path@v1 does not hold")
}

// longHistory has tiles of two levels: 256 records in a full one, and two more.
func (h historian) longHistory(t *testing.T) history {
	t.Helper()
	records := make([]string, 1<<tileHeight+2)
	for i := range records {
		records[i] = strconv.Itoa(i) + "\n"
	}
	return h.history(t, records...)
}

// A tile is one of the newest tree, or the beginning of one.
func TestLog_Tile(t *testing.T) {
	t.Parallel()
	h := newHistorian(t)
	long := h.longHistory(t)
	const full, edge, above = "tile/8/0/000", "tile/8/0/001.p/2", "tile/8/1/000.p/1"
	old := h.history(t, "0\n")
	withFull := long.served() // a partial tile goes once the full one is there
	short := h.history(t, "0\n", "1\n")
	delete(withFull, "/"+edge)
	other := h.history(t, "x\n", "y\n").served()
	for _, tt := range []struct {
		name, path string
		known      []byte
		held       map[string]string
		want       string
		code       diag.Code
		text       string
	}{
		{"full", full, nil, long.served(), long.tiles["/"+full], "", ""},
		{"at the edge", edge, nil, long.served(), long.tiles["/"+edge], "", ""},
		{"of the level above", above, nil, long.served(), long.tiles["/"+above], "", ""},
		{"the beginning of one at the edge", "tile/8/0/001.p/1", nil, long.served(), long.tiles["/"+edge][:tlog.HashSize], "", ""},
		{"the beginning of a full one", "tile/8/0/000.p/2", nil, long.served(), short.tiles["/tile/8/0/000.p/2"], "", ""},
		{"of a tree that has grown", full, old.head, long.served(), long.tiles["/"+full], "", ""},
		{"of the known tree, while there is no newer one", edge, long.head, long.tiles, long.tiles["/"+edge], "", ""},
		{"of the known tree, which has become full", "tile/8/0/000.p/1", short.head, long.served(), short.tiles["/tile/8/0/000.p/2"][:tlog.HashSize], "", ""},
		{"wider than the tree", "tile/8/0/001.p/3", nil, long.served(), "", diag.Unproven, "no tile tile/8/0/001.p/3 yet"},
		{"beyond the tree", "tile/8/0/002.p/1", nil, long.served(), "", diag.Unproven, "no tile tile/8/0/002.p/1 yet"},
		{"far beyond the tree", "tile/8/0/x072/x057/x594/x037/x927/936", nil, long.served(), "", diag.Unproven, "yet"},
		{"of a level that the tree has not", "tile/8/2/000.p/1", nil, long.served(), "", diag.Unproven, "yet"},
		{"of another height", "tile/4/0/000.p/1", nil, long.served(), "", diag.Unproven, "no tile of hashes"},
		{"of records", "tile/8/data/000", nil, long.served(), "", diag.Unproven, "no tile of hashes"},
		{"no path", "tile/8/0/0", nil, long.served(), "", diag.Unproven, "no tile of hashes"},
		{"the database is gone", full, nil, nil, "", diag.Network, "could not be reached for " + full},
		{"the database is gone, after a head", full, old.head, nil, "", diag.Network, "could not be reached for " + full},
		{"its tiles are gone", edge, long.head, withFull, "", diag.Network, "does not reach back"},
		{"another history", "tile/8/0/000.p/2", short.head, other, "", diag.LogForked, "two histories"},
		{"a known head that is none", full, []byte("junk"), long.served(), "", diag.Failure, "not one that sum.golang.org signed"},
	} {
		l := h.logOf(t, tt.held)
		if tt.known != nil {
			put(t, l.stateFile("latest"), string(tt.known))
		}
		data, err := l.Tile(t.Context(), tt.path)
		if tt.code != "" {
			wantError(t, tt.name, err, tt.code, tt.text)
			continue
		}
		if err != nil || string(data) != tt.want {
			t.Errorf("%s: %d bytes, %v", tt.name, len(data), err)
			continue
		}
		l.config.Getter = getter(func(path string) ([]byte, error) { // it was kept
			t.Errorf("%s: %s is requested again", tt.name, path)
			return nil, gone
		})
		_ = os.Remove(l.stateFile("latest"))
		if again, err := l.Tile(t.Context(), tt.path); err != nil || string(again) != tt.want {
			t.Errorf("%s, again: %d bytes, %v", tt.name, len(again), err)
		}
	}
}

// A tile that does not fit is requested again, whoever wrote it.
func TestLog_Tile_damaged(t *testing.T) {
	t.Parallel()
	h := newHistorian(t)
	x, bad := h.history(t, "a\n", "b\n"), h.history(t, "a\n", "x\n")
	const tile = "/tile/8/0/000.p/2"
	for _, tt := range []struct{ name, own, shared string }{
		{"a short one", x.tiles[tile][1:], ""},
		{"a long one", x.tiles[tile] + "x", ""},
		{"one of another history that others have", "", bad.tiles[tile]},
		{"one of another history that came from others before", bad.tiles[tile], x.tiles[tile]},
	} {
		l := h.logOf(t, x.served())
		put(t, l.stateFile("latest"), string(x.head))
		shared := sharedFiles{l.name + tile: tt.shared}
		if tt.shared != "" {
			l.config.Shared = shared
		}
		file := newSession(t.Context(), l, false).cacheFile(l.name + tile)
		if tt.own != "" {
			put(t, file, tt.own)
		}
		data, err := l.Tile(t.Context(), tile[1:])
		kept, _ := os.ReadFile(file)
		if err != nil || string(data) != x.tiles[tile] || string(kept) != x.tiles[tile] || tt.shared != "" && shared[l.name+tile] != x.tiles[tile] {
			t.Errorf("%s: %v, kept: %v, shared: %v", tt.name, err, string(kept) == x.tiles[tile], shared[l.name+tile] == x.tiles[tile])
		}
	}
	// What fits is not written again; nor is what cannot be checked now.
	for _, known := range []history{x, h.longHistory(t)} {
		l := h.logOf(t, nil)
		put(t, l.stateFile("latest"), string(known.head))
		l.config.Shared = readOnly{sharedFiles{l.name + tile: x.tiles[tile]}, t}
		for range 2 {
			if data, err := l.Tile(t.Context(), tile[1:]); err != nil || string(data) != x.tiles[tile] {
				t.Errorf("%q, %v", data, err)
			}
		}
	}
	l := h.logOf(t, nil)
	put(t, l.stateFile("latest"), string(x.head))
	l.config.Shared = sharedFiles{l.name + tile: bad.tiles[tile]}
	_, err := l.Tile(t.Context(), tile[1:])
	wantError(t, "one of another history, and the database is out of reach", err, diag.Network, "cannot be verified")
}

// The newest head is one that continues the known one; the known one is good
// enough where the database cannot be reached, and for no other reason.
func TestLog_Latest(t *testing.T) {
	t.Parallel()
	h := newHistorian(t)
	short, long, other := h.history(t, "a\n", "b\n"), h.history(t, "a\n", "b\n", "c\n"), h.history(t, "a\n", "x\n", "c\n")
	for _, tt := range []struct {
		name  string
		known []byte
		held  map[string]string
		want  []byte
		code  diag.Code
		text  string
	}{
		{"the first", nil, short.served(), short.head, "", ""},
		{"a newer one", short.head, long.served(), long.head, "", ""},
		{"an older one", long.head, map[string]string{"/latest": string(short.head), "/tile/8/0/000.p/3": long.tiles["/tile/8/0/000.p/3"]}, long.head, "", ""},
		{"the same", short.head, short.served(), short.head, "", ""},
		{"out of reach", short.head, nil, short.head, "", ""},
		{"out of reach, and none known", nil, nil, nil, diag.Network, "could not be reached for latest"},
		{"without its tiles", short.head, map[string]string{"/latest": string(long.head)}, short.head, "", ""},
		{"of another history", short.head, other.served(), nil, diag.LogForked, "two histories"},
		{"an older one of another history", other.head, map[string]string{"/latest": string(short.head), "/tile/8/0/000.p/3": other.tiles["/tile/8/0/000.p/3"]}, nil, diag.LogForked, "two histories"},
		{"not signed", short.head, map[string]string{"/latest": "junk"}, nil, diag.ProofInvalid, "about latest does not hold"},
		{"a known head that is none", []byte("junk"), short.served(), nil, diag.Failure, "not one that sum.golang.org signed"},
	} {
		l := h.logOf(t, tt.held)
		if tt.known != nil {
			put(t, l.stateFile("latest"), string(tt.known))
		}
		got, err := l.Latest(t.Context())
		if tt.code != "" {
			wantError(t, tt.name, err, tt.code, tt.text)
			continue
		}
		kept, _ := os.ReadFile(l.stateFile("latest"))
		if err != nil || string(got) != string(tt.want) || string(kept) != string(tt.want) {
			t.Errorf("%s: %s, %v; kept:\n%s", tt.name, got, err, kept)
		}
	}
}

// getter answers by a function.
type getter func(path string) ([]byte, error)

func (g getter) Get(_ context.Context, url string, _ int64) ([]byte, error) {
	return g(strings.TrimPrefix(url, "https://sum.golang.org"))
}

// A newer head is kept, unless another process has kept one meanwhile.
func TestLog_Latest_kept(t *testing.T) {
	t.Parallel()
	h := newHistorian(t)
	short, long, longer := h.history(t, "a\n"), h.history(t, "a\n", "b\n"), h.history(t, "a\n", "b\n", "c\n")
	l := h.logOf(t, nil)
	latest := l.stateFile("latest")
	put(t, latest, string(short.head))
	l.config.Getter = getter(func(path string) ([]byte, error) {
		put(t, latest, string(longer.head))
		return answers{t, long.served()}.Get(t.Context(), path, maxAnswer)
	})
	got, err := l.Latest(t.Context())
	if kept, _ := os.ReadFile(latest); err != nil || string(got) != string(long.head) || string(kept) != string(longer.head) {
		t.Errorf("beside another process: %s, %v; kept:\n%s", got, err, kept)
	}
	l = h.logOf(t, long.served())
	put(t, l.stateFile("lock/file"), "")
	_, err = l.Latest(t.Context())
	wantError(t, "no lock", err, diag.Failure, "cannot be kept")
	_, err = l.Module(t.Context(), "example.com/m", "v1.0.0")
	wantError(t, "no record", err, diag.Unproven, "has no record")
}

// What a lookup of a module failed of is said in the same words as for a release.
func TestSession_explainModule(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path string
		err  error
		code diag.Code
		text string
	}{
		{"none", errBroken, diag.ProofInvalid, "the answer of the checksum database sum.golang.org about this does not hold"},
		{"", errBroken, diag.Failure, "cannot be kept: broken"},
		{"/lookup/x", gone, diag.Unproven, "has no record of this"},
		{"/lookup/x", errBroken, diag.Network, "could not be reached for this: broken"},
		{"/lookup/x", diag.New(diag.Offline, "offline"), diag.Offline, "could not be reached for this"},
		{"/latest", gone, diag.Network, "could not be reached for this"},
		{"/tile/8/0/000", errBroken, diag.Network, "could not be reached for this"},
		{"/tile/8/0/000", gone, diag.Network, "so this cannot be verified"},
	} {
		s := testSession(t, nil)
		err := tt.err
		if tt.path != "none" {
			err = s.issue(tt.path, tt.err)
		}
		wantError(t, tt.path, s.explainModule("this", err), tt.code, tt.text)
	}
	s := testSession(t, nil)
	s.SecurityError("two histories")
	wantError(t, "a fork", s.explainModule("this", errBroken), diag.LogForked, "two histories")
}

// A head counts if the database signed it.
func TestLog_CheckHead(t *testing.T) {
	t.Parallel()
	h := newHistorian(t)
	l := h.logOf(t, nil)
	if err := l.CheckHead(h.history(t, "a\n").head); err != nil {
		t.Error(err)
	}
	if err := l.CheckHead(newHistorian(t).history(t, "a\n").head); err == nil {
		t.Error("the head that another key signed")
	}
}
