package install_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/install"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/vmtest"
)

const zips = "/golang.org/toolchain/@v/*.zip"

// world is a server with a log, and an installer that uses it.
type world struct {
	t      *testing.T
	server *vmtest.Server
	in     *install.Installer
	req    install.Request
	dir    string
	events []install.Event
}

func newWorld(t *testing.T, toolchains ...vmtest.Toolchain) *world {
	t.Helper()
	t.Parallel()
	w := &world{t: t, server: vmtest.NewServer(t, vmtest.Options{Toolchains: toolchains}), dir: filepath.Join(memDir(t), "a store")}
	in, err := newInstaller(w.dir, w.server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	proxies, err := fetch.ParseProxies(w.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	log, err := trust.NewLog(trust.LogConfig{GOSUMDB: w.server.GOSUMDB(), Proxies: proxies, StateDir: t.TempDir(), CacheDir: t.TempDir(),
		Getter: fetch.New(fetch.Config{Transport: vmtest.Transport(), Attempts: 1}), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	in.Log = log
	w.req.Event = func(e install.Event) { w.events = append(w.events, e) }
	w.in = in
	return w
}

func (w *world) install(versions ...string) []install.Result {
	w.t.Helper()
	var list []gover.Version
	for _, v := range versions {
		list = append(list, version(w.t, v))
	}
	return w.in.Install(w.t.Context(), list, w.req)
}

// everyEvent makes the clock run so fast that no event is left out.
func (w *world) everyEvent() {
	var ticks atomic.Int64
	w.in.Identity.Now = func() time.Time { return time.Unix(ticks.Add(1), 0) }
}

// must installs one release and fails the test if that fails.
func (w *world) must(v string) install.Result {
	w.t.Helper()
	r := w.install(v)[0]
	if r.Err != nil {
		w.t.Fatalf("install %s: %v", v, r.Err)
	}
	return r
}

func (w *world) kinds() (kinds []install.Kind) {
	for _, e := range w.events {
		if len(kinds) == 0 || kinds[len(kinds)-1] != e.Kind {
			kinds = append(kinds, e.Kind)
		}
	}
	return kinds
}

func TestInstall_tellsItsStory(t *testing.T) {
	w := newWorld(t, made("1.22.5"))
	r := w.must("1.22.5")
	if r.Kind != install.Installed || r.GOROOT != filepath.Join(w.dir, "1.22.5") {
		t.Errorf("got %+v", r)
	}
	// A download and an extraction go on at once, so their events may alternate.
	want := []install.Kind{install.Resolved, install.Extract, install.Verified, install.Installed}
	got := slices.DeleteFunc(w.kinds(), func(k install.Kind) bool { return k == install.Download })
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
	last := w.events[len(w.events)-1]
	if last.Bytes != r.Receipt.Bytes || last.Proofs[trust.ChecksumDB] != trust.Passed || last.URL == "" {
		t.Errorf("last event: %+v", last)
	}
	checkWhole(t, w.dir)
	checkClean(t, w.dir)
	w.server.Forget()
	w.events = nil
	if r := w.must("1.22.5"); r.Kind != install.Present || len(w.server.Requests()) != 0 {
		t.Errorf("again: %v, requests %v", r.Kind, w.server.Requests())
	}
	if left, err := filepath.Glob(filepath.Join(w.dir+".cache", "downloads", "*")); err != nil || len(left) != 0 {
		t.Errorf("left in the cache: %v, %v", left, err)
	}
}

func TestInstall_refusesWhatIsNotTheRelease(t *testing.T) {
	codes := map[string]diag.Code{"byte": diag.ProofInvalid, "extra": diag.ProofInvalid, "missing": diag.ProofInvalid}
	for _, variant := range vmtest.Variants() {
		t.Run(variant, func(t *testing.T) {
			tc := made("1.22.5")
			tc.Variant = variant
			w := newWorld(t, tc, made("1.22.4"))
			want, ok := codes[variant]
			if !ok {
				want = diag.ArchiveUnsafe
			}
			w.must("1.22.4") // a neighbour must not make a bad archive good
			r := w.install("1.22.5")[0]
			if r.Kind != install.Failed || diag.CodeOf(r.Err) != want {
				t.Errorf("got %v: %v", r.Kind, r.Err)
			}
			if last := w.events[len(w.events)-1]; last.Kind != install.Failed || last.Err == nil {
				t.Errorf("last event: %+v", last)
			}
			if present := checkWhole(t, w.dir); len(present) != 1 {
				t.Errorf("visible: %v", present)
			}
			checkClean(t, w.dir)
			// What failed a check is not resumed: the honest archive installs.
			w.server.Add(made("1.22.5"))
			w.must("1.22.5")
			checkWhole(t, w.dir)
		})
	}
}

func TestInstall_withoutTheLogNothingIsVisible(t *testing.T) {
	for mode, want := range map[vmtest.LogMode]diag.Code{
		vmtest.LogWrongKey: diag.ProofInvalid, vmtest.LogLying: diag.ProofInvalid, vmtest.LogSwapped: diag.ProofInvalid,
		vmtest.LogMissing: diag.Unproven, vmtest.LogDown: diag.Network,
	} {
		t.Run(string(mode), func(t *testing.T) {
			w := newWorld(t, made("1.22.5"))
			w.server.SetLog(mode)
			r := w.install("1.22.5")[0]
			if diag.CodeOf(r.Err) != want {
				t.Errorf("got %v", r.Err)
			}
			if present := checkWhole(t, w.dir); len(present) != 0 {
				t.Errorf("visible: %v", present)
			}
			checkClean(t, w.dir)
		})
	}
}

func TestInstall_oneFailureSpoilsNothing(t *testing.T) {
	bad := made("1.21.0")
	bad.Variant = "byte"
	w := newWorld(t, made("1.22.5"), made("1.22.4"), bad, made("1.20.1"))
	w.in.Parallel = 2
	results := w.install("1.22.5", "1.21.0", "1.99.0", "1.22.4", "1.20.1")
	want := []diag.Code{"", diag.ProofInvalid, diag.NoSuchRelease, "", ""}
	for i, r := range results {
		if diag.CodeOf(r.Err) != want[i] {
			t.Errorf("%s: %v", r.Version, r.Err)
		}
	}
	if present := checkWhole(t, w.dir); len(present) != 3 {
		t.Errorf("visible: %v", present)
	}
	checkClean(t, w.dir)
}

func TestInstall_sharesAndFetchesOnlyWhatDiffers(t *testing.T) {
	// Incompressible, and before and after what is shared, so that a saving shows.
	first, second := made("1.22.4"), made("1.22.5")
	second.Pad, first.Pad = 3<<20, 0
	common := noise(5 << 20)
	first.Files["src/aaa/common.bin"], second.Files["src/aaa/common.bin"] = common, common
	w := newWorld(t, first, second)
	w.in.Log = logOf{first, second}
	w.must("1.22.4")
	r := w.must("1.22.5")
	if r.Receipt.LinkedFiles < 40 || r.Receipt.LinkedFiles >= r.Receipt.Files {
		t.Errorf("linked %d of %d files", r.Receipt.LinkedFiles, r.Receipt.Files)
	}
	if r.Receipt.FetchedBytes > 5<<20 {
		t.Errorf("fetched %d of %d bytes, of which 5 MiB are the neighbour's", r.Receipt.FetchedBytes, r.Receipt.ArchiveBytes)
	}
	same, err := sameInode(filepath.Join(w.dir, "1.22.4/src/aaa/common.bin"), filepath.Join(w.dir, "1.22.5/src/aaa/common.bin"))
	if err != nil || !same {
		t.Errorf("not shared: %v", err)
	}
	if same, _ := sameInode(filepath.Join(w.dir, "1.22.4/src/own.go"), filepath.Join(w.dir, "1.22.5/src/own.go")); same {
		t.Error("files that differ are shared")
	}
	if err := w.in.Store.Uninstall(t.Context(), version(t, "1.22.4"), false, store.Wait{}); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(w.dir, "1.22.5/src/aaa/common.bin")); err != nil || string(data) != common {
		t.Errorf("uninstalling one release harmed another: %v", err)
	}
	checkClean(t, w.dir)
}

// noise cannot be compressed.
func noise(n int) string {
	data := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(data)
	return string(data)
}

// logOf has the true hash of exactly these releases.
type logOf []vmtest.Toolchain

func (l logOf) Lookup(_ context.Context, v gover.Version, p gover.Platform) (trust.Record, error) {
	for _, tc := range l {
		if tc.Version == v.String() {
			return trust.Record{Version: v, Platform: p, H1: tc.H1(), Log: "test", Proof: []byte("{}")}, nil
		}
	}
	return trust.Record{}, diag.New(diag.Unproven, "not in the log")
}

func sameInode(a, b string) (bool, error) {
	x, err := os.Stat(a)
	y, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(x, y), errors.Join(err, err2)
}

// TestInstall_damagedNeighbour: what the store has is only as good as it reads
// now. An edit in one release must not spread to another.
func TestInstall_damagedNeighbour(t *testing.T) {
	for _, local := range []bool{false, true} {
		t.Run(map[bool]string{false: "http", true: "file"}[local], func(t *testing.T) {
			w := newWorld(t, made("1.22.4"), made("1.22.5"))
			if local {
				in, err := newInstaller(w.dir, fileProxy(t, "1.22.4", "1.22.5"), honest{})
				if err != nil {
					t.Fatal(err)
				}
				w.in = in
			}
			w.must("1.22.4")
			root := filepath.Join(w.dir, "1.22.4")
			edited := filepath.Join(root, "src/p1/f1.go")
			info, err := os.Stat(edited)
			if err != nil {
				t.Fatal(err)
			}
			// Same size, other content; a hole; a wrong mode; a link in the place
			// of a file; a link in the place of a directory.
			damage := errors.Join(
				os.WriteFile(edited, bytes.Repeat([]byte("!"), int(info.Size())), 0o644),
				os.Remove(filepath.Join(root, "src/p2/f2.go")),
				os.Chmod(filepath.Join(root, "src/p3/f3.go"), 0o666),
				os.Remove(filepath.Join(root, "src/p4/f4.go")),
				os.Symlink("/etc/passwd", filepath.Join(root, "src/p4/f4.go")),
				os.Rename(filepath.Join(root, "src/p5"), filepath.Join(root, "elsewhere")),
				os.Symlink("../elsewhere", filepath.Join(root, "src/p5")),
			)
			if damage != nil {
				t.Fatal(damage)
			}
			r := w.must("1.22.5")
			checkTree(t, installedRelease(r))
			if r.Receipt.LinkedFiles == 0 {
				t.Error("nothing was shared at all")
			}
		})
	}
}

func TestInstall_collisionOfCRC(t *testing.T) {
	// Two files with one CRC-32 and size (crc32("plumless") == crc32("buckeroo")):
	// the neighbour has the wrong one, and only the digests of the whole tell.
	first, second := made("1.22.4"), made("1.22.5")
	first.Files["src/crc"], second.Files["src/crc"] = "plumless", "buckeroo"
	w := newWorld(t, first, second)
	w.in.Log = logOf{first, second}
	w.must("1.22.4")
	r := w.must("1.22.5")
	if data, err := os.ReadFile(filepath.Join(r.GOROOT, "src/crc")); err != nil || string(data) != "buckeroo" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestInstall_serverWithoutRanges(t *testing.T) {
	w := newWorld(t, made("1.22.5"), made("1.22.4"))
	w.server.Fault(zips, vmtest.Fault{Name: "noranges"})
	for _, r := range w.install("1.22.5", "1.22.4") {
		if r.Err != nil {
			t.Errorf("%s: %v", r.Version, r.Err)
		}
	}
	checkWhole(t, w.dir)
	checkClean(t, w.dir)
}

func TestInstall_brokenServers(t *testing.T) {
	for _, fault := range []string{"truncate=1000", "status=500", "html", "wrongsize=9", "huge", "reset", "loop"} {
		t.Run(fault, func(t *testing.T) {
			w := newWorld(t, made("1.22.5"))
			f, err := vmtest.ParseFault(fault)
			if err != nil {
				t.Fatal(err)
			}
			w.server.Fault(zips, f)
			r := w.install("1.22.5")[0]
			if code := diag.CodeOf(r.Err); fault == "truncate=1000" {
				// A connection that always breaks: each attempt brings 1000 bytes.
				if r.Err != nil && code != diag.Network {
					t.Errorf("got %v", r.Err)
				}
			} else if r.Err == nil || code != diag.Network && code != diag.ArchiveUnsafe {
				t.Errorf("got %v", r.Err)
			}
			checkWhole(t, w.dir)
			checkClean(t, w.dir)
		})
	}
}

func TestInstall_reinstallRepairs(t *testing.T) {
	w := newWorld(t, made("1.22.5"))
	r := w.must("1.22.5")
	if err := errors.Join(os.WriteFile(filepath.Join(r.GOROOT, "bin/go"), []byte("evil"), 0o755), os.RemoveAll(filepath.Join(r.GOROOT, "src"))); err != nil {
		t.Fatal(err)
	}
	w.req.Reinstall = true
	if r := w.must("1.22.5"); r.Kind != install.Installed {
		t.Errorf("got %v", r.Kind)
	}
	checkWhole(t, w.dir)
	checkClean(t, w.dir)
}

func TestInstall_nextSource(t *testing.T) {
	w := newWorld(t, made("1.22.5"))
	good := w.in.Sources[0]
	w.in.Sources = []install.Source{failing{diag.New(diag.Network, "the first is away")}, good}
	if r := w.must("1.22.5"); r.Receipt.Source != "goproxy" {
		t.Errorf("receipt: %+v", r.Receipt)
	}
	w.in.Sources = []install.Source{failing{diag.New(diag.ProofInvalid, "false")}, good}
	w.req.Reinstall = true
	if r := w.install("1.22.5")[0]; diag.CodeOf(r.Err) != diag.ProofInvalid {
		t.Errorf("a failed check was passed over: %v", r.Err)
	}
	w.in.Sources = []install.Source{failing{diag.New(diag.Offline, "no net")}, failing{diag.New(diag.NoSuchRelease, "unknown", "vmgo x")}}
	if r := w.install("1.22.5")[0]; diag.CodeOf(r.Err) != diag.NoSuchRelease || !strings.Contains(r.Err.Error(), "no net") {
		t.Errorf("got %v", r.Err)
	}
}

type failing struct{ err error }

func (failing) Name() string { return "failing" }

func (f failing) Locate(context.Context, gover.Version, gover.Platform) (release.Artifact, error) {
	return release.Artifact{}, f.err
}

func TestInstall_releasesOfOneCallShare(t *testing.T) {
	w := newWorld(t, made("1.22.5"), made("1.22.4"), made("1.22.3"), made("1.22.2"))
	linked := 0
	for _, r := range w.install("1.22.5", "1.22.4", "1.22.3", "1.22.2") {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		if r.Receipt.LinkedFiles > 40 {
			linked++
		}
	}
	if linked != 3 {
		t.Errorf("%d of 4 releases share files with those before them", linked)
	}
	checkWhole(t, w.dir)
	checkClean(t, w.dir)
}
