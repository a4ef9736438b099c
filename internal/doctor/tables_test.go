package doctor

import (
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/libc"
)

func TestBinary_startsOn(t *testing.T) {
	t.Parallel()
	// What a program built on Debian 12 with net and os/user needs.
	b := Binary{Libc: "glibc", Interpreter: "/lib64/ld-linux-x86-64.so.2", Glibc: "2.34"}
	for _, d := range distros() {
		want := d.glibc != "" && !libc.Less(d.glibc, "2.34")
		if got := b.startsOn(d); got.Starts != want {
			t.Errorf("on %s: %+v", d.name(), got)
		}
	}
}

func TestWithoutNames(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"a ${HOME}/b:${_x1}": "a /b:", "${1a}": "${1a}", "${HOME": "${HOME", "${a:-${HOME}}": "${a:-}", "${}": "${}", "$HOME": "$HOME",
	} {
		if got := withoutNames(command); got != want {
			t.Errorf("%q of %q, want %q", got, command, want)
		}
	}
}

func TestLessVersion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ a, b string }{{"2.2.5", "2.3"}, {"2.4", "2.34"}, {"2.9", "2.10"}, {"", "2.0"}} {
		if !libc.Less(c.a, c.b) || libc.Less(c.b, c.a) {
			t.Errorf("%s is not below %s", c.a, c.b)
		}
	}
}

func TestDistros_haveDays(t *testing.T) {
	t.Parallel()
	for _, d := range distros() {
		for _, day := range []string{d.until, d.lts} {
			if _, err := time.Parse(time.DateOnly, day); err != nil && day != "" {
				t.Errorf("%s: %v", d.name(), err)
			}
		}
		if d.name()[0] == ' ' {
			t.Errorf("%s has no name", d.id)
		}
	}
}

func TestSafePatch(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"1.26.0": "1.26.6", "1.25.5": "1.25.13", "1.24.3": ""} {
		v, err := gover.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, exists := safePatch(v); got.String() != want || exists != (want != "") {
			t.Errorf("%s is suggested in %q, want %q", text, got, want)
		}
	}
}

func TestParseAssignment(t *testing.T) {
	t.Parallel()
	more := map[string]bool{"export A=/x B=y": true, "A='a b' c": true, "set -gx A b c": true}
	for text, want := range map[string][2]string{
		"export A=/x B=y":               {"A", "/x"},
		"A='a b' c":                     {"A", "a b"},
		"A=x # why":                     {"A", "x"},
		"set -gx A b c":                 {"A", "b c"},
		"export GOROOT=/usr/local/go":   {"GOROOT", "/usr/local/go"},
		`GOFLAGS="-mod=mod -v"`:         {"GOFLAGS", "-mod=mod -v"},
		"set -gx PATH /x/bin $PATH":     {"PATH", "/x/bin $PATH"},
		"setenv GO111MODULE off":        {"GO111MODULE", "off"},
		"typeset -x GOPATH='/a b'":      {"GOPATH", "/a b"},
		`[ -d /x ] && export GOROOT=/x`: {"", ""},
		`if [ "$GOROOT" = /x ]; then`:   {"", ""},
		`alias go="env GOROOT=/x go"`:   {"", ""},
		`eval "$(vmgo hook bash)"`:      {"", ""},
		"export":                        {"", ""},
		"set -e":                        {"", ""},
	} {
		name, value, alone := parseAssignment(text)
		if name != want[0] || value != want[1] || alone != (name != "" && !more[text]) {
			t.Errorf("%q is %q %q, alone %v", text, name, value, alone)
		}
	}
}
