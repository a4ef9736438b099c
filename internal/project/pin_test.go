package project

import (
	"strings"
	"testing"
)

type pinCase struct {
	in, want string // want: the selector's text
	line     int
	fault    string // part of the reason; the line is then the fault's
}

var goVersionCases = []pinCase{
	{"1.22.5\n", "1.22.5", 1, ""},
	{"1.22.5", "1.22.5", 1, ""},
	{"go1.22.5\n", "go1.22.5", 1, ""},
	{"  1.22  \n", "1.22", 1, ""},
	{"\t1.22\t", "1.22", 1, ""},
	{"1.23rc1\n", "1.23rc1", 1, ""},
	{">=1.21 <1.23\n", ">=1.21 <1.23", 1, ""},
	{"latest\n", "latest", 1, ""},
	{"stable", "stable", 1, ""},
	{"oldstable", "oldstable", 1, ""},
	{"system", "system", 1, ""},
	{"1.22.5\r\n", "1.22.5", 1, ""},
	{"1.22.5\r", "1.22.5", 1, ""},
	{"# pinned for CI\r\n\r\n1.22.5\r\n", "1.22.5", 3, ""},
	{"\ufeff1.22.5\n", "1.22.5", 1, ""},
	{"\ufeff# x\n1.22.5\n", "1.22.5", 2, ""},
	{"\n\n  \n1.22.5\n\n", "1.22.5", 4, ""},
	{"# 1.1\n1.22.5 # not 1.2\n# 1.3\n", "1.22.5", 2, ""},
	{"1.22.5\t# because\n", "1.22.5", 1, ""},
	{"# caf\xe9 \xff\n1.22.5\n", "1.22.5", 2, ""},
	{"#\n" + strings.Repeat("# long comment\n", 200) + "1.22", "1.22", 202, ""},
	// goenv: of several versions the first is active, whatever follows.
	{"1.22.5\n1.21.13\n", "1.22.5", 1, ""},
	{"1.22.5\njunk\n", "1.22.5", 1, ""},
	{"\n1.22.5\n<<<<<<< HEAD\n", "1.22.5", 2, ""},
	{"1.22.5\njunk\x1b\n", "", 2, "control character"},
	// setup-go
	{"v1.22.5\n", "v1.22.5", 1, ""},
	{"1.22.x\n", "1.22.x", 1, ""},
	{"1.22.*\n", "1.22.*", 1, ""},
	{"1.x\n", "1.x", 1, ""},
	{">=1.22.0-rc1\n", ">=1.22.0-rc1", 1, ""},
	{"1.23.0-rc.1\n", "1.23.0-rc.1", 1, ""}, // https://github.com/actions/setup-go/issues/524
	{"1.21 - 1.23\n", "1.21 - 1.23", 1, ""},
	{"", "", 0, "has no version"},
	{"\n\n", "", 0, "has no version"},
	{"# only this\n", "", 0, "has no version"},
	{"\ufeff", "", 0, "has no version"},
	{"junk\n", "", 1, "not a version"},
	{"1.22.5#x\n", "", 1, "not a version"},
	{"// 1.22\n", "", 1, "not a version"},
	{"1.22.5 1.21\n", "", 1, "not a version"},
	{"go 1.22.5\n", "", 1, "not a version"},
	{"golang 1.22.5\n", "", 1, "not a version"},
	{"../../etc\n", "", 1, "not a version"},
	{"\n/opt/go\n", "", 2, "not a version"},
	{"$(id)\n", "", 1, "not a version"},
	{"<<<<<<< HEAD\n1.22\n", "", 1, "not a version range"},
	{">=1.21 <\n", "", 1, "not a version range"},
	{"1.22.5\x00\n", "", 1, "control character"},
	{"\x00", "", 1, "control character"},
	{"1.22.5\n# \x1b[31m\n", "", 2, "control character"},
	{"1.22\r.5\n", "", 1, "control character"},
	{"1.22.5\r\r\n", "", 1, "control character"},
	{"1.22\x7f\n", "", 1, "control character"},
	{"1\x00.\x002\x002\x00", "", 1, "control character"}, // UTF-16
	{"\ufeff\ufeff1.22\n", "", 1, "not a version"},
	{"1.22\u00a0\n", "", 1, "not a version"},
	{"1.22.5\v\n", "", 1, "control character"},
	{"{\"version\": \"1.22\"}\n", "", 1, "not a version"},
	{"1.9.2rc2\n", "", 1, "not a version"},
	{"01.22\n", "", 1, "not a version"},
}

var toolVersionsCases = []pinCase{
	{"golang 1.22.5\n", "1.22.5", 1, ""},
	{"go 1.22.5\n", "1.22.5", 1, ""},
	{"golang\t1.22\n", "1.22", 1, ""},
	{"  golang   1.22.5   1.21.3 system\n", "1.22.5", 1, ""},
	{"nodejs 20.1.0\ngolang 1.22.5 # why\npython 3.12\n", "1.22.5", 2, ""},
	{"golang 1.22.5\ngo 1.21.1\ngolang junk\n", "1.22.5", 1, ""},
	{"golang 1.23rc1\r\n", "1.23rc1", 1, ""},
	{"\ufeffgolang 1.22.5", "1.22.5", 1, ""},
	{"# golang 1.1\n\ngolang 1.22.5\n", "1.22.5", 3, ""},
	{"golang go1.22.5\n", "go1.22.5", 1, ""},
	{"", "", 0, ""},
	{"nodejs latest\nruby ref:main\n", "", 0, ""},
	{"#golang 1.22\n", "", 0, ""},
	{"golangci-lint 1.55.2\ngo-sdk 1.1\ngopls 0.15\n", "", 0, ""},
	{"golang\n", "", 1, "has no version of golang"},
	{"x y\ngo # 1.22\n", "", 2, "has no version of go"},
	{"golang system\n", "system", 1, ""},
	{"golang latest\n", "latest", 1, ""},
	{"golang oldstable\n", "", 1, "not supported in .tool-versions"},
	{"golang >=1.21\n", "", 1, "not supported in .tool-versions"},
	{"golang latest:1.22\n", "1.22", 1, ""},
	{"golang latest:1.22.5\n", "1.22.5", 1, ""},
	{"golang latest:latest\n", "", 1, "not a release of Go"},
	{"golang latest:\n", "", 1, "not a release of Go"},
	{"golang ref:master\n", "", 1, "vmgo does not build releases"},
	{"golang path:/usr/local/go\n", "", 1, "not a release of Go"},
	{"golang path:/usr/local/go 1.22.5\n", "1.22.5", 1, ""},
	{"golang ref:master path:/x\n", "", 1, "ref:master"},
	{"golang sub-1:latest\n", "", 1, "not a release of Go"},
	{"golang prefix:1.22\n", "1.22", 1, ""},
	{"golang prefix:system\n", "", 1, "not a release of Go"},
	{"golang v1.22.5\n", "v1.22.5", 1, ""},
	{"golang 1.22.x\n", "1.22.x", 1, ""},
	{"golang 1.22.5 junk\n", "", 1, "not a version"},
	{"golang 1.22.5#why\n", "1.22.5", 1, ""},
	{"golang#1.22.5\n", "", 1, "has no version of golang"},
	{"golang ref:a#b\n", "", 1, "ref:a"},
	{"golang ../../etc\n", "", 1, "not a version"},
	{"golang 1.22.5\n\x00\n", "", 2, "control character"},
	{"nodejs \x1b\n", "", 1, "control character"},
}

func TestParseGoVersion(t *testing.T) {
	t.Parallel()
	checkPins(t, parseGoVersion, goVersionCases)
}

func TestParseToolVersions(t *testing.T) {
	t.Parallel()
	checkPins(t, parseToolVersions, toolVersionsCases)
}

// asdf takes the first of the versions that is installed, and mise likewise.
func TestParseToolVersions_fallbacks(t *testing.T) {
	t.Parallel()
	p, f := parseToolVersions([]byte("go 1.22.5 path:/x latest:1.21 system # x\n"))
	var got []string
	for _, selector := range p.fallbacks {
		got = append(got, selector.Text())
	}
	if f != nil || p.selector.Text() != "1.22.5" || strings.Join(got, " ") != "1.21 system" || p.note != "vmgo has no path:/x" {
		t.Errorf("%+v, %v", p, f)
	}
	if _, f := parseToolVersions([]byte("go path:/x\n")); f == nil || !strings.HasPrefix(strings.Join(f.hints, ""), "vmgo adopt /x ") {
		t.Errorf("path: %+v", f)
	}
}

func checkPins(t *testing.T, parse func([]byte) (pin, *fault), cases []pinCase) {
	t.Helper()
	for _, test := range cases {
		p, f := parse([]byte(test.in))
		switch {
		case test.fault == "":
			if f != nil || p.selector.Text() != test.want || p.line != test.line {
				t.Errorf("%q: %q in line %d, %+v; want %q in line %d", test.in, p.selector.Text(), p.line, f, test.want, test.line)
			}
		case f == nil || f.line != test.line || !strings.Contains(f.reason, test.fault):
			t.Errorf("%q: %q, %+v; want line %d: %s", test.in, p.selector.Text(), f, test.line, test.fault)
		}
	}
}

// FuzzVersionFile: whatever a file holds, it is either a fault with a reason or
// a selector that stands in the line named, or (.tool-versions) nothing.
func FuzzVersionFile(f *testing.F) {
	for _, test := range goVersionCases {
		f.Add([]byte(test.in))
	}
	for _, test := range toolVersionsCases {
		f.Add([]byte(test.in))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for kind, parse := range map[Kind]func([]byte) (pin, *fault){GoVersion: parseGoVersion, ToolVersions: parseToolVersions} {
			p, f := parse(data)
			lines := strings.Split(string(data), "\n")
			switch {
			case f != nil:
				if f.reason == "" || f.line > len(lines) || p.line != 0 {
					t.Fatalf("%s %q: %+v beside %+v", kind, data, f, p)
				}
			case p.line == 0:
				if kind == GoVersion {
					t.Fatalf("%s %q asks for nothing and is no fault", kind, data)
				}
			case p.line > len(lines) || !strings.Contains(lines[p.line-1], p.selector.Text()) || p.selector.IsZero():
				t.Fatalf("%s %q: %q is not in line %d", kind, data, p.selector.Text(), p.line)
			}
			if f == nil && strings.ContainsAny(string(data), "\x00\x1b\x7f") {
				t.Fatalf("%s %q holds control characters and was accepted", kind, data)
			}
		}
	})
}
