package shims_test

import (
	"os"
	"strings"
	"testing"
)

// The go command changes its directory before it selects a toolchain, so the
// release is that of the directory that -C names.
// https://github.com/golang/go/issues/50332
func TestShim_followsTheFlagC(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	here, other := m.pin("here", "1.22.5"), m.pin("other", "1.21")
	nested := m.pin("other/nested", "1.26.8")
	must(t, os.Mkdir(other+"/nested/sub", 0o755))
	m.write("here/file", "")
	must(t, os.Symlink(nested+"/sub", here+"/link")) // link/.. is nested, not here
	must(t, os.Symlink(here, m.work+"/alias"))
	for line, want := range map[string]string{
		"-C ../other build":          "1.21.13",
		"-C=../other build":          "1.21.13",
		"--C ../other build":         "1.21.13",
		"--C=" + other + " build":    "1.21.13",
		"build -C ../other":          "1.21.13",
		"build -C=" + other:          "1.21.13",
		"mod -C ../other tidy":       "1.21.13",
		"mod tidy -C ../other":       "1.21.13",
		"work sync -C ../other":      "1.21.13",
		"tool -C ../other vet":       "1.21.13",
		"-C ../other/nested/sub vet": "1.26.8",
		"-C link/.. vet":             "1.26.8",
		"-C ../alias/../other vet":   "1.21.13",
		// Only where it stands first, and once.
		"-C ../other -C ../other/nested build": "1.21.13",
		"-C ../other build -C nested":          "1.21.13",
		"build -v -C ../other":                 "1.22.5",
		"run main.go -C ../other":              "1.22.5",
		"mod tidy -v -C ../other":              "1.22.5",
		"-v -C ../other build":                 "1.22.5",
		"build -- -C ../other":                 "1.22.5",
		"-Cother build":                        "1.22.5",
		"build -o ../other":                    "1.22.5",
		"mod":                                  "1.22.5",
		"":                                     "1.22.5",
		// go says what is wrong with these.
		"-C":                     "1.22.5",
		"-C= build":              "1.22.5",
		"-C ../missing build":    "1.22.5",
		"-C file build":          "1.22.5",
		"-C file/../other build": "1.22.5",
	} {
		argv := append([]string{"go"}, strings.Fields(line)...)
		got, stderr, _ := m.shim(here, argv...)
		if got.path != m.goroot(want)+"/bin/go" || stderr != "" || strings.Join(got.argv[1:], " ") != line {
			t.Errorf("go %s: %q %q, want go %s unchanged; said %q", line, got.path, got.argv, want, stderr)
		}
	}
	if got, _, _ := m.shim(here, "gofmt", "-C", "../other"); got.path != m.goroot("1.22.5")+"/bin/gofmt" {
		t.Errorf("gofmt has no such flag: %+v", got)
	}
	m.env["GOFLAGS"] = "-C=" + other
	if got, _, _ := m.shim(here, "go", "build"); got.path != m.goroot("1.22.5")+"/bin/go" {
		t.Errorf("go refuses -C in GOFLAGS: %+v", got)
	}
}

// A process that changes its directory keeps the name in PWD only where that
// names the directory still.
func TestShim_namesTheDirectoryOfTheFlagCAsGoDoes(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	outer := m.pin("outer", "1.21")
	m.pin("real", "1.26.8")
	m.write("real/sub/file", "")
	must(t, os.Symlink(m.work+"/real/sub", outer+"/link"))
	for _, test := range []struct{ dir, pwd, flag, want string }{
		{outer, outer, "link", "1.26.8"},                               // PWD names another: links are resolved
		{outer + "/link", outer + "/link", ".", "1.21.13"},             // PWD names it
		{m.work + "/real/sub", "", ".", "1.26.8"},                      // no PWD
		{m.work, outer + "/link", "real/sub", "1.21.13"},               // PWD is wrong here, and right there
		{m.work, relativeTo(t, outer+"/link"), "outer/link", "1.26.8"}, // PWD is no path
		{outer + "/link", "", "", "1.21.13"},                           // no such flag
		{"", "", strings.TrimPrefix(m.work, "/") + "/real", "system"},  // beneath nothing
		{"", "", "../real", "system"},                                  // the working directory no longer exists
		{"", "", m.work + "/real", "1.26.8"},                           // which does not matter here
	} {
		m.env["PWD"] = test.pwd
		argv := []string{"go", "-C", test.flag, "build"}
		if test.flag == "" {
			argv = []string{"go", "build"}
		}
		got, stderr, _ := m.shim(test.dir, argv...)
		if test.want == "system" {
			if got.path != "" || !strings.Contains(stderr, "[no-requirement]") {
				t.Errorf("%+v: %q, said %q", test, got.path, stderr)
			}
			continue
		}
		if got.path != m.goroot(test.want)+"/bin/go" {
			t.Errorf("%+v: %q, said %q", test, got.path, stderr)
		}
	}
}
