package shims_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// integrationScripts returns the directory of the scripts that VS Code runs in
// its terminals, as code-server's npm package has them.
func integrationScripts(t *testing.T) string {
	t.Helper()
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip("VS Code's scripts come in a package of 200 MB: ./test.sh --long fetches it")
	}
	const scripts = "package/lib/vscode/out/vs/workbench/contrib/terminal/common/scripts"
	dir := t.TempDir()
	pack := exec.Command("npm", "pack", "--silent", "code-server@4.139.1")
	pack.Dir = dir
	if out, err := pack.CombinedOutput(); err != nil {
		t.Skipf("npm does not fetch VS Code's scripts: %v: %s", err, out)
	}
	unpack := exec.Command("sh", "-c", "tar -xzf *.tgz "+scripts+" && rm *.tgz")
	unpack.Dir = dir
	if out, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return filepath.Join(dir, scripts)
}

// startIntegrated starts a shell as a terminal of VS Code does, with rc as the
// user's start-up file, by the command before.
func (m *machine) startIntegrated(name, scripts, rc string, before ...string) *terminal {
	m.t.Helper()
	rc = strings.ReplaceAll(rc, "HOOK", hookLine(m, name))
	m.env["TERM_PROGRAM"], m.env["VSCODE_INJECTION"], m.env["VSCODE_NONCE"] = "vscode", "1", "nonce"
	m.env["VSCODE_ENV_PREPEND"] = `PATH=` + m.root + `/injected\x3a` // as the Go extension's
	argv := before
	switch name {
	case "bash":
		m.write(m.home+"/.bashrc", "PS1='$ '\n"+rc)
		argv = append(argv, "bash", "--init-file", scripts+"/shellIntegration-bash.sh")
	case "zsh":
		m.write(m.home+"/.zshrc", "PROMPT='$ '\n"+rc)
		m.env["ZDOTDIR"], m.env["USER_ZDOTDIR"] = m.root+"/zdotdir", m.home
		for _, part := range []string{"env", "profile", "login", "rc"} {
			text, err := os.ReadFile(scripts + "/shellIntegration-" + part + ".zsh")
			must(m.t, err)
			m.write(m.root+"/zdotdir/.z"+strings.Replace(part, "rc", "shrc", 1), string(text))
			if part == "env" {
				must(m.t, os.Rename(m.root+"/zdotdir/.zenv", m.root+"/zdotdir/.zshenv"))
			}
		}
		argv = append(argv, "zsh", "-d", "-i")
	case "fish":
		m.write(m.home+"/.config/fish/config.fish", "function fish_greeting; end\nfunction fish_title; end\n"+rc)
		argv = append(argv, "fish", "-i", "--init-command", "source '"+scripts+"/shellIntegration.fish'")
	}
	return m.startCommand(name, argv)
}

// VS Code's own scripts wrap the prompt. Beside them the hook selects releases,
// statuses and marks stay, and an unchanged prompt starts no process of ours.
func TestHook_besideVSCodesShellIntegration(t *testing.T) {
	t.Parallel()
	scripts := integrationScripts(t)
	eachEvaluatingShell(t, func(t *testing.T, m *machine, name string) {
		dir := m.pin("a", "1.22.5")
		m.write(m.root+"/fail", "exit 7\n")
		plain := m.env["PATH"]
		s := m.startIntegrated(name, scripts, "HOOK\n")
		env := s.in("cd "+dir, "1.22.5")
		if !strings.HasPrefix(env["PATH"], m.goroot("1.22.5")+"/bin:") {
			t.Errorf("in the project PATH=%s", env["PATH"])
		}
		if _, status := s.do("sh " + m.root + "/fail"); status != "7" {
			t.Errorf("the status is %s", status)
		}
		for _, mark := range []string{"A", "B", "C", "D;7", "P;Cwd=" + dir} {
			if !strings.Contains(s.output(), "\x1b]633;"+mark) {
				t.Errorf("the mark %s is missing", mark)
			}
		}
		before := m.runs()
		for range 5 {
			s.do("")
		}
		if runs := m.runs() - before; runs != 0 {
			t.Errorf("%d processes at unchanged prompts", runs)
		}
		m.env["PATH"] = m.root + "/injected:" + plain
		s.in("cd /", "")
	})
}

// The scripts start processes at a prompt; with the hook there are no more.
func TestHook_addsNoProcessToVSCodesShellIntegration(t *testing.T) {
	t.Parallel()
	scripts := integrationScripts(t)
	for _, name := range []string{"bash", "zsh", "fish"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			prompts := func(rc string) int {
				return startsAt(t, name, scripts, rc, 6) - startsAt(t, name, scripts, rc, 2)
			}
			if without, with := prompts(""), prompts("HOOK\n"); with != without {
				t.Errorf("four prompts start %d processes without the hook, %d with it", without, with)
			}
		})
	}
}

// startsAt returns how many processes a shell starts until it has had n prompts
// in a project.
func startsAt(t *testing.T, name, scripts, rc string, n int) int {
	t.Helper()
	m := newMachine(t)
	dir, trace := m.pin("a", "1.22.5"), m.logs+"/trace"
	s := m.startIntegrated(name, scripts, rc, "strace", "-f", "-o", trace, "-e", "trace=execve,fork,vfork,clone,clone3")
	s.do("cd " + dir)
	for range n {
		s.do("")
	}
	s.send("exit\n")
	must(t, s.cmd.Wait()) // strace has written all of it
	text, err := os.ReadFile(trace)
	must(t, err)
	starts := 0
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "resumed>") || strings.Contains(line, "CLONE_THREAD") {
			continue
		}
		for _, call := range []string{" execve(", " fork(", " vfork(", " clone(", " clone3("} {
			if strings.Contains(line, call) {
				starts++
			}
		}
	}
	return starts
}
