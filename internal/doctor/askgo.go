package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/gover"
)

// goAnswer is what a go command says of itself, and what it makes of a program of one
// file in the working directory.
type goAnswer struct {
	env     map[string]string // go env -json
	version gover.Version     // zero if go did not say
	failure string            // in go's own words; empty if it builds and runs the program
	unknown string            // why that was not found out
	// switches reports whether that go would fetch or run another one by itself, as
	// GOTOOLCHAIN lets it.
	switches bool
}

// askGos asks each go of the sessions, and lets each build; those that answer alike
// share a build.
func (m *Machine) askGos(ctx context.Context, all []sessionGo) {
	g, remove, err := m.guest()
	defer remove()
	var wait sync.WaitGroup
	for i := range all {
		switch s := &all[i]; {
		case s.path == "" || s.env == nil:
		case err != nil:
			s.said = &goAnswer{unknown: noPlace + err.Error()}
		default:
			wait.Go(func() { s.said = g.askGoEnv(ctx, s.visit) })
		}
	}
	wait.Wait()
	builds := map[string]func() (string, string){}
	for i := range all {
		s := &all[i]
		if s.said == nil || s.said.failure != "" || s.said.unknown != "" {
			continue
		}
		if !s.grave && !hasCache(s.env) {
			s.said.unknown = "nothing is built in " + s.name + ", which has no HOME for a build cache"
			continue
		}
		key := buildKey(s)
		if builds[key] == nil {
			builds[key] = sync.OnceValues(func() (string, string) { return g.tryBuild(ctx, s.visit) })
		}
		build := builds[key]
		wait.Go(func() {
			s.said.failure, s.said.unknown = build()
			s.said.switches = strings.Contains(s.said.failure, "GOTOOLCHAIN=local") && m.maySwitch(s)
		})
	}
	wait.Wait()
}

// hasCache reports whether go finds a place for its build cache: cmd/go/internal/cache/default.go.
func hasCache(env map[string]string) bool {
	return env["GOCACHE"] != "" || env["XDG_CACHE_HOME"] != "" || env["HOME"] != ""
}

// buildKey is the same for sessions whose builds have the same outcome.
func buildKey(s *sessionGo) string {
	env := maps.Clone(s.said.env)
	delete(env, "GOGCCFLAGS") // names a temporary directory
	text := []string{s.env["TMPDIR"]}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		text = append(text, name+"="+env[name])
	}
	return strings.Join(text, "\x00")
}

// offlineGo is the environment of a session in which go fetches nothing.
func offlineGo(env map[string]string, dir string) map[string]string {
	env = maps.Clone(env)
	env["GOPROXY"], env["GOTOOLCHAIN"], env["PWD"] = "off", "local", dir
	return env
}

// askGoEnv asks go for its settings.
func (g guest) askGoEnv(ctx context.Context, v visit) *goAnswer {
	m := g.m
	ctx, cancel := context.WithTimeout(ctx, m.Options.Limits.Session)
	defer cancel()
	out, err := m.Ask(ctx, hostCommand([]string{v.path, "env", "-json"}, g.env(offlineGo(v.env, m.Dir)), m.Path(m.Dir)))
	said := &goAnswer{}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		said.unknown = fmt.Sprintf("go env gave no answer within %v", m.Options.Limits.Session)
	case err != nil:
		said.failure = "it does not start: " + err.Error()
	case out.Status != 0:
		said.failure = cmp.Or(goWords(out.Stderr), fmt.Sprintf("go env ends with status %d", out.Status))
	case json.Unmarshal([]byte(out.Stdout), &said.env) != nil:
		said.unknown = "the answer of go env -json is not understood"
	case said.env["GOOS"] != said.env["GOHOSTOS"] || said.env["GOARCH"] != said.env["GOHOSTARCH"]:
		said.failure = "it builds for another machine: GOOS=" + said.env["GOOS"] + " GOARCH=" + said.env["GOARCH"]
	}
	if said.env != nil {
		word, _, _ := strings.Cut(said.env["GOVERSION"], " ")
		said.version, _ = gover.Parse(word) // a development build has none
	}
	return said
}

const noPlace = "there is no place for a program to build: "

// tryBuild lets go build and run a program of one file, without the network, with the
// session's own settings and caches.
func (g guest) tryBuild(ctx context.Context, v visit) (failure, unknown string) {
	m := g.m
	dir, err := os.MkdirTemp(m.Path(m.TempDir()), "vmgo-doctor-")
	if err != nil {
		return "", noPlace + err.Error()
	}
	defer os.RemoveAll(dir)
	const program = "package main\n\nfunc main() { println(\"it runs\") }\n"
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o600); err != nil {
		return "", noPlace + err.Error()
	}
	limit := m.Options.Limits.Build
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	file := filepath.Join(m.Show(dir), "main.go")
	out, err := m.Ask(ctx, hostCommand([]string{v.path, "run", file}, g.env(offlineGo(v.env, m.Dir)), m.Path(m.Dir)))
	switch {
	case ctx.Err() != nil && g.dir != "":
		return "", fmt.Sprintf("building a program without the build cache, which is another user's, took longer than %v", limit)
	case ctx.Err() != nil:
		return "", fmt.Sprintf("building a program took longer than %v; the next run finds more in the build cache", limit)
	case err != nil:
		return "it does not start: " + err.Error(), ""
	case strings.Contains(out.Stderr, "GOPROXY=off"):
		return "", "the module needs others that are not in the module cache"
	case out.Status != 0 || !strings.Contains(out.Stderr, "it runs"):
		words := strings.ReplaceAll(out.Stderr, filepath.Dir(file)+"/", "")
		return cmp.Or(goWords(words), fmt.Sprintf("go run ends with status %d", out.Status)), ""
	}
	return "", ""
}

// maySwitch reports whether the go of a session may run another one by itself.
func (m *Machine) maySwitch(s *sessionGo) bool {
	settings := goenv.Settings{
		Env: s.env, User: m.goEnvFile(goenv.UserFile(s.env)),
		Release: m.goEnvFile(filepath.Join(m.Show(s.said.env["GOROOT"]), "go.env")),
	}
	value := settings.Get("GOTOOLCHAIN").Value
	return value != "" && value != "local"
}

// goWords returns what go said, in one line.
func goWords(stderr string) string {
	var words []string
	for line := range strings.Lines(stderr) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "# ") && len(words) < 3 {
			words = append(words, line)
		}
	}
	text := strings.Join(words, " ")
	if len(text) > 300 {
		text = text[:300] + "…"
	}
	return strings.ToValidUTF8(text, "")
}
