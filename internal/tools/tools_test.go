package tools_test

import (
	"archive/zip"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/tools"
	"github.com/vmgo/vmgo/internal/tools/chosen"
)

// bench is a kit that builds with the go of this machine, from a proxy in files.
type bench struct {
	tools.Kit
	t     *testing.T
	proxy string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT", "GOVERSION", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	facts := strings.Fields(string(out))
	version, err := gover.Parse(facts[1])
	if err != nil {
		t.Skip("the go command is no release: " + facts[1])
	}
	base := t.TempDir()
	b := &bench{t: t, proxy: base + "/proxy"}
	b.Kit = tools.Kit{
		Host: host.OS(), Data: base + "/data", Bin: base + "/bin", Builder: tools.Builder{Version: version, GOROOT: facts[0]},
		Env: map[string]string{
			"HOME": base, "PATH": os.Getenv("PATH"), "GOPROXY": "file://" + b.proxy, "GOSUMDB": "off", "GOFLAGS": "-modcacherw",
			"GOCACHE": facts[2], "GOMODCACHE": base + "/mod", "GOTOOLCHAIN": "local", "GOENV": "off",
		},
		Lines: []gover.Version{version.Lang()},
	}
	return b
}

// publish puts a version of a module into the proxy: a program at its root that
// prints its version, and files.
func (b *bench) publish(path, version, goLine string, files map[string]string) {
	b.t.Helper()
	dir := filepath.Join(b.proxy, path, "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	mod := "module " + path + "\n\ngo " + goLine + "\n"
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	list, _ := os.ReadFile(filepath.Join(dir, "list"))
	write("list", string(list)+version+"\n")
	write(version+".info", `{"Version":"`+version+`","Time":"2026-01-02T03:04:05Z"}`)
	write(version+".mod", mod)
	f, err := os.Create(filepath.Join(dir, version+".zip"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	archive := zip.NewWriter(f)
	all := map[string]string{"go.mod": mod, "main.go": "package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(\"" + version + " \" + os.Getenv(\"GOROOT\") + \"\\n\") }\n"}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		w, err := archive.Create(path + "@" + version + "/" + name)
		if err != nil {
			b.t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			b.t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) install(text string) (tools.Receipt, bool, error) {
	b.t.Helper()
	request, err := tools.ParseRequest(text)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.Install(context.Background(), request)
}

func (b *bench) runs(name, want string) {
	b.t.Helper()
	out, err := exec.Command(filepath.Join(b.Bin, name)).Output()
	if err != nil || !strings.HasPrefix(string(out), want+" ") {
		b.t.Errorf("%s prints %q, want %s (%v)", name, out, want, err)
	}
}

func TestInstall_takesTheNewestVersionThatFitsAndSwitchesBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, v := range []string{"v1.0.0", "v1.1.0", "v1.2.0-rc.1"} {
		b.publish("example.org/x/hello", v, "1.20", nil)
	}
	r, built, err := b.install("example.org/x/hello@v1.0.0")
	if err != nil || !built || r.Version != "v1.0.0" || r.Needs != "1.20" || r.Builder != b.Builder.Version.String() || r.Sum == "" || len(r.SHA256) != 64 {
		t.Fatalf("%+v, %v, %v", r, built, err)
	}
	b.runs("hello", "v1.0.0")
	b.publish("example.org/x/hello", "v1.3.0", "1.99", nil)
	b.publish("example.org/x/hello", "v1.4.0", "1.99.1", nil)
	if r, built, err = b.install("example.org/x/hello"); err != nil || !built || r.Version != "v1.1.0" || r.Requested != "latest" {
		t.Fatalf("%+v, %v, %v", r, built, err)
	}
	b.runs("hello", "v1.1.0")
	if _, built, err := b.install("example.org/x/hello@latest"); err != nil || built {
		t.Errorf("it is built again: %v", err)
	}
	if newest, err := b.Newest(context.Background(), r); err != nil || newest != "v1.1.0" {
		t.Errorf("newest %q, %v", newest, err)
	}
	if back, err := b.Rollback("hello"); err != nil || back.Version != "v1.0.0" {
		t.Errorf("%+v, %v", back, err)
	}
	b.runs("hello", "v1.0.0")
	if _, err := b.Rollback("hello"); err != nil {
		t.Error(err)
	}
	b.runs("hello", "v1.1.0")
	release, err := b.Lock(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	release()
	if all, err := b.List(); err != nil || len(all) != 1 || all[0].Version != "v1.1.0" {
		t.Errorf("%+v, %v", all, err)
	}
	if err := b.Remove("hello"); err != nil {
		t.Error(err)
	}
	for _, path := range []string{b.Bin + "/hello", b.Data + "/tools/hello"} {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s is left", path)
		}
	}
}

func TestInstall_saysWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.publish("example.org/x/young", "v1.0.0", "1.99", nil)
	b.publish("example.org/x/broken", "v1.0.0", "1.20", map[string]string{"x.go": "package main\n\nvar x int = \"\"\n"})
	for text, want := range map[string]string{
		"example.org/x/young":        "no version of young fits",
		"example.org/x/young@v1.0.0": "young v1.0.0 needs Go 1.99",
		"example.org/x/broken":       "cannot build broken v1.0.0",
		"example.org/x/missing":      "cannot find example.org/x/missing@latest",
	} {
		if _, _, err := b.install(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if all, err := b.List(); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
	if left, _ := filepath.Glob(b.Data + "/tools/.stage-*"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	b.Env["GOPROXY"] = "off"
	if _, _, err := b.install("example.org/x/other"); diag.CodeOf(err) != diag.Offline {
		t.Errorf("offline: %v", err)
	}
}

func TestInstall_leavesProgramsOfOthers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.publish("example.org/x/hello", "v1.0.0", "1.20", nil)
	if err := os.MkdirAll(b.Bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.Bin+"/hello", []byte("mine"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.install("example.org/x/hello"); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("%v", err)
	}
	b.Force = true
	if _, _, err := b.install("example.org/x/hello"); err != nil {
		t.Error(err)
	}
	b.runs("hello", "v1.0.0")
}

// compat is the file of Delve that says which releases it debugs.
func compat(low, high string) map[string]string {
	return map[string]string{"pkg/goversion/compat.go": "package goversion\n\nvar (\n\tMinSupportedVersionOfGoMajor = 1\n\tMinSupportedVersionOfGoMinor = " + low +
		"\n\tMaxSupportedVersionOfGoMajor = 1\n\tMaxSupportedVersionOfGoMinor = " + high + "\n)\n", "cmd/dlv/main.go": "package main\n\nfunc main() {}\n"}
}

func TestInstall_picksDelveByTheRelease(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.publish("github.com/go-delve/delve", "v1.1.0", "1.20", compat("18", "20"))
	b.publish("github.com/go-delve/delve", "v1.2.0", "1.20", compat("20", "22"))
	b.publish("github.com/go-delve/delve", "v1.3.0", "1.20", compat("24", "26"))
	b.Env["GOPROXY"] += ",http://127.0.0.1:1" // what is no module is not found here, and there nobody answers
	b.Lines = nil
	for _, line := range []string{"1.17", "1.20", "1.22", "1.23", "1.25", "1.27"} {
		v, err := gover.Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		b.Lines = append(b.Lines, v)
	}
	check := func(want map[string]string) {
		t.Helper()
		for line, build := range want {
			program, flags := chosen.DelveFor(b.Data, line)
			real, _ := filepath.EvalSymlinks(program)
			got := ""
			if program != "" {
				got = strings.Join(append([]string{filepath.Base(filepath.Dir(filepath.Dir(real)))}, flags...), " ")
			}
			if got != build {
				t.Errorf("Go %s gets dlv %q, want %q", line, got, build)
			}
		}
	}
	if _, _, err := b.install("dlv"); err != nil {
		t.Fatal(err)
	}
	check(map[string]string{
		"": "v1.3.0", "1.17": "v1.3.0 --check-go-version=false", "1.20": "v1.2.0", "1.22": "v1.2.0", "1.23": "v1.3.0 --check-go-version=false",
		"1.25": "v1.3.0", "1.27": "", "1.99": "",
	})
	// A version that was asked for serves all but newer releases.
	if _, _, err := b.install("dlv@v1.2.0"); err != nil {
		t.Fatal(err)
	}
	check(map[string]string{"1.17": "v1.2.0 --check-go-version=false", "1.20": "v1.2.0", "1.23": "", "1.25": ""})
}

func TestSync_buildsAgainWhatAnOlderReleaseBuilt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.publish("example.org/x/hello", "v1.0.0", "1.20", nil)
	first, _, err := b.install("example.org/x/hello")
	if err != nil {
		t.Fatal(err)
	}
	b.publish("example.org/x/hello", "v1.1.0", "1.20", nil)
	newer, err := gover.Parse("1.99.0") // by its number: it is the same go command
	if err != nil {
		t.Fatal(err)
	}
	b.Builder.Version = newer
	now, built, err := b.Sync(context.Background(), first)
	if err != nil || !built || now.Version != "v1.0.0" || now.Builder != newer.String() || now.Requested != "latest" {
		t.Errorf("%+v, %v, %v", now, built, err)
	}
	if back, err := b.Rollback("hello"); err != nil || back.Builder != first.Builder {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestParseRequest(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"gopls": "golang.org/x/tools/gopls latest gopls", "dlv@v1.25": "github.com/go-delve/delve/cmd/dlv v1.25 dlv",
		"golangci-lint":           "github.com/golangci/golangci-lint/v2/cmd/golangci-lint latest golangci-lint",
		"golangci-lint@v1.64.8":   "github.com/golangci/golangci-lint/cmd/golangci-lint v1.64.8 golangci-lint",
		"golangci-lint@v1":        "github.com/golangci/golangci-lint/cmd/golangci-lint v1 golangci-lint",
		"example.org/x/v3@v3.1.0": "example.org/x/v3 v3.1.0 x",
	} {
		if w, err := tools.ParseRequest(text); err != nil || w.Package+" "+w.Query+" "+w.Name() != want {
			t.Errorf("%s: %+v, %v", text, w, err)
		}
	}
	for _, text := range []string{"", "unknown", "-x", "./cmd/x", "/abs", "example.org/x@", "example.org/x@-x", "example.org/../x", "a b.c/d", "@latest"} {
		if w, err := tools.ParseRequest(text); diag.CodeOf(err) != diag.Usage {
			t.Errorf("%q: %+v, %v", text, w, err)
		}
	}
}

func TestGoEnv_takesWhereModulesComeFromAndNothingElse(t *testing.T) {
	t.Parallel()
	env := map[string]string{"HOME": "/h", "PATH": "/bin", "GOFLAGS": "-mod=vendor", "GOOS": "js", "GOROOT": "/old", "CGO_ENABLED": "0", "GOPROXY": "https://p.test", "SSL_CERT_FILE": "/c"}
	got := tools.GoEnv(env, goenv.Settings{Env: env, User: goenv.File{Path: "/e", Text: "GOPRIVATE=git.test\nGOFLAGS=-x\n"}}, false)
	for name, want := range map[string]string{
		"HOME": "/h", "GOPROXY": "https://p.test", "GOPRIVATE": "git.test", "GOFLAGS": "", "GOOS": "", "GOROOT": "", "CGO_ENABLED": "",
		"GOTOOLCHAIN": "local", "GOENV": "off", "SSL_CERT_FILE": "/c",
	} {
		if got[name] != want {
			t.Errorf("%s=%q, want %q", name, got[name], want)
		}
	}
	if got := tools.GoEnv(env, goenv.Settings{Env: env}, true); got["GOPROXY"] != "off" {
		t.Errorf("offline: %q", got["GOPROXY"])
	}
}

func TestList_refusesNewerReceipts(t *testing.T) {
	t.Parallel()
	k := tools.Kit{Host: host.OS(), Data: t.TempDir()}
	dir := k.Data + "/tools/x/" + chosen.Current
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(map[string]any{"format": 2, "name": "x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/receipt.json", data, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := k.List(); diag.CodeOf(err) != diag.NewerFormat {
		t.Errorf("%v", err)
	}
}

// A build that was killed leaves nothing behind its next writer, one that failed nothing at all.
func TestLock_removesUnfinishedBuilds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.publish("example.com/broken", "v1.0.0", "1.20", map[string]string{"main.go": "package main\n\nfunc main() { none() }\n"})
	if err := os.MkdirAll(filepath.Join(chosen.Tools(b.Data), ".stage-1/half"), 0o755); err != nil {
		t.Fatal(err)
	}
	release, err := b.Lock(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if _, _, err := b.Install(t.Context(), tools.Request{Package: "example.com/broken", Query: "latest"}); err == nil {
		t.Error("a broken program was built")
	}
	left, err := os.ReadDir(chosen.Tools(b.Data))
	if err != nil || len(left) != 1 || left[0].Name() != ".lock" {
		t.Errorf("left: %v, %v", left, err)
	}
}
