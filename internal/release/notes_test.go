package release

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/gover"
)

// network is what [Config] takes for a client.
type network struct {
	Fetcher
	*indexServer
}

// A list is worth a note where it is old and no newer one is at hand.
func TestGoDev_Notes(t *testing.T) {
	t.Parallel()
	c := newClock()
	server := &indexServer{answers: indexAnswers{"https://a": indexOf("1.22.5")}}
	config := GoDevConfig{Bases: []string{"https://a"}, CacheDir: t.TempDir(), Now: c.now}
	g := NewGoDev(server, config)
	if g.Notes() != nil || g.Skipped() != nil {
		t.Errorf("before anything is known: %q, %v", g.Notes(), g.Skipped())
	}
	_, err := g.Versions(t.Context())
	must(t, err)
	config.Offline = true
	for age, want := range map[time.Duration]string{0: "", time.Hour - 1: "", time.Hour: "the list of go.dev is 60 minutes old"} {
		at := *c
		at.Time = at.Add(age)
		config.Now = at.now
		offline := NewGoDev(server, config)
		_, err := offline.Versions(t.Context())
		must(t, err)
		if notes := offline.Notes(); strings.Join(notes, "\n") != want {
			t.Errorf("offline after %v: %q", age, notes)
		}
	}
	if c.Time = c.Add(3 * time.Hour); g.Notes() != nil || g.Skipped() == nil {
		t.Errorf("of a list that can be requested again: %q", g.Notes())
	}
	config.CacheDir = ""
	offline := NewGoDev(server, config)
	if _, err := offline.Versions(t.Context()); err == nil || offline.Notes() != nil {
		t.Errorf("offline, with no list: %v, %q", err, offline.Notes())
	}
	config.Offline, config.Now, server.asked = false, c.now, nil
	g = NewGoDev(server, config)
	_, err = g.Versions(t.Context())
	must(t, err)
	c.Time = c.Add(3 * time.Hour)
	delete(server.answers, "https://a")
	for range 2 { // that no newer one is available is found out once
		if _, err := g.Versions(t.Context()); err != nil || len(server.asked) != 2 {
			t.Errorf("%v, requested from %q", err, server.asked)
		}
	}
	if notes := g.Notes(); len(notes) != 1 || !strings.HasPrefix(notes[0], "the list of go.dev is 3 hours old: cannot get ") {
		t.Errorf("notes %q", notes)
	}
}

func TestAgeText(t *testing.T) {
	t.Parallel()
	for age, want := range map[time.Duration]string{
		-time.Second: "0 seconds", 119 * time.Second: "119 seconds", 2 * time.Minute: "2 minutes", 119 * time.Minute: "119 minutes",
		2 * time.Hour: "2 hours", 47 * time.Hour: "47 hours", 48 * time.Hour: "2 days",
	} {
		if got := ageText(age); got != want {
			t.Errorf("%v: %q, want %q", age, got, want)
		}
	}
	if ago(5*time.Second-1) != "a moment ago" || ago(5*time.Second) != "5 seconds ago" {
		t.Error(ago(5*time.Second-1), ago(5*time.Second))
	}
}

// What a server was asked for last is not requested again within the hour, and one that
// could not be reached not within ten minutes, unless it has answered since.
func TestGoDev_asksAgain(t *testing.T) {
	t.Parallel()
	c := newClock()
	good := indexOf("1.22.5")
	server := &indexServer{answers: indexAnswers{"https://a": good}}
	config := GoDevConfig{Bases: []string{"https://a"}, CacheDir: t.TempDir(), Now: c.now}
	locate := func(what, text string, requests int) {
		t.Helper()
		server.asked = nil
		_, _ = NewGoDev(server, config).Locate(t.Context(), version(t, text), linux)
		if len(server.asked) != requests {
			t.Errorf("%s: requested from %q", what, server.asked)
		}
	}
	after := func(d time.Duration) { c.Time = c.Add(d) }
	locate("first", "1.22.5", 1)
	after(time.Hour - 1)
	locate("within the hour", "1.22.5", 0)
	locate("within the hour, another release", "1.22.6", 1)
	after(time.Hour)
	locate("after the hour", "1.22.5", 1)
	server.answers["https://a"] = nil
	after(time.Hour)
	locate("unreachable", "1.22.5", 1)
	after(unreachableFor - 1)
	locate("unreachable, within ten minutes", "1.22.5", 0)
	after(1)
	locate("unreachable, after ten minutes", "1.22.5", 1)
	server.answers["https://a"] = good
	config.Insist = true
	locate("there is no other", "1.22.5", 1)
	config.Insist = false
	after(renewable)
	locate("it has answered since", "1.22.6", 1)
	server.answers["https://a"] = func(fetch.Validator) ([]byte, fetch.Validator, error) {
		return nil, fetch.Validator{}, &fetch.StatusError{Status: 503}
	}
	after(time.Hour)
	locate("a server that says why", "1.22.5", 1)
	locate("a server that says why, again", "1.22.5", 1)
}

// Who is told to stop asks nobody else, says nothing of lists, and remembers no server as unreachable.
func TestGoDev_stopped(t *testing.T) {
	t.Parallel()
	const what = "cannot get the list of official archives"
	fails := diag.New(diag.Interrupted, "interrupted")
	for _, tt := range []struct {
		name  string
		stops string // the base at which it is stopped
		asked []string
		what  bool
	}{
		{"never", "", []string{"https://a", "https://b"}, true},
		{"at the first", "https://a", []string{"https://a"}, false},
		{"at the second", "https://b", []string{"https://a", "https://b"}, true},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		server := &indexServer{answers: indexAnswers{}}
		for _, base := range []string{"https://a", "https://b"} {
			server.answers[base] = func(fetch.Validator) ([]byte, fetch.Validator, error) {
				if base == tt.stops {
					cancel()
				}
				return nil, fetch.Validator{}, fails
			}
		}
		config := GoDevConfig{Bases: []string{"https://a", "https://b"}, CacheDir: t.TempDir()}
		_, err := NewGoDev(server, config).Versions(ctx)
		if err == nil || strings.Contains(err.Error(), what) != tt.what || !slices.Equal(server.asked, tt.asked) {
			t.Errorf("%s: %v, requested from %q", tt.name, err, server.asked)
		}
		if tt.stops == "" {
			continue
		}
		if _, marked := (indexCache{config.CacheDir}).unreachable(tt.stops, time.Now()); marked {
			t.Errorf("%s: the server is remembered as unreachable", tt.name)
		}
	}
	g := NewGoDev(&indexServer{}, GoDevConfig{Bases: []string{"https://a"}})
	if _, err := g.Versions(t.Context()); err == nil || !strings.HasPrefix(err.Error(), what) {
		t.Errorf("of one server: %v", err)
	}
}

// What has no archive is no release, what vmgo cannot unpack is not located, and
// what is the same address is named once.
func TestGoDev_Locate_refuses(t *testing.T) {
	t.Parallel()
	server := &indexServer{answers: indexAnswers{"https://a": func(fetch.Validator) ([]byte, fetch.Validator, error) {
		body, _, _ := indexOf("1.22.5")(fetch.Validator{})
		return []byte(`[{"version":"go1.22.4","files":[]},` + string(body[1:])), fetch.Validator{}, nil
	}}}
	config := GoDevConfig{Bases: []string{"https://a/"}, Mirrors: []string{"https://a"}}
	g := NewGoDev(server, config)
	if l, err := g.Versions(t.Context()); err != nil || len(l) != 1 || l[0].Version != version(t, "1.22.5") {
		t.Errorf("%v, %v", l, err)
	}
	if a, err := g.Locate(t.Context(), version(t, "1.22.5"), linux); err != nil || len(a.URLs) != 1 || len(a.Signatures) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err := g.Locate(t.Context(), version(t, "1.22.5"), gover.Platform{OS: "windows", Arch: "amd64"}); diag.CodeOf(err) != diag.UnsupportedPlatform || !strings.Contains(err.Error(), "does not unpack") {
		t.Errorf("%+v, %v", a, err)
	}
	config.Offline = true
	if a, err := NewGoDev(server, config).Locate(t.Context(), version(t, "1.22.5"), linux); diag.CodeOf(err) != diag.Offline {
		t.Errorf("offline, beside a mirror: %+v, %v", a, err)
	}
}

// A source waits without limit where it is the only one.
func TestOpen_insists(t *testing.T) {
	t.Parallel()
	for names, insists := range map[string]bool{"godev": true, "godev,goproxy": false} {
		server := &indexServer{answers: indexAnswers{"https://a": indexOf("1.22.5")}}
		config := Config{Client: network{nil, server}, Bases: []string{"https://a"}, Proxies: func() (fetch.Proxies, error) { return nil, nil }}
		opened, err := Open(strings.Split(names, ","), config)
		must(t, err)
		if _, err := opened[0].Versions(t.Context()); err != nil || (server.patience == fetch.Patience{}) != insists {
			t.Errorf("%s: %+v, %v", names, server.patience, err)
		}
	}
}
