package verify

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/vmtest"
)

func TestKnown_byReleaseDateAndTest(t *testing.T) {
	t.Parallel()
	tls, smtp := []string{"TestVerifyConnection", "TestCrossVersionResume"}, []string{"TestTLSClient"}
	for _, c := range []struct {
		version, pkg, day string
		tests             []string
		want              bool
	}{
		{"1.22.5", "crypto/tls", "2026-11-28", tls, true},
		{"1.19.13", "crypto/tls", "2026-11-28", tls, true},
		{"1.22.5", "crypto/tls", "2024-12-31", tls, false},
		{"1.22.5", "crypto/tls", "2026-11-28", append([]string{"TestKeyUpdate"}, tls...), false},
		{"1.22.5", "crypto/tls", "2026-11-28", nil, false},
		{"1.22.5", "crypto/x509", "2026-11-28", tls, false},
		{"1.22.11", "crypto/tls", "2026-11-28", tls, false},
		{"1.23.4", "crypto/tls", "2026-11-28", tls, true},
		{"1.24.0", "crypto/tls", "2026-11-28", tls, false},
		{"1.24.13", "net/smtp", "2026-11-28", smtp, false},
		{"1.25.7", "net/smtp", "2026-11-28", smtp, true},
		{"1.25.7", "net/smtp", "2026-03-17", smtp, false},
		{"1.26.0", "net/smtp", "2026-11-28", smtp, true},
		{"1.26.1", "net/smtp", "2026-11-28", smtp, false},
		{"1.27.0", "net/smtp", "2026-11-28", smtp, false},
	} {
		now, err := time.Parse(time.DateOnly, c.day)
		if err != nil {
			t.Fatal(err)
		}
		text, got := known(version(t, c.version), now, c.pkg, c.tests)
		if got != c.want || got && !strings.Contains(text, "https://github.com/golang/go/issues/") {
			t.Errorf("%+v: %v %s", c, got, text)
		}
	}
}

// testingGo tests fmt and os; it hangs after fmt until there is a file "go-on", and
// its crypto/tls fails as that of 1.22.5 does.
const testingGo = `#!/bin/sh
here=${0%/bin/go}
[ "$1" = list ] && echo crypto/tls fmt os && exit
echo "$*" >>"$here/../asked"
case " $* " in *" fmt "*)
	echo 'ok  	fmt	0.1s'
	[ -e "$here/../go-on" ] || sleep 1000 ;;
esac
echo '--- FAIL: TestVerifyConnection (0.02s)'
echo '    handshake_client_test.go:1784: bad certificate'
echo 'FAIL	crypto/tls	1.0s'
echo 'ok  	os	0.2s'
exit 1
`

func TestVerifier_stdGoesOnWhereItWasStopped(t *testing.T) {
	t.Parallel()
	v, target := runVerifier(t, testingGo)
	v.Path, v.NotesDir = "/usr/bin:/bin", t.TempDir()
	v.Now = func() time.Time { return time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC) }
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	v.Progress = func(line string) {
		if strings.HasSuffix(line, "fmt\t0.1s") {
			cancel()
		}
	}
	if _, err := v.Verify(ctx, target, Checks{Std: true}); err == nil {
		t.Fatal("it was not stopped")
	}
	dir := filepath.Dir(target.GOROOT)
	write(t, filepath.Join(dir, "go-on"), "")
	var said []string
	v.Progress = func(line string) { said = append(said, line) }
	r, err := v.Verify(t.Context(), target, Checks{Std: true})
	if err != nil || !r.OK {
		t.Fatalf("%+v, %v", r, err)
	}
	if want := "1 packages passed, 1 known to fail: crypto/tls (TestVerifyConnection): a certificate"; !strings.HasPrefix(r.Checks[0].Detail, want) {
		t.Errorf("it says %q, want %q", r.Checks[0].Detail, want)
	}
	if text := strings.Join(said, "\n"); !strings.Contains(text, "testing 2 packages") || !strings.Contains(text, "after 1 that passed before") {
		t.Errorf("it told %q", text)
	}
	asked, err := os.ReadFile(filepath.Join(dir, "asked"))
	if lines := strings.Split(strings.TrimSpace(string(asked)), "\n"); err != nil || len(lines) != 2 || !strings.HasSuffix(lines[1], " crypto/tls os") {
		t.Errorf("it tested %q, %v", lines, err)
	}
	if left, _ := os.ReadDir(v.NotesDir); len(left) != 0 {
		t.Errorf("notes of tests that came to their end: %v", left)
	}
}

// Another tree of that version is tested from the beginning.
func TestStdNotes_areOfOneTree(t *testing.T) {
	t.Parallel()
	v := &Verifier{NotesDir: t.TempDir()}
	target := Target{Version: version(t, "1.22.5")}
	tree, err := Scan(t.Context(), unpacked(t, vmtest.Toolchain{Version: "1.22.5"}), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{0, 1, 0} {
		if i == 2 {
			tree.Files[0].SHA256[0]++
		}
		n, err := v.stdNotes(target, tree)
		if err != nil || len(n.passed) != want {
			t.Fatalf("time %d: %d passed, %v", i, len(n.passed), err)
		}
		n.pass("fmt")
		n.close()
	}
}

// What go says last is often a consequence: that a directory cannot be removed, say.
func TestStdOutput_complainsOfTheFirstThing(t *testing.T) {
	for said, want := range map[string]string{
		"":                                    "",
		"go: cannot find GOROOT\n":            "go: cannot find GOROOT",
		"ok  \tfmt\t0.1s\ngo: a\ngo: b\n":     "go: a … go: b",
		"open /dev/null: denied\nx\ngo: rm\n": "open /dev/null: denied … go: rm",
	} {
		var o stdOutput
		_, err := o.Write([]byte(said))
		if err != nil || o.complaint() != want {
			t.Errorf("%q: %q, want %q, %v", said, o.complaint(), want, err)
		}
	}
}
