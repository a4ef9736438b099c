package doctor_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vmgo/vmgo/internal/doctor"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/host/hosttest"
)

// toolsOfFixes are the programs of fixes that work on a made-up tree.
func toolsOfFixes() []string { return []string{"sed", "chmod", "go", "env", "tee"} }

// sysctlOnTree does what sysctl(8) does for "-w NAME=VALUE", beneath a root.
func sysctlOnTree(root string) string {
	return "sysctl() { name=${2%%=*}; printf '%s\\n' \"${2#*=}\" >" + root + "/proc/sys/$(echo \"$name\" | /usr/bin/tr . /); }\n"
}

// fixesItself is what doctor prints where --fix may do it.
const fixesItself = "vmgo doctor --fix --only "

// appliedFixes are the beginnings of commands that change nothing but files of the
// tree and variables. All others need a network, a package manager, a kernel, an
// account or a person; what they change is the real machine's, so they are never run here.
func appliedFixes() []string {
	return []string{"sed -i ", "chmod ", "unset ", "export ", "echo 'export ", "go env -u ", "go env -w ", "GOTOOLCHAIN=local go env -u ", "sysctl -w ", "echo 'vm."}
}

// notSettled says why a check may still complain after its fix.
func notSettled() map[string]string {
	return map[string]string{
		"toolchain.contexts":            "what shells find on a made-up machine is written down",
		"toolchain.build":               "what go answers on a made-up machine is written down",
		"toolchain.build-dirs/no-place": "the account is one of the real machine",
	}
}

// prelude defines the programs by their real places, as PATH is that of the made-up
// machine.
func prelude(t *testing.T) string {
	t.Helper()
	text := "set -e\n"
	for _, tool := range toolsOfFixes() {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Skipf("%s is not installed", tool)
		}
		text += tool + "() { " + path + " \"$@\"; }\n"
	}
	return text
}

// onTree returns a fix as a script for the made-up tree; empty if one of its commands
// is not to be applied, or names a path outside the tree. The values of variables are
// the machine's own.
func onTree(fix, root string) string {
	script := ""
	for line := range strings.Lines(fix) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "sudo ")
		if inner, found := strings.CutPrefix(line, "su - -c "); found {
			line = strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(inner, "'"), "'"), `'\''`, "'")
		}
		if strings.HasPrefix(line, fixesItself) {
			continue // see fixItself
		}
		known := slices.ContainsFunc(appliedFixes(), func(begin string) bool { return strings.HasPrefix(line, begin) })
		line = strings.Replace(line, " | sudo tee ", " | tee ", 1)
		if piped := strings.Contains(line, " | "); !known || piped && !strings.Contains(line, " | tee ") || strings.Contains(line, "&&") {
			return ""
		}
		begin := 0
		switch {
		case strings.HasPrefix(line, "export "), strings.HasPrefix(line, "go env -w "), strings.HasPrefix(line, "sysctl "):
			begin = len(line)
		case strings.HasPrefix(line, "echo "):
			begin = max(strings.LastIndex(line, ">>"), strings.LastIndex(line, "tee "))
		}
		paths := regexp.MustCompile(`(^|[\s'">])/([a-z])`)
		script += line[:begin] + paths.ReplaceAllString(line[begin:], "${1}"+root+"/${2}") + "\n"
	}
	return script
}

// newLogin is the environment of a login after a fix: what the commands left of the
// shell's own, what startup files set now, and PATH without what they no longer add.
func newLogin(t *testing.T, h host.Host, dump string, before []doctor.Assignment) host.Host {
	t.Helper()
	data, err := os.ReadFile(dump)
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for pair := range strings.SplitSeq(string(data), "\x00") {
		if name, value, found := strings.Cut(pair, "="); found && name != "PWD" && name != "_" && name != "OLDPWD" && name != "SHLVL" {
			env[name] = strings.ReplaceAll(value, strings.TrimSuffix(h.Path("/"), "/"), "")
		}
	}
	h.Env = env
	after := machineWith(t, h, doctor.Options{Offline: true}).Startup()
	for _, a := range after {
		if a.Name != "" && a.Name != "PATH" && !strings.Contains(a.Value, "$") {
			env[a.Name] = a.Value
		}
	}
	dirs := strings.Split(env["PATH"], ":")
	for _, a := range before {
		gone := !slices.ContainsFunc(after, func(b doctor.Assignment) bool { return b.Text == a.Text })
		if a.Name == "PATH" && gone {
			dirs = slices.DeleteFunc(dirs, func(dir string) bool {
				return strings.HasPrefix(a.Value, dir+":") || strings.HasSuffix(a.Value, ":"+dir)
			})
		}
	}
	env["PATH"] = strings.Join(dirs, ":")
	return h
}

// fixItself does what --fix does for an outcome: first with its undo, after which every file
// must be as before.
func fixItself(t *testing.T, m *doctor.Machine, o doctor.Outcome) {
	t.Helper()
	plan, err := doctor.Plan(m, doctor.Report{Outcomes: []doctor.Outcome{o}})
	if err != nil || len(plan) == 0 {
		t.Fatalf("--fix has no plan: %v", err)
	}
	if _, err := doctor.Apply(t.Context(), m, plan); err != nil {
		t.Fatal(err)
	}
	if _, err := doctor.Undo(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	for _, c := range plan {
		if data, err := m.ReadFile(c.Path); c.Before != nil && (err != nil || !slices.Equal(data, c.Before)) {
			t.Fatalf("%s after the undo: %q (%v), not %q", c.Path, data, err, c.Before)
		}
	}
	if _, err := doctor.Apply(t.Context(), m, plan); err != nil {
		t.Fatal(err)
	}
}

// TestFixes_endFindings applies the fix of every fixture that has one and can have one
// applied, and looks again in a new login.
func TestFixes_endFindings(t *testing.T) {
	t.Parallel()
	begin := prelude(t)
	var cases, ran, applied atomic.Int32
	t.Cleanup(func() {
		if n := applied.Load(); n < 30 && ran.Load() == cases.Load() {
			t.Errorf("only %d fixes were applied", n)
		}
	})
	for _, check := range doctor.Catalogue() {
		path := filepath.Join(checksDir, check.ID+".txtar")
		for _, c := range readCases(t, path) {
			if c.want != doctor.Warn && c.want != doctor.Fail || notSettled()[check.ID] != "" {
				continue
			}
			cases.Add(1)
			t.Run(check.ID+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				ran.Add(1)
				files := append(machineFiles(t, c.machine), hosttest.Archive(t, path, c.name+"/")...)
				files = append(files, hosttest.File{Path: "/home/ann/.config/go/telemetry/mode", Data: []byte("off\n")})
				h := hosttest.New(t, files)
				m := machineWith(t, h, c.options)
				o := examine(t, m, []doctor.Check{check}).Outcomes[0]
				script := onTree(o.Fix, strings.TrimSuffix(h.Path("/"), "/"))
				itself := strings.HasPrefix(o.Fix, fixesItself)
				if script == "" && !itself || h.Env["HOME"] == "" || notSettled()[check.ID+"/"+c.name] != "" {
					return
				}
				if itself {
					fixItself(t, m, o)
				}
				dump := filepath.Join(t.TempDir(), "env")
				cmd := exec.Command("/bin/sh", "-c", begin+sysctlOnTree(strings.TrimSuffix(h.Path("/"), "/"))+script+"env -0 >"+dump)
				cmd.Dir = h.Path(h.Dir)
				for name, value := range h.Env {
					if name == "HOME" || name == "GOENV" || strings.HasPrefix(name, "XDG_") {
						value = h.Path(value)
					}
					cmd.Env = append(cmd.Env, name+"="+value)
				}
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s\nfix: %s", err, out, o.Fix)
				}
				applied.Add(1)
				again := examine(t, machineWith(t, newLogin(t, h, dump, m.Startup()), c.options), []doctor.Check{check}).Outcomes[0]
				if again.Bad() {
					t.Errorf("after the fix it still complains: %s\n%s\nfix: %s", again.Status, textOf(again), o.Fix)
				}
			})
		}
	}
}
