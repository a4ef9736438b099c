package doctor

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/project"
)

func contextsCheck() Check {
	return Check{
		ID: "toolchain.contexts", Group: Toolchain, Slow: true, Weight: 9, Limit: sessionsLimit,
		Title:  "which go every kind of session finds, against the selected release",
		Why:    "each kind reads other startup files, so a go that a terminal has may be missing or another one over ssh, in cron or under sudo",
		Source: "each shell run for real with the environment that such a session begins with, and the go that it finds; PATH of cron and of sudoers",
		Run:    runContexts,
	}
}

// sessionsLimit is the time for all sessions, with what their go builds.
const sessionsLimit = 50 * time.Second

// contexts is what the sessions have shown.
type contexts struct {
	want             gover.Version // the selected release; zero: they are compared with each other
	missing, lacking []string      // kinds without a go; lacking: where nobody expects one
	other, broken    []string      // kinds with another go; broken: one that does not build here
	apart            []string      // kinds with another go where nobody expects one and no shim can be found
	wrong            []sessionGo
	hidden           []sessionGo // behind an alias
	answered         int
	usual            string
}

func runContexts(ctx context.Context, m *Machine) Result {
	all := m.sessions(ctx)
	c := contexts{want: m.selectedAnywhere(), usual: m.usualGo(all)}
	r := Result{Status: OK}
	for _, s := range all {
		r = m.addSession(r, &c, s)
	}
	if c.usual == "" && c.answered > 0 && len(c.hidden) == 0 {
		return skip("no session finds any go; toolchain.selected says why").withEvidence(r.Evidence)
	}
	return m.judgeContexts(ctx, r, c)
}

// addSession adds what one session shows.
func (m *Machine) addSession(r Result, c *contexts, s sessionGo) Result {
	if s.err != nil {
		return r.at("", 0, "%-12s not found out: %v", s.name, s.err)
	}
	c.answered++
	switch {
	case s.alias != "":
		c.hidden = append(c.hidden, s)
		return r.at("", 0, "%-12s %s", s.name, s.alias)
	case s.path == "":
		if s.grave {
			c.missing = append(c.missing, s.name)
		} else {
			c.lacking = append(c.lacking, s.name)
		}
		return r.at("", 0, "%-12s no go", s.name)
	case !m.isAnother(c, s):
		return r.at("", 0, "%-12s %s  (%s)", s.name, s.path, m.describeSession(s))
	}
	if path := s.env["PATH"]; !s.grave && path != "" && !slices.Contains(strings.Split(path, ":"), localBin) {
		c.apart = append(c.apart, s.name)
		return r.at("", 0, "%-12s %s  (%s)", s.name, s.path, m.describeSession(s))
	}
	c.wrong = append(c.wrong, s)
	c.other = append(c.other, s.name)
	if s.said == nil || s.said.failure == "" || s.said.switches {
		return r.at("", 0, "%-12s %s  (%s)", s.name, s.path, m.describeSession(s))
	}
	c.broken = append(c.broken, s.name)
	return r.at("", 0, "%-12s %s  (%s) does not build here: %s", s.name, s.path, m.describeSession(s), s.said.failure)
}

// describeSession returns what the go of a session is; a wrapper is known by its own words.
func (m *Machine) describeSession(s sessionGo) string {
	g := m.identify(s.path)
	if g.Version.IsZero() && s.said != nil {
		g.Version = s.said.version
	}
	return describe(g)
}

// isAnother reports whether the go of a session is another than the selected release
// or, where none is selected, than the usual one.
func (m *Machine) isAnother(c *contexts, s sessionGo) bool {
	g := m.identify(s.path)
	if s.said != nil && !s.said.version.IsZero() {
		g.Version = s.said.version
	}
	if c.want.IsZero() || g.Version.IsZero() {
		return !m.sameGo(s.path, c.usual)
	}
	return g.Version != c.want
}

func (m *Machine) judgeContexts(ctx context.Context, r Result, c contexts) Result {
	switch {
	case c.answered == 0:
		return skip("no kind of session could be started").withEvidence(r.Evidence)
	case len(c.hidden) > 0:
		r.worse(Warn)
		r.Summary = "an alias or a function named go stands in front of every release"
		return m.fixAlias(r, c.hidden[0])
	case len(c.broken) > 0:
		r.worse(Fail)
		r.Summary = "a go that does not build here, in: " + strings.Join(c.broken, ", ")
	case len(c.missing) > 0:
		r.worse(Warn)
		r.Summary = "no go is found in: " + strings.Join(c.missing, ", ")
	case len(c.other) > 0:
		r.worse(Warn)
		r.Summary = "another go is found in: " + strings.Join(c.other, ", ")
	case len(c.lacking) > 0, len(c.apart) > 0:
		r.Summary = "the usual sessions find the same go" + named("none", c.lacking) + named("another", c.apart)
		return r
	default:
		r.Summary = "every kind of session finds the same go"
		return r
	}
	if !c.want.IsZero() {
		r = r.means("Selected here is Go %s.", c.want)
	}
	return m.fixContexts(ctx, r, c)
}

// named returns a list of kinds of sessions in brackets; nothing for none.
func named(what string, kinds []string) string {
	if len(kinds) == 0 {
		return ""
	}
	return " (" + what + ": " + strings.Join(kinds, ", ") + ")"
}

// fixContexts adds the fix: where a directory stands before that of the shims, the
// line that puts it there; shims for the rest.
func (m *Machine) fixContexts(ctx context.Context, r Result, c contexts) Result {
	shims := len(c.missing) > 0
	done := map[string]bool{}
	for _, s := range c.wrong {
		dir := dirOf(s.path)
		switch {
		case !comesBefore(s.env["PATH"], dir, localBin):
			shims = true
		case !done[dir]:
			done[dir] = true
			shims = shims || systemDir(dir)
			r = r.moveAside(m, dir)
		}
	}
	if !shims || m.IsProgram(localBin+"/go") && m.identify(localBin+"/go").Kind == ShimGo && len(done) > 0 {
		return r
	}
	return r.means("Nearly all of them find programs in /usr/local/bin.").harden(ctx, m, "shims", m.sharedShims())
}

// fixAlias adds the line that makes go an alias or a function.
func (m *Machine) fixAlias(r Result, s sessionGo) Result {
	for _, a := range m.Startup() {
		if strings.HasPrefix(a.Text, "alias go=") || strings.HasPrefix(a.Text, "alias go ") ||
			strings.HasPrefix(a.Text, "go()") || strings.HasPrefix(a.Text, "go ()") || strings.HasPrefix(a.Text, "function go") {
			return r.at(a.Path, a.Line, "%s", a.Text).silence(m, a).fixWith("unalias go 2>/dev/null; unset -f go   # in this shell")
		}
	}
	return r.fixWith("grep -rnE 'alias go=|go *\\(\\)' ~/.bashrc ~/.bash_aliases ~/.profile ~/.zshrc /etc/profile.d   # %s", s.name)
}

// usualGo is the go to compare with: a shim if any session finds one, else
// what a login finds first.
func (m *Machine) usualGo(all []sessionGo) string {
	first := ""
	for _, s := range all {
		if s.path == "" {
			continue
		}
		if m.identify(s.path).Kind == ShimGo {
			return s.path
		}
		if first == "" {
			first = s.path
		}
	}
	return first
}

// sameGo reports whether two go programs run the same release. A shim and a
// release of the store both are vmgo's doing.
func (m *Machine) sameGo(a, b string) bool {
	x, y := m.identify(a), m.identify(b)
	ours := func(g GoOnPath) bool { return g.Kind == ShimGo || g.Kind == StoreGo }
	return x.Real == y.Real || ours(x) && ours(y)
}

// selectedAnywhere is the release that is selected here in every session, whatever
// VMGO_VERSION this one has; zero if there is none.
func (m *Machine) selectedAnywhere() gover.Version {
	r := m.resolution()
	if r.Requirement.Origin.Kind == project.Variable {
		elsewhere := *m
		elsewhere.Settings.Version = ""
		r = elsewhere.resolve()
	}
	if r.err != nil || r.System {
		return gover.Version{}
	}
	return r.Version
}
