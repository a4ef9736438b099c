package release

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/gover"
)

type indexAnswers = map[string]func(fetch.Validator) ([]byte, fetch.Validator, error)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// proxyFiles is a network of module proxies: what they have, by URL.
type proxyFiles struct {
	t     *testing.T
	files map[string]string
	limit int64
}

func (p proxyFiles) Get(_ context.Context, url string, limit int64) ([]byte, error) {
	if limit != p.limit {
		p.t.Errorf("%s may have %d bytes", url, limit)
	}
	if text, ok := p.files[url]; ok {
		return []byte(text), nil
	}
	return nil, &fetch.StatusError{Status: 404}
}

func (p proxyFiles) Stat(context.Context, string) (int64, error) { return 0, nil }

func proxiesOf(t *testing.T, goproxy string, files proxyFiles) *GoProxy {
	t.Helper()
	proxies, err := fetch.ParseProxies(goproxy)
	must(t, err)
	return NewGoProxy(files, proxies)
}

// When a release was made is said by the first proxy that has it.
func TestGoProxy_Made(t *testing.T) {
	t.Parallel()
	const name = "/golang.org/toolchain/@v/v0.0.1-go1.22.5.linux-amd64.info"
	day := time.Date(2024, 7, 2, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name, goproxy string
		files         map[string]string
		want          time.Time
		refused       string
	}{
		{"the first", "https://a,https://b", map[string]string{"https://a" + name: `{"Time":"2024-07-02T00:00:00Z"}`}, day, ""},
		{"the second", "https://a,https://b", map[string]string{"https://b" + name: `{"Time":"2024-07-02T00:00:00Z"}`}, day, ""},
		{"without a time", "https://a", map[string]string{"https://a" + name: `{}`}, time.Time{}, ""},
		{"none", "https://a", nil, time.Time{}, "404"},
		{"no .info", "https://a", map[string]string{"https://a" + name: "<html>"}, time.Time{}, "is not a .info file"},
	} {
		made, err := proxiesOf(t, tt.goproxy, proxyFiles{t, tt.files, maxInfo}).Made(t.Context(), version(t, "1.22.5"), linux)
		if !made.Equal(tt.want) || (err == nil) != (tt.refused == "") || err != nil && !strings.Contains(err.Error(), tt.refused) {
			t.Errorf("%s: %v, %v", tt.name, made, err)
		}
	}
}

// Times are found again, also beside lines that are none.
func TestTimes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	a, b := time.Date(2024, 7, 2, 3, 4, 5, 0, time.UTC), time.Date(2025, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600))
	OpenTimes(dir).Keep(version(t, "1.22.5"), a)
	OpenTimes(dir).Keep(version(t, "1.23.4"), b)
	for v, want := range map[string]time.Time{"1.22.5": a, "1.23.4": b, "1.22.4": {}} {
		if got, known := OpenTimes(dir).Get(version(t, v)); !got.Equal(want) || known != !want.IsZero() {
			t.Errorf("%s: %v, %v", v, got, known)
		}
	}
	must(t, os.WriteFile(filepath.Join(dir, "release-times"), []byte("1.22.4 yesterday\nword\n\n1.22.5 2024-07-02T03:04:05Z\n"), 0o600))
	if _, known := OpenTimes(dir).Get(version(t, "1.22.4")); known {
		t.Error("yesterday is a time")
	}
	if got, _ := OpenTimes(dir).Get(version(t, "1.22.5")); !got.Equal(a) {
		t.Errorf("beside other lines: %v", got)
	}
}

// The newest release is one that is not a prerelease, in any order of a list.
func TestKeepNewest(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	for _, tt := range []struct{ list, want, kept string }{
		{"", "", ""},
		{"1.23rc1", "", ""},
		{"1.22.4 1.22.5 1.23rc1", "1.22.5", "1.22.5"},
		{"1.22.5 1.9.2", "1.22.5", "1.22.5"},
		{"", "", "1.22.5"},
		{"1.23.0 1.22.9", "1.23.0", "1.23.0"},
	} {
		var list []Listed
		for text := range strings.FieldsSeq(tt.list) {
			list = append(list, Listed{Version: version(t, text)})
		}
		KeepNewest(dir, list)
		if got, kept := Newest(list).String(), KeptNewest(dir).String(); got != tt.want || kept != tt.kept {
			t.Errorf("%q: %q, kept %q", tt.list, got, kept)
		}
	}
	must(t, os.WriteFile(filepath.Join(dir, "newest"), []byte("junk"), 0o600))
	if v := KeptNewest(dir); !v.IsZero() {
		t.Errorf("junk is %s", v)
	}
}

// Without a directory for the cache, nothing is kept in the current one, nor read or removed there.
func TestNoCache(t *testing.T) {
	t.Chdir(t.TempDir())
	server := &indexServer{answers: indexAnswers{"https://a": indexOf("1.22.5")}}
	use := func(dir string) {
		_, _ = NewGoDev(server, GoDevConfig{Bases: []string{"https://a"}, CacheDir: dir}).Versions(t.Context())
		g := proxiesOf(t, "https://a", proxyFiles{t, map[string]string{"https://a/golang.org/toolchain/@v/list": "v0.0.1-go1.22.5.linux-amd64\n"}, maxList}).WithCache(dir, time.Now)
		if list, err := g.Versions(t.Context()); err != nil || len(list) != 1 || g.Notes() != nil {
			t.Errorf("%v, %v, %q", list, err, g.Notes())
		}
		KeepNewest(dir, []Listed{{Version: version(t, "1.22.5")}})
		OpenTimes(dir).Keep(version(t, "1.22.5"), time.Now())
	}
	use("")
	if files, err := os.ReadDir("."); err != nil || len(files) > 0 {
		t.Errorf("kept %v, %v", files, err)
	}
	use(".")
	server.asked = nil
	use("")
	if _, known := OpenTimes("").Get(version(t, "1.22.5")); known || !KeptNewest("").IsZero() || len(server.asked) != 1 {
		t.Errorf("what is in the current directory is read: time %v, newest %s, index requested from %q", known, KeptNewest(""), server.asked)
	}
	indexCache{"."}.markUnreachable("https://a", time.Now())
	server.asked = nil
	use("")
	if _, err := os.Stat(indexCache{"."}.path("https://a", "unreachable")); err != nil || len(server.asked) != 1 {
		t.Errorf("%v, requested from %q", err, server.asked)
	}
}

// A copy that is damaged is not taken for the server's answer, and is requested again as a whole.
func TestGoDev_damagedCopy(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(head, body string) string{
		"the answer is cut":      func(head, body string) string { return head + "\n" + body[:9] },
		"no answer":              func(head, _ string) string { return head },
		"an empty file":          func(_, _ string) string { return "" },
		"not the head of a copy": func(_, body string) string { return "x\n" + body },
		"the copy of another": func(head, body string) string {
			return strings.Replace(head, "https://a", "https://b", 1) + "\n" + body
		},
	} {
		server := &indexServer{answers: indexAnswers{"https://a": indexOf("1.22.5")}}
		config := GoDevConfig{Bases: []string{"https://a"}, CacheDir: t.TempDir()}
		_, err := NewGoDev(server, config).Versions(t.Context())
		must(t, err)
		path := indexCache{config.CacheDir}.path("https://a", "index")
		data, err := os.ReadFile(path)
		must(t, err)
		head, body, _ := strings.Cut(string(data), "\n")
		must(t, os.WriteFile(path, []byte(damage(head, body)), 0o600))
		config.Offline = true
		if l, err := NewGoDev(server, config).Versions(t.Context()); diag.CodeOf(err) != diag.Offline {
			t.Errorf("%s, offline: %v, %v", name, l, err)
		}
		config.Offline = false
		if l, err := NewGoDev(server, config).Versions(t.Context()); err != nil || len(l) != 1 || server.limit != MaxIndex {
			t.Errorf("%s: %v, %v, limit %d", name, l, err, server.limit)
		}
	}
	unchanged := func(fetch.Validator) ([]byte, fetch.Validator, error) {
		return nil, fetch.Validator{}, fetch.ErrNotModified
	}
	g := NewGoDev(&indexServer{answers: indexAnswers{"https://a": unchanged}}, GoDevConfig{Bases: []string{"https://a"}})
	if l, err := g.Versions(t.Context()); err == nil {
		t.Errorf("unchanged since never: %v", l)
	}
}

// Of the copies of several bases the newest good one serves.
func TestGoDev_newestCopy(t *testing.T) {
	t.Parallel()
	const good, older = "1.22.5", "1.21.0"
	for _, tt := range []struct {
		name, a, b string // what each has; the base b was asked an hour later
		want       string
	}{
		{"the second", older, good, good},
		{"the first", good, "", good},
		{"the second is damaged", good, "damaged", good},
	} {
		c := newClock()
		config := GoDevConfig{CacheDir: t.TempDir(), Now: c.now}
		for base, text := range map[string]string{"https://a": tt.a, "https://b": tt.b} {
			if text == "" {
				continue
			}
			body, _, _ := indexOf(text)(fetch.Validator{})
			if text == "damaged" {
				body = []byte("[")
			}
			at := c.now()
			if base == "https://b" {
				at = at.Add(time.Hour)
			}
			indexCache{config.CacheDir}.write(base, indexEntry{CheckedAt: at, body: body})
		}
		for _, bases := range [][]string{{"https://a", "https://b"}, {"https://b", "https://a"}} {
			config.Bases, config.Offline = bases, true
			l, err := NewGoDev(&indexServer{}, config).Versions(t.Context())
			if err != nil || len(l) != 1 || l[0].Version.String() != tt.want {
				t.Errorf("%s, of %q: %v, %v", tt.name, bases, l, err)
			}
		}
	}
}

// The list of proxies that was cut is none.
func TestGoProxy_damagedList(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := proxiesOf(t, "https://a", proxyFiles{t, map[string]string{"https://a/golang.org/toolchain/@v/list": "v0.0.1-go1.22.5.linux-amd64\n"}, maxList}).WithCache(dir, time.Now)
	_, err := g.Versions(t.Context())
	must(t, err)
	files, err := filepath.Glob(dir + "/goproxy/*.list")
	must(t, err)
	if len(files) != 1 {
		t.Fatal(files)
	}
	must(t, os.WriteFile(files[0], []byte("2026-11-28T00:00:00Z"), 0o600))
	if _, _, ok := g.cache.read(); ok {
		t.Error("a time is a list")
	}
	_, err = proxiesOf(t, "https://a", proxyFiles{t, nil, maxList}).WithCache(dir, time.Now).Versions(t.Context())
	if diag.CodeOf(err) != diag.Network || !strings.Contains(err.Error(), "no module proxy of GOPROXY has golang.org/toolchain") {
		t.Errorf("proxies without the module: %v", err)
	}
}

// The releases named in an error are those nearest to the one that is missing, for this platform.
func TestMissing(t *testing.T) {
	t.Parallel()
	arm64 := gover.Platform{OS: "linux", Arch: "arm64"}
	var list []Listed
	for _, text := range []string{"1.24.0", "1.23.0", "1.22.9", "1.22.8", "1.22.4", "1.21.0"} {
		list = append(list, Listed{Version: version(t, text), Platforms: []gover.Platform{linux}})
	}
	list = append(list, Listed{Version: version(t, "1.20.1"), Platforms: []gover.Platform{arm64}})
	for missing, want := range map[string]string{
		"1.22.5": "1.22.8", "1.22.10": "1.22.9", "1.22.3": "1.22.4", "1.20.2": "1.21.0", "1.99.0": "1.24.0", "1.23.1": "1.23.0",
	} {
		hints := diag.HintsOf(Missing(list, version(t, missing), linux, nil))
		if !slices.Equal(hints, []string{"vmgo install " + want, "vmgo list-remote " + version(t, missing).Lang().String()}) {
			t.Errorf("%s: %q", missing, hints)
		}
	}
	if hints := diag.HintsOf(Missing(nil, version(t, "1.22.5"), linux, nil)); len(hints) != 1 {
		t.Errorf("nothing is near: %q", hints)
	}
}
