package mirror_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/bundle"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/mirror"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// The test binary is also the program that is killed: with arguments in this variable
// it syncs a mirror and dies at a request.
const helperVar = "VMGO_TEST_MIRROR"

func TestMain(m *testing.M) {
	if args := os.Getenv(helperVar); args != "" {
		if err := helper(strings.Split(args, "\n")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func helper(args []string) error {
	number, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	m, err := open(args[0], args[1], args[2], atRequest{number: int64(number), then: func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) }})
	if err != nil {
		return err
	}
	return m.Sync(context.Background(), wanted("1.22.5", "1.22.6"))
}

// atRequest does something before the request of that number; 0: never.
type atRequest struct {
	number int64
	then   func()
	count  *atomic.Int64
}

func (a atRequest) RoundTrip(r *http.Request) (*http.Response, error) {
	if a.count.Add(1) == a.number {
		a.then()
	}
	return vmtest.Transport().RoundTrip(r)
}

// open returns the mirror in dir of what the server at url has.
func open(dir, url, sumdb string, at atRequest) (*mirror.Mirror, error) {
	proxies, err := fetch.ParseProxies(url)
	if err != nil {
		return nil, err
	}
	at.count = &atomic.Int64{}
	client := fetch.New(fetch.Config{Transport: at, Env: map[string]string{}, Attempts: 1})
	log, err := trust.NewLog(trust.LogConfig{GOSUMDB: sumdb, Proxies: proxies, Getter: client, StateDir: dir + ".state", Now: time.Now})
	if err != nil {
		return nil, err
	}
	m := mirror.New(dir, &bundle.Creator{
		Client: client, Proxies: proxies, Log: log, Env: map[string]string{},
		Private: func(string) bool { return false }, Lock: fsx.LockOptions{},
	})
	m.Now, m.Say = time.Now, func(string) {}
	return m, nil
}

func wanted(versions ...string) mirror.Request {
	r := mirror.Request{Patches: true}
	for _, text := range versions {
		v, err := gover.Parse(text)
		if err != nil {
			panic(err)
		}
		r.Releases = append(r.Releases, mirror.Release{Version: v, Platform: gover.Platform{OS: "linux", Arch: "amd64"}})
	}
	return r
}

// state is a mirror with 1.22.5, and a server that has 1.22.6 too.
type state struct {
	t           *testing.T
	server      *vmtest.Server
	dir, before string
}

func newState(t *testing.T) *state {
	t.Helper()
	s := &state{t: t, dir: filepath.Join(t.TempDir(), "a mirror"), server: vmtest.NewServer(t, vmtest.Options{
		MissingStatus: http.StatusNotFound,
		Toolchains:    []vmtest.Toolchain{{Version: "1.22.5"}, {Version: "1.22.6"}},
	})}
	if err := s.open(atRequest{}).Sync(t.Context(), wanted("1.22.5")); err != nil {
		t.Fatal(err)
	}
	s.before = s.tree()
	return s
}

func (s *state) open(at atRequest) *mirror.Mirror {
	s.t.Helper()
	m, err := open(s.dir, s.server.URL, s.server.GOSUMDB(), at)
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

// tree returns every file that is served, and a digest of it.
func (s *state) tree() string {
	s.t.Helper()
	public, err := filepath.EvalSymlinks(filepath.Join(s.dir, mirror.Public))
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := exec.Command("sh", "-c", `cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum`, "sh", public).Output()
	if err != nil {
		s.t.Fatal(err)
	}
	return string(out)
}

func (s *state) verify() (mirror.Verified, error) {
	return s.open(atRequest{}).Verify(s.t.Context(), bundle.Verifier{
		GOSUMDB: s.server.GOSUMDB(), StateDir: s.dir + ".verifier", Private: func(string) bool { return false }, Warn: func(string) {},
	})
}

// unchanged fails the test unless what is served is as before, and whole.
func (s *state) unchanged(when string) {
	s.t.Helper()
	if after := s.tree(); after != s.before {
		s.t.Errorf("%s: %s\nis served, which was\n%s", when, after, s.before)
	}
	if done, err := s.verify(); err != nil || done.Releases != 1 {
		s.t.Errorf("%s: %+v, %v", when, done, err)
	}
}

// TestSync_interrupted ends syncs before each of their requests: by an interrupt, and by
// SIGKILL. What is served stays as it was; the next sync goes on.
func TestSync_interrupted(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ends := map[string]func(s *state, number int) error{
		"interrupt": func(s *state, number int) error {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			return s.open(atRequest{number: int64(number), then: cancel}).Sync(ctx, wanted("1.22.5", "1.22.6"))
		},
		"SIGKILL": func(s *state, number int) error {
			cmd := exec.CommandContext(t.Context(), exe)
			cmd.Env = append(os.Environ(), helperVar+"="+strings.Join([]string{s.dir, s.server.URL, s.server.GOSUMDB(), strconv.Itoa(number)}, "\n"))
			return cmd.Run()
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newState(t)
			number := 1
			for ; end(s, number) != nil; number++ {
				s.unchanged(fmt.Sprintf("%s at request %d", name, number))
			}
			if number < 4 {
				t.Errorf("a sync takes %d requests", number-1)
			}
			done, err := s.verify()
			if err != nil || done.Releases != 2 || done.Patches != 1 {
				t.Errorf("%+v, %v", done, err)
			}
			trees, err := os.ReadDir(filepath.Join(s.dir, "trees"))
			if err != nil || len(trees) != 1 {
				t.Errorf("%d trees are left, %v", len(trees), err)
			}
		})
	}
}

// TestSync_showsNothingUnfinished looks at what is served while the new tree is being made,
// and interrupts the sync there.
func TestSync_showsNothingUnfinished(t *testing.T) {
	t.Parallel()
	s := newState(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	m, looked := s.open(atRequest{}), false
	m.Say = func(string) {
		looked = true
		s.unchanged("while a patch is made")
		cancel()
	}
	if err := m.Sync(ctx, wanted("1.22.5", "1.22.6")); err == nil || !looked {
		t.Errorf("an interrupted sync: %v", err)
	}
	s.unchanged("after the interrupt")
}

// TestVerify_findsDamage changes one file at a time: it is found, and the next sync
// repairs it.
func TestVerify_findsDamage(t *testing.T) {
	t.Parallel()
	s := newState(t)
	if err := s.open(atRequest{}).Sync(t.Context(), wanted("1.22.5", "1.22.6")); err != nil {
		t.Fatal(err)
	}
	public := filepath.Join(s.dir, mirror.Public)
	for _, file := range served(t, public) {
		data, err := os.ReadFile(filepath.Join(public, file))
		if err != nil {
			t.Fatal(err)
		}
		changed := append(bytes.Clone(data), '\n')
		if len(data) > 0 {
			changed = bytes.Clone(data)
			changed[len(data)/2] ^= 1
		}
		if err := os.WriteFile(filepath.Join(public, file), changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.verify(); err == nil || diag.ExitStatus(err) == 0 {
			t.Errorf("%s was changed in one bit, and nobody notices", file)
		}
		if err := s.open(atRequest{}).Sync(t.Context(), wanted("1.22.5", "1.22.6")); err != nil {
			t.Errorf("sync with a damaged %s: %v", file, err)
		}
		if _, err := s.verify(); err != nil {
			t.Errorf("%s is not repaired: %v", file, err)
		}
	}
	if err := os.WriteFile(filepath.Join(public, "more"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.verify(); diag.CodeOf(err) != diag.ChecksumMismatch {
		t.Errorf("a file more: %v", err)
	}
}

// served lists the files of a tree whose damage is told apart by their names: one tile
// stands for all.
func served(t *testing.T, public string) (files []string) {
	t.Helper()
	tree, err := filepath.EvalSymlinks(public)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	err = filepath.WalkDir(tree, func(path string, entry os.DirEntry, err error) error {
		rel, _ := filepath.Rel(tree, path)
		kind := filepath.Ext(path) + strconv.FormatBool(strings.Contains(rel, "/tile/"))
		if err == nil && !entry.IsDir() && !kinds[kind] {
			kinds[kind] = true
			files = append(files, rel)
		}
		return err
	})
	if err != nil || len(files) < 6 || !slices.ContainsFunc(files, func(f string) bool { return strings.HasSuffix(f, ".zst") }) {
		t.Fatalf("%q, %v", files, err)
	}
	return files
}

// TestSync_refusesForgedReleases has the upstream serve a release that the checksum
// database does not know: nothing that is served changes.
func TestSync_refusesForgedReleases(t *testing.T) {
	t.Parallel()
	s := newState(t)
	forged := vmtest.Toolchain{Version: "1.22.6", Files: map[string]string{"bin/go": "#!/bin/sh\n"}}
	s.server.Serve("/golang.org/toolchain/@v/"+forged.Module()+".zip", forged.Zip())
	err := s.open(atRequest{}).Sync(t.Context(), wanted("1.22.5", "1.22.6"))
	if diag.CodeOf(err) != diag.ProofInvalid {
		t.Errorf("a forged release: %v", err)
	}
	s.unchanged("a forged release")
}

// TestSync_prune keeps what is not named unless pruning is asked for, and the patch from
// a release that is gone.
func TestSync_prune(t *testing.T) {
	t.Parallel()
	s := newState(t)
	if err := s.open(atRequest{}).Sync(t.Context(), wanted("1.22.6")); err != nil {
		t.Fatal(err)
	}
	if done, err := s.verify(); err != nil || done != (mirror.Verified{Releases: 2, Patches: 1}) {
		t.Errorf("without --prune: %+v, %v", done, err)
	}
	request := wanted("1.22.6")
	request.Prune = true
	if err := s.open(atRequest{}).Sync(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	if done, err := s.verify(); err != nil || done != (mirror.Verified{Releases: 1, Patches: 1}) {
		t.Errorf("with --prune: %+v, %v", done, err)
	}
	left, err := filepath.Glob(filepath.Join(s.dir, "cache/proxy/golang.org/toolchain/@v/*1.22.5*"))
	if err != nil || len(left) > 0 {
		t.Errorf("the cache keeps %q, %v", left, err)
	}
	request.Releases = nil
	if err := s.open(atRequest{}).Sync(t.Context(), request); diag.CodeOf(err) != diag.Usage {
		t.Errorf("a mirror of nothing: %v", err)
	}
}
