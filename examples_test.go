package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/fleet/yamlfile"
)

// exampleProject builds examples/ci as its Dockerfile and its pipeline say, with a
// release from a server of the test. Neither Docker nor GitLab is here: the test
// reads both files and runs their commands in Debian trees.
func exampleProject(t *testing.T, releases string) {
	server := httptest.NewServer(http.StripPrefix("/download/v", http.FileServer(http.Dir(releases))))
	t.Cleanup(server.Close)
	upstream, _, _ := strings.Cut(strings.ReplaceAll(proxyOrSkip(t), "|", ","), ",")
	proxy := httptest.NewServer(passOn(upstream))
	t.Cleanup(proxy.Close)
	env := []string{"VERSION_OF_VMGO=0.1.0", "RELEASES_OF_VMGO=" + server.URL, "GOPROXY=" + proxy.URL}
	project := filepath.Join(t.TempDir(), "project")
	command(t, "", nil, "cp", "-R", "examples/ci", project)
	command(t, "", nil, "tar", "-C", project, "-xzf", strings.TrimSuffix(releases, "/release")+tarFile("0.1.0"), "--strip-components=3", "--wildcards", "*/share/vmgo/install.sh")
	t.Run("Dockerfile", func(t *testing.T) { buildImage(t, project, env) })
	t.Run("GitLab", func(t *testing.T) { runPipeline(t, project, env) })
}

// newBuilder returns a Debian tree with this machine's network.
func newBuilder(t *testing.T, env []string) *debian {
	d := newDebian(t, "trixie")
	d.net, d.env = []string{"env"}, slices.Clone(env)
	command(t, "", nil, "cp", "/etc/resolv.conf", filepath.Join(d.root, "etc/resolv.conf"))
	return d
}

// image is the state of a Dockerfile as its instructions are carried out.
type image struct {
	*debian
	context string
	args    []string          // of the build
	stages  map[string]string // name: root
	dir     string            // WORKDIR
	start   []string          // ENTRYPOINT
}

// buildImage carries out the instructions of the Dockerfile and asks the service of
// its last stage.
func buildImage(t *testing.T, project string, args []string) {
	text, err := os.ReadFile(filepath.Join(project, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	im := &image{debian: &debian{t: t}, context: project, args: args, stages: map[string]string{}}
	lines := strings.ReplaceAll(string(text), "\\\n", " ")
	for line := range strings.Lines(lines) {
		if word, rest, _ := strings.Cut(strings.TrimSpace(line), " "); word != "" && !strings.HasPrefix(word, "#") {
			im.carryOut(word, strings.TrimSpace(rest))
		}
	}
	if im.user == "" || len(im.start) != 1 {
		t.Fatalf("the image starts %q as %q", im.start, im.user)
	}
	service := exec.Command("chroot", "--userspec="+im.user, im.root, im.start[0])
	service.Env = []string{"LISTEN=127.0.0.1:0"}
	out, err := service.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = service.Process.Kill()
		_ = service.Wait()
	}()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get("http://" + strings.TrimSpace(address))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if !regexp.MustCompile(`^[0-9a-f-]{36} go1\.26\.8\n$`).Match(body) {
		t.Errorf("the service answers %q, %v", body, err)
	}
	if files := command(t, im.root, nil, "find", ".", "-type", "f"); strings.Count(files, "\n") != 2 {
		t.Errorf("the image has\n%s", files)
	}
}

func (im *image) carryOut(instruction, rest string) {
	im.t.Helper()
	words := strings.Fields(rest)
	switch instruction {
	case "FROM":
		im.from(words)
	case "ARG":
		name, _, hasDefault := strings.Cut(rest, "=")
		given := slices.IndexFunc(im.args, func(arg string) bool { return strings.HasPrefix(arg, name+"=") })
		if given >= 0 {
			im.env = append(im.env, im.args[given])
		} else if hasDefault {
			im.env = append(im.env, rest)
		}
	case "WORKDIR":
		im.dir = rest
		im.check(os.MkdirAll(filepath.Join(im.root, rest), 0o755))
	case "COPY":
		im.copy(words)
	case "RUN":
		if out, err := im.try("cd " + im.dir + " && " + rest); err != nil {
			im.t.Fatalf("RUN %s\n%v\n%s", rest, err, out)
		}
	case "USER":
		im.user = rest
	case "ENTRYPOINT":
		im.start = strings.Split(strings.Trim(rest, `[]"`), `", "`)
	default:
		im.t.Fatalf("unknown instruction %s", instruction)
	}
}

func (im *image) from(words []string) {
	im.t.Helper()
	switch words[0] {
	case "debian:13-slim":
		im.debian = newBuilder(im.t, nil)
	case "scratch":
		im.debian = &debian{t: im.t, root: im.t.TempDir()}
		im.check(os.Chmod(im.root, 0o755))
	default:
		im.t.Fatalf("unknown image %s", words[0])
	}
	im.dir = "/"
	if len(words) == 3 {
		im.stages[words[2]] = im.root
	}
}

func (im *image) copy(words []string) {
	im.t.Helper()
	from := im.context
	if stage, found := strings.CutPrefix(words[0], "--from="); found {
		from, words = im.stages[stage], words[1:]
	}
	to := words[len(words)-1]
	target := filepath.Join(im.root, to)
	if !filepath.IsAbs(to) {
		target = filepath.Join(im.root, im.dir, to)
	}
	if strings.HasSuffix(to, "/") {
		im.check(os.MkdirAll(target, 0o755))
	}
	for _, name := range words[:len(words)-1] {
		source := filepath.Join(from, name)
		if name == "." {
			source += "/."
		}
		command(im.t, "", nil, "cp", "-RL", "--", source, target)
	}
}

func (im *image) check(err error) {
	im.t.Helper()
	if err != nil {
		im.t.Fatal(err)
	}
}

// pipeline is what the test reads of .gitlab-ci.yml.
type pipeline struct {
	Variables map[string]string
	Default   struct {
		Image        string
		BeforeScript []string `yaml:"before_script"`
	}
	Test, Build struct {
		Script    []string
		Artifacts struct {
			Paths   []string
			Reports map[string]string
		}
	}
}

// runPipeline runs both jobs, the second with the cache of the first.
func runPipeline(t *testing.T, project string, variables []string) {
	text, err := os.ReadFile(filepath.Join(project, ".gitlab-ci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var p pipeline
	if err := yamlfile.Decode(text, &p); err != nil {
		t.Fatal(err)
	}
	if p.Default.Image != "debian:13-slim" {
		t.Fatalf("unknown image %q", p.Default.Image)
	}
	env := []string{"CI=true", "CI_PROJECT_DIR=/builds/group/service"}
	for name, value := range p.Variables {
		env = append(env, name+"="+strings.ReplaceAll(value, "$CI_PROJECT_DIR", "/builds/group/service"))
	}
	d := newBuilder(t, append(env, variables...))
	dir := filepath.Join(d.root, "builds/group/service")
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	command(t, "", nil, "cp", "-R", project, dir)
	for _, job := range []struct {
		script, leaves []string
	}{
		{p.Test.Script, []string{p.Test.Artifacts.Reports["junit"]}},
		{p.Build.Script, p.Build.Artifacts.Paths},
	} {
		// The runner gives all lines to one bash.
		lines := strings.Join(append(slices.Clone(p.Default.BeforeScript), job.script...), "\n")
		out, err := d.try("cd /builds/group/service\n"+lines, "bash", "-eo", "pipefail", "-c")
		if err != nil {
			t.Fatalf("%s\n%v\n%s", lines, err, out)
		}
		t.Log(out)
		for _, name := range job.leaves {
			if _, err := os.Stat(filepath.Join(dir, name)); name == "" || err != nil {
				t.Error(fmt.Errorf("artifact %q: %w", name, err))
			}
		}
	}
	wants(t, command(t, "", nil, "go", "version", "-m", filepath.Join(dir, "service")), "go1.26.8", "github.com/google/uuid")
	wants(t, command(t, dir, nil, "cat", "report.xml"), "<testcase")
}
