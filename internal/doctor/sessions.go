package doctor

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/passwd"
)

// sessionKind is one way in which programs come to run.
type sessionKind struct {
	name string
	// grave says that people expect go there; a missing one is only noted otherwise.
	grave bool
	visit func(ctx context.Context) (visit, error)
}

// visit is what a session shows of itself.
type visit struct {
	path  string // the go that it finds, by the machine's own names; empty if none
	alias string // the alias or function that stands in front of every go
	env   map[string]string
}

// sessionGo is the go of a kind of session, and what it answered.
type sessionGo struct {
	sessionKind
	visit
	err  error     // why the session could not be tried
	said *goAnswer // nil where go was not asked
}

// askGo makes a shell of any kind print the go that it finds, and its environment.
const (
	askGo    = "command -v go; echo " + envMark + "; env -0"
	envMark  = ":environment:"
	localBin = "/usr/local/bin"
)

// atPrompt makes a shell do what it does before each prompt, hooks among it.
func atPrompt(shell string) string {
	switch shell {
	case "bash":
		return `for c in "${PROMPT_COMMAND[@]}"; do eval "$c"; done >/dev/null 2>&1; `
	case "zsh":
		return "for f in $chpwd_functions $precmd_functions; do $f; done >/dev/null 2>&1; "
	case "fish":
		return "emit fish_prompt >/dev/null 2>&1; "
	}
	return ""
}

// visitSessions tries each kind of session and asks the go that it finds.
func (m *Machine) visitSessions(ctx context.Context) []sessionGo {
	kinds := m.sessionKinds()
	all := make([]sessionGo, len(kinds))
	var wait sync.WaitGroup
	for i, k := range kinds {
		wait.Go(func() {
			one, cancel := context.WithTimeout(ctx, m.Options.Limits.Session)
			defer cancel()
			all[i].sessionKind = k
			all[i].visit, all[i].err = k.visit(one)
		})
	}
	wait.Wait()
	m.askGos(ctx, all)
	return all
}

func (m *Machine) sessionKinds() []sessionKind {
	shell := m.LoginShell()
	fresh := m.freshEnv()
	var kinds []sessionKind
	if prompt := atPrompt(shell); prompt != "" {
		kinds = append(kinds, sessionKind{"prompt", true, m.asks(fresh, shell, "-ilc", prompt+askGo)})
	}
	own := m.askOwn()
	kinds = append(kinds,
		sessionKind{"login", true, m.asks(fresh, own.login...)},
		sessionKind{"interactive", true, m.asks(fresh, own.interactive...)},
		sessionKind{"sh -c", true, m.asks(nil, "sh", "-c", askGo)},
		sessionKind{"env -i", false, m.asks(nil, "env", "-i", "sh", "-c", askGo)},
		sessionKind{"ssh command", true, m.asks(m.sshEnv(fresh), own.command...)})
	if m.Exists("/usr/sbin/cron") || m.Exists("/usr/sbin/crond") {
		kinds = append(kinds,
			sessionKind{"/etc/crontab", false, m.onPath(m.crontabPath("/etc/crontab"))},
			sessionKind{"crontab", false, m.onPath("/usr/bin:/bin")})
	}
	if _, found := facts.Program(m.Host, "sudo"); found {
		kinds = append(kinds, sessionKind{"sudo", false, m.visitSudo})
	}
	if facts.SystemdRuns(m.Host) && m.Exists(filepath.Join(m.Env["XDG_RUNTIME_DIR"], "systemd/private")) {
		kinds = append(kinds, sessionKind{"systemd", true,
			m.asks(nil, "systemd-run", "--user", "--pipe", "--wait", "--collect", "--quiet", "sh", "-c", askGo)})
	}
	return kinds
}

// visitSudo finds the go of a command run with sudo. What root would build is not
// tried, so it has no environment.
func (m *Machine) visitSudo(ctx context.Context) (visit, error) {
	path, _, err := m.SecurePath(ctx)
	if err != nil {
		return visit{}, err
	}
	if path == "" {
		path = m.Env["PATH"]
	}
	return visit{path: m.Find("go", path)}, nil
}

// asks returns how to visit a session by running a shell in the working directory.
func (m *Machine) asks(env map[string]string, args ...string) func(context.Context) (visit, error) {
	return func(ctx context.Context) (visit, error) {
		dir := m.Dir
		if !m.Exists(dir) {
			dir = "/"
		}
		out, err := m.Ask(ctx, hostCommand(args, env, m.Path(dir)))
		if err != nil {
			return visit{}, fmt.Errorf("%s: %w", args[0], err)
		}
		if env == nil {
			env = m.Env
		}
		return readVisit(out.Stdout, env), nil
	}
}

// readVisit reads what askGo printed, among other things that startup files print. The
// environment is that with which the session began where it did not tell it.
func readVisit(text string, began map[string]string) visit {
	head, tail, found := strings.Cut(text, envMark+"\n")
	v := visit{env: began}
	for line := range strings.Lines(head) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "/"):
			v.path, v.alias = line, ""
		case strings.HasPrefix(line, "alias go="), line == "go": // as shells name an alias, and a function
			v.path, v.alias = "", line
		}
	}
	if !found {
		return v
	}
	v.env = map[string]string{}
	for pair := range strings.SplitSeq(tail, "\x00") {
		if name, value, found := strings.Cut(pair, "="); found && isName(name) {
			v.env[name] = value
		}
	}
	return v
}

// onPath returns how to visit a session of which only PATH is known, as cron's is.
func (m *Machine) onPath(path string) func(context.Context) (visit, error) {
	return func(context.Context) (visit, error) {
		env := map[string]string{"PATH": path, "SHELL": "/bin/sh", "LOGNAME": m.userName(), "HOME": m.Layout.Home}
		return visit{path: m.Find("go", path), env: env}, nil
	}
}

// ownShell has the commands that ask the user's shell for the go of its sessions.
type ownShell struct{ login, interactive, command []string }

// askOwn returns these commands. A shell that does not read what sh reads is told to
// start sh, which then finds what that shell has left on PATH. elvish takes no flags
// together and reads rc.elv at a terminal only.
func (m *Machine) askOwn() ownShell {
	const ask = "/bin/sh -c 'echo; " + askGo + "'" // a title may stand before it
	switch path := m.accountProgram(); filepath.Base(path) {
	case "elvish":
		command := []string{path, "-c", ask}
		return ownShell{command, command, command}
	case "nu", "xonsh":
		return ownShell{[]string{path, "-l", "-c", ask}, []string{path, "-i", "-l", "-c", ask}, []string{path, "-c", ask}}
	}
	shell := m.LoginShell()
	return ownShell{[]string{shell, "-lc", askGo}, []string{shell, "-ilc", askGo}, []string{shell, "-c", askGo}}
}

// LoginShell is the user's shell, or bash or sh where that is none that can be
// asked this way.
func (m *Machine) LoginShell() string {
	switch shell := m.accountShell(); shell {
	case "bash", "zsh", "fish":
		return shell
	}
	return "sh"
}

// accountShell is the name of the program that the user's account has for a shell.
func (m *Machine) accountShell() string { return filepath.Base(m.accountProgram()) }

// accountProgram is that program: /bin/sh where none is named, see passwd(5).
func (m *Machine) accountProgram() string {
	if account, found := passwd.ByUID(m.Accounts(), m.UID); found {
		return cmp.Or(account.Shell, "/bin/sh")
	}
	return cmp.Or(m.Env["SHELL"], "/bin/sh")
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

// nameOf returns the name of a user, or its number.
func (m *Machine) nameOf(uid int) string {
	if account, found := passwd.ByUID(m.Accounts(), uid); found {
		return account.Name
	}
	return "user " + strconv.Itoa(uid)
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
