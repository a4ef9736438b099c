package shell

import (
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

// all is the registry: a shell is a file with its [Shell], a hook script, a
// completion script, and its line here.
func all() []Shell {
	return []Shell{
		bash{},
		elvish{},
		fish{},
		nushell{},
		xonsh{},
		zsh{},
	}
}

// About is what is known of a shell beside its language.
type About struct {
	// Program is the name of its program, and Suffix how the names of its scripts end,
	// where that is not its own name.
	Program, Suffix string
	// StartupFile is the file in which an interactive shell expects the line of
	// [Line], as people write its name.
	StartupFile string
	// Completion is the completion script, and CompletionFile where it belongs; both
	// are empty where there is none.
	Completion, CompletionFile string
	// Syntax is the command that reads a script, a file, without running it.
	Syntax []string
	// Interactive is the command for an interactive shell that reads none of the
	// user's files.
	Interactive []string
	// Data reports that its hook gets data, JSON, in place of text to evaluate, and
	// compares what files hold in place of their times.
	Data bool
}

// Names lists the shells that there is a hook for.
func Names() []string {
	var names []string
	for _, s := range all() {
		names = append(names, s.Name())
	}
	return names
}

// Completed lists the shells that there is a completion for.
func Completed() []string {
	return slices.DeleteFunc(Names(), func(name string) bool { return find(name).About().Completion == "" })
}

// Lookup finds a shell by its name, by the path of its program, or by the
// argv[0] of a login shell ("-bash").
func Lookup(name string) (Shell, error) {
	base := strings.TrimPrefix(name[strings.LastIndexByte(name, '/')+1:], "-")
	if s := find(base); s != nil {
		return s, nil
	}
	return nil, diag.New(diag.UnsupportedShell, "there is no hook for the shell "+quote(name),
		"vmgo shims   # hooks there are for "+strings.Join(Names(), ", ")+"; shims serve all else")
}

// find returns the shell by its name or that of its program, or nil.
func find(name string) Shell {
	for _, s := range all() {
		if name == s.Name() || name != "" && name == s.About().Program {
			return s
		}
	}
	return nil
}

// StartupFile returns the start-up file of a shell by its name; empty for a shell
// without a hook.
func StartupFile(name string) string {
	if s := find(name); s != nil {
		return s.About().StartupFile
	}
	return ""
}

// Line returns the line for the start-up file of the shell of that name that
// loads the hook of the program vmgo, an absolute path or one that begins with ~/; empty for a
// shell without a hook. Start-up files may be read before PATH is complete
// (Debian's .profile reads .bashrc before it adds ~/.local/bin), so only a
// program that is on every PATH goes by its name.
func Line(name, vmgo string) string {
	if s := find(name); s != nil {
		return s.load(programWord(s, vmgo))
	}
	return ""
}

// programWord returns how a start-up file names a program.
func programWord(s Shell, path string) string {
	i := strings.LastIndexByte(path, '/')
	switch {
	case i >= 0 && onEveryPath(path[:i]):
		return path[i+1:]
	case diag.Word(strings.TrimPrefix(path, "~/")) == strings.TrimPrefix(path, "~/"):
		return path
	}
	return s.Quote(path)
}

// onEveryPath reports whether each distribution has dir on PATH before any
// start-up file of a user is read.
func onEveryPath(dir string) bool {
	return dir == "/usr/local/bin" || dir == "/usr/bin" || dir == "/bin"
}
