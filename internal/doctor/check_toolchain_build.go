package doctor

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

func buildCheck() Check {
	return Check{
		ID: "toolchain.build", Group: Toolchain, Slow: true, Weight: 9, Limit: sessionsLimit,
		Title:  "whether go builds and runs a program in this directory",
		Why:    "settings, caches and files of the module can each stop every build, and only go itself knows all of its rules",
		Source: "`go env -json` and `go run` of one file, without the network, by the go of each kind of session with its settings and caches",
		Run:    runBuild,
	}
}

func runBuild(ctx context.Context, m *Machine) Result {
	all := m.sessions(ctx)
	c := contexts{want: m.selectedAnywhere(), usual: m.usualGo(all)}
	r, builds := Result{Status: OK}, 0
	unknown, failure := "", ""
	var alike alikeSessions
	for _, s := range all {
		switch {
		case s.path == "" || s.said == nil || m.isAnother(&c, s): // toolchain.contexts looks at those
		case s.said.failure != "" && !s.said.switches:
			failure = s.said.failure
			alike.add(s, failure)
		case s.said.unknown != "":
			unknown = s.said.unknown
		case s.said.failure == "":
			builds++
			alike.add(s, "builds and runs a program")
		}
	}
	for _, a := range alike {
		r = r.at("", 0, "%s: %s  %s", strings.Join(a.names, ", "), a.path, a.words)
	}
	switch {
	case failure != "":
		r.worse(Fail)
		r.Summary = "go does not build here: " + failure
		return m.fixBuild(r.because(buildCauses(failure)...), failure)
	case builds > 0:
		r.Summary = "go builds and runs a program"
		return r
	case unknown != "":
		return skip("%s", unknown)
	}
	return skip("no session has the selected release; toolchain.contexts tells which go they have")
}

// alikeSessions are the sessions of which there is the same to say.
type alikeSessions []alikeSession

type alikeSession struct {
	names       []string
	path, words string
}

func (all *alikeSessions) add(s sessionGo, words string) {
	for i, a := range *all {
		if a.path == s.path && a.words == words {
			(*all)[i].names = append(a.names, s.name)
			return
		}
	}
	*all = append(*all, alikeSession{[]string{s.name}, s.path, words})
}

// buildCauses returns the checks that look at what go complains about.
func buildCauses(said string) []string {
	for _, c := range []struct {
		word   string
		checks []string
	}{
		{"vmgo: ", []string{"toolchain.selected", "toolchain.conflicts"}},           // the answer of a shim
		{"must match format", []string{"toolchain.selected", "toolchain.contexts"}}, // a go before 1.21 reads "go 1.22.5"
		{"module requires Go ", []string{"toolchain.selected", "toolchain.contexts"}},
		{"GOFLAGS", []string{"toolchain.goflags"}},
		{"inconsistent vendoring", []string{"toolchain.goflags"}},
		{"GO111MODULE", []string{"toolchain.go111module"}},
		{"GOAMD64", []string{"toolchain.goamd64"}},
		{"can only be run on", []string{"toolchain.goamd64"}},
		{"go.work", []string{"toolchain.workspace"}},
		{"replace", []string{"toolchain.replace"}},
		{"it builds for another machine", []string{"toolchain.target"}},
		{"unsupported GOOS/GOARCH", []string{"toolchain.target"}},
		{"no space left", []string{"machine.space"}},
		{"go tool version", []string{"toolchain.goroot", "toolchain.mixed"}},
		{"redeclared", []string{"toolchain.mixed"}},
		{"cannot find GOROOT", []string{"toolchain.goroot"}},
		{"binary is trimmed", []string{"toolchain.copy", "toolchain.goroot"}},
		{"GOPATH", []string{"toolchain.gopath"}},
		{"module cache not found", []string{"toolchain.gopath"}},
		{"build cache", []string{"toolchain.build-dirs"}},
		{"GOCACHE", []string{"toolchain.build-dirs"}},
		{"creating work dir", []string{"toolchain.build-dirs"}},
		{"permission denied", []string{"security.owner", "toolchain.build-dirs", "machine.noexec", "security.store"}},
		{"read-only file system", []string{"toolchain.build-dirs"}},
	} {
		if strings.Contains(said, c.word) {
			return c.checks
		}
	}
	return nil
}

// fixBuild adds where to look: the line that go names, or go's own whole answer.
func (m *Machine) fixBuild(r Result, said string) Result {
	at := regexp.MustCompile(`(\S*go\.(?:mod|work)):(\d+)(?::\d+)?:`).FindStringSubmatch(said)
	if at == nil {
		return r.fixWith("GOPROXY=off GOTOOLCHAIN=local go vet   # go's whole answer")
	}
	file, line := at[1], at[2]
	if !strings.HasPrefix(file, "/") {
		file = strings.TrimSuffix(m.Dir, "/") + "/" + file
	}
	n, _ := strconv.Atoi(line)
	return r.at(file, n, "%s", m.rawLine(file, n)).fixWith("vi +%d %s", n, diag.Word(file))
}
