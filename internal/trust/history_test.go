package trust

import (
	"context"
	"crypto/rand"
	"maps"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
)

// historian signs the tree heads of made-up histories.
type historian struct {
	signer note.Signer
	key    string
}

func newHistorian(t *testing.T) historian {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, publicName)
	must(t, err)
	signer, err := note.NewSigner(private)
	must(t, err)
	return historian{signer, public}
}

func (h historian) sign(t *testing.T, text string) []byte {
	t.Helper()
	signed, err := note.Sign(&note.Note{Text: text}, h.signer)
	must(t, err)
	return signed
}

// history is a log.
type history struct {
	tree    tlog.Tree
	head    []byte
	answers []string          // to a lookup of each record
	tiles   map[string]string // by path of a request
}

func (h historian) history(t *testing.T, records ...string) history {
	t.Helper()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (list []tlog.Hash, err error) {
		for _, i := range indexes {
			list = append(list, stored[i])
		}
		return list, nil
	})
	for i, record := range records {
		hashes, err := tlog.StoredHashes(int64(i), []byte(record), reader)
		must(t, err)
		stored = append(stored, hashes...)
	}
	made := history{tree: tlog.Tree{N: int64(len(records))}, tiles: map[string]string{}}
	for _, tile := range tlog.NewTiles(tileHeight, 0, made.tree.N) {
		data, err := tlog.ReadTileData(tile, reader)
		must(t, err)
		made.tiles["/"+tile.Path()] = string(data)
	}
	var err error
	made.tree.Hash, err = tlog.TreeHash(made.tree.N, reader)
	must(t, err)
	made.head = h.sign(t, string(tlog.FormatTree(made.tree)))
	for id, record := range records {
		answer, err := tlog.FormatRecord(int64(id), []byte(record))
		must(t, err)
		made.answers = append(made.answers, string(answer)+string(made.head))
	}
	return made
}

// merge returns what any of the maps has, of the last that has it.
func merge(list ...map[string]string) map[string]string {
	merged := map[string]string{}
	for _, one := range list {
		maps.Copy(merged, one)
	}
	return merged
}

// A fork is told only where it can be shown: two signed heads of which one does
// not begin with the other, by the tiles of the longer one.
func TestLog_findFork(t *testing.T) {
	t.Parallel()
	h := newHistorian(t)
	short, long := h.history(t, "a\n", "b\n"), h.history(t, "a\n", "b\n", "c\n")
	otherShort, otherLong := h.history(t, "a\n", "x\n"), h.history(t, "a\n", "x\n", "c\n")
	hash := func(x history) string { return "\t" + x.tree.Hash.String() + "\n" }
	for _, tt := range []struct {
		name        string
		known, seen history
		held        map[string]string // by the server
		cached      map[string]string
		proof       bool   // the report needs one
		prefix, not string // what the report says; empty: there is none
	}{
		{"the same head", short, short, nil, nil, false, "", ""},
		{"it grew", short, long, merge(long.tiles), nil, false, "", ""},
		{"an older head", long, short, nil, merge(long.tiles), false, "", ""},
		{"without tiles", short, otherLong, nil, nil, false, "", ""},
		{"tiles of another history", short, otherLong, merge(long.tiles), nil, false, "", ""},
		{"no head known", history{}, otherLong, merge(otherLong.tiles), nil, false, "", ""},
		{"no head seen", short, history{}, nil, merge(short.tiles), false, "", ""},
		{"another of the same size", short, otherShort, nil, nil, false, hash(otherShort), hash(short)},
		{"a longer one", short, otherLong, merge(otherLong.tiles), merge(short.tiles), true, hash(otherShort), hash(short)},
		{"a shorter one", long, otherShort, merge(otherShort.tiles), merge(long.tiles), true, hash(short), hash(otherShort)},
	} {
		s := testSession(t, merge(tt.held, map[string]string{"/latest": string(tt.seen.head)}))
		s.log.key = h.key
		put(t, s.log.stateFile("latest"), string(tt.known.head))
		for path, text := range tt.cached {
			put(t, s.cacheFile(s.log.name+path), text)
		}
		report := s.log.findFork(s)
		if tt.prefix == "" {
			if report != "" {
				t.Errorf("%s:\n%s", tt.name, report)
			}
			continue
		}
		told := strings.Contains(report, "have the hash\n"+tt.prefix+"and not\n"+tt.not)
		_, steps, proved := strings.Cut(report, "by the tree proof\n")
		if !told || proved != tt.proof || proved && !strings.HasPrefix(steps, "\t") {
			t.Errorf("%s:\n%s", tt.name, report)
		}
	}
}

// The head that came with the record is the one to judge, unless the record
// came from the cache.
func TestLog_seenHead(t *testing.T) {
	t.Parallel()
	h := newHistorian(t)
	old, latest := h.history(t, "a\n"), h.history(t, "a\n", "b\n")
	for _, tt := range []struct {
		name   string
		record string
		cached bool
		latest string
		want   int64 // size of the tree; 0: an error
	}{
		{"with the record", old.answers[0], false, string(latest.head), 1},
		{"with a cached record", old.answers[0], true, string(latest.head), 2},
		{"without a record", "", false, string(latest.head), 2},
		{"with the record, unsigned", strings.Replace(old.answers[0], "tree\n1", "tree\n2", 1), false, string(latest.head), 0},
		{"the latest is not signed", "", false, "junk", 0},
		{"no latest", "", false, "", 0},
	} {
		held := map[string]string{}
		if tt.latest != "" {
			held["/latest"] = tt.latest
		}
		s := testSession(t, held)
		s.log.key, s.record, s.recordCached = h.key, []byte(tt.record), tt.cached
		if got, err := s.log.seenHead(s); (err == nil) != (tt.want > 0) || err == nil && got.N != tt.want {
			t.Errorf("%s: %d, %v", tt.name, got.N, err)
		}
	}
}

// The evidence is told of even where it cannot be written.
func TestLog_forkedWithoutPlace(t *testing.T) {
	t.Parallel()
	s := testSession(t, nil)
	place := s.log.config.StateDir + "/file"
	put(t, place, "")
	s.log.config.StateDir = place
	if err := s.log.forked("report"); diag.CodeOf(err) != diag.LogForked || !strings.Contains(err.Error(), "could not be written") {
		t.Error(err)
	}
}

// A proof is made of a record, a head that the database signed and its tiles;
// none may be missing.
func TestSession_prove(t *testing.T) {
	t.Parallel()
	h := newHistorian(t)
	good := h.history(t, "a\n", "b\n")
	for _, tt := range []struct {
		without      string
		record, head string
		tiles        map[string]string
	}{
		{"nothing", good.answers[0], string(good.head), good.tiles},
		{"the record", "junk", string(good.head), good.tiles},
		{"the signature", good.answers[0], string(tlog.FormatTree(good.tree)), good.tiles},
		{"the tree", good.answers[0], string(h.sign(t, "no tree\n")), good.tiles},
		{"the tiles", good.answers[0], string(good.head), nil},
	} {
		s := testSession(t, tt.tiles)
		s.record, s.head, s.log.key = []byte(tt.record), []byte(tt.head), h.key
		var r Record
		if err := s.prove(&r); (err == nil) != (tt.without == "nothing") {
			t.Errorf("proved without %s: %v, %+v", tt.without, err, r)
		}
	}
	if tree, err := openTree(h.sign(t, "no tree\n"), h.key); err == nil {
		t.Errorf("no tree is the tree %v", tree)
	}
	if _, err := openTree(good.head, "no key"); err == nil {
		t.Error("a head is read without a key")
	}
}

// counted counts the requests.
type counted struct {
	answers
	urls map[string]int
}

func (c counted) Get(ctx context.Context, url string, limit int64) ([]byte, error) {
	c.urls[url]++
	return c.answers.Get(ctx, url, limit)
}

// Whether a proxy carries the database is asked once, and its answer is as
// bounded as all others.
func TestLog_asksProxyOnce(t *testing.T) {
	t.Parallel()
	asked := counted{answers{t, map[string]string{"https://proxy.example/sumdb/" + publicName + "/supported": ""}}, map[string]int{}}
	proxies, err := fetch.ParseProxies("https://proxy.example,file:///nowhere")
	must(t, err)
	l, err := NewLog(LogConfig{Getter: asked, Proxies: proxies})
	must(t, err)
	for range 2 {
		if url, err := l.URL(t.Context()); err != nil || url != "https://proxy.example/sumdb/"+publicName {
			t.Errorf("%s, %v", url, err)
		}
	}
	if len(asked.urls) != 1 || asked.urls["https://proxy.example/sumdb/"+publicName+"/supported"] != 1 {
		t.Error(asked.urls)
	}
}
