package doctor

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"sync"

	"github.com/vmgo/vmgo/internal/passwd"
)

func contextsCheck() Check {
	return Check{
		ID: "toolchain.contexts", Group: Toolchain, Slow: true, Weight: 8,
		Title:  "which go every kind of session finds",
		Why:    "each kind reads other startup files, so a go that a terminal has may be missing over ssh, in cron or under sudo",
		Source: "each shell run for real with the environment that such a session begins with; PATH of cron and of sudoers",
		Run:    runContexts,
	}
}

// sessionKind is one way in which programs come to run.
type sessionKind struct {
	name string
	// grave says that people expect go there; a missing one is only told of
	// otherwise.
	grave bool
	find  func(ctx context.Context) (string, error)
}

const askGo = "command -v go"

func runContexts(ctx context.Context, m *Machine) Result {
	kinds := m.sessionKinds()
	found := make([]string, len(kinds))
	errs := make([]error, len(kinds))
	var all sync.WaitGroup
	for i, k := range kinds {
		all.Go(func() {
			one, cancel := context.WithTimeout(ctx, m.Options.Limits.Session)
			defer cancel()
			found[i], errs[i] = k.find(one)
		})
	}
	all.Wait()
	r := Result{Status: OK}
	var missing, lacking, other []string // lacking: where nobody expects one
	answered := 0
	expected := m.usualGo(kinds, found)
	for i, k := range kinds {
		switch p := found[i]; {
		case errs[i] != nil:
			r = r.at("", 0, "%-12s not found out: %v", k.name, errs[i])
		case p == "":
			answered++
			r = r.at("", 0, "%-12s no go", k.name)
			if k.grave {
				missing = append(missing, k.name)
			} else {
				lacking = append(lacking, k.name)
			}
		default:
			answered++
			r = r.at("", 0, "%-12s %s  (%s)", k.name, p, describe(m.identify(p)))
			if !m.sameGo(p, expected) {
				other = append(other, k.name)
			}
		}
	}
	if expected == "" && answered > 0 {
		return skip("no session finds any go; toolchain.inforce tells why").withEvidence(r.Evidence)
	}
	return m.judgeContexts(ctx, r, missing, lacking, other, answered)
}

func (m *Machine) judgeContexts(ctx context.Context, r Result, missing, lacking, other []string, answered int) Result {
	switch {
	case answered == 0:
		return skip("no kind of session could be tried").withEvidence(r.Evidence)
	case len(missing) > 0:
		r.worse(Warn)
		r.Summary = "no go in: " + strings.Join(missing, ", ")
	case len(other) > 0:
		r.worse(Warn)
		r.Summary = "another go in: " + strings.Join(other, ", ")
	case len(lacking) > 0:
		r.Summary = "the usual sessions find the same go (none: " + strings.Join(lacking, ", ") + ")"
		return r
	default:
		r.Summary = "every kind of session finds the same go"
		return r
	}
	return r.means("Only a program in /usr/local/bin is found by nearly all of them.").harden(ctx, m, "shims", m.sharedShims())
}

// usualGo is the go to compare with: a shim if any session finds one, else
// what a login finds first.
func (m *Machine) usualGo(kinds []sessionKind, found []string) string {
	first := ""
	for i := range kinds {
		if found[i] == "" {
			continue
		}
		if m.identify(found[i]).Kind == ShimGo {
			return found[i]
		}
		if first == "" {
			first = found[i]
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

func (m *Machine) sessionKinds() []sessionKind {
	shell := m.LoginShell()
	fresh := m.freshEnv()
	kinds := []sessionKind{
		{"login", true, m.asks(fresh, shell, "-lc", askGo)},
		{"interactive", true, m.asks(fresh, shell, "-ilc", askGo)},
		{"sh -c", true, m.asks(nil, "sh", "-c", askGo)},
		{"env -i", false, m.asks(nil, "env", "-i", "sh", "-c", askGo)},
		{"ssh command", true, m.asks(m.sshEnv(fresh), shell, "-c", askGo)},
	}
	if m.Exists("/usr/sbin/cron") || m.Exists("/usr/sbin/crond") {
		kinds = append(kinds,
			sessionKind{"/etc/crontab", false, m.onPath(m.crontabPath("/etc/crontab"))},
			sessionKind{"crontab", false, m.onPath("/usr/bin:/bin")})
	}
	if m.Exists("/usr/bin/sudo") {
		kinds = append(kinds, sessionKind{"sudo", false, func(ctx context.Context) (string, error) {
			path, _, err := m.SecurePath(ctx)
			if err != nil {
				return "", err
			}
			if path == "" {
				path = m.Env["PATH"]
			}
			return m.Find("go", path), nil
		}})
	}
	if m.Exists("/run/systemd/system") && m.Exists(filepath.Join(m.Env["XDG_RUNTIME_DIR"], "systemd/private")) {
		kinds = append(kinds, sessionKind{"systemd", true,
			m.asks(nil, "systemd-run", "--user", "--pipe", "--wait", "--collect", "--quiet", "sh", "-c", askGo)})
	}
	return kinds
}

// asks makes a finder that runs a shell and takes the last line that is a path:
// startup files may print whatever they like.
func (m *Machine) asks(env map[string]string, args ...string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		home := m.Layout.Home
		if home == "" || !m.Exists(home) {
			home = "/"
		}
		out, err := m.Ask(ctx, hostCommand(args, env, m.Path(home)))
		if err != nil {
			return "", fmt.Errorf("%s: %w", args[0], err)
		}
		found := ""
		for line := range strings.Lines(out.Stdout) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "/") {
				found = line
			}
		}
		return found, nil
	}
}

func (m *Machine) onPath(path string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return m.Find("go", path), nil }
}

// LoginShell is the user's shell, or bash or sh where that is none that can be
// asked this way.
func (m *Machine) LoginShell() string {
	shell := m.Env["SHELL"]
	if account, found := passwd.ByUID(m.Accounts(), m.UID); found {
		shell = account.Shell
	}
	switch filepath.Base(shell) {
	case "bash", "zsh", "fish":
		return filepath.Base(shell)
	}
	return "sh"
}

// freshEnv is the environment with which a session begins, before any startup
// file: what login(1) and PAM set.
func (m *Machine) freshEnv() map[string]string {
	env := map[string]string{
		"SHELL": m.Env["SHELL"], "TERM": "dumb",
		"USER": m.userName(), "LOGNAME": m.userName(),
		"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
		// The name that VS Code sets too, so that startup files can stay quiet.
		"VSCODE_RESOLVING_ENVIRONMENT": "1",
	}
	if m.Layout.Home != "" {
		env["HOME"] = m.Layout.Home
	}
	for i, line := range m.Lines("/etc/environment") {
		if name, value, _ := parseAssignment(line); name != "" && i < 200 {
			env[name] = value
		}
	}
	return env
}

// sshEnv adds what sshd sets: some builds of bash read .bashrc when they see it.
func (m *Machine) sshEnv(fresh map[string]string) map[string]string {
	env := maps.Clone(fresh)
	delete(env, "TERM")
	env["SSH_CLIENT"], env["SSH_CONNECTION"] = "127.0.0.1 50000 22", "127.0.0.1 50000 127.0.0.1 22"
	return env
}

func (m *Machine) userName() string {
	if account, found := passwd.ByUID(m.Accounts(), m.UID); found {
		return account.Name
	}
	return m.Env["USER"]
}

// crontabPath is the PATH that a crontab sets, or cron's own.
func (m *Machine) crontabPath(file string) string {
	for _, line := range m.Lines(file) {
		if name, value, _ := parseAssignment(strings.TrimSpace(line)); name == "PATH" {
			return value
		}
	}
	return "/usr/bin:/bin"
}
