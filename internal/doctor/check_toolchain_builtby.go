package doctor

import (
	"context"
	"debug/buildinfo"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/gover"
	usertools "github.com/vmgo/vmgo/internal/tools/chosen"
	"github.com/vmgo/vmgo/internal/ui"
)

func builtByCheck() Check {
	return Check{
		ID: "toolchain.built-by", Group: Toolchain, Weight: 3,
		Title:  "which releases built the programs in GOBIN",
		Why:    "a program keeps the vulnerabilities of the release that built it; gopls and dlv must not be older than the selected Go",
		Source: "build information inside each program (go version FILE)",
		Run:    runBuiltBy,
	}
}

func runBuiltBy(ctx context.Context, m *Machine) Result {
	bin := m.GOBIN()
	entries := m.ReadDir(bin)
	if bin == "" || len(entries) == 0 {
		return skip("GOBIN is empty")
	}
	r := Result{Status: OK}
	old, behind, total := 0, 0, 0
	for _, entry := range entries {
		if ctx.Err() != nil {
			return skip("too many programs in %s to check in time", bin)
		}
		p := filepath.Join(bin, entry.Name())
		v, path := m.builtBy(p)
		if v.IsZero() {
			continue
		}
		total++
		since := m.endOfLife(v)
		switch selected := m.Selected(); {
		case since != "":
		case servesGo(path) && !selected.IsZero() && v.Lang().Compare(selected.Lang()) < 0:
			behind++
			r.worse(Warn)
			r = r.at(p, 0, "built by Go %s, but the selected release is Go %s", v, selected).fixWith("%s", m.newerTool(p, path))
			continue
		case m.isInstalled(v):
			continue
		default:
			r.worse(Info)
			r = r.at(p, 0, "built by Go %s, which is not installed", v)
			continue
		}
		old++
		r.worse(Warn)
		r = r.at(p, 0, "built by Go %s, without fixes since %s", v, since)
		if path != "" {
			r = r.fixWith("%s", m.newerTool(p, path))
		}
	}
	switch {
	case total == 0:
		return skip("no Go programs in %s", bin)
	case old == 0 && behind > 0:
		r.Summary = ui.Count(behind, "tool") + " older than the selected Go"
		return r.means("gopls and linters do not know the newer language, dlv not the newer debug information.")
	case old == 0 && r.Status == Info:
		r.Summary = ui.Count(total, "program") + ", some built by a release that is no longer installed"
		return r.means("They still work; the next go install rebuilds them.")
	case old == 0:
		return ok("%s, all built by supported releases", ui.Count(total, "program"))
	}
	r.Summary = ui.Count(old, "program") + " built by releases that get no more fixes"
	return r
}

// servesGo reports whether a program reads what the selected Go makes, so that it
// must not be older: gopls and linters the sources, dlv the debug information.
func servesGo(path string) bool {
	switch filepath.Base(path) {
	case "gopls", "dlv", "staticcheck", "golangci-lint":
		return slices.Contains([]string{"golang.org/x/tools", "github.com/go-delve/delve/cmd", "honnef.co/go/tools/cmd",
			"github.com/golangci/golangci-lint/cmd", "github.com/golangci/golangci-lint/v2/cmd"}, filepath.Dir(path))
	}
	return false
}

// newerTool returns the command that builds a program anew.
func (m *Machine) newerTool(program, path string) string {
	name := filepath.Base(program)
	switch {
	case strings.HasPrefix(m.LinkText(program), usertools.Tools(m.Layout.Data)+"/"):
		return "vmgo tools sync " + name
	case servesGo(path):
		return "vmgo tools install --force " + name
	}
	return "go install " + path + "@latest"
}

// isInstalled reports whether a release is in a store or is a go on PATH.
func (m *Machine) isInstalled(v gover.Version) bool {
	for _, r := range m.Releases() {
		if r.Version == v {
			return true
		}
	}
	for _, g := range m.Gos() {
		if g.Version == v {
			return true
		}
	}
	return false
}

// builtBy reads which release built a program, and its package.
func (m *Machine) builtBy(p string) (gover.Version, string) {
	f, err := m.Open(p)
	if err != nil {
		return gover.Version{}, ""
	}
	defer f.Close()
	bi, err := buildinfo.Read(f)
	if err != nil {
		return gover.Version{}, ""
	}
	word := bi.GoVersion
	for i := range len(word) {
		if word[i] == ' ' || word[i] == '-' { // experiments and vendors' suffixes
			word = word[:i]
			break
		}
	}
	v, err := gover.Parse(word)
	if err != nil {
		return gover.Version{}, ""
	}
	return v, bi.Path
}
