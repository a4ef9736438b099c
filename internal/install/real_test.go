package install_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/install"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
)

// TestReal installs real releases through GOPROXY, against the public log. It
// says so where GOPROXY does not answer.
func TestReal(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: no real releases")
	}
	text := strings.TrimSpace(run(t, "go", "env", "GOPROXY"))
	if text == "" || text == "off" || strings.HasPrefix(text, "file:") {
		t.Skipf("GOPROXY=%s is no proxy on the network", text)
	}
	proxies, err := fetch.ParseProxies(text)
	if err != nil {
		t.Fatal(err)
	}
	client := fetch.New(fetch.Config{Transport: http.DefaultTransport, Env: map[string]string{}})
	source := release.NewGoProxy(client, proxies)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := source.Versions(ctx); err != nil {
		t.Skipf("GOPROXY does not answer: %v", err)
	}
	log, err := trust.NewLog(trust.LogConfig{Proxies: proxies, Getter: client, StateDir: t.TempDir(), CacheDir: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	id := store.Identity{PID: os.Getpid(), What: "test", Now: time.Now}
	st := store.Open(filepath.Join(t.TempDir(), "a store"), store.Options{Identity: id})
	in := &install.Installer{Store: st, Sources: []install.Source{source}, Log: log, Fetcher: client,
		Platform: gover.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}, CacheDir: t.TempDir(), Jobs: runtime.NumCPU(), Identity: id}
	var versions []gover.Version
	for _, s := range []string{"1.22.5", "1.20.14", "1.17.13"} {
		v, err := gover.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		versions = append(versions, v)
	}
	for _, r := range in.Install(t.Context(), versions, install.Request{}) {
		if r.Err != nil {
			t.Errorf("%s: %v", r.Version, r.Err)
			continue
		}
		got := run(t, filepath.Join(r.GOROOT, "bin", "go"), "version")
		if want := "go version " + r.Version.Toolchain() + " "; !strings.HasPrefix(got, want) {
			t.Errorf("bin/go version: %q, want %q", got, want)
		}
		t.Logf("%s: %s, %d files, %d bytes, %v, proofs %v", r.Version, r.Receipt.H1, r.Receipt.Files, r.Receipt.Bytes, r.Elapsed, r.Receipt.Proofs)
		if m, err := st.Manifest(r.Version); err != nil || len(m) != r.Receipt.Files {
			t.Errorf("manifest of %s: %d files, %v", r.Version, len(m), err)
		}
	}
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	// Neither this machine's settings nor the test's own Go may get into it.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(pair string) bool {
		return strings.HasPrefix(pair, "GOROOT=") || strings.HasPrefix(pair, "GOFLAGS=")
	})
	if name != "go" {
		cmd.Env = append(cmd.Env, "GOENV=off", "GOTOOLCHAIN=local")
	}
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s %v: %v", name, args, err)
	}
	return string(out)
}
