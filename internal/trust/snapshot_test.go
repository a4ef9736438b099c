package trust

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
)

// A snapshot is enough to look its modules up, also for a machine that has
// seen one of the heads that it was made for.
func TestLog_Snapshot(t *testing.T) {
	t.Parallel()
	h := newHistorian(t)
	records := []string{moduleRecord("v1.0.0"), moduleRecord("v1.1.0"), "b\n", "c\n"}
	x, older, newer := h.history(t, records...), h.history(t, records[:2]...), h.history(t, append(records, "d\n")...)
	other := h.history(t, "x\n", "y\n")
	m := []ModuleVersion{{"example.com/m", "v1.0.0"}, {"example.com/m", "v1.1.0"}}
	withoutHead := x.served()
	delete(withoutHead, "/latest")
	for _, tt := range []struct {
		name  string
		known []byte
		held  map[string]string
		since [][]byte
		code  diag.Code
		text  string
	}{
		{"for all", nil, x.served(), nil, "", ""},
		{"since none", nil, x.served(), [][]byte{nil}, "", ""},
		{"since an older head", nil, merge(x.served(), older.tiles), [][]byte{older.head}, "", ""},
		{"since the same head", nil, withoutHead, [][]byte{x.head}, "", ""},
		{"since a newer head", nil, merge(x.served(), newer.served(), older.tiles), [][]byte{nil, newer.head, older.head}, "", ""},
		{"since a head that the database does not show", nil, x.served(), [][]byte{newer.head}, diag.ProofInvalid, "has 4 records, and a tree head to start from has 5"},
		{"since a head that the database does not show now", nil, withoutHead, [][]byte{newer.head}, diag.Network, "could not be reached for the modules of a snapshot"},
		{"since no head", nil, x.served(), [][]byte{[]byte("junk")}, diag.ProofInvalid, "about the modules of a snapshot does not hold: malformed note"},
		{"since a head of another history", nil, merge(x.served(), other.tiles), [][]byte{other.head}, diag.ProofInvalid, "does not continue the older one"},
		{"since a head whose tiles are gone", nil, x.served(), [][]byte{older.head}, diag.Network, "does not reach back"},
		{"of a history that is not the known one", other.head, x.served(), nil, diag.LogForked, "two histories"},
		{"without a record", nil, older.tiles, nil, diag.Unproven, "has no record of example.com/m@v1."},
	} {
		l := h.logOf(t, tt.held)
		if tt.known != nil {
			put(t, l.stateFile("latest"), string(tt.known))
		}
		got, err := l.Snapshot(t.Context(), m, tt.since...)
		if tt.code != "" {
			wantError(t, tt.name, err, tt.code, tt.text)
			continue
		}
		if err != nil || len(got.Records) != len(m) || string(got.Head) != string(got.Files["latest"]) {
			t.Errorf("%s: %d records, %v", tt.name, len(got.Records), err)
			continue
		}
		for _, known := range append([][]byte{nil}, tt.since...) {
			checkSnapshot(t, h, got, known, tt.name)
		}
	}
}

// checkSnapshot looks each module up where there is nothing but the snapshot.
func checkSnapshot(t *testing.T, h historian, got Snapshot, known []byte, name string) {
	t.Helper()
	held := map[string]string{}
	for path, text := range got.Files {
		held["/"+path] = string(text)
	}
	l := h.logOf(t, held)
	put(t, l.stateFile("latest"), string(known))
	for m, want := range got.Records {
		r, err := l.Module(t.Context(), m.Path, m.Version)
		if err != nil || r.Zip != want.Zip || r.Mod != want.Mod || r.Zip == "" || !strings.HasSuffix(string(r.Answer), string(got.Head)) {
			t.Errorf("%s: %s: %+v, %v", name, m.Version, r, err)
		}
	}
}

// What is collected was proved before: that is not relied upon.
func TestSession_collect(t *testing.T) {
	t.Parallel()
	h := newHistorian(t)
	x, other := h.history(t, moduleRecord("v1.0.0"), "b\n"), h.history(t, moduleRecord("v1.1.0"), "b\n")
	for _, tt := range []struct {
		name   string
		m      ModuleVersion
		answer string
		held   map[string]string
		code   diag.Code
		text   string
	}{
		{"a record of another history", ModuleVersion{"example.com/m", "v1.1.0"}, other.answers[0], x.served(), diag.ProofInvalid, "the record is not in the tree"},
		{"a record that is none", ModuleVersion{"example.com/m", "v1.0.0"}, "junk", x.served(), diag.ProofInvalid, "malformed record"},
		{"a path that is none", ModuleVersion{"no path", "v1.0.0"}, x.answers[0], x.served(), diag.ProofInvalid, "malformed module path"},
		{"without tiles", ModuleVersion{"example.com/m", "v1.0.0"}, x.answers[0], map[string]string{"/latest": string(x.head)}, diag.Network, "does not reach back"},
		{"with nothing", ModuleVersion{"example.com/m", "v1.0.0"}, x.answers[0], nil, diag.Network, "could not be reached"},
	} {
		s := newSession(t.Context(), h.logOf(t, tt.held), false)
		snapshot := Snapshot{Files: map[string][]byte{}, Records: map[ModuleVersion]ModuleRecord{tt.m: {Answer: []byte(tt.answer)}}}
		wantError(t, tt.name, s.collect(&snapshot, nil), tt.code, tt.text)
	}
}

// Some records are requested at a time, none after an error, and the first
// error is the one that is told.
func TestLog_Snapshot_stops(t *testing.T) {
	t.Parallel()
	l := newHistorian(t).logOf(t, nil)
	m := make([]ModuleVersion, 2*lookupsAtOnce)
	for i := range m {
		m[i] = ModuleVersion{"example.com/m", "v1.0." + strconv.Itoa(i)}
	}
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int64
		first, others := make(chan struct{}), make(chan struct{})
		l.config.Getter = getter(func(path string) ([]byte, error) {
			requests.Add(1)
			if strings.HasSuffix(path, "v1.0.0") {
				<-first
				return nil, errBroken
			}
			<-others
			return nil, errors.New("another error")
		})
		result := make(chan error, 1)
		go func() {
			_, err := l.Snapshot(t.Context(), m)
			result <- err
		}()
		for _, next := range []chan struct{}{first, others} {
			synctest.Wait()
			if n := requests.Load(); n != lookupsAtOnce {
				t.Errorf("%d requests", n)
			}
			close(next)
		}
		if err := <-result; !errors.Is(err, errBroken) || requests.Load() != lookupsAtOnce {
			t.Errorf("after %d requests: %v", requests.Load(), err)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l.config.Getter = getter(func(path string) ([]byte, error) {
		t.Errorf("%s is requested", path)
		return nil, errBroken
	})
	if _, err := l.Snapshot(ctx, m); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Two heads are of one history if the newer one continues the older one.
func TestLog_OneHistory(t *testing.T) {
	t.Parallel()
	h := newHistorian(t)
	short, long := h.history(t, "a\n"), h.history(t, "a\n", "b\n")
	other := h.history(t, "x\n", "b\n")
	for _, tt := range []struct {
		name       string
		one, other []byte
		held       map[string]string
		want       []byte
		code       diag.Code
		text       string
	}{
		{"the newer last", short.head, long.head, long.tiles, long.head, "", ""},
		{"the newer first", long.head, short.head, long.tiles, long.head, "", ""},
		{"the same", long.head, long.head, long.tiles, long.head, "", ""},
		{"the empty tree", h.sign(t, string(tlog.FormatTree(tlog.Tree{}))), long.head, nil, long.head, "", ""},
		{"of two histories", short.head, other.head, other.tiles, nil, diag.ProofInvalid, "about two tree heads does not hold: the newer tree head does not continue"},
		{"of two histories of one size", long.head, other.head, other.tiles, nil, diag.ProofInvalid, "does not continue"},
		{"the first is none", []byte("junk"), long.head, long.tiles, nil, diag.ProofInvalid, "about two tree heads does not hold: malformed note"},
		{"the second is none", long.head, []byte("junk"), long.tiles, nil, diag.ProofInvalid, "about two tree heads does not hold: malformed note"},
		{"without tiles", short.head, long.head, nil, nil, diag.Network, "so two tree heads cannot be verified"},
	} {
		got, err := h.logOf(t, tt.held).OneHistory(t.Context(), tt.one, tt.other)
		switch {
		case tt.code != "":
			wantError(t, tt.name, err, tt.code, tt.text)
		case err != nil || string(got) != string(tt.want):
			t.Errorf("%s: %s, %v", tt.name, got, err)
		}
	}
	a, b := head{Tree: long.tree}, head{Tree: short.tree}
	if err := continues(a, b, nil); err == nil || !strings.Contains(err.Error(), "the older tree head is the newer one") {
		t.Errorf("turned round: %v", err)
	}
}

// What is not known of a module is not compared.
func TestModuleRecord_Check(t *testing.T) {
	t.Parallel()
	r, m := ModuleRecord{Zip: "z", Mod: "m"}, ModuleVersion{"example.com/m", "v1.0.0"}
	for _, tt := range []struct{ zip, mod, want string }{
		{"z", "m", ""}, {"", "m", ""}, {"z", "", ""}, {"", "", ""},
		{"x", "m", "the content of example.com/m@v1.0.0 has the hash x, and the checksum database has z"},
		{"z", "x", "the go.mod of example.com/m@v1.0.0 has the hash x, and the checksum database has m"},
		{"", "x", "the go.mod of"}, {"x", "", "the content of"},
	} {
		if err := r.Check(m, tt.zip, tt.mod); tt.want != "" || err != nil {
			code := diag.ProofInvalid
			if tt.want == "" {
				code = ""
			}
			wantError(t, tt.zip+" "+tt.mod, err, code, tt.want)
		}
	}
}

func zipOf(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		w, err := z.Create(name)
		must(t, err)
		_, err = w.Write([]byte("module example.com/m\n"))
		must(t, err)
	}
	must(t, z.Close())
	return b.Bytes()
}

// withMethod changes how the first file of a zip is compressed, by the zip's directory.
func withMethod(data []byte, method byte) []byte {
	data = bytes.Clone(data)
	data[bytes.Index(data, []byte("PK\x01\x02"))+10] = method
	return data
}

// The hashes of a module's files are those that go.sum has: "h1:" and the hash
// of lines that sha256sum would write.
func TestHashModule(t *testing.T) {
	t.Parallel()
	m := ModuleVersion{"example.com/m", "v1.0.0"}
	want := func(names ...string) string {
		sum := fmt.Sprintf("%x", sha256.Sum256([]byte("module example.com/m\n")))
		h := sha256.New()
		for _, name := range names {
			h.Write([]byte(sum + "  " + name + "\n"))
		}
		return "h1:" + base64.StdEncoding.EncodeToString(h.Sum(nil))
	}
	const prefix = "example.com/m@v1.0.0/"
	good := zipOf(t, prefix+"b", prefix+"a")
	for _, tt := range []struct {
		name, want, refused string
		data                []byte
	}{
		{"good", want(prefix+"a", prefix+"b"), "", good},
		{"of another version", "", "it has a file of something else: example.com/m@v1.0.1/a", zipOf(t, "example.com/m@v1.0.1/a")},
		{"compressed in an unknown way", "", "unsupported compression", withMethod(good, 99)},
		{"no zip", "", "not a valid zip file", []byte("text")},
	} {
		got, err := HashModule(m, bytes.NewReader(tt.data), int64(len(tt.data)))
		if got != tt.want || (err == nil) != (tt.refused == "") || err != nil && !strings.Contains(err.Error(), tt.refused) {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
	file := filepath.Join(t.TempDir(), "m.zip")
	must(t, os.WriteFile(file, good, 0o600))
	if got, err := HashZip(file); got != want(prefix+"a", prefix+"b") || err != nil {
		t.Errorf("of a file: %q, %v", got, err)
	}
	put(t, file, "text")
	if got, err := HashZip(file); err == nil {
		t.Errorf("of a text: %q", got)
	}
	if got, err := HashMod([]byte("module example.com/m\n")); got != want("go.mod") || err != nil {
		t.Errorf("of a go.mod: %q, %v", got, err)
	}
}

// The files of an archive are hashed as those of a tree; an error ends it.
func TestHashFiles(t *testing.T) {
	t.Parallel()
	v, err := gover.Parse("1.22.5")
	must(t, err)
	p := gover.Platform{OS: "linux", Arch: "amd64"}
	files := []archive.File{{Path: "b", SHA256: [32]byte{1}}, {Path: "go.mod", SHA256: [32]byte{2}}}
	want, err := Hash1(v, p, maps.All(map[string][32]byte{"b": {1}, "go.mod": {2}}))
	must(t, err)
	if got, err := HashFiles(v, p, files); got != want || err != nil {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	files = append([]archive.File{{Path: "new\nline"}}, files...)
	if got, err := HashFiles(v, p, files); got != "" || err == nil || !strings.Contains(err.Error(), "newline") {
		t.Errorf("a name with a newline: %q, %v", got, err)
	}
}
