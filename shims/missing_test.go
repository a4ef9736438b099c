package shims_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/tools/chosen"
	"github.com/vmgo/vmgo/shims"
)

// Where the settings want it, what is missing is installed and run; the lean
// program hands the call to vmgo.
func TestShim_installsWhatIsMissing(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir, present := m.pin("p", "1.21.0"), m.pin("q", "1.22.5")
	var asked []string
	var failure error
	install := func(p *shims.Process) {
		p.Install = func(dir string) error {
			if asked = append(asked, dir); failure == nil {
				m.install("1.21.0")
			}
			return failure
		}
	}
	m.options = install
	if got, stderr, status := m.shim(dir, "go", "version"); got.path != "" || status != 127 || !strings.Contains(stderr, "[not-installed]") || len(asked) > 0 {
		t.Errorf("nobody wants it: became %q, status %d, asked %q, said %q", got.path, status, asked, stderr)
	}

	m.env["VMGO_AUTOINSTALL"] = "1"
	m.options = nil
	if got, _, _ := m.shim(dir, "go", "version"); got.path != m.bin+"/vmgo" || !slices.Equal(got.argv[1:], []string{"__shim", "go", "version"}) {
		t.Errorf("the lean program became %+v", got)
	}
	m.options = install
	failure = errors.New("no network")
	if got, stderr, status := m.shim(dir, "go", "version"); got.path != "" || status == 0 || !strings.Contains(stderr, "no network") || !slices.Equal(asked, []string{dir}) {
		t.Errorf("it fails: became %q, status %d, asked %q, said %q", got.path, status, asked, stderr)
	}
	m.options = func(p *shims.Process) { p.Install = func(string) error { return nil } } // of something else
	if got, stderr, status := m.shim(dir, "go", "version"); got.path != "" || status != 127 || !strings.Contains(stderr, "[not-installed]") {
		t.Errorf("it is missing still: became %q, status %d, said %q", got.path, status, stderr)
	}
	m.options, failure = install, nil
	if got, stderr, _ := m.shim(dir, "go", "version"); got.path != m.goroot("1.21.0")+"/bin/go" || stderr != "" || len(asked) != 2 {
		t.Errorf("became %q, asked %q, said %q", got.path, asked, stderr)
	}
	if got, _, _ := m.shim(present, "go", "version"); got.path != m.goroot("1.22.5")+"/bin/go" || len(asked) != 2 {
		t.Errorf("what is there: became %q, asked %q", got.path, asked)
	}
}

// Delve is the build for the release of the directory, in the environment as it is.
func TestShim_startsDelve(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	fits, old, none := m.pin("fits", "1.22.5"), m.pin("old", "1.21"), m.pin("none", "1.26.8")
	base := chosen.Tools(m.home+"/.local/share/vmgo") + "/" + chosen.Delve + "/"
	program := func(name string) string {
		path := m.write(base+name+"/dlv", "#!/bin/sh\n")
		must(t, os.Chmod(path, 0o755))
		return path
	}
	fitting, unchecked, current := program(chosen.Fitting+"/1.22"), program(chosen.Unchecked+"/1.21"), program(chosen.Current)
	system := m.root + "/system/bin" // of a Go for which there is another build
	must(t, os.Chmod(m.write(system+"/go", "#!/bin/sh\n"), 0o755))
	m.write(m.root+"/system/VERSION", "go1.22.5\n")
	for dir, want := range map[string][]string{
		fits:                   {fitting, "debug", "x"},
		old:                    {unchecked, chosen.NoVersionCheck, "debug", "x"},
		m.work:                 {current, "debug", "x"}, // no Go is selected
		m.pin("its", "system"): {current, "debug", "x"},
	} {
		if m.env["PATH"] = m.bin; dir != m.work {
			m.env["PATH"] += ":" + system
		}
		m.env["__VMGO_DEPTH"] = "3"
		got, stderr, _ := m.shim(dir, "dlv", "debug", "x")
		if !slices.Equal(got.argv, want) || got.env["__VMGO_DEPTH"] != "4" || got.env["GOROOT"] != "" || stderr != "" {
			t.Errorf("%s: became %q at depth %q, said %q", dir, got.argv, got.env["__VMGO_DEPTH"], stderr)
		}
	}
	if got, stderr, status := m.shim(none, "dlv"); got.path != "" || status != 127 || !strings.Contains(stderr, "vmgo tools install dlv") {
		t.Errorf("no build for 1.26: became %q, status %d, said %q", got.path, status, stderr)
	}
	bad := m.pin("bad", "junk junk")
	if got, stderr, status := m.shim(bad, "dlv"); got.path != "" || status != 126 || !strings.Contains(stderr, "[bad-version-file]") {
		t.Errorf("a bad version file: became %q, status %d, said %q", got.path, status, stderr)
	}
	m.options = func(p *shims.Process) { p.Ranges = nil }
	ranged := m.pin("ranged", "~1.22")
	if got, _, _ := m.shim(ranged, "dlv", "debug"); got.path != m.bin+"/vmgo" || !slices.Equal(got.argv[1:], []string{"__shim", "dlv", "debug"}) {
		t.Errorf("a range: the lean program became %+v", got)
	}
}

// What is no call of a shim or of a hook is refused.
func TestMain_ofNothing(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	for _, args := range [][]string{nil, {"vmgo-shim"}, {"vmgo"}, {"vmgo-shim", "__shim"}, {"vmgo-shim", "hook"}, {"vmgo-shim", "other", "bash", "f", dir, "|||||||", ""}} {
		var out, errs bytes.Buffer
		status := shims.Main(shims.Process{
			Args: args, Env: m.env, Dir: dir, Root: m.root, UID: os.Getuid(), Executable: func() string { return "" },
			Stdout: &out, Stderr: &errs, Now: time.Now, Exec: func(string, []string, []string) error { return errors.ErrUnsupported },
		})
		if status != 2 || out.Len() > 0 || !strings.Contains(errs.String(), "[usage]") {
			t.Errorf("%q: status %d, %q, said %q", args, status, &out, &errs)
		}
		if shims.IsShimCall(args) != (len(args) > 1 && args[1] == "__shim") {
			t.Errorf("%q: vmgo takes it for a shim's: %v", args, shims.IsShimCall(args))
		}
	}
}

// A hook of a shell that is not known gets nothing to evaluate.
func TestHook_ofAnUnknownShell(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	text, stderr, status := m.answerFor("tcsh", m.pin("p", "1.22.5"))
	if text != "" || status == 0 || !strings.Contains(stderr, "tcsh") {
		t.Errorf("status %d, %q, said %q", status, text, stderr)
	}
}
