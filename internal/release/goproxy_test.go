package release_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/vmtest"
)

var (
	amd64 = gover.Platform{OS: "linux", Arch: "amd64"}
	arm   = gover.Platform{OS: "linux", Arch: "arm"}
)

func ver(t *testing.T, s string) gover.Version {
	t.Helper()
	v, err := gover.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func offlineClient() *fetch.Client {
	return fetch.New(fetch.Config{Transport: vmtest.Transport(), Offline: true})
}

func testClient() *fetch.Client {
	return fetch.New(fetch.Config{
		Transport: vmtest.Transport(), Attempts: 1,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
}

func goproxy(t *testing.T, text string) *release.GoProxy {
	t.Helper()
	proxies, err := fetch.ParseProxies(text)
	if err != nil {
		t.Fatal(err)
	}
	return release.NewGoProxy(testClient(), proxies)
}

func on(p gover.Platform, versions ...string) []vmtest.Toolchain {
	var list []vmtest.Toolchain
	for _, v := range versions {
		list = append(list, vmtest.Toolchain{Version: v, OS: p.OS, Arch: p.Arch})
	}
	return list
}

func show(list []release.Listed) string {
	var out []string
	for _, l := range list {
		out = append(out, fmt.Sprintf("%v%v%v", l.Version, l.Platforms, l.Sources))
	}
	return strings.Join(out, " ")
}

func TestGoProxy_Versions(t *testing.T) {
	t.Parallel()
	s := vmtest.NewServer(t, vmtest.Options{
		Toolchains: slices.Concat(on(amd64, "1.9", "1.22.5", "1.10", "1.23rc1", "1.20"), on(arm, "1.22.5")),
		ListOnly: []string{
			"v0.0.1-go1.9.2rc2.linux-amd64", "v0.0.1-go1.22.linux-amd64", "v1.0.0", "junk", "", "v0.0.1-go1.21.0.linux-amd64 2023-08-08T00:00:00Z",
		},
	})
	list, err := goproxy(t, s.URL).Versions(t.Context())
	want := "1.23rc1[linux-amd64][goproxy] 1.22.5[linux-amd64 linux-arm][goproxy] 1.21.0[linux-amd64][goproxy] " +
		"1.20[linux-amd64][goproxy] 1.10[linux-amd64][goproxy] 1.9[linux-amd64][goproxy]"
	if err != nil || show(list) != want {
		t.Errorf("%s\n%v", show(list), err)
	}
	if !list[1].Has(arm) || list[0].Has(arm) {
		t.Error("Has")
	}
}

// Which proxy answers, by the rules of GOPROXY.
func TestGoProxy_Locate(t *testing.T) {
	t.Parallel()
	has := vmtest.NewServer(t, vmtest.Options{Toolchains: on(amd64, "1.22.5"), Unlisted: []string{"1.22.5"}})
	also := vmtest.NewServer(t, vmtest.Options{Toolchains: on(amd64, "1.22.5")})
	lacks := vmtest.NewServer(t, vmtest.Options{MissingStatus: http.StatusForbidden})
	gone := vmtest.NewServer(t, vmtest.Options{MissingStatus: http.StatusGone})
	broken := vmtest.NewServer(t, vmtest.Options{})
	broken.Fault("*", vmtest.Fault{Name: "status", N: http.StatusInternalServerError})
	page := vmtest.NewServer(t, vmtest.Options{})
	page.Fault("*", vmtest.Fault{Name: "html"})
	noranges := vmtest.NewServer(t, vmtest.Options{Toolchains: on(amd64, "1.22.5")})
	noranges.Fault("*", vmtest.Fault{Name: "noranges"})
	dir := t.TempDir()
	if err := has.WriteTree(dir); err != nil {
		t.Fatal(err)
	}
	names := map[string]string{
		"HAS": has.URL, "ALSO": also.URL, "LACKS": lacks.URL, "GONE": gone.URL, "BROKEN": broken.URL, "PAGE": page.URL,
		"WHOLE": noranges.URL, "FILE": "file://" + dir, "EMPTY": "file://" + t.TempDir(),
	}
	size := int64(len(on(amd64, "1.22.5")[0].Zip()))
	for _, c := range []struct {
		goproxy string
		urls    string // names of the proxies whose URLs are given
		code    diag.Code
	}{
		{"HAS", "HAS", ""},
		{"WHOLE", "WHOLE", ""},
		{"LACKS,HAS", "HAS", ""},
		{"LACKS,HAS|ALSO", "HAS ALSO", ""},
		{"GONE,EMPTY,HAS", "HAS", ""},
		{"HAS,ALSO", "HAS", ""},
		{"HAS|ALSO", "HAS ALSO", ""},
		{"HAS|LACKS|ALSO,GONE", "HAS LACKS ALSO", ""},
		{"HAS|off", "HAS", ""},
		{"BROKEN|HAS", "HAS", ""},
		{"PAGE|HAS", "HAS", ""},
		{"BROKEN,HAS", "", diag.Network},
		{"PAGE,HAS", "", diag.Network},
		{"LACKS,BROKEN", "", diag.Network},
		{"LACKS,GONE", "", diag.NoSuchRelease},
		{"LACKS,off", "", diag.Offline},
		{"off", "", diag.Offline},
		{"FILE", "FILE", ""},
		{"EMPTY,FILE", "FILE", ""},
		{"EMPTY", "", diag.NoSuchRelease},
	} {
		text := c.goproxy
		for name, url := range names {
			text = replaceWord(text, name, url)
		}
		a, err := goproxy(t, text).Locate(t.Context(), ver(t, "1.22.5"), amd64)
		var want []string
		for name := range strings.FieldsSeq(c.urls) {
			want = append(want, names[name]+"/golang.org/toolchain/@v/v0.0.1-go1.22.5.linux-amd64.zip")
		}
		if diag.CodeOf(err) != c.code || !slices.Equal(a.URLs, want) {
			t.Errorf("%s: %q, %v", c.goproxy, a.URLs, err)
		}
		absent := err != nil && strings.Contains(err.Error(), "not on any proxy of GOPROXY that answered")
		if lacks := c.code != diag.NoSuchRelease && c.code != "" && strings.HasPrefix(c.goproxy, "LACKS"); absent != lacks {
			t.Errorf("%s: %v", c.goproxy, err)
		}
		if err == nil && (a.Size != size || a.Kind != release.Zip || a.Source != "goproxy" || a.Module != "v0.0.1-go1.22.5.linux-amd64") {
			t.Errorf("%s: %+v", c.goproxy, a)
		}
	}
}

// replaceWord replaces a name between the separators of GOPROXY.
func replaceWord(text, name, url string) string {
	var b strings.Builder
	for i, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '|' }) {
		if i > 0 {
			b.WriteByte(text[strings.Index(text, part)-1])
		}
		if part == name {
			part = url
		}
		b.WriteString(part)
	}
	return b.String()
}

func TestGoProxy_direct(t *testing.T) {
	t.Parallel()
	s := vmtest.NewServer(t, vmtest.Options{Toolchains: on(amd64, "1.22.5")})
	a, err := goproxy(t, "direct").WithDirect(s.URL+"/").Locate(t.Context(), ver(t, "1.22.5"), amd64)
	if err != nil || len(a.URLs) != 1 || !strings.HasPrefix(a.URLs[0], s.URL+"/golang.org/toolchain/@v/") {
		t.Error(a, err)
	}
	_, err = goproxy(t, "direct").Locate(t.Context(), ver(t, "1.22.5"), amd64)
	if diag.CodeOf(err) != diag.Network || !strings.Contains(err.Error(), "vmtest: a test wanted to connect to go.dev:443") {
		t.Error(err)
	}
}

func TestGoProxy_missing(t *testing.T) {
	t.Parallel()
	s := vmtest.NewServer(t, vmtest.Options{
		Toolchains: slices.Concat(on(amd64, "1.21.0", "1.22.4", "1.22.6", "1.23.0"), on(arm, "1.20.1")),
		ListOnly:   []string{"v0.0.1-go1.24.0.linux-amd64"},
	})
	for _, c := range []struct {
		version  string
		platform gover.Platform
		code     diag.Code
		text     string
		hint     string
	}{
		{"1.22.5", amd64, diag.NoSuchRelease, "no release go1.22.5 for linux-amd64", "vmgo install 1.22.6"},
		{"1.22.9", amd64, diag.NoSuchRelease, "no release go1.22.9", "vmgo install 1.22.6"},
		{"1.99.0", amd64, diag.NoSuchRelease, "no release go1.99.0", "vmgo install 1.24.0"},
		{"1.20.2", amd64, diag.NoSuchRelease, "no release go1.20.2", "vmgo install 1.21.0"},
		{"1.20.1", amd64, diag.UnsupportedPlatform, "only for linux-arm", "vmgo install --source godev 1.20.1"},
		{"1.22.4", gover.Platform{OS: "plan9", Arch: "mips"}, diag.UnsupportedPlatform, "only for linux-amd64", "vmgo install --source godev 1.22.4"},
		{"1.24.0", amd64, diag.NoSuchRelease, "no release go1.24.0", "vmgo install 1.23.0"},
	} {
		_, err := goproxy(t, s.URL).Locate(t.Context(), ver(t, c.version), c.platform)
		hints := diag.HintsOf(err)
		if diag.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.text) || len(hints) == 0 || hints[0] != c.hint {
			t.Errorf("%s %s: %v [%s] %q", c.version, c.platform, err, diag.CodeOf(err), hints)
		}
	}
}

func TestGoProxy_WithCache(t *testing.T) {
	t.Parallel()
	s := vmtest.NewServer(t, vmtest.Options{Toolchains: on(amd64, "1.22.5")})
	dir, now := t.TempDir(), time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	g := goproxy(t, s.URL).WithCache(dir, clock)
	if _, err := g.Versions(t.Context()); err != nil || g.Notes() != nil {
		t.Fatal(err, g.Notes())
	}
	now = now.Add(5 * time.Hour)
	s.Add(on(amd64, "1.22.6")[0])
	if list, err := g.Versions(t.Context()); err != nil || len(list) != 2 {
		t.Error("a list is asked for each time:", show(list), err)
	}
	now = now.Add(72 * time.Hour)
	s.Fault("list", vmtest.Fault{Name: "status", N: 500})
	g = goproxy(t, s.URL).WithCache(dir, clock)
	list, err := g.Versions(t.Context())
	if err != nil || len(list) != 2 || len(g.Notes()) != 1 || !strings.Contains(g.Notes()[0], "3 days old: cannot get") {
		t.Error(show(list), err, g.Notes())
	}
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	if list, err := g.Versions(late); err != nil || len(list) != 2 {
		t.Error("without time left:", show(list), err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := g.Versions(stopped); diag.CodeOf(err) != diag.Interrupted {
		t.Error("stopped:", err)
	}
	if _, err := goproxy(t, s.URL+",direct").WithCache(dir, clock).Versions(t.Context()); err == nil {
		t.Error("the list of other proxies was taken")
	}
	if _, err := goproxy(t, s.URL).WithCache("", clock).Versions(t.Context()); diag.CodeOf(err) != diag.Network {
		t.Error(err)
	}
	proxies, _ := fetch.ParseProxies(s.URL)
	offline := release.NewGoProxy(offlineClient(), proxies).WithCache(dir, clock)
	if list, err := offline.Versions(t.Context()); err != nil || len(list) != 2 {
		t.Error("offline:", show(list), err)
	}
}

type fixed struct {
	name string
	list []release.Listed
	err  error
}

func (f fixed) Name() string { return f.name }

func (f fixed) Versions(context.Context) ([]release.Listed, error) { return f.list, f.err }

func TestMerge(t *testing.T) {
	t.Parallel()
	listed := func(source, version string, platforms ...gover.Platform) release.Listed {
		return release.Listed{Version: ver(t, version), Platforms: platforms, Sources: []string{source}}
	}
	a := fixed{"a", []release.Listed{listed("a", "1.22.5", amd64), listed("a", "1.20", amd64)}, nil}
	b := fixed{"b", []release.Listed{listed("b", "1.23.0", arm), listed("b", "1.22.5", arm, amd64)}, nil}
	down := fixed{"c", nil, errors.New("down")}
	list, failed, err := release.Merge(t.Context(), a, down, b)
	want := "1.23.0[linux-arm][b] 1.22.5[linux-amd64 linux-arm][a b] 1.20[linux-amd64][a]"
	if err != nil || len(failed) != 1 || show(list) != want {
		t.Error(show(list), failed, err)
	}
	if _, _, err := release.Merge(t.Context(), down); err == nil {
		t.Error("no source answered")
	}
	if list, failed, err := release.Merge(t.Context()); list == nil || len(list)+len(failed) > 0 || err != nil {
		t.Error("of no sources:", list, failed, err)
	}
}

// Against the real GOPROXY of this machine.
func TestGoProxy_real(t *testing.T) {
	t.Parallel()
	proxies := vmtest.RealProxies(t)
	g := release.NewGoProxy(fetch.New(fetch.Config{Transport: http.DefaultTransport}), proxies)
	list, err := g.Versions(t.Context())
	if err != nil || len(list) < 50 {
		t.Errorf("%d versions, %v", len(list), err)
	}
	if !slices.ContainsFunc(list, func(l release.Listed) bool { return l.Version == ver(t, "1.22.5") && l.Has(amd64) }) {
		t.Error("1.22.5 is not listed")
	}
	a, err := g.Locate(t.Context(), ver(t, "1.22.5"), amd64)
	if err != nil || a.Size != 72834461 {
		t.Errorf("%+v %v", a, err)
	}
}
