package doctor_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/internal/doctor"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/host/hosttest"
	"github.com/vmgo/vmgo/internal/settings"
	"github.com/vmgo/vmgo/shell"
)

const (
	machinesDir = "testdata/machines"
	checksDir   = "testdata/checks"
)

// machineWith makes a doctor's machine of a made-up one.
func machineWith(t *testing.T, h host.Host, o doctor.Options) *doctor.Machine {
	t.Helper()
	layout := dirs.FromEnv(h.Env, "/", h.UID)
	var files []string
	for _, f := range layout.SettingsFiles() {
		if f != "" { // the user's, without a home
			files = append(files, h.Path(f))
		}
	}
	s, err := settings.Load(h.Env, files...)
	if err != nil {
		t.Fatal(err)
	}
	o.HookLine, o.StartupFile = shell.Line, shell.StartupFile
	return doctor.New(h, s, o)
}

// examine carries out checks on a made-up machine. Its time is made up as well:
// only what hangs comes to its limit, however busy the real machine is.
func examine(t *testing.T, m *doctor.Machine, checks []doctor.Check) (r doctor.Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { r = doctor.Run(t.Context(), m, checks) })
	return r
}

// machineFiles are those of the common machine and of the named one over it.
func machineFiles(t *testing.T, name string) []hosttest.File {
	t.Helper()
	files := hosttest.Archive(t, filepath.Join(machinesDir, "common.txtar"), "")
	return append(files, hosttest.Archive(t, filepath.Join(machinesDir, name+".txtar"), "")...)
}

func machineNames(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(machinesDir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range paths {
		if name := strings.TrimSuffix(filepath.Base(p), ".txtar"); name != "common" {
			names = append(names, name)
		}
	}
	return names
}

// directives are the lines of an archive's comment that begin with a word.
func directives(t *testing.T, path, word string) [][]string {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var found [][]string
	for line := range strings.Lines(string(archive.Comment)) {
		if rest, ok := strings.CutPrefix(line, word+" "); ok {
			name, value, _ := strings.Cut(strings.TrimSpace(rest), " ")
			found = append(found, []string{name, value})
		}
	}
	return found
}

// A machine that is well must not be told that it is ill: each finding beyond
// ok and skip has to be announced in the fixture.
func TestRun_machines(t *testing.T) {
	t.Parallel()
	for _, name := range machineNames(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(machinesDir, name+".txtar")
			m := machineWith(t, hosttest.New(t, machineFiles(t, name)), doctor.Options{Bench: true})
			report := examine(t, m, doctor.Catalogue())
			expected := map[string]string{}
			for _, e := range directives(t, path, "expect") {
				expected[e[0]] = e[1]
			}
			for _, o := range report.Outcomes {
				want := expected[o.Check.ID]
				delete(expected, o.Check.ID)
				got := string(o.Status)
				if want == "" && (got == "ok" || got == "skip") {
					continue
				}
				if got != want {
					t.Errorf("%s: %s %q %v, want %q", o.Check.ID, got, o.Summary, o.Evidence, want)
				}
			}
			for id := range expected {
				t.Errorf("expects %s, which is no check", id)
			}
			s := report.Summary
			facts := map[string]string{"vm": s.VM, "container": s.Container, "cgroup": s.Cgroup, "os": s.OS, "libc": s.Libc}
			for _, f := range directives(t, path, "fact") {
				if facts[f[0]] != f[1] {
					t.Errorf("%s is %q, want %q", f[0], facts[f[0]], f[1])
				}
			}
		})
	}
}

// checkCase is one case of testdata/checks/<id>.txtar: the files beneath a
// directory of the archive, laid over a machine.
type checkCase struct {
	name, machine string
	want          doctor.Status
	says          []string
	fixes, never  []string
	options       doctor.Options
}

// readCases reads the file "case" of each directory: lines "on MACHINE", "want
// STATUS", "says TEXT" (in summary, details or evidence), "fix TEXT", "never
// TEXT" (in the fix), "option NAME VALUE".
func readCases(t *testing.T, path string) []checkCase {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var cases []checkCase
	for _, f := range archive.Files {
		name, file, _ := strings.Cut(f.Name, "/")
		if file != "case" {
			continue
		}
		c := checkCase{name: name, machine: "ubuntu-24.04-kvm", options: doctor.Options{Bench: true}}
		for line := range strings.Lines(string(f.Data)) {
			word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch word {
			case "on":
				c.machine = rest
			case "want":
				c.want = doctor.Status(rest)
			case "says":
				c.says = append(c.says, rest)
			case "fix":
				c.fixes = append(c.fixes, rest)
			case "never":
				c.never = append(c.never, rest)
			case "option":
				name, value, _ := strings.Cut(rest, " ")
				switch name {
				case "offline":
					c.options.Offline = true
				case "nobench":
					c.options.Bench = false
				case "listen":
					c.options.Listen = value
				case "vmgo":
					c.options.Vmgo = value
				case "grpc":
					c.options.GRPC = value
				default:
					t.Fatalf("%s: unknown option %q", path, name)
				}
			case "":
			default:
				t.Fatalf("%s: unknown line %q", path, line)
			}
		}
		cases = append(cases, c)
	}
	return cases
}

func TestCheck_cases(t *testing.T) {
	t.Parallel()
	for _, check := range doctor.Catalogue() {
		path := filepath.Join(checksDir, check.ID+".txtar")
		if _, err := os.Stat(path); err != nil {
			continue // TestCatalogue_hasFixtures complains
		}
		for _, c := range readCases(t, path) {
			t.Run(check.ID+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				files := append(machineFiles(t, c.machine), hosttest.Archive(t, path, c.name+"/")...)
				m := machineWith(t, hosttest.New(t, files), c.options)
				o := examine(t, m, []doctor.Check{check}).Outcomes[0]
				text := textOf(o)
				if o.Status != c.want {
					t.Fatalf("%s, want %s\n%s", o.Status, c.want, text)
				}
				for _, s := range c.says {
					if !strings.Contains(text, s) {
						t.Errorf("does not say %q\n%s", s, text)
					}
				}
				for _, s := range c.fixes {
					if !strings.Contains(o.Fix, s) {
						t.Errorf("fix %q lacks %q", o.Fix, s)
					}
				}
				for _, s := range c.never {
					if strings.Contains(o.Fix, s) {
						t.Errorf("fix %q has %q", o.Fix, s)
					}
				}
				if (o.Status == doctor.Warn || o.Status == doctor.Fail) && o.Fix == "" && o.Detail == "" {
					t.Error("has neither a fix nor a reason why there is none")
				}
			})
		}
	}
}

func textOf(o doctor.Outcome) string {
	var out bytes.Buffer
	out.WriteString(o.Summary + "\n" + o.Detail + "\n")
	for _, e := range o.Evidence {
		out.WriteString(e.String() + "\n")
	}
	return out.String()
}

// Every check needs a machine on which it complains and one on which it does
// not; a check that cannot do either is no check.
func TestCatalogue_hasFixtures(t *testing.T) {
	t.Parallel()
	for _, check := range doctor.Catalogue() {
		path := filepath.Join(checksDir, check.ID+".txtar")
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s has no fixtures: %v", check.ID, err)
			continue
		}
		bad, good := false, false
		for _, c := range readCases(t, path) {
			bad = bad || c.want == doctor.Warn || c.want == doctor.Fail
			good = good || c.want == doctor.OK
		}
		if !bad || !good {
			t.Errorf("%s: a case that complains: %v, one that does not: %v", check.ID, bad, good)
		}
	}
}
