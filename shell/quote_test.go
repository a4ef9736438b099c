package shell_test

import (
	"bufio"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/shell"
)

// judge is a real shell that evaluates texts and hands back what they print:
// one process for any number of cases.
type judge struct {
	in  io.Writer
	out *bufio.Reader
}

// newJudge starts the shell. Texts go in ended by NUL and are evaluated, as
// the hook evaluates its answers.
func newJudge(t testing.TB, name, locale string) *judge {
	t.Helper()
	loop := "while IFS= read -r -d '' t; do eval \"$t\"; done"
	argv := map[string][]string{
		"bash": {"bash", "--norc", "-c", loop},
		"zsh":  {"zsh", "-f", "-c", loop},
		"fish": {"fish", "--no-config", "-c", "while read -z t; eval $t; end"},
	}[name]
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(), "LC_ALL=" + locale}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s is needed: %v", name, err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	return &judge{in: in, out: bufio.NewReader(out)}
}

// eval returns what the text prints up to the first NUL.
func (j *judge) eval(t testing.TB, text string) string {
	t.Helper()
	if _, err := io.WriteString(j.in, text+"\x00"); err != nil {
		t.Fatal(err)
	}
	printed, err := j.out.ReadString(0)
	if err != nil {
		t.Fatalf("%v after %q", err, text)
	}
	return strings.TrimSuffix(printed, "\x00")
}

// evaluating lists the shells that evaluate what they get; for the others see data_test.go.
func evaluating() []string {
	return slices.DeleteFunc(shell.Names(), func(name string) bool { return isData(name) })
}

func isData(name string) bool {
	sh, err := shell.Lookup(name)
	return err == nil && sh.About().Data
}

func awkward() []string {
	all := make([]byte, 255)
	for i := range all {
		all[i] = byte(i + 1)
	}
	return []string{
		"", "plain", "a b", "'", "''", `'\''`, `"`, "`id`", "$(id)", "$HOME", "~", "!!", "a\nb", "\n", "trailing\n", "\\", `\\`, `\n`, `\'`, "*", "?[a]", "{a,b}",
		"-n", "--", "=", "#", "\t", "\r", "é", "日本", "\xff", "a\xffb", "\xed\xa0\x80", "\xef\xbf\xbf", "\uF600", "\uE000\uF8FF", "\U0010FFFF", "\uFFFD", "\x1b[31m", "\\n\x7f", "\\'\x01\n",
		strings.Repeat("x'\\\n\xff", 500), string(all),
	}
}

func TestQuote_asRealShellsReadIt(t *testing.T) {
	t.Parallel()
	for _, name := range evaluating() {
		for _, locale := range []string{"C.UTF-8", "C"} {
			t.Run(name+"/"+locale, func(t *testing.T) {
				t.Parallel()
				sh, err := shell.Lookup(name)
				if err != nil {
					t.Fatal(err)
				}
				j := newJudge(t, name, locale)
				for _, s := range awkward() {
					if got := j.eval(t, `printf '%s\0' `+sh.Quote(s)); got != s {
						t.Errorf("%q is read as %q from %s", s, got, sh.Quote(s))
					}
				}
			})
		}
	}
}

// TestExport_setsWhatItSays lets the shells run the lines and look at what
// their children get.
func TestExport_setsWhatItSays(t *testing.T) {
	t.Parallel()
	for _, name := range evaluating() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh, err := shell.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			j := newJudge(t, name, "C.UTF-8")
			for _, s := range awkward() {
				text := sh.Export([]environ.Change{{Name: "NEW", Value: environ.Text(s)}})
				if got := j.eval(t, text+"env -0 | grep -az '^NEW='"); got != "NEW="+s {
					t.Errorf("%q arrives as %q", s, got)
				}
			}
			text := sh.Export([]environ.Change{{Name: "NEW"}, {Name: "PATH", Value: environ.Text("/usr/bin:/a b:/bin")}})
			if got := j.eval(t, text+"env -0 | grep -az -e '^NEW=' -e '^PATH='"); got != "PATH=/usr/bin:/a b:/bin" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func FuzzQuote(f *testing.F) {
	for _, s := range awkward() {
		f.Add(s)
	}
	judges := map[shell.Shell]*judge{}
	for _, name := range evaluating() {
		sh, err := shell.Lookup(name)
		if err != nil {
			f.Fatal(err)
		}
		judges[sh] = newJudge(f, name, "C.UTF-8")
	}
	f.Fuzz(func(t *testing.T, s string) {
		s, _, _ = strings.Cut(s, "\x00") // no variable and no path holds one
		for sh, j := range judges {
			if got := j.eval(t, `printf '%s\0' `+sh.Quote(s)); got != s {
				t.Errorf("%s: %q is read as %q from %s", sh.Name(), s, got, sh.Quote(s))
			}
		}
	})
}
