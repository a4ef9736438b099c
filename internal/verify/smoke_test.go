package verify

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// smokingGo tests, builds and runs as a sound go1.22.5 does; the program that it
// builds is a script.
const smokingGo = `#!/bin/sh
case "$1" in
list) echo container/heap fmt text/scanner ;;
test) case "$*" in *-short*-vet=off*'container/heap text/scanner') printf 'ok  \tcontainer/heap\t0.1s\nok  \ttext/scanner\t0.1s\n' ;; *) exit 2 ;; esac ;;
run) echo 'hello from vmgo 42' ;;
build) cat >"$4" <<'END'
#!/bin/sh
echo 'counted 2'
echo 'WARNING: DATA RACE'
exit 66
END
chmod +x "$4" ;;
esac
`

func TestVerifier_smokeNamesWhatIsBroken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ old, new, want string }{
		{"", "", ""},
		{"ok  \\ttext/scanner", "FAIL\\ttext/scanner", "1 failed: text/scanner"},
		{"vmgo 42", "vmgo 41", "a program with C in it says"},
		{"echo 'counted 2'", "echo 'FATAL: ThreadSanitizer: unexpected memory mapping' && exit 66", "does not run: exit status 66: FATAL"},
		{"counted 2", "counted 1", "does not run"},
		{"echo 'counted 2'", "echo 'WARNING: DATA RACE'; echo 'counted 2'", "finds a race where there is none"},
		{"WARNING: DATA RACE", "counted 1", "misses a race"},
		{"exit 66\nEND", "exit 0\nEND", "misses a race"},
	} {
		v, target := runVerifier(t, strings.Replace(smokingGo, c.old, c.new, 1))
		v.Path += ":/usr/bin:/bin"
		r, err := v.Verify(t.Context(), target, Checks{Smoke: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Err(); r.OK != (c.want == "") || c.want != "" && !strings.Contains(got.Error(), c.want) {
			t.Errorf("%q in place of %q: %v, want %q", c.new, c.old, got, c.want)
		}
		if want := "2 packages passed, cgo with gcc, race detector"; c.want == "" && r.Checks[0].Detail != want {
			t.Errorf("it says %q, want %q", r.Checks[0].Detail, want)
		}
	}
}

func TestSandbox_racePlatform(t *testing.T) {
	t.Parallel()
	for where, want := range map[string]bool{
		"1.22.5 linux amd64": true, "1.11 linux arm64": false, "1.12 linux arm64": true, "1.24.1 linux loong64": false,
		"1.25.0 linux loong64": true, "1.27.0 linux mips": false, "1.22.5 plan9 amd64": false,
	} {
		f := strings.Fields(where)
		s := &sandbox{t: Target{Version: version(t, f[0])}}
		s.t.Platform.OS, s.t.Platform.Arch = f[1], f[2]
		if got := s.racePlatform(); got != want {
			t.Errorf("%s: %v", where, got)
		}
	}
}

// The real toolchain of this machine, where there is one at the usual place.
func TestVerifier_smokeRealToolchain(t *testing.T) {
	t.Parallel()
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip("compiles much of the standard library twice: set VMGO_LONG=1 (./test.sh --long)")
	}
	target, err := Foreign("/usr/local/go", linux)
	if err != nil {
		t.Skip("no real toolchain: ", err)
	}
	v := &Verifier{Now: time.Now, Run: (*exec.Cmd).Run, Path: "/usr/bin:/bin", TempDir: t.TempDir()}
	r, err := v.Verify(t.Context(), target, Checks{Smoke: true})
	if err != nil || !r.OK || !strings.Contains(r.Checks[0].Detail, "6 packages passed") {
		t.Errorf("%+v, %v", r, err)
	}
	t.Log(r.Checks[0].Detail, r.Checks[0].Seconds)
}
