package doctor

import (
	"path/filepath"
	"strings"

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

// hookCommand returns the line that loads the hook in the login shell.
func (m *Machine) hookCommand() string { return m.Options.HookLine(m.accountShell(), m.Options.Vmgo) }

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
