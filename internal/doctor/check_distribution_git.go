package doctor

import (
	"context"
	"maps"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/goenv"
)

func gitCheck() Check {
	return Check{
		ID: "distribution.git", Group: Distribution, Slow: true, Weight: 6,
		Title:  "whether git is installed and trusts this repository",
		Why:    "go build asks git for the commit; git refuses a repository of another owner, and the build fails with \"error obtaining VCS status: exit status 128\"",
		Source: "PATH; git status in the working directory",
		Run:    runGit,
	}
}

func runGit(ctx context.Context, m *Machine) Result {
	if m.Find("git", m.Env["PATH"]) == "" {
		r := info("git is missing; private modules and GOPROXY=direct need it").fixWith("%s", m.install("git"))
		if list := goenv.Proxies(m.goSettings().GOPROXY().Value); len(list) > 0 && list[0].Direct {
			r.Status, r.Summary = Fail, "git is missing, and GOPROXY=direct needs it"
		}
		return r
	}
	repo := m.repository()
	if repo == "" {
		return ok("git is installed; this directory is not in a repository")
	}
	env := maps.Clone(m.Env)
	env["LC_ALL"] = "C" // its words are read
	out, err := m.Ask(ctx, hostCommand([]string{"git", "rev-parse", "--git-dir"}, env, m.Path(m.Dir)))
	switch {
	case err != nil:
		return skip("git does not answer: %v", err)
	case out.Status == 0:
		return ok("git is installed and trusts %s", repo)
	case !strings.Contains(out.Stderr, "dubious ownership"):
		return warn("git fails in %s", repo).at(repo, 0, "%s", firstLine(out.Stderr)).fixWith("git -C %s status", diag.Word(repo))
	}
	uid, _ := m.Owner(repo)
	r := fail("git does not trust %s, so go build fails", repo).at(repo, 0, "owned by user %d, you are %d", uid, m.UID)
	if flags := m.GoEnv("GOFLAGS").Value; strings.Contains(flags, "-buildvcs=false") {
		r = warn("git does not trust %s; go build ignores it (-buildvcs=false)", repo)
	}
	return r.fixWith("git config --global --add safe.directory %s", diag.Word(repo))
}

// repository is the directory with .git above the working directory.
func (m *Machine) repository() string { return m.above(".git") }

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}
