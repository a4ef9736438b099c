package release

import (
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/gover"
)

// indexServer is a network of index servers: answer by base URL.
type indexServer struct {
	answers map[string]func(have fetch.Validator) ([]byte, fetch.Validator, error)
	asked   []string
	// patience and limit are those of the last request.
	patience fetch.Patience
	limit    int64
}

func (s *indexServer) GetNewer(_ context.Context, url string, limit int64, have fetch.Validator, patience fetch.Patience) ([]byte, fetch.Validator, error) {
	base, ok := strings.CutSuffix(url, "/?mode=json&include=all")
	s.asked, s.patience, s.limit = append(s.asked, base), patience, limit
	if answer := s.answers[base]; ok && answer != nil {
		return answer(have)
	}
	return nil, fetch.Validator{}, diag.New(diag.Network, "cannot get "+url)
}

const sum1 = "705c64251e5b25d5d55ede1039c6aa22bea40a7a931d14c370339853643c3df0"

func indexOf(versions ...string) func(fetch.Validator) ([]byte, fetch.Validator, error) {
	var rows []string
	for _, v := range versions {
		rows = append(rows, `{"version":"go`+v+`","stable":true,"files":[{"filename":"go`+v+`.linux-amd64.tar.gz","os":"linux","arch":"amd64","version":"go`+v+`","sha256":"`+sum1+`","size":7,"kind":"archive"}]}`)
	}
	text := "[" + strings.Join(rows, ",") + "]"
	return func(have fetch.Validator) ([]byte, fetch.Validator, error) {
		now := fetch.Validator{ETag: `"` + strings.Join(versions, "-") + `"`}
		if have == now {
			return nil, now, fetch.ErrNotModified
		}
		return []byte(text), now, nil
	}
}

type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func newClock() *clock { return &clock{time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)} }

var linux = gover.Platform{OS: "linux", Arch: "amd64"}

func TestGoDev_Locate(t *testing.T) {
	t.Parallel()
	server := &indexServer{answers: map[string]func(fetch.Validator) ([]byte, fetch.Validator, error){"https://a/dl": indexOf("1.22.5", "1.22.4")}}
	g := NewGoDev(server, GoDevConfig{Bases: []string{"https://a/dl/"}, Mirrors: []string{"https://m/golang/"}})
	a, err := g.Locate(t.Context(), version(t, "1.22.5"), linux)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"https://m/golang/go1.22.5.linux-amd64.tar.gz", "https://a/dl/go1.22.5.linux-amd64.tar.gz"}
	if !slices.Equal(a.URLs, want) || a.SHA256 != sum1 || a.Size != 7 || a.Kind != TarGz || a.Module != "v0.0.1-go1.22.5.linux-amd64" {
		t.Errorf("%+v", a)
	}
	if !slices.Equal(a.Signatures, []string{want[0] + ".asc", want[1] + ".asc"}) {
		t.Errorf("signatures %v", a.Signatures)
	}
	_, err = g.Locate(t.Context(), version(t, "1.22.6"), linux)
	if diag.CodeOf(err) != diag.NoSuchRelease {
		t.Errorf("a release that is not listed: %v", err)
	}
	_, err = g.Locate(t.Context(), version(t, "1.22.5"), gover.Platform{OS: "linux", Arch: "s390x"})
	if diag.CodeOf(err) != diag.UnsupportedPlatform {
		t.Errorf("a platform that is not listed: %v", err)
	}
	if slices.Contains(server.asked, "https://m/golang") {
		t.Error("a mirror was asked for the index")
	}
}

func TestGoDev_mirrorWithoutIndex(t *testing.T) {
	t.Parallel()
	g := NewGoDev(&indexServer{}, GoDevConfig{Bases: []string{"https://a/dl"}, Mirrors: []string{"https://m/golang"}})
	a, err := g.Locate(t.Context(), version(t, "1.22.5"), linux)
	if err != nil || a.SHA256 != "" || !slices.Equal(a.URLs, []string{"https://m/golang/go1.22.5.linux-amd64.tar.gz"}) || len(a.Signatures) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
	g = NewGoDev(&indexServer{}, GoDevConfig{Bases: []string{"https://a/dl"}})
	if _, err := g.Locate(t.Context(), version(t, "1.22.5"), linux); diag.CodeOf(err) != diag.Network {
		t.Errorf("without mirror: %v", err)
	}
}

// What the cache keeps may be read by others.
func TestGoDev_cacheKeepsNoCredentials(t *testing.T) {
	t.Parallel()
	const base = "https://ann:hunter2@a/dl"
	dir := t.TempDir()
	server := &indexServer{answers: map[string]func(fetch.Validator) ([]byte, fetch.Validator, error){base: indexOf("1.22.5")}}
	for range 2 {
		g := NewGoDev(server, GoDevConfig{Bases: []string{base}, CacheDir: dir})
		if list, err := g.Versions(t.Context()); err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
	}
	if len(server.asked) != 1 {
		t.Errorf("asked for %q: the copy was not found again", server.asked)
	}
	files := 0
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		data, err := fs.ReadFile(os.DirFS(dir), path)
		if strings.Contains(string(data), "hunter2") {
			t.Errorf("%s has %.100s", path, data)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Error(files, err)
	}
}

func TestGoDev_cacheAges(t *testing.T) {
	t.Parallel()
	c := newClock()
	server := &indexServer{answers: map[string]func(fetch.Validator) ([]byte, fetch.Validator, error){"https://a": indexOf("1.22.5")}}
	config := GoDevConfig{Bases: []string{"https://a"}, CacheDir: t.TempDir(), Now: c.now}
	list := func(config GoDevConfig) (*GoDev, []Listed, error) {
		g := NewGoDev(server, config)
		l, err := g.Versions(t.Context())
		return g, l, err
	}
	mustList := func(what string, requests int) *GoDev {
		t.Helper()
		server.asked = nil
		g, l, err := list(config)
		if err != nil || len(l) != 1 || len(server.asked) != requests {
			t.Errorf("%s: %v, %v, requests %v", what, l, err, server.asked)
		}
		return g
	}
	mustList("first", 1)
	mustList("a moment later", 0)
	c.Time = c.Add(2 * time.Hour)
	mustList("two hours later, unchanged", 1)
	mustList("and then", 0)

	server.answers["https://a"] = nil
	c.Time = c.Add(75 * time.Hour)
	g := mustList("unreachable", 1)
	if notes := g.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "3 days old") {
		t.Errorf("notes %q", notes)
	}
	mustList("unreachable, remembered", 0)
	c.Time = c.Add(11 * time.Minute)
	mustList("asked again", 1)

	config.Offline = true
	g = mustList("offline", 0)
	if notes := g.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "3 days old") {
		t.Errorf("offline: notes %q", notes)
	}
	config.CacheDir = t.TempDir()
	if _, _, err := list(config); diag.CodeOf(err) != diag.Offline {
		t.Errorf("offline, nothing cached: %v", err)
	}
	config = GoDevConfig{Bases: []string{"https://a"}, CacheDir: config.CacheDir, Now: c.now}
	for range 2 { // the second run has the first one's memory and no copy
		if _, _, err := list(config); diag.CodeOf(err) != diag.Network {
			t.Errorf("unreachable, nothing cached: %v", err)
		}
	}
	server.asked = nil
	config.Insist = true
	if _, _, err := list(config); diag.CodeOf(err) != diag.Network || len(server.asked) != 1 {
		t.Errorf("insisting: %v, asked %v", err, server.asked)
	}
}

// Who is out of time makes do with a copy; who was told to stop stops.
func TestGoDev_outOfTime(t *testing.T) {
	t.Parallel()
	c := newClock()
	server := &indexServer{answers: map[string]func(fetch.Validator) ([]byte, fetch.Validator, error){"https://a": indexOf("1.22.5")}}
	config := GoDevConfig{Bases: []string{"https://a"}, CacheDir: t.TempDir(), Now: c.now}
	if _, err := NewGoDev(server, config).Versions(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Time = c.Add(2 * time.Hour)
	delete(server.answers, "https://a")
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	if l, err := NewGoDev(server, config).Versions(late); err != nil || len(l) != 1 {
		t.Errorf("out of time: %v, %v", l, err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if l, err := NewGoDev(server, config).Versions(stopped); err == nil {
		t.Errorf("told to stop: %v", l)
	}
}

// Only who has nothing else to turn to waits for a server as for any other.
func TestGoDev_patience(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config   GoDevConfig
		noLimits bool
	}{
		"alone":             {GoDevConfig{Bases: []string{"https://a"}, Insist: true}, true},
		"one of sources":    {GoDevConfig{Bases: []string{"https://a"}}, false},
		"one of bases":      {GoDevConfig{Bases: []string{"https://a", "https://b"}, Insist: true}, false},
		"beside mirrors":    {GoDevConfig{Bases: []string{"https://a"}, Mirrors: []string{"https://m"}, Insist: true}, false},
		"beside an old one": {GoDevConfig{Bases: []string{"https://a"}, CacheDir: t.TempDir(), Insist: true}, false},
	} {
		clock := newClock()
		c.config.Now = clock.now
		server := &indexServer{answers: map[string]func(fetch.Validator) ([]byte, fetch.Validator, error){"https://a": indexOf("1.22.5")}}
		if c.config.CacheDir != "" {
			if _, err := NewGoDev(server, c.config).Versions(t.Context()); err != nil {
				t.Fatal(err)
			}
			clock.Time = clock.Add(2 * time.Hour)
		}
		if _, err := NewGoDev(server, c.config).Versions(t.Context()); err != nil || (server.patience == fetch.Patience{}) != c.noLimits {
			t.Errorf("%s: %+v, %v", name, server.patience, err)
		}
	}
}

// A clock that jumps by years costs a request, and is then of no more account.
func TestGoDev_clockJumps(t *testing.T) {
	t.Parallel()
	c := newClock()
	server := &indexServer{answers: map[string]func(fetch.Validator) ([]byte, fetch.Validator, error){"https://a": indexOf("1.22.5")}}
	config := GoDevConfig{Bases: []string{"https://a"}, CacheDir: t.TempDir(), Now: c.now}
	must := func(what string, requests int) {
		t.Helper()
		server.asked = nil
		l, err := NewGoDev(server, config).Versions(t.Context())
		if err != nil || len(l) != 1 || len(server.asked) != requests {
			t.Errorf("%s: %v, %v, requests %v", what, l, err, server.asked)
		}
	}
	must("first", 1)
	answer := server.answers["https://a"]
	for _, years := range []int{-50, 100, -30} {
		c.Time = c.AddDate(years, 0, 0)
		must("after a jump", 1)
		must("and then", 0)
		// That a server was not to be reached is forgotten at a jump, too.
		server.answers["https://a"] = nil
		c.Time = c.AddDate(-years, 0, 0)
		must("unreachable, the copy of another time serves", 1)
		server.answers["https://a"] = answer
		c.Time = c.AddDate(years/2, 0, 0)
		must("reachable again", 1)
	}
}

func TestGoDev_newReleaseIsFoundAtOnce(t *testing.T) {
	t.Parallel()
	c := newClock()
	server := &indexServer{answers: map[string]func(fetch.Validator) ([]byte, fetch.Validator, error){"https://a": indexOf("1.22.5")}}
	config := GoDevConfig{Bases: []string{"https://a"}, CacheDir: t.TempDir(), Now: c.now}
	if _, err := NewGoDev(server, config).Versions(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.answers["https://a"] = indexOf("1.22.6", "1.22.5")
	c.Time = c.Add(10 * time.Minute) // the copy still counts as current
	if _, err := NewGoDev(server, config).Locate(t.Context(), version(t, "1.22.6"), linux); err != nil {
		t.Error(err)
	}
}

func TestGoDev_secondBase(t *testing.T) {
	t.Parallel()
	html := func(fetch.Validator) ([]byte, fetch.Validator, error) {
		return []byte("<html>"), fetch.Validator{}, nil
	}
	server := &indexServer{answers: map[string]func(fetch.Validator) ([]byte, fetch.Validator, error){"https://b": html, "https://c": indexOf("1.22.5")}}
	g := NewGoDev(server, GoDevConfig{Bases: []string{"https://a", "https://b", "https://c"}})
	if _, err := g.Versions(t.Context()); err != nil || len(server.asked) != 3 {
		t.Errorf("%v, asked %v", err, server.asked)
	}
	if _, err := g.Versions(t.Context()); err != nil || len(server.asked) != 3 {
		t.Errorf("the second time: %v, asked %v", err, server.asked)
	}
}

// The client and the source together, against a server in the form of go.dev.
func TestGoDev_overHTTP(t *testing.T) {
	t.Parallel()
	body, _, _ := indexOf("1.22.5")(fetch.Validator{})
	var statuses []int
	mux := http.NewServeMux()
	mux.HandleFunc("/dl/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "mode=json&include=all" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", `"x"`)
		if r.Header.Get("If-None-Match") == `"x"` {
			w.WriteHeader(http.StatusNotModified)
			statuses = append(statuses, 304)
			return
		}
		statuses = append(statuses, 200)
		_, _ = w.Write(body)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	client := fetch.New(fetch.Config{Transport: http.DefaultTransport})
	c := newClock()
	config := GoDevConfig{Bases: []string{server.URL + "/dl"}, CacheDir: t.TempDir(), Now: c.now}
	for range 2 {
		if l, err := NewGoDev(client, config).Versions(t.Context()); err != nil || len(l) != 1 {
			t.Fatal(l, err)
		}
		c.Time = c.Add(2 * time.Hour)
	}
	if !slices.Equal(statuses, []int{200, 304}) {
		t.Errorf("the server answered %v", statuses)
	}
}
