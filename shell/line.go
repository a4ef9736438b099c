package shell

import (
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

// StartupFile returns the file in which an interactive shell expects the line
// that [Line] returns, as people write its name; empty for a shell without a hook.
func StartupFile(name string) string {
	switch name {
	case "bash":
		return "~/.bashrc"
	case "zsh":
		return "~/.zshrc"
	case "fish":
		return "~/.config/fish/config.fish"
	}
	return ""
}

// Line returns the line for the start-up file of the shell of that name that
// loads the hook of the program vmgo, which is an absolute path. Start-up files
// may be read before PATH is complete (Debian's .profile reads .bashrc before it
// adds ~/.local/bin), so only a program that is on every PATH goes by its name.
func Line(name, vmgo string) string {
	i := strings.LastIndexByte(vmgo, '/')
	word := diag.Word(vmgo)
	if i >= 0 && onEveryPath(vmgo[:i]) {
		word = vmgo[i+1:]
	}
	if name != "fish" {
		return `eval "$(` + word + " hook " + name + `)"`
	}
	if word[0] == '\'' {
		word = fish{}.Quote(vmgo)
	}
	return word + " hook fish | source"
}

// onEveryPath reports whether each distribution has dir on PATH before any
// start-up file of a user is read.
func onEveryPath(dir string) bool {
	return dir == "/usr/local/bin" || dir == "/usr/bin" || dir == "/bin"
}
