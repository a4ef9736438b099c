package main_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// proxyOrSkip returns the GOPROXY of this machine, if its first one answers.
func proxyOrSkip(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: no download of a Go release")
	}
	list, err := exec.Command("go", "env", "GOPROXY").Output()
	if err != nil {
		t.Fatal(err)
	}
	proxies := strings.TrimSpace(string(list))
	first, _, _ := strings.Cut(strings.ReplaceAll(proxies, "|", ","), ",")
	client := http.Client{Timeout: time.Minute}
	answer, err := client.Get(first + "/golang.org/toolchain/@v/list")
	if err != nil {
		t.Skipf("GOPROXY does not answer: %v", err)
	}
	answer.Body.Close()
	return proxies
}

// networkEnv returns those variables of the environment that say how to reach the network.
func networkEnv() (env []string) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "CURL_CA_BUNDLE"} {
		if value := os.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// realMachine is a store with real releases, the real programs, and a shim.
type realMachine struct {
	t    *testing.T
	base string
	env  []string
}

func newRealMachine(t *testing.T, releases ...string) *realMachine {
	t.Helper()
	proxies := proxyOrSkip(t)
	base := t.TempDir()
	m := &realMachine{t: t, base: base, env: append(networkEnv(), "HOME="+base+"/home", "PATH=/usr/bin:/bin",
		"VMGO_ROOT="+base+"/store", "GOPROXY="+proxies, "GOTOOLCHAIN=local", "GOTELEMETRY=off")}
	build := exec.Command("go", "build", "-o", base+"/bin/", ".", "./shims/vmgo-shim")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := m.run(base, base+"/bin/vmgo", append([]string{"install"}, releases...)...); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Symlink("vmgo-shim", base+"/bin/go"); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *realMachine) run(dir, program string, args ...string) (string, error) {
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = dir, append(m.env, "PWD="+dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// module makes a module with a package in it and one beneath, for that release.
func (m *realMachine) module(dir, release string) {
	m.t.Helper()
	for name, text := range map[string]string{
		".go-version": release + "\n", "go.mod": "module x\n\ngo 1.20\n", "x.go": "package x\n", "sub/x.go": "package x\n",
	} {
		path := filepath.Join(m.base, dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			m.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			m.t.Fatal(err)
		}
	}
}

// Whatever directory the real go command works in after -C, the shim has
// selected the release of that one. https://github.com/golang/go/issues/50332
func TestShim_followsTheFlagCAsRealReleasesDo(t *testing.T) {
	t.Parallel()
	const old, young = "1.21.13", "1.27.4"
	m := newRealMachine(t, old, young)
	releases := map[string]string{"here": old, "other": young, "other/nested": old}
	for dir, release := range releases {
		m.module(dir, release)
	}
	here, shim := m.base+"/here", m.base+"/bin/go"
	if err := os.Symlink(m.base+"/other/nested/sub", here+"/link"); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"env GOMOD", "-C ../other env GOMOD", "-C=../other env GOMOD", "--C ../other env GOMOD", "--C=../other env GOMOD",
		"env -C ../other GOMOD", "env -C=" + m.base + "/other GOMOD", "-C ../other/sub env GOMOD", "-C ../other/nested env GOMOD",
		"-C link env GOMOD", "-C link/.. env GOMOD", "-C . env GOMOD", "-C ../missing env GOMOD", "-C x.go env GOMOD",
		"-C= env GOMOD", "-C", "-C ../other -C ../here env GOMOD", "-C ../other env -C ../here GOMOD", "env -json -C ../other GOMOD",
		"mod -C ../missing tidy", "mod tidy -C ../missing", "work -C ../missing sync",
	} {
		args := strings.Fields(line)
		got, gotErr := m.run(here, shim, args...)
		for _, version := range []string{old, young} {
			want, wantErr := m.run(here, filepath.Join(m.base, "store", version, "bin/go"), args...)
			if firstLine(got) != firstLine(want) || (gotErr == nil) != (wantErr == nil) {
				t.Errorf("go %s: the shim gives %q (%v), go %s %q (%v)", line, got, gotErr, version, want, wantErr)
			}
		}
		if gotErr != nil {
			continue
		}
		dir, err := filepath.Rel(m.base, filepath.Dir(strings.TrimSpace(got)))
		if err != nil {
			t.Fatal(err)
		}
		version, err := m.run(here, shim, strings.Fields(strings.Replace(line, "GOMOD", "GOVERSION", 1))...)
		if err != nil || version != "go"+releases[dir]+"\n" {
			t.Errorf("go %s works in %s with %q, %v; go %s is pinned there", line, dir, version, err, releases[dir])
		}
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
