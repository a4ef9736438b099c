package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/vmtest"
)

// TestRelease_versionIsTrue builds vmgo in the ways that people build it, and wants each
// program to name what it was built of. testReleases wants the same of a release.
func TestRelease_versionIsTrue(t *testing.T) {
	t.Parallel()
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip("vmgo is built five times: ./test.sh --long has it")
	}
	base := t.TempDir()
	clone, program := filepath.Join(base, "clone"), filepath.Join(base, "bin/vmgo")
	command(t, "", nil, "git", "clone", "-q", "--no-local", ".", clone)
	tag(t, clone, "0.1.0")
	version := func() (short, commit string) {
		var document struct{ Version, Commit string }
		if err := json.Unmarshal([]byte(command(t, "", nil, program, "version", "--json")), &document); err != nil {
			t.Fatal(err)
		}
		if text := command(t, "", nil, program, "version"); !strings.HasPrefix(text, "vmgo "+document.Version+" (") {
			t.Errorf("%q and %q", text, document.Version)
		}
		return document.Version, document.Commit
	}
	build := func(flags ...string) {
		t.Helper()
		command(t, clone, []string{"GOFLAGS=", "GOWORK=off"}, "go", append(append([]string{"build", "-trimpath"}, flags...), "-o", program, ".")...)
	}
	head := func() string { return strings.TrimSpace(command(t, clone, nil, "git", "rev-parse", "HEAD")) }

	build()
	if short, commit := version(); short != "v0.1.0" || commit != head() {
		t.Errorf("of the tag: %s, %s", short, commit)
	}
	command(t, clone, nil, "git", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "--allow-empty", "-m", "more")
	build()
	if short, commit := version(); !strings.HasPrefix(short, "v0.1.1-0.") || !strings.HasSuffix(short, head()[:12]) || commit != head() {
		t.Errorf("of a commit after the tag: %s, %s", short, commit)
	}
	if err := os.WriteFile(filepath.Join(clone, "LICENSE"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	build()
	if short, _ := version(); !strings.HasSuffix(short, "+dirty") {
		t.Errorf("of a changed tree: %s", short)
	}
	build("-buildvcs=false")
	if short, commit := version(); short != "devel" || commit != "" {
		t.Errorf("without git: %s, %s", short, commit)
	}

	server := vmtest.NewServer(t, vmtest.Options{})
	server.AddModule(thisModule(t, "v0.1.0"))
	proxies := server.URL + "," + strings.TrimSpace(command(t, "", nil, "go", "env", "GOPROXY"))
	command(t, base, []string{"GOFLAGS=-trimpath", "GOPROXY=" + proxies, "GOSUMDB=off", "GOBIN=" + filepath.Dir(program)}, "go", "install", "github.com/vmgo/vmgo@v0.1.0")
	if short, commit := version(); short != "v0.1.0" || commit != "" {
		t.Errorf("by go install: %s, %s", short, commit)
	}
}

// thisModule returns the module of this repository as a module proxy has it: without
// the modules within.
func thisModule(t *testing.T, version string) vmtest.Module {
	t.Helper()
	files := map[string]string{}
	var within []string
	names := strings.Fields(command(t, "", nil, "git", "ls-files"))
	for _, name := range names {
		if dir := filepath.Dir(name); filepath.Base(name) == "go.mod" && dir != "." {
			within = append(within, dir+"/")
		}
	}
	for _, name := range names {
		if own := !hasAnyPrefix(name, within); own {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = string(text)
		}
	}
	return vmtest.Module{Path: "github.com/vmgo/vmgo", Version: version, Files: files}
}

func hasAnyPrefix(name string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
