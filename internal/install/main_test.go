package install_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/install"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/store/installed"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// The test binary is also the program that crash tests kill: with arguments in
// this variable it does one thing to a store and ends.
const helperVar = "VMGO_TEST_INSTALLER"

func TestMain(m *testing.M) {
	if args := os.Getenv(helperVar); args != "" {
		if err := helper(strings.Split(args, "\n")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(diag.ExitStatus(err))
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// helper does "install|unshared|reinstall|handmade|uninstall|dedup|default VERSION" to
// the store at dir, from the proxy.
func helper(args []string) error {
	dir, proxy, verb, versions := args[0], args[1], args[2], args[3:]
	in, err := newInstaller(dir, proxy, honest{})
	if err != nil {
		return err
	}
	if verb == "unshared" {
		in.Store = store.Open(dir, store.Options{Identity: in.Identity, NoLink: true})
	}
	var list []gover.Version
	for _, text := range versions {
		v, err := gover.Parse(text)
		if err != nil {
			return err
		}
		list = append(list, v)
	}
	ctx := context.Background()
	switch verb {
	case "install", "reinstall", "unshared":
		var failures []error
		for _, r := range in.Install(ctx, list, install.Request{Reinstall: verb == "reinstall"}) {
			failures = append(failures, r.Err)
		}
		return errors.Join(failures...)
	case "handmade":
		return os.CopyFS(in.Store.GOROOT(list[0]), made(versions[0]).GOROOT())
	case "dedup":
		_, err := in.Store.Dedup(ctx, store.Wait{})
		return err
	case "uninstall":
		return in.Store.Uninstall(ctx, list[0], false, store.Wait{})
	case "default":
		return in.Store.SetDefault(ctx, list[0], store.Wait{})
	}
	return errors.New("no such verb: " + verb)
}

// honest is a log that has every made-up release, without the cost of a log.
type honest struct{}

func (honest) Lookup(_ context.Context, v gover.Version, p gover.Platform) (trust.Record, error) {
	tc := made(v.String())
	return trust.Record{Version: v, Platform: p, H1: tc.H1(), Log: "honest", Proof: []byte("{}")}, nil
}

// made is the made-up release of a version. Releases of one minor share most
// files.
func made(version string) vmtest.Toolchain {
	files := map[string]string{}
	for i := range 40 {
		files[fmt.Sprintf("src/p%d/f%d.go", i%7, i)] = fmt.Sprintf("package p // %d %s\n", i, strings.Repeat("x", i*50))
	}
	files["src/own.go"] = "package own // " + version + "\n"
	files["pkg/tool/big"] = strings.Repeat("0123456789abcdef"+version, 20_000)
	return vmtest.Toolchain{Version: version, Files: files}
}

// fileProxy is a directory that serves the releases as a file:// proxy.
func fileProxy(t testing.TB, versions ...string) string {
	t.Helper()
	dir := t.TempDir()
	at := filepath.Join(dir, "golang.org", "toolchain", "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, v := range versions {
		tc := made(v)
		if err := os.WriteFile(filepath.Join(at, tc.Module()+".zip"), tc.Zip(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return (&url.URL{Scheme: "file", Path: dir}).String()
}

func newInstaller(dir, proxy string, log install.Log) (*install.Installer, error) {
	proxies, err := fetch.ParseProxies(proxy)
	if err != nil {
		return nil, err
	}
	client := fetch.New(fetch.Config{Transport: vmtest.Transport(), Env: map[string]string{},
		Timeouts: fetch.Timeouts{Stall: time.Hour}, // who does not stop when told to hangs
		Sleep:    func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
	id := store.Identity{PID: os.Getpid(), What: "vmgo install (test)", Now: time.Now}
	return &install.Installer{
		Store:   store.Open(dir, store.Options{Identity: id}),
		Sources: []install.Source{release.NewGoProxy(client, proxies)},
		Log:     log, Fetcher: client, Platform: platform(), CacheDir: dir + ".cache", Jobs: 2, Identity: id, VmgoVersion: "test",
	}, nil
}

func platform() gover.Platform {
	m, p, _ := gover.ParseModuleVersion(made("1.22.5").Module())
	_ = m
	return p
}

func version(t testing.TB, text string) gover.Version {
	t.Helper()
	v, err := gover.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// memDir is a directory in memory where there is one: what is asked of a store
// here does not depend on the disk, and a disk that syncs is slow.
func memDir(t testing.TB) string {
	t.Helper()
	if dir, err := os.MkdirTemp("/dev/shm", "vmgo test"); err == nil {
		t.Cleanup(func() { os.RemoveAll(dir) })
		return dir
	}
	return t.TempDir()
}

// checkWhole fails the test unless each release that can be seen in the store
// is exactly what was released, with records that agree.
func checkWhole(t testing.TB, dir string) (present []string) {
	t.Helper()
	st := store.Open(dir, store.Options{})
	releases, err := installed.List([]string{dir})
	if err != nil {
		t.Error(err)
	}
	for _, r := range releases {
		present = append(present, r.Version.String())
		checkTree(t, r)
		m, err := st.Manifest(r.Version)
		if err != nil {
			t.Errorf("%s: %v", r.Version, err)
		}
		receipt, err := st.Receipt(r.Version)
		if err != nil || receipt.Files != len(m) || receipt.Bytes != m.Bytes() || receipt.H1 != made(r.Version.String()).H1() {
			t.Errorf("%s: receipt %+v, %v", r.Version, receipt, err)
		}
	}
	return present
}

func checkTree(t testing.TB, r installed.Release) {
	t.Helper()
	want := maps.Clone(made(r.Version.String()).GOROOT())
	maps.DeleteFunc(want, func(p string, _ *fstest.MapFile) bool {
		top, _, _ := strings.Cut(p, "/")
		return slices.Contains([]string{"api", "doc", "misc", "test"}, top)
	})
	err := filepath.WalkDir(r.GOROOT, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() {
			if info.Mode().Perm() != 0o755 {
				t.Errorf("%s has mode %v", path, info.Mode())
			}
			return nil
		}
		rel, _ := filepath.Rel(r.GOROOT, path)
		file := want[rel]
		delete(want, rel)
		data, err := os.ReadFile(path)
		if file == nil || err != nil || string(data) != string(file.Data) || info.Mode() != file.Mode.Perm() {
			t.Errorf("%s: wrong: %v, %v", path, info.Mode(), err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for p := range want {
		t.Errorf("%s: %s is missing", r.Version, p)
	}
}

// checkClean fails the test unless nothing is left of what was interrupted.
func checkClean(t testing.TB, dir string) {
	t.Helper()
	releases, err := installed.List([]string{dir})
	if err != nil {
		t.Error(err)
	}
	want := map[string]bool{"lock": true, ".": true, "staging": true, "manifests": true, "receipts": true, "locks": true}
	for _, r := range releases {
		v := r.Version.String()
		want["manifests/"+v], want["receipts/"+v+".json"] = true, true
		link := filepath.Join(installed.Toolchains(dir), r.Version.Toolchain())
		if target, err := os.Readlink(link); err != nil || target != "../"+v+"/bin/go" {
			t.Errorf("%s -> %q, %v", link, target, err)
		}
	}
	err = filepath.WalkDir(filepath.Join(dir, ".vmgo"), func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(filepath.Join(dir, ".vmgo"), path)
		if !want[rel] && !strings.HasPrefix(rel, "locks/") {
			t.Errorf("left behind: %s", rel)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	links, err := os.ReadDir(installed.Toolchains(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) || len(links) != len(releases) {
		t.Errorf("%d toolchain links for %d releases, %v", len(links), len(releases), err)
	}
}

func installedRelease(r install.Result) installed.Release {
	return installed.Release{Version: r.Version, GOROOT: r.GOROOT}
}

func itoa(n int) string { return fmt.Sprint(n) }
