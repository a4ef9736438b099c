package doctor

import (
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
)

// session is what the hook did in this shell.
type session struct{ set bool }

func (m *Machine) session() session { return session{m.Env[environ.SessionVariable] != ""} }

// hookLine reports whether a startup line loads vmgo's hook.
func hookLine(text string) bool {
	return strings.Contains(text, "vmgo hook ") || strings.Contains(text, "/vmgo hook ") ||
		text == "def --env _vmgo_prompt [] {" // nushell loads the script itself from a directory
}

// loadsHook reports whether a startup line loads the hook in the user's own shell: its
// file is not one of another shell, and neither is the hook that it names.
func (m *Machine) loadsHook(a Assignment) bool {
	own := m.accountShell()
	if !hookLine(a.Text) || a.Mine && startupShell(a.Path) != own {
		return false
	}
	_, named, _ := strings.Cut(a.Text, "vmgo hook ")
	end := strings.IndexFunc(named, func(r rune) bool { return r < 'a' || r > 'z' })
	if end >= 0 {
		named = named[:end]
	}
	file := m.Options.StartupFile(named)
	return file == "" || file == m.Options.StartupFile(own) // one shell may have two names
}

// startupShell returns the shell that reads a startup file of a home directory.
func startupShell(path string) string {
	switch base := filepath.Base(path); {
	case base == ".xonshrc" || strings.Contains(path, "/xonsh/"):
		return "xonsh"
	case strings.HasPrefix(base, ".z"):
		return "zsh"
	case strings.Contains(path, "/fish/"):
		return "fish"
	case strings.Contains(path, "/nushell/"):
		return "nu"
	case strings.Contains(path, "/elvish/"):
		return "elvish"
	}
	return "bash"
}

// rcFile is the file in which an interactive shell wants its hook; empty for a shell
// without one.
func (m *Machine) rcFile() string {
	shell := m.accountShell()
	file, found := strings.CutPrefix(m.Options.StartupFile(shell), "~/")
	if !found {
		return ""
	}
	if dir := m.Env["ZDOTDIR"]; shell == "zsh" && filepath.IsAbs(dir) {
		return filepath.Join(dir, file)
	}
	return m.HomePath(file)
}

// hookCommand returns the line that loads the hook in the login shell. All of these
// shells know ~, not all of them $HOME.
func (m *Machine) hookCommand() string {
	vmgo := m.Options.Vmgo
	if rest, beneath := strings.CutPrefix(vmgo, m.Layout.Home+"/"); beneath && diag.Word(rest) == rest {
		vmgo = "~/" + rest
	}
	return m.Options.HookLine(m.accountShell(), vmgo)
}

// appendHookLine returns the command by which that shell adds the line to a file.
func (m *Machine) appendHookLine(path string) string {
	line, file := diag.Word(m.hookCommand()), diag.Word(path)
	if m.accountShell() == "nu" {
		return line + " + (char nl) | save --append " + file
	}
	command := "echo " + line + " >> " + file
	if dir := filepath.Dir(path); !m.Exists(dir) {
		return "mkdir -p " + diag.Word(dir) + "; " + command
	}
	return command
}

// shimDirs are the directories on PATH that hold a shim of ours.
func (m *Machine) shimDirs() []string {
	var dirs []string
	for _, g := range m.Gos() {
		if g.Kind == ShimGo {
			dirs = append(dirs, filepath.Dir(g.Path))
		}
	}
	return dirs
}
