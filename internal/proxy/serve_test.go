package proxy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/vmgo/vmgo/internal/vmtest"
)

func TestServe_goCommandsGetModulesOnceAndVerified(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.upstream.AddModule(vmtest.Module{Path: "example.com/Upper/lib", Version: "v1.0.0"})
	b.upstream.AddModule(vmtest.Module{Path: "example.com/Upper/lib", Version: "v1.1.0"})
	first := b.newMachine()
	first.must("get", "example.com/Upper/lib@latest")
	if out := first.must("list", "-m", "-versions", "example.com/Upper/lib"); !strings.Contains(out, "v1.0.0 v1.1.0") {
		t.Errorf("versions: %s", out)
	}
	sums, _ := os.ReadFile(filepath.Join(first.dir, "go.sum"))
	if !strings.Contains(string(sums), "example.com/Upper/lib v1.1.0 h1:") {
		t.Errorf("go.sum: %s", sums)
	}
	b.upstream.Forget()
	b.newMachine().must("get", "example.com/Upper/lib@v1.1.0")
	for _, request := range b.upstream.Requests() {
		if strings.Contains(request, "lib/@v/v1.1.0") || strings.Contains(request, "/sumdb/") {
			t.Errorf("upstream was asked again: %s", request)
		}
	}
}

func TestServe_upstreamDown(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.upstream.AddModule(vmtest.Module{Path: "example.com/lib", Version: "v1.0.0"})
	b.newMachine().must("get", "example.com/lib@latest")
	b.upstream.Fault("*", vmtest.Fault{Name: "status", N: http.StatusServiceUnavailable})

	m := b.newMachine()
	m.must("get", "example.com/lib@latest") // lists, modules, log: all from the cache
	resp, err := http.Get(b.url + "/example.com/lib/@v/list")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Warning"), "110 ") {
		t.Errorf("a stale list says so: %d, Warning %q", resp.StatusCode, resp.Header.Get("Warning"))
	}
	b.want("/example.com/other/@v/list", http.StatusBadGateway, "503")
}

func TestServe_oneFetchForAll(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.upstream.AddModule(vmtest.Module{Path: "example.com/lib", Version: "v1.0.0", Size: 1 << 20})
	want := string(vmtest.Module{Path: "example.com/lib", Version: "v1.0.0", Size: 1 << 20}.Zip())
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if status, body := b.get("/example.com/lib/@v/v1.0.0.zip"); status != http.StatusOK || body != want {
				t.Errorf("%d, %d bytes", status, len(body))
			}
		})
	}
	group.Wait()
	if n := b.upstream.Count("*.zip"); n != 1 {
		t.Errorf("upstream served the zip %d times", n)
	}
}

func TestServe_contradictionIsNeverServed(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	good := vmtest.Module{Path: "example.com/lib", Version: "v1.0.0", Size: 1 << 20}
	b.upstream.AddModule(good)
	evil := good
	evil.Files = map[string]string{"lib.go": "package lib\n\nconst Evil = true\n"}
	b.upstream.Serve("/example.com/lib/@v/v1.0.0.zip", evil.Zip())
	resp, err := http.Get(b.url + "/example.com/lib/@v/v1.0.0.zip")
	if err != nil {
		t.Fatal(err)
	}
	n, err := resp.Body.Read(make([]byte, 1))
	for err == nil {
		var more int
		more, err = resp.Body.Read(make([]byte, 64<<10))
		n += more
	}
	resp.Body.Close()
	if resp.StatusCode == http.StatusOK && (err.Error() == "EOF" || n > len(evil.Zip())-64<<10) {
		t.Errorf("the false zip came through: %d of %d bytes, %v", n, len(evil.Zip()), err)
	}
	// The second time nothing can have been cached of it.
	b.upstream.Serve("/example.com/lib/@v/v1.0.0.mod", []byte("module example.com/lib\n\nrequire example.com/evil v1.0.0\n"))
	b.want("/example.com/lib/@v/v1.0.0.mod", http.StatusForbidden, "contradicts the checksum database")
	if out, err := b.newMachine().run("get", "example.com/lib@v1.0.0"); err == nil || !strings.Contains(out, "contradicts the checksum database") {
		t.Errorf("%v: %s", err, out)
	}
	b.want("/metrics", http.StatusOK, "vmgo_proxy_contradictions_total 2")
	if !strings.Contains(b.log.String(), "contradicts the checksum database") {
		t.Errorf("not logged: %s", b.log)
	}
}

func TestServe_logOutOfReachIsNoPass(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.upstream.AddModule(vmtest.Module{Path: "example.com/lib", Version: "v1.0.0"})
	b.upstream.SetLog(vmtest.LogDown)
	b.want("/example.com/lib/@v/v1.0.0.mod", http.StatusBadGateway, "could not be reached")
	b.want("/example.com/lib/@v/v1.0.0.zip", http.StatusBadGateway, "could not be reached")
	b.upstream.SetLog(vmtest.LogGood)
	b.want("/example.com/lib/@v/v1.0.0.mod", http.StatusOK, "module example.com/lib")
}

func TestServe_forkIsNoticed(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.upstream.AddModule(vmtest.Module{Path: "example.com/lib", Version: "v1.0.0"})
	b.upstream.AddModule(vmtest.Module{Path: "example.com/other", Version: "v1.0.0"})
	b.want("/example.com/lib/@v/v1.0.0.mod", http.StatusOK, "module")
	b.upstream.SetLog(vmtest.LogForked)
	b.want("/example.com/other/@v/v1.0.0.mod", http.StatusForbidden, "two histories")
	b.want("/sumdb/"+vmtest.LogName+"/lookup/example.com/other@v1.0.0", http.StatusForbidden, "two histories")
	if evidence, _ := filepath.Glob(filepath.Join(b.dir, ".state/sumdb", vmtest.LogName, "fork-*")); len(evidence) != 1 {
		t.Errorf("evidence: %q", evidence)
	}
}

func TestServe_damageIsRepaired(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.upstream.AddModule(vmtest.Module{Path: "example.com/lib", Version: "v1.0.0", Size: 200 << 10})
	path := "/example.com/lib/@v/v1.0.0.zip"
	_, good := b.get(path)
	file := filepath.Join(b.dir, path)
	flip(t, file)
	if _, body := b.get(path); body != good {
		t.Error("a damaged file was served")
	}
	if n := b.upstream.Count(path); n != 2 {
		t.Errorf("upstream served it %d times, and a repair makes 2", n)
	}
	flip(t, file)
	b.upstream.Fault("*", vmtest.Fault{Name: "status", N: http.StatusServiceUnavailable})
	b.want(path, http.StatusBadGateway, "503")
	b.want("/metrics", http.StatusOK, "vmgo_proxy_damaged_files_total 2")
}

// flip changes one bit in the middle of a file.
func flip(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		data[len(data)/2] ^= 1
		err = os.WriteFile(path, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestServe_firstByteBeforeTheLast(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	module := vmtest.Module{Path: "example.com/lib", Version: "v1.0.0", Size: 1 << 20}
	b.upstream.AddModule(module)
	b.upstream.Fault("/example.com/lib/@v/v1.0.0.zip", vmtest.Fault{Name: "stall", N: 512 << 10})
	resp, err := http.Get(b.url + "/example.com/lib/@v/v1.0.0.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	head := make([]byte, 256<<10) // upstream gives half of it, and then nothing
	if _, err := io.ReadFull(resp.Body, head); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(module.Zip(), head) || resp.ContentLength != int64(len(module.Zip())) {
		t.Errorf("the beginning is another one, of %d bytes", resp.ContentLength)
	}
}

func TestServe_tilesAreChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.upstream.AddModule(vmtest.Module{Path: "example.com/lib", Version: "v1.0.0"})
	b.want("/sumdb/"+vmtest.LogName+"/lookup/example.com/lib@v1.0.0", http.StatusOK, "example.com/lib v1.0.0 h1:")
	tile := "/sumdb/" + vmtest.LogName + "/tile/8/0/000"
	_, good := b.get(tile)
	if len(good) != 256*32 {
		t.Fatalf("the tile has %d bytes", len(good))
	}
	if err := os.RemoveAll(filepath.Join(b.dir, "sumdb", vmtest.LogName, "tile")); err != nil {
		t.Fatal(err)
	}
	b.upstream.SetLog(vmtest.LogForked)
	if status, _ := b.get(tile); status == http.StatusOK {
		t.Error("a tile of another history was served")
	}
	if _, err := os.Stat(filepath.Join(b.dir, tile)); err == nil {
		t.Error("a false tile was kept")
	}
	b.stop()
	b.upstream.SetLog(vmtest.LogGood)
	b.start(nil)
	if _, again := b.get(tile); again != good {
		t.Error("the tile is another one")
	}
	if _, begin := b.get(tile + ".p/10"); begin != good[:320] {
		t.Error("a partial tile is not the beginning of the whole one")
	}
	b.want("/sumdb/"+vmtest.LogName+"/tile/8/0/999", http.StatusNotFound, "")
	b.want("/sumdb/"+vmtest.LogName+"/tile/8/data/000", http.StatusNotFound, "")
	b.want("/sumdb/other.invalid/supported", http.StatusNotFound, "")
	_, latest := b.get("/sumdb/" + vmtest.LogName + "/latest")
	b.upstream.SetLog(vmtest.LogDown)
	if _, known := b.get("/sumdb/" + vmtest.LogName + "/latest"); known != latest || !strings.HasPrefix(latest, "go.sum database tree") {
		t.Errorf("the tree head: %q, and then %q", latest, known)
	}
}

func TestServe_scrubRepairsWhatNobodyReads(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.upstream.AddModule(vmtest.Module{Path: "example.com/lib", Version: "v1.0.0"})
	path := "/example.com/lib/@v/v1.0.0.zip"
	_, good := b.get(path)
	flip(t, filepath.Join(b.dir, path))
	if err := b.server.ScrubOnce(t.Context(), math.MaxInt64); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(b.dir, path)); err != nil || string(data) != good {
		t.Errorf("not repaired: %d bytes, %v", len(data), err)
	}
}

func TestServe_accessLogTellsWhoGotWhat(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.upstream.AddModule(vmtest.Module{Path: "example.com/lib", Version: "v1.0.0"})
	b.want("/example.com/lib/@v/v1.0.0.mod", http.StatusOK, "module")
	b.want("/example.com/lib/@v/v1.0.0.mod", http.StatusOK, "module")
	b.want("/healthz", http.StatusOK, "ok")
	b.stop()
	var lines []string
	for line := range strings.Lines(b.log.String()) {
		var entry struct {
			Client, Method, Path, Kind, Cache string
			Status, Bytes                     int
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprint(entry))
	}
	want := "{127.0.0.1 GET /example.com/lib/@v/v1.0.0.mod mod miss 200 32}|{127.0.0.1 GET /example.com/lib/@v/v1.0.0.mod mod hit 200 32}"
	if got := strings.Join(lines, "|"); got != want {
		t.Errorf("logged %s, want %s", got, want)
	}
}
