package install_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/install"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/vmtest"
)

func TestInstall_waitsForAnother(t *testing.T) {
	w := newWorld(t, made("1.22.5"))
	v := version(t, "1.22.5")
	lock, err := w.in.Store.LockRelease(t.Context(), v, store.Wait{})
	if err != nil {
		t.Fatal(err)
	}
	w.req.NoWait = true
	if r := w.install("1.22.5")[0]; diag.CodeOf(r.Err) != diag.StoreBusy || !strings.Contains(r.Err.Error(), "vmgo install (test)") {
		t.Errorf("no wait: %v", r.Err)
	}
	w.req.NoWait = false
	var once sync.Once
	w.req.Waiting = func(got gover.Version, h fsx.Holder) {
		if got != v || h.PID != os.Getpid() {
			t.Errorf("waits for %v %v", got, h)
		}
		once.Do(func() {
			if err := lock.Release(); err != nil {
				t.Error(err)
			}
		})
	}
	w.must("1.22.5")
}

// TestInstall_manyAtOnce: 32 processes, 8 releases, one store, and one download
// of each release.
func TestInstall_manyAtOnce(t *testing.T) {
	t.Parallel()
	versions := []string{"1.20.1", "1.20.2", "1.21.0", "1.21.1", "1.22.4", "1.22.5", "1.23.0", "1.23.1"}
	var releases []vmtest.Toolchain
	for _, v := range versions {
		releases = append(releases, made(v))
	}
	server := vmtest.NewServer(t, vmtest.Options{Toolchains: releases})
	dir := filepath.Join(memDir(t), "store")
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			if out, err := command(dir, server.URL, "install", versions[i%8], versions[(i+3)%8]).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
	if present := checkWhole(t, dir); len(present) != 8 {
		t.Errorf("present: %v", present)
	}
	checkClean(t, dir)
	if faults, err := store.Open(dir, store.Options{}).Check(t.Context(), store.Wait{}); err != nil || len(faults) > 0 {
		t.Errorf("store check: %v, %v", faults, err)
	}
	downloads := map[string]int{} // each begins by asking for the first byte
	for _, request := range server.Requests() {
		if path, first := strings.CutSuffix(request, ".zip bytes=0-0"); first {
			downloads[path]++
		}
	}
	for path, n := range downloads {
		if n != 1 {
			t.Errorf("%s was downloaded %d times", path, n)
		}
	}
	if len(downloads) != 8 {
		t.Errorf("%d releases were downloaded: %v", len(downloads), server.Requests())
	}
}

// TestInstall_againstUninstall: what one process installs, another takes away.
func TestInstall_againstUninstall(t *testing.T) {
	t.Parallel()
	proxy := fileProxy(t, "1.22.4", "1.22.5", "1.21.0")
	dir := filepath.Join(memDir(t), "store")
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			for range 6 {
				v := []string{"1.22.4", "1.22.5", "1.21.0"}[i]
				if out, err := command(dir, proxy, "install", v).CombinedOutput(); err != nil {
					t.Errorf("install: %v: %s", err, out)
				}
				if out, err := command(dir, proxy, "uninstall", v).CombinedOutput(); err != nil {
					t.Errorf("uninstall: %v: %s", err, out)
				}
			}
		})
	}
	wg.Wait()
	if present := checkWhole(t, dir); len(present) != 0 {
		t.Errorf("present: %v", present)
	}
	checkClean(t, dir)
}

// TestInstall_fullDisk installs into file systems of all sizes, until one is
// large enough.
func TestInstall_fullDisk(t *testing.T) {
	t.Parallel()
	proxy := fileProxy(t, "1.22.5", "1.22.4")
	full := 0
	for size := 64; ; size += 256 {
		dir := t.TempDir()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+itoa(size)+"k"); err != nil {
			t.Skipf("no tmpfs can be mounted here (needs root): %v", err)
		}
		store := filepath.Join(dir, "store")
		out, err := command(store, proxy, "install", "1.22.5").CombinedOutput()
		var exit *exec.ExitError
		done := err == nil
		switch {
		case done:
		case errors.As(err, &exit) && strings.Contains(string(out), "no room"):
			full++
		default:
			t.Errorf("%d KiB: %v: %s", size, err, out)
		}
		if present := checkWhole(t, store); len(present) != 0 != done {
			t.Errorf("%d KiB: present: %v, %v", size, present, err)
		}
		checkClean(t, store)
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
		if done || t.Failed() {
			break
		}
	}
	if full == 0 {
		t.Error("no file system was too small")
	}
}

func TestInstall_storeThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_RDONLY, ""); err == nil {
		defer syscall.Unmount(dir, 0)
	} else if err := os.Chmod(dir, 0o555); err != nil || os.Getuid() == 0 {
		t.Skip("no directory is unwritable for this user")
	}
	in, err := newInstaller(filepath.Join(dir, "store"), fileProxy(t, "1.22.5"), honest{})
	if err != nil {
		t.Fatal(err)
	}
	r := in.Install(t.Context(), []gover.Version{version(t, "1.22.5")}, install.Request{})[0]
	if code := diag.CodeOf(r.Err); code != diag.StoreNotWritable {
		t.Errorf("got %v", r.Err)
	}
}

func TestInstall_resumes(t *testing.T) {
	tc := made("1.22.5")
	tc.Pad = 8 << 20
	w := newWorld(t, tc)
	w.in.Log = logOf{tc}
	ctx, cancel := context.WithCancel(t.Context())
	w.everyEvent()
	w.server.Fault(zips, vmtest.Fault{Name: "stall", N: 4 << 20})
	w.req.Event = func(e install.Event) {
		if e.Kind == install.Download && e.Bytes > 5<<20 { // tail and 3 MiB
			cancel()
		}
	}
	r := w.in.Install(ctx, []gover.Version{version(t, "1.22.5")}, w.req)[0]
	if diag.CodeOf(r.Err) != diag.Interrupted {
		t.Errorf("stopped: %v", r.Err)
	}
	checkClean(t, w.dir)
	w.server.ClearFaults()
	w.req.Event = nil
	w.server.Forget()
	if r := w.must("1.22.5"); r.Err != nil {
		t.Fatal(r.Err)
	}
	for _, request := range w.server.Requests() {
		if strings.Contains(request, "bytes=0-") && !strings.Contains(request, "bytes=0-0") {
			t.Errorf("it began anew: %v", w.server.Requests())
		}
	}
}

func TestInstall_aDamagedPartialIsFetchedAnew(t *testing.T) {
	tc := made("1.22.5")
	tc.Pad = 8 << 20
	w := newWorld(t, tc)
	w.in.Log = logOf{tc}
	ctx, cancel := context.WithCancel(t.Context())
	w.everyEvent()
	w.server.Fault(zips, vmtest.Fault{Name: "stall", N: 4 << 20})
	w.req.Event = func(e install.Event) {
		if e.Kind == install.Download && e.Bytes > 5<<20 {
			cancel()
		}
	}
	w.in.Install(ctx, []gover.Version{version(t, "1.22.5")}, w.req)
	w.req.Event = nil
	w.server.ClearFaults()
	partials, err := filepath.Glob(filepath.Join(w.dir+".cache", "downloads", "*.partial"))
	if err != nil || len(partials) != 1 {
		t.Fatalf("partial downloads: %v, %v", partials, err)
	}
	info, err := os.Stat(partials[0])
	if err != nil {
		t.Fatal(err)
	}
	// As a power failure may leave it: the length is right, the bytes are not.
	if err := os.WriteFile(partials[0], make([]byte, info.Size()), 0o600); err != nil {
		t.Fatal(err)
	}
	w.must("1.22.5")
}
