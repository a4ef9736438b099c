package verify

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/vmtest"
)

var linux = gover.Platform{OS: "linux", Arch: "amd64"}

// unpacked writes a made-up toolchain to a directory.
func unpacked(t *testing.T, tc vmtest.Toolchain) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "go")
	if err := os.CopyFS(dir, tc.GOROOT()); err != nil {
		t.Fatal(err)
	}
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.Chmod(path, info.Mode().Perm()&^0o022|0o600)
	}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// oneRecord is a log that has a record of one release.
type oneRecord struct {
	h1   string
	err  error
	asks int
}

func (l *oneRecord) Name() string { return "log.example" }

func (l *oneRecord) Lookup(_ context.Context, v gover.Version, p gover.Platform) (trust.Record, error) {
	l.asks++
	return trust.Record{Version: v, Platform: p, H1: l.h1, Log: l.Name()}, l.err
}

func (l *oneRecord) VerifyOffline([]byte, gover.Version, gover.Platform) (trust.Record, error) {
	return trust.Record{}, errors.New("no proof was kept")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// directoryOf returns the files of a toolchain as the directory of its zip has
// them.
func directoryOf(t *testing.T, goroot string) []archive.File {
	t.Helper()
	tree, err := Scan(t.Context(), goroot, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	var list []archive.File
	for _, f := range tree.Files {
		if covered(f.Path) {
			list = append(list, archive.File{Path: f.Path, Size: f.Size, CRC32: f.CRC32})
		}
	}
	return list
}

func TestVerifier_log(t *testing.T) {
	t.Parallel()
	tc := vmtest.Toolchain{Version: "1.22.5"}
	tests := []struct {
		name   string
		change func(t *testing.T, dir string)
		want   []Problem
	}{
		{"as published", func(*testing.T, string) {}, nil},
		{"edited", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "go.env"), "GOTOOLCHAIN=local\n") },
			[]Problem{{"go.env", Modified}}},
		{"removed", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "src/fmt/print.go")); err != nil {
				t.Fatal(err)
			}
		}, []Problem{{"src/fmt/print.go", Missing}}},
		{"added", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "src/fmt/evil.go"), "package fmt\n") },
			[]Problem{{"src/fmt/evil.go", Extra}}},
		{"beyond the log", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "test/a.go"), "other\n") }, nil},
		{"a copy of go.mod", func(t *testing.T, dir string) {
			data, err := os.ReadFile(filepath.Join(dir, "src/go.mod"))
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "src/_go.mod"), string(data))
		}, nil},
		{"a false copy of go.mod", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "src/_go.mod"), "module evil\n") },
			[]Problem{{"src/_go.mod", Extra}}},
		{"a link", func(t *testing.T, dir string) {
			if err := os.Symlink("/etc/passwd", filepath.Join(dir, "src/link")); err != nil {
				t.Fatal(err)
			}
		}, []Problem{{"src/link", Irregular}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := unpacked(t, tc)
			members := directoryOf(t, dir)
			tt.change(t, dir)
			v := &Verifier{Log: &oneRecord{h1: tc.H1()}, Jobs: 2, Now: time.Now,
				Directory: func(context.Context, gover.Version, gover.Platform) ([]archive.File, error) { return members, nil }}
			target, err := Foreign(dir, linux)
			if err != nil {
				t.Fatal(err)
			}
			r, err := v.Verify(t.Context(), target, Checks{Log: true})
			if err != nil {
				t.Fatal(err)
			}
			c := r.Checks[0]
			if !slices.Equal(c.Problems, tt.want) || r.OK != (tt.want == nil) {
				t.Errorf("%+v", c)
			}
			if tt.want != nil && diag.CodeOf(r.Err()) != diag.Tampered {
				t.Errorf("error %v", r.Err())
			}
		})
	}
}

func TestVerifier_releaseThatIsUninstalledMeanwhile(t *testing.T) {
	t.Parallel()
	tc := vmtest.Toolchain{Version: "1.22.5"}
	for _, at := range []string{"files", "log"} {
		dir := unpacked(t, tc)
		v := &Verifier{Log: &oneRecord{h1: tc.H1()}, Jobs: 2, Now: time.Now}
		v.Begin = func(_ Target, id string) {
			if id == at {
				if err := errors.Join(os.Remove(filepath.Join(dir, "VERSION")), os.Rename(dir, dir+".gone")); err != nil {
					t.Error(err)
				}
			}
		}
		target, err := Foreign(dir, linux)
		if err != nil {
			t.Fatal(err)
		}
		r, err := v.Verify(t.Context(), target, Checks{Files: at == "files", Log: true})
		if err != nil {
			t.Fatal(err)
		}
		if diag.CodeOf(r.Err()) != diag.NotInstalled || r.OK {
			t.Errorf("gone at %s: %v", at, r.Err())
		}
		for _, c := range r.Checks {
			if c.Status == Fail && (len(c.Problems) > 0 || !strings.Contains(c.Detail, "was removed while it was verified")) {
				t.Errorf("gone at %s: %+v", at, c)
			}
		}
	}
}

// A reinstall or repair swaps the trees: what was read of both is no finding.
func TestVerifier_releaseThatIsReplacedMeanwhile(t *testing.T) {
	t.Parallel()
	tc := vmtest.Toolchain{Version: "1.22.5"}
	dir, edited, sound := unpacked(t, tc), unpacked(t, tc), unpacked(t, tc)
	write(t, filepath.Join(edited, "go.env"), "GOTOOLCHAIN=local\n")
	next := []string{edited, sound}
	v := &Verifier{Log: &oneRecord{h1: tc.H1()}, Jobs: 2, Now: time.Now}
	v.Begin = func(Target, string) {
		if err := errors.Join(os.Rename(dir, dir+strconv.Itoa(len(next))), os.Rename(next[0], dir)); err != nil {
			t.Error(err)
		}
		next = next[1:]
	}
	target, err := Foreign(dir, linux)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := v.Verify(t.Context(), target, Checks{Log: true}); err != nil || !r.OK || len(next) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestVerifier_logCannotTell(t *testing.T) {
	t.Parallel()
	tc := vmtest.Toolchain{Version: "1.22.5"}
	dir := unpacked(t, tc)
	target, err := Foreign(dir, linux)
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []diag.Code{diag.Network, diag.Offline, diag.Unproven, diag.LogForked, diag.ProofInvalid} {
		v := &Verifier{Log: &oneRecord{err: diag.New(code, "told so")}, Now: time.Now}
		r, err := v.Verify(t.Context(), target, Checks{Log: true})
		if err != nil || r.OK || diag.CodeOf(r.Err()) != code {
			t.Errorf("%s: %+v, %v", code, r, err)
		}
		failed := code == diag.LogForked || code == diag.ProofInvalid
		if (r.Checks[0].Status == Fail) != failed {
			t.Errorf("%s: status %s", code, r.Checks[0].Status)
		}
	}
	write(t, filepath.Join(dir, "go.env"), "x\n")
	v := &Verifier{Log: &oneRecord{h1: tc.H1()}, Now: time.Now}
	if r, err := v.Verify(t.Context(), target, Checks{Log: true}); err != nil || r.OK || len(r.Checks[0].Problems) != 0 {
		t.Errorf("without a directory: %+v, %v", r, err)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	dir := unpacked(t, vmtest.Toolchain{Version: "1.22.5"})
	before, err := Scan(t.Context(), dir, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	var m store.Manifest
	for _, f := range before.Files {
		f.Mode = archive.ModeOf(f.Path)
		m = append(m, f.File)
	}
	if got := Files(m, before); len(got) != 0 {
		t.Fatalf("untouched: %v", got)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	steps := errors.Join(
		os.Chmod(at("bin/go"), 0o644),
		os.Chmod(at("src/go.mod"), 0o664),
		os.Chmod(at("src/runtime"), 0o757),
		os.Chmod(at("VERSION"), 0o4644|os.ModeSetuid),
		os.Chmod(at("src/cmd/go.mod"), 0o444), // a store may take rights away
		os.Remove(at("test/a.go")),
		syscall.Mkfifo(at("src/pipe"), 0o600),
	)
	if steps != nil {
		t.Fatal(steps)
	}
	write(t, at("src/fmt/print.go"), "package evil\n")
	write(t, at("src/extra.go"), "package src\n")
	tree, err := Scan(t.Context(), dir, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []Problem{
		{"VERSION", Mode}, {"bin/go", Mode}, {"src/extra.go", Extra}, {"src/fmt/print.go", Modified},
		{"src/go.mod", Writable}, {"src/pipe", Irregular}, {"src/runtime", Writable}, {"test/a.go", Missing},
	}
	if got := Files(m, tree); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestForeign_refuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := Foreign(dir, linux); diag.CodeOf(err) != diag.NotInstalled {
		t.Errorf("no VERSION: %v", err)
	}
	for _, text := range []string{"", "devel go1.27-abc", "go1.22", "../../x"} {
		write(t, filepath.Join(dir, "VERSION"), text)
		if _, err := Foreign(dir, linux); diag.CodeOf(err) != diag.NotInstalled {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestStdOutput(t *testing.T) {
	t.Parallel()
	var told []string
	out := &stdOutput{progress: func(line string) { told = append(told, line) }}
	text := `ok  	archive/tar	0.1s
?   	cmd/x	[no test files]
--- FAIL: TestDial (0.00s)
    --- FAIL: TestDial/tcp (0.00s)
    dial_test.go:1: no network
FAIL
FAIL	net	1.2s
FAIL	os/user [build failed]
ok  	strings	0.2s (cached)
FAIL`
	for i := range text { // in the smallest pieces
		if _, err := out.Write([]byte{text[i]}); err != nil {
			t.Fatal(err)
		}
	}
	out.flush()
	if got, want := out.summary(), "2 packages passed, 2 failed: net (TestDial, dial_test.go:1: no network); os/user"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(told) != 5 {
		t.Errorf("progress %q", told)
	}
}

func TestRightGoLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		version, line string
		want          bool
	}{
		{"1.20.14", "1.20", true}, {"1.20.14", "1.20.14", false}, {"1.11.5", "", true}, {"1.12", "", false},
		{"1.21.0", "1.21.0", true}, {"1.22.5", "1.22.5", true}, {"1.22.5", "1.23.0", false}, {"1.26.0", "1.25.0", true},
		{"1.27rc1", "1.25.0", true}, {"1.27.0", "1.24.0", false}, {"1.22.5", "", false}, {"1.22.5", "x", false}, {"1.22.5", "1.22.4", false},
	} {
		v, err := gover.Parse(tt.version)
		if err != nil {
			t.Fatal(err)
		}
		if got := rightGoLine(v, tt.line); got != tt.want {
			t.Errorf("%s writes %q: %v", tt.version, tt.line, got)
		}
	}
}
