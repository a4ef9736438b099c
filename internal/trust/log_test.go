package trust_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/vmtest"
)

var linux = gover.Platform{OS: "linux", Arch: "amd64"}

func version(t testing.TB, s string) gover.Version {
	t.Helper()
	v, err := gover.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func toolchain(version string) vmtest.Toolchain {
	return vmtest.Toolchain{Version: version, OS: linux.OS, Arch: linux.Arch}
}

func newServer(t testing.TB) *vmtest.Server {
	t.Helper()
	return vmtest.NewServer(t, vmtest.Options{Toolchains: []vmtest.Toolchain{
		toolchain("1.22.5"), toolchain("1.23.0"), toolchain("1.20.14"),
	}})
}

func client(offline bool) *fetch.Client {
	return fetch.New(fetch.Config{
		Transport: vmtest.Transport(), Offline: offline,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
}

// newLog makes a Log for the server that keeps its files in dir.
func newLog(t testing.TB, s *vmtest.Server, dir string, change func(*trust.LogConfig)) *trust.Log {
	t.Helper()
	proxies, err := fetch.ParseProxies(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	config := trust.LogConfig{
		GOSUMDB: s.GOSUMDB(), Proxies: proxies, Getter: client(false),
		StateDir: filepath.Join(dir, "state"), CacheDir: filepath.Join(dir, "cache"),
		Now: func() time.Time { return time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC) },
	}
	if change != nil {
		change(&config)
	}
	l, err := trust.NewLog(config)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func offline(config *trust.LogConfig) { config.Getter = client(true) }

func noCache(config *trust.LogConfig) { config.CacheDir = "" }

func TestLookup(t *testing.T) {
	t.Parallel()
	s, dir := newServer(t), t.TempDir()
	l := newLog(t, s, dir, nil)
	v := version(t, "1.22.5")
	r, err := l.Lookup(t.Context(), v, linux)
	if err != nil {
		t.Fatal(err)
	}
	if r.H1 != toolchain("1.22.5").H1() || r.Version != v || r.Platform != linux || r.Log != vmtest.LogName ||
		r.ID != 300 || r.TreeSize != 301 || !strings.Contains(r.Text, r.H1) || !strings.Contains(r.TreeHead, "\n301\n") {
		t.Errorf("record %+v", r)
	}
	head, err := os.ReadFile(filepath.Join(dir, "state", "sumdb", vmtest.LogName, "latest"))
	if err != nil || string(head) != r.TreeHead {
		t.Errorf("tree head on disk: %q %v", head, err)
	}
	// The log grows, and the new head must continue the old one.
	if r, err = l.Lookup(t.Context(), version(t, "1.23.0"), linux); err != nil || r.TreeSize != 302 {
		t.Error(r, err)
	}
	// What was looked up before needs no network.
	again, err := newLog(t, s, dir, offline).Lookup(t.Context(), v, linux)
	if err != nil || again.H1 != toolchain("1.22.5").H1() || again.TreeSize != 302 {
		t.Error(again, err)
	}
	_, err = newLog(t, s, dir, offline).Lookup(t.Context(), version(t, "1.20.14"), linux)
	wantCode(t, err, diag.Offline)
}

func TestLookup_refuses(t *testing.T) {
	t.Parallel()
	for mode, code := range map[vmtest.LogMode]diag.Code{
		vmtest.LogWrongKey:    diag.ProofInvalid,
		vmtest.LogLying:       diag.ProofInvalid,
		vmtest.LogSwapped:     diag.ProofInvalid,
		vmtest.LogMissing:     diag.Unproven,
		vmtest.LogDown:        diag.Network,
		vmtest.LogUnsupported: diag.Network, // the database itself is beyond reach in tests
	} {
		for _, known := range []bool{false, true} {
			s, dir := newServer(t), t.TempDir()
			if known { // the machine has met the honest log before
				if _, err := newLog(t, s, dir, nil).Lookup(t.Context(), version(t, "1.22.5"), linux); err != nil {
					t.Fatal(err)
				}
			}
			s.SetLog(mode)
			r, err := newLog(t, s, dir, nil).Lookup(t.Context(), version(t, "1.23.0"), linux)
			if diag.CodeOf(err) != code || r.H1 != "" {
				t.Errorf("%s: %+v, %v [%s]", mode, r, err, diag.CodeOf(err))
			}
			if strings.Contains(err.Error(), "ticket") {
				t.Error(err)
			}
		}
	}
	s := newServer(t)
	_, err := newLog(t, s, t.TempDir(), nil).Lookup(t.Context(), version(t, "1.9"), linux)
	wantCode(t, err, diag.Unproven)
}

func wantCode(t *testing.T, err error, code diag.Code) {
	t.Helper()
	if diag.CodeOf(err) != code {
		t.Errorf("error %v [%s], want [%s]", err, diag.CodeOf(err), code)
	}
}

// A database restored from a backup shows an older head: no fork, and the newer
// head stays.
func TestLookup_olderHead(t *testing.T) {
	t.Parallel()
	s, dir := newServer(t), t.TempDir()
	tree := t.TempDir()
	if _, err := newLog(t, s, t.TempDir(), nil).Lookup(t.Context(), version(t, "1.22.5"), linux); err != nil {
		t.Fatal(err)
	}
	// What the server has at this moment, as a directory.
	if err := s.WriteTree(tree); err != nil {
		t.Fatal(err)
	}
	s.Add(toolchain("1.24.0"))
	r, err := newLog(t, s, dir, nil).Lookup(t.Context(), version(t, "1.24.0"), linux)
	if err != nil || r.TreeSize != 304 {
		t.Fatal(r, err)
	}
	proxies, err := fetch.ParseProxies("file://" + tree)
	if err != nil {
		t.Fatal(err)
	}
	fromTree := func(config *trust.LogConfig) { config.Proxies, config.Getter = proxies, client(true) }
	r, err = newLog(t, s, dir, fromTree).Lookup(t.Context(), version(t, "1.24.0"), linux)
	if err != nil || r.TreeSize != 304 {
		t.Error(r, err)
	}
	// A machine that knows nothing is content with the directory alone.
	r, err = newLog(t, s, t.TempDir(), fromTree).Lookup(t.Context(), version(t, "1.20.14"), linux)
	if err != nil || r.H1 != toolchain("1.20.14").H1() {
		t.Error(r, err)
	}
}

func TestLookup_concurrently(t *testing.T) {
	t.Parallel()
	s, dir := newServer(t), t.TempDir()
	var wg sync.WaitGroup
	for range 4 {
		l := newLog(t, s, dir, nil) // as another process would
		for _, text := range []string{"1.22.5", "1.23.0", "1.20.14"} {
			wg.Go(func() {
				r, err := l.Lookup(t.Context(), version(t, text), linux)
				if err != nil || r.H1 != toolchain(text).H1() {
					t.Error(text, r.H1, err)
				}
				if _, err := l.VerifyOffline(r.Proof, r.Version, linux); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	head, err := os.ReadFile(filepath.Join(dir, "state", "sumdb", vmtest.LogName, "latest"))
	if err != nil || !bytes.Contains(head, []byte("\n303\n")) {
		t.Errorf("%s %v", head, err)
	}
}

// A damaged cache costs a request, nothing else. A damaged tree head is an
// error: it is the one thing that must not be forgotten silently.
func TestLookup_damage(t *testing.T) {
	t.Parallel()
	for _, junk := range []string{"", "junk", strings.Repeat("junk", 5000)} {
		s, dir := newServer(t), t.TempDir()
		v := version(t, "1.22.5")
		if _, err := newLog(t, s, dir, nil).Lookup(t.Context(), v, linux); err != nil {
			t.Fatal(err)
		}
		damaged := 0
		err := filepath.WalkDir(filepath.Join(dir, "cache"), func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				damaged++
				err = os.WriteFile(path, []byte(junk), 0o600)
			}
			return err
		})
		if err != nil || damaged < 3 {
			t.Fatal(damaged, err)
		}
		if r, err := newLog(t, s, dir, nil).Lookup(t.Context(), v, linux); err != nil || r.H1 != toolchain("1.22.5").H1() {
			t.Errorf("%.10q: %v", junk, err)
		}
		if junk == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, "state", "sumdb", vmtest.LogName, "latest"), []byte(junk), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = newLog(t, s, dir, nil).Lookup(t.Context(), v, linux)
		wantCode(t, err, diag.Failure)
		if hints := diag.HintsOf(err); len(hints) != 1 || !strings.HasPrefix(hints[0], "mv ") {
			t.Errorf("the hints are %q", hints)
		}
	}
}

func TestLookup_stateNotWritable(t *testing.T) {
	t.Parallel()
	s, dir := newServer(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "state"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := newLog(t, s, dir, nil).Lookup(t.Context(), version(t, "1.22.5"), linux)
	wantCode(t, err, diag.Failure)
	if err == nil || !strings.Contains(err.Error(), "cannot be kept") {
		t.Error(err)
	}
}

func TestVerifyOffline(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	l := newLog(t, s, t.TempDir(), nil)
	v := version(t, "1.22.5")
	want, err := l.Lookup(t.Context(), v, linux)
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Proof) > 3000 {
		t.Errorf("the proof takes %d bytes", len(want.Proof))
	}
	got, err := newLog(t, s, t.TempDir(), offline).VerifyOffline(want.Proof, v, linux)
	if err != nil || got.H1 != want.H1 || got.TreeSize != want.TreeSize || got.TreeHead != want.TreeHead || got.ID != want.ID {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := l.VerifyOffline(want.Proof, version(t, "1.23.0"), linux); diag.CodeOf(err) != diag.ProofInvalid {
		t.Error("another version:", err)
	}
	if _, err := l.VerifyOffline(want.Proof, v, gover.Platform{OS: "linux", Arch: "arm64"}); diag.CodeOf(err) != diag.ProofInvalid {
		t.Error("another platform:", err)
	}
	if _, err := newLog(t, newServer(t), t.TempDir(), nil).VerifyOffline(want.Proof, v, linux); diag.CodeOf(err) != diag.ProofInvalid {
		t.Error("another key:", err)
	}
	var fields map[string]any
	if err := json.Unmarshal(want.Proof, &fields); err != nil {
		t.Fatal(err)
	}
	hashes := fields["hashes"].([]any)
	for name, value := range map[string]any{
		"log": "sum.golang.org", "id": 7, "record": strings.Replace(want.Text, want.H1[3:9], "AAAAAA", 1),
		"tree_head": strings.Replace(want.TreeHead, "301", "302", 1), "hashes": hashes[1:], "extra": 1,
	} {
		changed := map[string]any{}
		for k, v := range fields {
			changed[k] = v
		}
		changed[name] = value
		proof, err := json.Marshal(changed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.VerifyOffline(proof, v, linux); diag.CodeOf(err) != diag.ProofInvalid {
			t.Errorf("%s changed: %v", name, err)
		}
	}
	for _, proof := range []string{"", "{}", "null", "[]"} {
		if _, err := l.VerifyOffline([]byte(proof), v, linux); diag.CodeOf(err) != diag.ProofInvalid {
			t.Errorf("%q: %v", proof, err)
		}
	}
}

func TestNewLog_GOSUMDB(t *testing.T) {
	t.Parallel()
	const key = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
	for gosumdb, want := range map[string]string{
		"":                                     "https://sum.golang.org",
		"off":                                  "https://sum.golang.org",
		"sum.golang.org":                       "https://sum.golang.org",
		"sum.golang.google.cn":                 "https://sum.golang.google.cn",
		key:                                    "https://sum.golang.org",
		key + "  https://mirror.example/sumdb": "https://mirror.example/sumdb",
		"sum.golang.org http://localhost:1/":   "http://localhost:1",
	} {
		l, err := trust.NewLog(trust.LogConfig{GOSUMDB: gosumdb})
		if err != nil {
			t.Errorf("%q: %v", gosumdb, err)
			continue
		}
		if url, err := l.URL(t.Context()); err != nil || url != want || l.Name() != "sum.golang.org" {
			t.Errorf("%q: %s %s %v", gosumdb, l.Name(), url, err)
		}
	}
	for _, bad := range []string{"sum.example.com", "a b c", "sum.golang.org ::", "sum.golang.org+00000000+Ac4zctda0e5eza", "off https://x"} {
		_, err := trust.NewLog(trust.LogConfig{GOSUMDB: bad})
		wantCode(t, err, diag.BadSetting)
	}
}

// The database is looked for on the proxies by the rules of the go command.
func TestLog_URL(t *testing.T) {
	t.Parallel()
	with, without, broken := newServer(t), newServer(t), newServer(t)
	without.SetLog(vmtest.LogUnsupported)
	broken.Fault("/sumdb/*/supported", vmtest.Fault{Name: "status", N: http.StatusForbidden})
	page := newServer(t)
	page.Fault("*", vmtest.Fault{Name: "html"})
	empty := t.TempDir()
	names := strings.NewReplacer("WITHOUT", without.URL, "WITH", with.URL, "BROKEN", broken.URL, "PAGE", page.URL, "EMPTY", "file://"+empty)
	for goproxy, want := range map[string]string{
		"WITH":           "WITH/sumdb/" + vmtest.LogName,
		"WITH,direct":    "WITH/sumdb/" + vmtest.LogName,
		"WITHOUT,WITH":   "WITH/sumdb/" + vmtest.LogName,
		"BROKEN|WITH":    "WITH/sumdb/" + vmtest.LogName,
		"PAGE|WITH":      "WITH/sumdb/" + vmtest.LogName,
		"WITHOUT":        "https://" + vmtest.LogName,
		"EMPTY":          "https://" + vmtest.LogName,
		"EMPTY,direct":   "https://" + vmtest.LogName,
		"BROKEN|direct":  "https://" + vmtest.LogName,
		"direct":         "https://" + vmtest.LogName,
		"off":            "https://" + vmtest.LogName,
		"BROKEN,WITH":    "",
		"PAGE,WITH":      "",
		"BROKEN|WITHOUT": "",
	} {
		proxies, err := fetch.ParseProxies(names.Replace(goproxy))
		if err != nil {
			t.Fatal(err)
		}
		l := newLog(t, with, t.TempDir(), func(config *trust.LogConfig) { config.Proxies = proxies })
		url, err := l.URL(t.Context())
		if url != names.Replace(want) || (err == nil) != (want != "") {
			t.Errorf("%s: %s %v", goproxy, url, err)
		}
	}
}

// Whatever is accepted as a proof says what the log says: a proof cannot be
// bent into another statement.
func FuzzVerifyOffline(f *testing.F) {
	s := newServer(f)
	l := newLog(f, s, f.TempDir(), nil)
	v := version(f, "1.22.5")
	r, err := l.Lookup(f.Context(), v, linux)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(r.Proof)
	f.Add(bytes.Replace(r.Proof, []byte(`"id": 300`), []byte(`"id": 299`), 1))
	f.Add([]byte(`{"log":"sum.vmtest.invalid","id":-1,"record":"","tree_head":"","hashes":[null]}`))
	f.Fuzz(func(t *testing.T, proof []byte) {
		if got, err := l.VerifyOffline(proof, v, linux); err == nil && (got.H1 != r.H1 || got.Text != r.Text || got.ID != r.ID) {
			t.Errorf("accepted: %+v", got)
		}
	})
}
