package doctor_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/doctor"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/host/hosttest"
	"github.com/vmgo/vmgo/internal/ui"
)

// healthy is the common machine as one of the fixtures.
func healthy(t *testing.T, o doctor.Options) *doctor.Machine {
	t.Helper()
	return machineWith(t, hosttest.New(t, machineFiles(t, "ubuntu-24.04-kvm")), o)
}

func TestCatalogue_isWellFormed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range doctor.Catalogue() {
		if seen[c.ID] {
			t.Errorf("%s is there twice", c.ID)
		}
		seen[c.ID] = true
		if !strings.HasPrefix(c.ID, string(c.Group)+".") {
			t.Errorf("%s is not named after its group %s", c.ID, c.Group)
		}
		if c.Title == "" || c.Why == "" || c.Source == "" || c.Weight < 1 || c.Weight > 9 {
			t.Errorf("%s lacks a title, a reason, a source or a weight", c.ID)
		}
	}
}

func TestSelect(t *testing.T) {
	t.Parallel()
	picked, err := doctor.Select(doctor.Catalogue(), []string{"hook", "machine.swap", "hook.order"}, []string{"hook.path"})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, c := range picked {
		ids = append(ids, c.ID)
	}
	want := "hook.loaded hook.order hook.shims hook.stale hook.editor machine.swap"
	if got := strings.Join(ids, " "); got != want {
		t.Errorf("picked %s, want %s", got, want)
	}
	for _, unknown := range [][2][]string{{{"hook.nothing"}, nil}, {nil, {"hook.nothing"}}} {
		if _, err := doctor.Select(doctor.Catalogue(), unknown[0], unknown[1]); diag.CodeOf(err) != diag.Usage {
			t.Errorf("an unknown check gives %v, want a usage error", err)
		}
	}
}

// What was written with an earlier vmgo stays valid: words of --only and --skip, baselines.
func TestSelect_earlierIDs(t *testing.T) {
	t.Parallel()
	const earlier, present = "toolchain.inforce", "toolchain.selected"
	picked, err := doctor.Select(doctor.Catalogue(), []string{earlier}, nil)
	if err != nil || len(picked) != 1 || picked[0].ID != present {
		t.Errorf("--only %s selects %v (%v), want %s", earlier, picked, err, present)
	}
	left, err := doctor.Select(doctor.Catalogue(), []string{present, "toolchain.build"}, []string{earlier})
	if err != nil || len(left) != 1 || left[0].ID == present {
		t.Errorf("--skip %s leaves %v (%v)", earlier, left, err)
	}
	finding := doctor.Outcome{Check: picked[0], Result: doctor.Result{Status: doctor.Warn}}
	var baseline doctor.Document
	baseline.Checks = append(baseline.Checks, doctor.CheckSummary{ID: earlier, Status: doctor.Warn})
	if n := len((doctor.Report{Outcomes: []doctor.Outcome{finding}}).Since(baseline).Outcomes); n != 0 {
		t.Errorf("%d findings beside a baseline with %s, want none", n, earlier)
	}
}

// A quick run starts nothing, asks nobody and waits for nothing, whatever the
// machine is like.
func TestRun_quick(t *testing.T) {
	t.Parallel()
	for _, name := range machineNames(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := hosttest.New(t, machineFiles(t, name))
			h.Run = func(cmd *exec.Cmd) error {
				t.Errorf("starts %q", cmd.Args)
				return errors.New("not here")
			}
			h.Transport = refusing{t}
			h.Sys.Lookup = func(_ context.Context, name string) ([]string, error) {
				t.Errorf("looks up %s", name)
				return nil, errors.New("not here")
			}
			m := machineWith(t, h, doctor.Options{Quick: true})
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				report := doctor.Run(t.Context(), m, doctor.Catalogue())
				if took := time.Since(began); took > 0 {
					t.Errorf("it waits for %v", took)
				}
				if n := report.Count(doctor.Skip); n == len(report.Outcomes) {
					t.Error("it looks at nothing")
				}
			})
		})
	}
}

// refusing is a network that nobody may use.
type refusing struct{ t *testing.T }

func (r refusing) RoundTrip(request *http.Request) (*http.Response, error) {
	r.t.Errorf("asks %s", request.URL)
	return nil, errors.New("not here")
}

func TestRun_leavesHangingChecksBehind(t *testing.T) {
	t.Parallel()
	checks := []doctor.Check{
		{ID: "hook.deaf", Group: doctor.Hook, Run: func(context.Context, *doctor.Machine) doctor.Result {
			time.Sleep(time.Hour) // does not look at its context
			return doctor.Result{Status: doctor.OK}
		}},
		{ID: "hook.slow", Group: doctor.Hook, Limit: time.Minute, Run: func(context.Context, *doctor.Machine) doctor.Result {
			time.Sleep(59 * time.Second)
			return doctor.Result{Status: doctor.OK, Summary: "slow"}
		}},
		{ID: "hook.broken", Group: doctor.Hook, Run: func(context.Context, *doctor.Machine) doctor.Result {
			panic(errors.New("index out of range"))
		}},
		{ID: "hook.fine", Group: doctor.Hook, Run: func(context.Context, *doctor.Machine) doctor.Result {
			return doctor.Result{Status: doctor.OK, Summary: "fine"}
		}},
	}
	var report doctor.Report
	synctest.Test(t, func(t *testing.T) {
		report = doctor.Run(t.Context(), healthy(t, doctor.Options{}), checks)
		time.Sleep(time.Hour) // until the deaf one ends
	})
	for i, want := range []string{"no answer within 15s", "slow", "the check itself failed: index out of range", "fine"} {
		if got := report.Outcomes[i].Summary; got != want {
			t.Errorf("outcome %d is %q, want %q", i, got, want)
		}
	}
	if report.Count(doctor.Skip) != 2 || !report.OK() {
		t.Errorf("%d skipped, ok %v", report.Count(doctor.Skip), report.OK())
	}
}

// What heads the report is found out within a limit, too.
func TestRun_leavesAHangingMachineBehind(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	h := hosttest.New(t, machineFiles(t, "ubuntu-24.04-kvm"))
	h.Sys.CPU = func() host.CPU { <-hang; return host.CPU{} }
	m := machineWith(t, h, doctor.Options{Limits: doctor.Limits{Check: 20 * time.Millisecond}})
	fine := doctor.Check{ID: "hook.fine", Group: doctor.Hook, Limit: time.Hour, Run: func(context.Context, *doctor.Machine) doctor.Result {
		return doctor.Result{Status: doctor.OK, Summary: "fine"}
	}}
	done := make(chan doctor.Report)
	go func() { done <- doctor.Run(t.Context(), m, []doctor.Check{fine}) }()
	select {
	case report := <-done:
		if report.Outcomes[0].Summary != "fine" || report.Summary.VM != "unknown machine" {
			t.Errorf("%+v, %+v", report.Summary, report.Outcomes)
		}
	case <-time.After(60 * time.Second):
		t.Fatal("the run waits for ever")
	}
}

func TestRun_offlineAsksNobody(t *testing.T) {
	t.Parallel()
	report := examine(t, healthy(t, doctor.Options{Offline: true}), doctor.Catalogue())
	for _, o := range report.Outcomes {
		if o.Check.Online && (o.Status != doctor.Skip || !strings.Contains(o.Summary, "offline")) {
			t.Errorf("%s: %s %s", o.Check.ID, o.Status, o.Summary)
		}
	}
}

func TestMachine_redact(t *testing.T) {
	t.Parallel()
	m := healthy(t, doctor.Options{})
	for text, want := range map[string]string{
		"/home/ann/app":                            "~/app",
		"in /home/ann, and /home/anna":             "in ~, and /home/anna",
		"/srv/home/ann/x":                          "/srv/home/ann/x",
		"PATH=/home/ann/bin:/home/ann":             "PATH=~/bin:~",
		"https://ann:hunter2@proxy.test/x":         "https://***@proxy.test/x",
		"http://token@proxy.test":                  "http://***@proxy.test",
		"GITHUB_TOKEN=ghp_abc GOPROXY=direct":      "GITHUB_TOKEN=*** GOPROXY=direct",
		`password: "two words" next`:               "password: *** next",
		"AWS_SECRET_ACCESS_KEY=abc/def":            "AWS_SECRET_ACCESS_KEY=***",
		"Authorization: Bearer abcdefgh12345678":   "Authorization: Bearer ***",
		"url?access_key=abc&x=1":                   "url?access_key=***&x=1",
		"https://proxy.test/@v/list is no secret":  "https://proxy.test/@v/list is no secret",
		"https://proxy.test:8080/@v/list":          "https://proxy.test:8080/@v/list",
		"HTTPS_PROXY=ann:hunter2@proxy.test:3128":  "HTTPS_PROXY=***@proxy.test:3128",
		"http://ann:p@ss/word@proxy.test":          "http://***@proxy.test",
		"http://ann:hun/ter2@proxy.test/x":         "http://***@proxy.test/x",
		"https://a:b@one.test,https://c:d@two":     "https://***@one.test,https://***@two",
		"export GOROOT=/x MYSQL_PWD=hunter2":       "export GOROOT=/x MYSQL_PWD=***",
		"set -gx DEPLOY_TOKEN hunter2; setenv X y": "set -gx DEPLOY_TOKEN ***; setenv X y",
		"curl --token hunter2 url":                 "curl --token *** url",
		"GOAUTH=hunter2":                           "GOAUTH=***",
		"ghp_0123456789abcdef0123 is one":          "*** is one",
		"git@example.test:team/repo":               "git@example.test:team/repo",
		"ssh -L 80:127.0.0.1:80 ann@ADDRESS":       "ssh -L 80:127.0.0.1:80 ann@ADDRESS",
		"wants a password (status 401)":            "wants a password (status 401)",
	} {
		if got := m.Redact(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// A secret of the environment is hidden wherever an error repeats it.
func TestMachine_redactsSecretsOfTheEnvironment(t *testing.T) {
	t.Parallel()
	h := hosttest.New(t, machineFiles(t, "ubuntu-24.04-kvm"))
	h.Env["HTTPS_PROXY"] = "http://ann:sword fish@proxy.test"
	h.Env["HTTP_PROXY"] = "http://ann:swordfish/x@proxy.test"
	h.Env["DEPLOY_TOKEN"] = "opensesame"
	m := machineWith(t, h, doctor.Options{})
	for text, want := range map[string]string{
		`invalid port ":swordfish/x" after host`:  `invalid port ":***" after host`,
		"sent opensesame":                         "sent ***",
		"HTTPS_PROXY=http://ann:sword fish@proxy": "HTTPS_PROXY=http://***@proxy",
	} {
		if got := m.Redact(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// A fix is pasted into a shell, so the home directory has to be written in a way that
// the shell makes it one again.
func TestRun_fixesNameHomeAsShellsDo(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	h := hosttest.New(t, machineFiles(t, "ubuntu-24.04-kvm"))
	h.Env["HOME"] = home
	command := "printf '%s\\n' " + home + "/a X=" + home + ` "$PATH:` + home + `/b" '` + home + "/c d' " + home
	check := doctor.Check{ID: "hook.any", Group: doctor.Hook, Run: func(context.Context, *doctor.Machine) doctor.Result {
		return doctor.Result{Status: doctor.Warn, Fix: "true\n" + command}
	}}
	fix := doctor.Run(t.Context(), machineWith(t, h, doctor.Options{}), []doctor.Check{check}).Outcomes[0].Fix
	if strings.Contains(fix, home) {
		t.Fatalf("the fix has the home directory in it: %s", fix)
	}
	for _, shell := range []string{"sh", "bash", "zsh", "fish"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("%s is not installed", shell)
			continue
		}
		cmd := exec.Command(path, "-c", fix)
		cmd.Env = []string{"HOME=" + home, "PATH=/usr/bin:/bin"}
		out, err := cmd.CombinedOutput()
		want := home + "/a\nX=" + home + "\n/usr/bin:/bin:" + home + "/b\n" + home + "/c d\n" + home + "\n"
		if err != nil || string(out) != want {
			t.Errorf("%s makes of %s\n%s%v\nwant\n%s", shell, fix, out, err, want)
		}
	}
}

// git's words are understood whatever language the user speaks.
func TestGit_isAskedInEnglish(t *testing.T) {
	t.Parallel()
	h := hosttest.New(t, append(machineFiles(t, "ubuntu-24.04-kvm"), hosttest.File{Path: "/home/ann/app/.git/HEAD"}))
	h.Env["LC_ALL"], h.Env["LANGUAGE"] = "de_DE.UTF-8", "de"
	h.Run = func(cmd *exec.Cmd) error {
		text := "fatal: Zweifelhafte Eigentümerschaft\n"
		if slices.Contains(cmd.Env, "LC_ALL=C") {
			text = "fatal: detected dubious ownership in repository\n"
		}
		_, err := io.WriteString(cmd.Stderr, text)
		return errors.Join(exitStatus(128), err)
	}
	o := examine(t, machineWith(t, h, doctor.Options{}), pick(t, "distribution.git")).Outcomes[0]
	if o.Status != doctor.Fail || !strings.Contains(o.Fix, "safe.directory") {
		t.Errorf("%s\n%s", o.Status, textOf(o))
	}
}

type exitStatus int

func (e exitStatus) Error() string { return "exit status" }
func (e exitStatus) ExitCode() int { return int(e) }

// What files and names have in them cannot drive the terminal.
func TestRun_showsNoControlCharacters(t *testing.T) {
	t.Parallel()
	h := hosttest.New(t, append(machineFiles(t, "ubuntu-24.04-kvm"), hosttest.File{Path: "/etc/os-release", Data: []byte("ID=x\nPRETTY_NAME=\"a\x1b[31mb\"\n")}))
	const evil = "x\x1b]0;y\x07\u009b31m\r"
	check := doctor.Check{ID: "hook.any", Group: doctor.Hook, Run: func(context.Context, *doctor.Machine) doctor.Result {
		return doctor.Result{Status: doctor.Warn, Summary: evil, Detail: evil, Fix: "true " + evil + "\nfalse", Evidence: []doctor.Evidence{{Path: evil, Value: evil}}}
	}}
	var out strings.Builder
	report := doctor.Run(t.Context(), machineWith(t, h, doctor.Options{}), []doctor.Check{check})
	if err := report.Print(&out, ui.Palette(false), 0, true); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexFunc(out.String(), func(r rune) bool { return r != '\n' && unicode.IsControl(r) }); i >= 0 {
		t.Errorf("%q", out.String()[i:])
	}
	if fix := report.Outcomes[0].Fix; len(strings.Split(fix, "\n")) != 2 {
		t.Errorf("the fix is %q", fix)
	}
}

func TestReport_print(t *testing.T) {
	t.Parallel()
	files := append(machineFiles(t, "ubuntu-24.04-kvm"), hosttest.File{Path: "/machine", Data: []byte(
		"env GO111MODULE=off\nenv GOFLAGS=-mod\nmode 0777 /home/ann/go\nenv GOSUMDB=off\nenv HTTPS_PROXY=http://ann:hunter2@cache.test:1\n")})
	report := examine(t, machineWith(t, hosttest.New(t, files), doctor.Options{Offline: true}), doctor.Catalogue())
	var plain, coloured, page strings.Builder
	if err := errors.Join(report.Print(&plain, false, 0, false), report.Print(&coloured, ui.Palette(true), 0, false),
		report.HTML(&page, time.Unix(0, 0))); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"text": plain.String(), "page": page.String()} {
		if strings.Contains(text, "hunter2") || strings.Contains(text, "/home/ann") {
			t.Errorf("the %s shows a secret or the home directory", name)
		}
		if !strings.Contains(text, "GO111MODULE=off") || !strings.Contains(text, "chmod o-w ~/go") {
			t.Errorf("the %s lacks evidence or a fix:\n%s", name, text)
		}
	}
	if strings.Contains(plain.String(), "\x1b") || !strings.Contains(coloured.String(), "\x1b[31m✗") {
		t.Error("colour does not follow the palette")
	}
	_, end, _ := strings.Cut(plain.String(), "What helps most\n")
	for i, id := range []string{"security.gopath", "toolchain.goflags", "toolchain.go111module"} {
		if !strings.Contains(end, string(rune('1'+i))+". "+id) {
			t.Errorf("fix %d is not that of %s:\n%s", i+1, id, end)
		}
	}
	if report.OK() {
		t.Error("a report with failures is ok")
	}
}

func TestReport_html_escapes(t *testing.T) {
	t.Parallel()
	report := doctor.Report{Outcomes: []doctor.Outcome{{
		Check: doctor.Check{ID: "hook.x", Group: doctor.Hook, Title: "<t>", Why: "&", Source: "<s>"},
		Result: doctor.Result{
			Status: doctor.Fail, Summary: "<script>alert(1)</script>", Detail: "a<b", Fix: `echo "<x>"`,
			Evidence: []doctor.Evidence{{Path: "/<p>", Value: "'<v>'"}},
		},
	}}}
	var page strings.Builder
	if err := report.HTML(&page, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"<script>alert", "<t>", "<s>", "<x>", "<p>\"", "<v>"} {
		if strings.Contains(page.String(), tag) {
			t.Errorf("the page has %s unescaped", tag)
		}
	}
}
