package trust

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/gover"
)

// answers is a database that gives what it holds, by path.
type answers struct {
	t    *testing.T
	held map[string]string
}

func (a answers) Get(_ context.Context, url string, limit int64) ([]byte, error) {
	if limit != maxAnswer {
		a.t.Errorf("%s may have %d bytes", url, limit)
	}
	if text, ok := a.held[strings.TrimPrefix(url, "https://sum.golang.org")]; ok {
		return []byte(text), nil
	}
	return nil, gone
}

var (
	gone      = &fetch.StatusError{Status: http.StatusNotFound}
	errBroken = errors.New("broken")
)

// session returns a session of the public database's client, with directories
// of its own.
func testSession(t *testing.T, held map[string]string) *session {
	t.Helper()
	l, err := NewLog(LogConfig{Getter: answers{t, held}, Now: time.Now, StateDir: t.TempDir(), CacheDir: t.TempDir()})
	must(t, err)
	return newSession(t.Context(), l, false)
}

func put(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o644))
}

// A record is about one toolchain and has one hash of the kind that we know.
func TestOnlyHash(t *testing.T) {
	t.Parallel()
	const module = "v0.0.1-go1.22.5.linux-amd64"
	const good, other = "h1:bGPFVnJdFiyIwYvKx4ka5mTM4Kqn5nGsCdPQgLW1k0c=", "h1:v2dDUrSmXMaDXc8ZMBaGkBfSF2dRvNwmhtDaXDUgY5I="
	line := func(hash string) string { return gover.ToolchainModule + " " + module + " " + hash }
	for _, tt := range []struct{ record, hash, want string }{
		{line(good), good, ""},
		{line(good) + "\n" + line(good) + "\nsomething else", good, ""},
		{line(good) + "\n" + line(other), "", "two hashes"},
		{"", "", "about something else"},
		{"example.com/m " + module + " " + good, "", "about something else"},
		{gover.ToolchainModule + " v0.0.1-go1.22.6.linux-amd64 " + good, "", "about something else"},
		{line(good) + " more", "", "about something else"},
		{line("h2:" + good[3:]), "", "unknown kind"},
		{line(good[3:]), "", "unknown kind"},
		{line("h1:AAAA"), "", "unknown kind"},
		{line(good + "!"), "", "unknown kind"},
	} {
		got, err := onlyHash(strings.Split(tt.record, "\n"), module)
		if got != tt.hash || (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %q, %v", tt.record, got, err)
		}
	}
}

// What a lookup failed of decides what is said, and whether the cache or a fork is looked at.
func TestSession_explain(t *testing.T) {
	t.Parallel()
	v, err := gover.Parse("1.22.5")
	must(t, err)
	told := diag.New(diag.BadSetting, "told already")
	for _, tt := range []struct {
		name, path string
		err        error
		want       diag.Code
		doubtful   bool
		text       string
	}{
		{"no ticket: the proof does not hold", "none", nil, diag.ProofInvalid, true, "about go1.22.5 does not hold"},
		{"an error of our own, told already", "", told, diag.BadSetting, false, "told already"},
		{"the disk", "", errBroken, diag.Failure, false, "cannot be kept: broken"},
		{"the disk is full", "", syscall.ENOSPC, diag.DiskFull, false, "cannot be kept"},
		{"no such record", "/lookup/x", gone, diag.Unproven, false, "has no record of go1.22.5"},
		{"no such tile", "/tile/8/0/000", gone, diag.Network, true, "so go1.22.5 cannot be verified"},
		{"no such head", "/latest", gone, diag.Network, false, "could not be reached for go1.22.5"},
		{"a tile that cannot be had now", "/tile/8/0/000", errBroken, diag.Network, false, "could not be reached for go1.22.5"},
		{"offline", "/lookup/x", diag.New(diag.Offline, "offline"), diag.Offline, false, "could not be reached for go1.22.5"},
		{"a record that cannot be had now", "/lookup/x", errBroken, diag.Network, false, "could not be reached for go1.22.5"},
	} {
		s := testSession(t, nil)
		_ = s.issue("/tile/8/1/000", errors.New("another"))
		text := errBroken
		if tt.path != "none" {
			text = s.issue(tt.path, tt.err)
		}
		err := s.explain(v, fmt.Errorf("the client says: %w", text))
		wantError(t, tt.name, err, tt.want, tt.text)
		if s.doubtful(err) != tt.doubtful {
			t.Errorf("%s: doubtful: %v", tt.name, s.doubtful(err))
		}
		if tt.err != nil && !errors.Is(err, tt.err) {
			t.Errorf("%s: %v does not say why", tt.name, err)
		}
	}
	s := testSession(t, nil)
	s.SecurityError("two histories")
	if err := s.explain(v, errBroken); diag.CodeOf(err) != diag.LogForked {
		t.Errorf("a fork is told as %v", err)
	}
	if testSession(t, nil).doubtful(nil) {
		t.Error("success is doubtful")
	}
}

// The newest tree head is replaced only where it is the one that the lookup
// began with, and what cannot be read is not taken for none.
func TestSession_treeHead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, on, old string
		conflict      bool
	}{
		{"as expected", "a", "a", false},
		{"none so far", "", "", false},
		{"emptied by a crash", "", "a", false},
		{"another process was quicker", "b", "a", true},
	} {
		s := testSession(t, nil)
		latest := s.log.stateFile("latest")
		put(t, latest, tt.on)
		want := "new"
		if tt.conflict {
			want = tt.on
		}
		err := s.WriteConfig("", []byte(tt.old), []byte("new"))
		got, _ := os.ReadFile(latest)
		if (err == sumdb.ErrWriteConflict) != tt.conflict || string(got) != want { //nolint:errorlint // the client compares so
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
	s := testSession(t, nil)
	must(t, os.MkdirAll(filepath.Dir(s.log.stateFile("latest")), 0o755))
	must(t, syscall.Mkfifo(s.log.stateFile("latest"), 0o600))
	if data, err := s.ReadConfig("x/latest"); err == nil || errors.Is(err, sumdb.ErrWriteConflict) {
		t.Errorf("a head that cannot be read is %q, %v", data, err)
	}
	if err := s.WriteConfig("", nil, []byte("new")); err == nil || err == sumdb.ErrWriteConflict { //nolint:errorlint // as above
		t.Errorf("a head that cannot be read is replaced: %v", err)
	}
}

func TestSession_cache(t *testing.T) {
	t.Parallel()
	s := testSession(t, nil)
	const tile, record, empty = "sum.golang.org/tile/8/0/000", "sum.golang.org/lookup/x@v1", "sum.golang.org/tile/8/0/001"
	s.WriteCache(tile, []byte("tile"))
	put(t, s.cacheFile(record), "record")
	put(t, s.cacheFile(empty), "")
	if _, err := s.ReadCache(empty); !errors.Is(err, fs.ErrNotExist) || s.cached {
		t.Errorf("an empty file is an answer: %v", err)
	}
	if data, err := s.ReadCache(tile); err != nil || string(data) != "tile" || !s.cached || s.recordCached {
		t.Errorf("a tile: %q, %v, record from the cache: %v", data, err, s.recordCached)
	}
	if data, err := s.ReadCache(record); err != nil || string(data) != "record" || !s.recordCached {
		t.Errorf("a record: %q, %v", data, err)
	}
	if _, err := s.ReadCache(tile); err != nil || !s.recordCached {
		t.Errorf("a tile makes the record forgotten: %v", err)
	}
	if _, err := newSession(t.Context(), s.log, true).ReadCache(tile); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a fresh session reads the cache: %v", err)
	}
}

// Without a cache, nothing is kept or read relative to the current directory.
func TestSession_noCache(t *testing.T) {
	t.Chdir(t.TempDir())
	s := testSession(t, nil)
	s.log.config.CacheDir = ""
	s.WriteCache("x", []byte("x"))
	if _, err := os.Lstat("sumdb"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something is kept: %v", err)
	}
	put(t, "sumdb/x", "x")
	if data, err := s.ReadCache("x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read %q, %v", data, err)
	}
}

// Where a partial tile is gone, the beginning of the full one does.
func TestTileReader(t *testing.T) {
	t.Parallel()
	partial := tlog.Tile{H: tileHeight, N: 3, W: 2}
	full := partial
	full.W = 1 << tileHeight
	size := full.W * tlog.HashSize
	for _, tt := range []struct {
		name  string
		held  map[string]string
		cache string
		seen  string
		want  string
	}{
		{"nothing", nil, "", "", ""},
		{"the partial tile", map[string]string{partial.Path(): "remote"}, "", "", "remote"},
		{"the cache comes first", map[string]string{partial.Path(): "remote"}, "cached", "", "cached"},
		{"what was seen comes first of all", map[string]string{partial.Path(): "remote"}, "cached", "seen", "seen"},
		{"the full tile", map[string]string{full.Path(): strings.Repeat("f", size)}, "", "", strings.Repeat("f", 2*tlog.HashSize)},
		{"a short tile", map[string]string{full.Path(): strings.Repeat("f", size-1)}, "", "", ""},
	} {
		held := map[string]string{}
		for path, text := range tt.held {
			held["/"+path] = text
		}
		s := testSession(t, held)
		if tt.cache != "" {
			put(t, s.cacheFile(s.log.name+"/"+partial.Path()), tt.cache)
		}
		if tt.seen != "" {
			s.tiles[partial.Path()] = []byte(tt.seen)
		}
		data, err := (*tileReader)(s).ReadTiles([]tlog.Tile{partial})
		if (err == nil) != (tt.want != "") || err == nil && string(data[0]) != tt.want {
			t.Errorf("%s: %.20q, %v", tt.name, data, err)
		}
	}
}

func TestProofs_Vouched(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		passed []Proof
		want   bool
	}{{nil, false}, {[]Proof{SHA256}, false}, {[]Proof{OpenPGP}, true}, {[]Proof{ChecksumDB}, true}} {
		p := NewProofs()
		for _, proof := range tt.passed {
			p[proof] = Passed
		}
		if p.Vouched() != tt.want {
			t.Errorf("%v: %v", tt.passed, p.Vouched())
		}
	}
}

// The database's name becomes part of a path and of a URL.
func TestNewLog_names(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"sum.example.com": "", "sum.example.com/go": "", "localhost:8080": "",
		"me@sum.example.com": "name", "sum.example.com?x": "name", "sum.example.com#x": "name", "%zz": "name",
		"/sum": "name", "..": "name", "../sum": "name", "sum/": "name", "sum//x": "name", "sum/./x": "name", "sum/../x": "name",
	} {
		_, key, err := note.GenerateKey(rand.Reader, name)
		must(t, err)
		_, err = NewLog(LogConfig{GOSUMDB: key})
		if want == "" && err != nil || want != "" && (diag.CodeOf(err) != diag.BadSetting || !strings.Contains(err.Error(), "is not host[/path]")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for gosumdb, want := range map[string]string{
		publicKey + " https://a b": "more than two", publicName + " mirror.example": "not a URL",
		"sum.golang.google.cn https://x": "key is unknown", "off https://x": "key is unknown",
	} {
		if _, err := NewLog(LogConfig{GOSUMDB: gosumdb}); diag.CodeOf(err) != diag.BadSetting || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", gosumdb, err)
		}
	}
}

// A file:// proxy is read for what it has, whether or not it says that it
// carries the database; any other one only if it says so.
func TestSession_localProxy(t *testing.T) {
	t.Parallel()
	const local, remote = "file:///tree/sumdb/" + publicName, "https://proxy.example/sumdb/" + publicName
	v, err := gover.Parse("1.22.5")
	must(t, err)
	for _, tt := range []struct {
		name, goproxy string
		held          map[string]string
		want          string // empty: an error
		hint          string // of that error
	}{
		{"has it", "file:///tree", map[string]string{local + "/latest": "local", "/latest": "direct"}, "local", ""},
		{"has it, beside a direct way", "file:///tree,direct", map[string]string{local + "/latest": "local", "/latest": "direct"}, "local", ""},
		{"lacks it", "file:///tree", map[string]string{"/latest": "direct"}, "direct", ""},
		{"nobody has it", "file:///tree", nil, "", "ls -l /tree/sumdb/" + publicName + "/latest "},
		{"does not carry the database", "https://proxy.example", map[string]string{remote + "/latest": "remote", "/latest": "direct"}, "direct", ""},
		{"no proxy", "https://proxy.example", nil, "", ""},
	} {
		s := testSession(t, tt.held)
		s.log.config.Proxies, err = fetch.ParseProxies(tt.goproxy)
		must(t, err)
		data, err := s.ReadRemote("/latest")
		if string(data) != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v", tt.name, data, err)
		}
		if err == nil {
			continue
		}
		hints := diag.HintsOf(s.explain(v, err))
		if tt.hint == "" && len(hints) > 0 || tt.hint != "" && !strings.HasPrefix(strings.Join(hints, "\n"), tt.hint) {
			t.Errorf("%s: hints %q", tt.name, hints)
		}
	}
}
