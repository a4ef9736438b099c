package project

import (
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

// moduleFiles are files that the go command accepts.
var moduleFiles = []string{
	"",
	"module m\n",
	"module m\n\ngo 1.22\n",
	"module m\ngo 1.22.5\ntoolchain go1.23.1\n",
	"module m\r\n\r\ngo 1.22\r\ntoolchain go1.22.5\r\n",
	"go 1.22",
	"toolchain go1.22.5-custom",
	"toolchain default",
	"toolchain go1",
	"  go   1.21rc1\t// the first one\n",
	"\tgo\t1.20 \r\n",
	"go 1.9.2rc2\n",
	"go 1.21alpha3\n",
	"go 1.21//x\n",
	"// go 1.1\ngo 1.2 // go 1.3\n",
	"// /* not a block comment */\ngo 1.22\n",
	"// \x00\x01 in a comment\ngo 1.22\n",
	"module \"go 1.1\"\ngo 1.22\n",
	"module \"toolchain go1.1\"\ngo 1.22\n",
	"module \"a\\\"b//c\"\ngo 1.22\n",
	"module m\nrequire (\n\tgo v1.1.0\n\ttoolchain v1.2.3 // indirect\n)\ngo 1.22\n",
	"module m\nrequire ( // comment\n// comment\n\n\texample.com/go v1.1.0\n) // comment\ngo 1.22\n",
	"module m\nrequire ()\ngo 1.22\n",
	"module m\nrequire ( ) // x\ngo 1.22\n",
	"module m\nretract [v1.0.0, v1.1.0]\nretract (\n\t[v1.2.0,v1.3.0] // go 1.1\n\tv1.5.0\n)\ngo 1.22\n",
	"module m\nreplace example.com/a => ./go\nexclude example.com/a v1.0.0\ngo 1.22\n",
	"module m\ngo 1.24\ntool example.com/go/cmd/x\ngodebug (\n\tdefault=go1.21\n)\nignore ./go\n",
	"module m // Deprecated: use n\n\n\n\ngo 1.22\n\n\n",
	"module (\n\tm\n)\ngo 1.22\n",
}

// workFiles are go.work files that the go command accepts.
var workFiles = []string{
	"go 1.22\n", "go 1.22\ntoolchain go1.22.5\nuse ./a\nuse (\n\t./go\n\t\"./b c\"\n)\n", "use (\n\t.\n)\n",
	"go 1.23\n\nuse ./go\n\nreplace example.com/a v1.0.0 => ../a\n", "go 1.23\ngodebug panicnil=1\n",
}

func TestDirectivesLikeModfile(t *testing.T) {
	t.Parallel()
	for _, text := range append(moduleFiles, workFiles...) {
		if !compare(t, []byte(text)) {
			t.Errorf("the go command refuses %q, so this case compares nothing", text)
		}
	}
}

// FuzzDirectives: what the go command accepts as go.mod or go.work has the same
// go and toolchain lines here.
func FuzzDirectives(f *testing.F) {
	for _, text := range append(moduleFiles, workFiles...) {
		f.Add([]byte(text))
	}
	for _, bad := range badModules {
		f.Add([]byte(bad.text))
	}
	f.Fuzz(func(t *testing.T, data []byte) { compare(t, data) })
}

// compare judges by modfile and reports whether it accepts data as either file.
func compare(t *testing.T, data []byte) (accepted bool) {
	t.Helper()
	var want directives
	if file, err := modfile.Parse("go.mod", data, nil); err == nil {
		accepted = true
		want = judged(file.Go, file.Toolchain)
	} else if work, err := modfile.ParseWork("go.work", data, nil); err == nil {
		accepted = true
		want = judged(work.Go, work.Toolchain)
	}
	got, f := parseDirectives(data)
	if !accepted {
		return false
	}
	if f != nil {
		t.Fatalf("%q: line %d: %s; the go command accepts it", data, f.line, f.reason)
	}
	got.moduleEnd = 0 // only an edit needs it
	if got != want {
		t.Fatalf("%q: got %+v, the go command reads %+v", data, got, want)
	}
	return true
}

func judged(goLine *modfile.Go, toolchain *modfile.Toolchain) (d directives) {
	if goLine != nil {
		d.goVersion = directive{goLine.Version, goLine.Syntax.Start.Line}
	}
	if toolchain != nil {
		d.toolchain = directive{toolchain.Name, toolchain.Syntax.Start.Line}
	}
	return d
}

var badModules = []struct {
	text string
	line int
	want string
}{
	{"go\n", 1, "takes one version"},
	{"module m\ngo 1.22 1.23\n", 2, "takes one version"},
	{"go (\n1.22\n)\n", 1, "takes one version"},
	{"go ()\n", 1, "takes one version"},
	{"toolchain\n", 1, "takes one version"},
	{"toolchain go1.22.5 (\n)\n", 1, "takes one version"},
	{"go 1.22\n\ngo 1.23\n", 3, "a second go line"},
	{"toolchain go1.22.5\ntoolchain go1.22.6\n", 2, "a second toolchain line"},
	{"module m\nrequire (\n a v1\n", 2, "not closed"},
	{"require (\n) x\n", 2, "closing parenthesis"},
	{"module \"m\ngo 1.22\n", 1, "string is not closed"},
	{"module m\nmodule `m\ngo 1.22\n", 2, "string is not closed"},
	{"module `m\\`\ngo 1.22 1.23\n", 2, "takes one version"}, // a backslash between such quotes is nothing special
	{"module \"m\\", 1, "string is not closed"},
	{"/* go 1.22 */\n", 1, "/* */"},
	{"module m\ngo 1.22/* x */\n", 2, "/* */"},
	{"module m\x00\ngo 1.22\n", 1, "control character"},
	{"module m\n\n\x1b[2J\n", 3, "control character"},
	{"go 1.22\vx\n", 1, "control character"},
}

func TestBadDirectives(t *testing.T) {
	t.Parallel()
	for _, test := range badModules {
		if compare(t, []byte(test.text)) {
			t.Errorf("the go command accepts %q", test.text)
		}
		_, f := parseDirectives([]byte(test.text))
		if f == nil || f.line != test.line || !strings.Contains(f.reason, test.want) || len(f.hints) == 0 {
			t.Errorf("%q: %+v, want line %d: %s", test.text, f, test.line, test.want)
		}
	}
}

// TestBOM is the one leniency: editors of other systems write it.
func TestBOM(t *testing.T) {
	t.Parallel()
	d, f := parseDirectives([]byte("\ufeffgo 1.22\n"))
	if f != nil || d.goVersion != (directive{"1.22", 1}) {
		t.Errorf("got %+v, %+v", d, f)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		goLine, toolchain string
		pin, minimum      string
		note              string
	}{
		{"", "", "", "", ""},
		{"1.22", "", "", "1.22", ""},
		{"1.22.3", "", "", "1.22.3", ""},
		{"1.20", "", "", "1.20", ""},
		{"1.23rc1", "", "", "1.23rc1", ""},
		{"1.22", "go1.22.5", "1.22.5", "1.22", ""},
		{"1.22.5", "go1.22.5", "1.22.5", "1.22.5", ""},
		{"1.22", "go1.23rc1", "1.23rc1", "1.22", ""},
		{"", "go1.20", "1.20.0", "", ""}, // the release, not its line
		{"1.19", "go1.20", "1.20.0", "1.19", ""},
		{"1.21", "go1.22", "1.22", "1.21", ""}, // never a release: its line
		{"1.22", "default", "", "1.22", ""},
		{"", "default", "", "", ""},
		{"1.24", "go1.23.4", "", "1.24", "older than the go line"},
		{"1.22.3", "go1.22.2", "", "1.22.3", "older than the go line"},
		{"1.22", "go1.23.1-custom", "", "1.22", "not an official release"},
		{"", "go1.23.1-custom", "", "", "not an official release"},
	} {
		d := directives{goVersion: directive{text: test.goLine}, toolchain: directive{text: test.toolchain}}
		if test.goLine != "" {
			d.goVersion.line = 3
		}
		if test.toolchain != "" {
			d.toolchain.line = 5
		}
		m, f := d.judge()
		if f != nil || m.pin.Text() != test.pin || m.minimum.Text() != test.minimum ||
			(m.note == "") != (test.note == "") || !strings.Contains(m.note, test.note) {
			t.Errorf("go %q toolchain %q: pin %q, minimum %q, note %q, %+v",
				test.goLine, test.toolchain, m.pin.Text(), m.minimum.Text(), m.note, f)
		}
		if (m.pinLine == 5) != (test.pin != "") || (m.minimumLine == 3) != (test.minimum != "") {
			t.Errorf("go %q toolchain %q: lines %d and %d", test.goLine, test.toolchain, m.pinLine, m.minimumLine)
		}
	}
}

func TestJudgeRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		goLine, toolchain string
		line              int
	}{
		{"1.9.2rc2", "", 3}, {"1.21alpha3", "", 3}, {"latest", "", 3}, {"go1.22", "", 3}, {"v1.22", "", 3}, {">=1.22", "", 3}, {"01.22", "", 3},
		{"\"1.22\"", "", 3}, {"1.22", "1.22.5", 5}, {"1.22", "go1.x", 5}, {"1.22", "go1.22.5-", 5}, {"1.22", "local", 5}, {"1.22", "latest", 5},
		{"1.22", "default-x", 5}, {"1.22", "../../go1.22.5", 5},
	} {
		d := directives{goVersion: directive{test.goLine, 3}}
		if test.toolchain != "" {
			d.toolchain = directive{test.toolchain, 5}
		}
		if m, f := d.judge(); f == nil || f.line != test.line || len(f.hints) == 0 {
			t.Errorf("go %q toolchain %q: %+v, %+v", test.goLine, test.toolchain, m, f)
		}
	}
}
