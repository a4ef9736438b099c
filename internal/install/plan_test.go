package install_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/install"
)

func TestPlan_isWhatTheInstallDoes(t *testing.T) {
	w := newWorld(t, made("1.22.4"), made("1.22.5"), made("1.21.0"))
	w.must("1.22.4")
	versions := []gover.Version{version(t, "1.22.4"), version(t, "1.22.5"), version(t, "1.21.0"), version(t, "1.99.0")}
	plan := w.in.Plan(t.Context(), versions, w.req)
	if plan.Room != nil || len(plan.Releases) != 4 || !plan.Releases[0].Present || diag.CodeOf(plan.Releases[3].Err) != diag.NoSuchRelease {
		t.Fatalf("plan: %+v", plan)
	}
	for _, p := range plan.Releases[1:3] {
		r := w.must(p.Version.String())
		if !p.Exact || p.Need.Files != r.Receipt.Files || p.Need.Bytes != r.Receipt.Bytes {
			t.Errorf("%s: planned %+v, got %+v", p.Version, p, r.Receipt)
		}
		// Contents can be the same in other places too, of which a plan knows nothing.
		if p.Need.Shared == 0 || p.Need.Shared > r.Receipt.LinkedBytes {
			t.Errorf("%s: planned to share %d bytes, shared %d", p.Version, p.Need.Shared, r.Receipt.LinkedBytes)
		}
	}
	if sum := plan.Releases[1].Need.Bytes + plan.Releases[2].Need.Bytes; plan.Need.Bytes != sum {
		t.Errorf("sum %d, want %d", plan.Need.Bytes, sum)
	}
}

// The directories of the archives are fetched once, not for the plan and again
// for the install; only whether they are there is asked again.
func TestPlan_installAsksNothingTwice(t *testing.T) {
	w := newWorld(t, made("1.22.4"), made("1.21.0"))
	versions := []gover.Version{version(t, "1.22.4"), version(t, "1.21.0")}
	w.req.Plan = w.in.Prepare(t.Context(), versions, w.req)
	defer w.req.Plan.Close()
	if w.req.Plan.Room != nil {
		t.Fatal(w.req.Plan.Room)
	}
	for _, r := range w.in.Install(t.Context(), versions, w.req) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	asked := map[string]int{}
	for _, request := range w.server.Requests() {
		if asked[request]++; asked[request] > 1 && strings.Contains(request, ".zip") && !strings.HasSuffix(request, "=0-0") {
			t.Errorf("asked twice: %s", request)
		}
	}
}

func TestPlan_noRoom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, limits := range []string{"size=200k", "size=100m,nr_inodes=30"} {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, limits); err != nil {
			t.Skipf("no tmpfs can be mounted here (needs root): %v", err)
		}
		in, err := newInstaller(filepath.Join(dir, "store"), fileProxy(t, "1.22.5"), honest{})
		if err == nil {
			in.CacheDir = t.TempDir()
			plan := in.Plan(t.Context(), []gover.Version{version(t, "1.22.5")}, install.Request{})
			if diag.CodeOf(plan.Room) != diag.DiskFull {
				t.Errorf("%s: %v", limits, plan.Room)
			}
			if r := in.Install(t.Context(), []gover.Version{version(t, "1.22.5")}, install.Request{})[0]; diag.CodeOf(r.Err) != diag.DiskFull {
				t.Errorf("%s: install: %v", limits, r.Err)
			}
			checkClean(t, in.Store.Dir())
		}
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}
}

// What Prepare opened takes a file each, until an install or Close.
func TestPlan_closeLeavesNoFileOpen(t *testing.T) {
	w := newWorld(t, made("1.22.4"), made("1.21.0"))
	versions := []gover.Version{version(t, "1.22.4"), version(t, "1.21.0")}
	w.req.Plan = w.in.Prepare(t.Context(), versions, w.req)
	if n := openBelow(t, w.in.CacheDir); n != 2 {
		t.Errorf("%d files are open, want 2", n)
	}
	w.req.Plan.Close()
	if n := openBelow(t, w.in.CacheDir); n != 0 {
		t.Errorf("%d files are still open", n)
	}
	w.must("1.22.4") // it opens the archive again
}

func openBelow(t *testing.T, dir string) (n int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if path, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(path, dir+"/") {
			n++
		}
	}
	return n
}
