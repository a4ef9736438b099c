package doctor

import (
	"strings"

	"github.com/vmgo/vmgo/internal/facts"
)

// Assignment is a line of a file that sets up sessions.
type Assignment struct {
	Path string
	Line int
	Text string // the line without surrounding blanks
	// Name and Value are empty where the line sets no variable.
	Name, Value string
	// Alone says that the line does nothing but set that variable.
	Alone bool
	// Mine says that the file belongs to this user's own setup.
	Mine bool
}

// userStartup are the files of a home directory that shells, display managers
// and systemd read when a session begins.
func userStartup() []string {
	return []string{
		".profile", ".bash_profile", ".bash_login", ".bashrc", ".bash_aliases", ".zshenv", ".zprofile", ".zshrc", ".zlogin",
		".config/fish/config.fish", ".config/fish/conf.d/*.fish", ".config/elvish/rc.elv", ".xonshrc", ".config/xonsh/rc.xsh", ".config/nushell/config.nu", ".config/nushell/autoload/*.nu",
		".local/share/nushell/vendor/autoload/*.nu", ".pam_environment", ".config/environment.d/*.conf",
	}
}

// Startup are the lines of all startup files, those of the user first.
func (m *Machine) Startup() []Assignment { return m.startup() }

func (m *Machine) readStartup() []Assignment {
	var all []Assignment
	for _, pattern := range userStartup() {
		if p := m.HomePath(pattern); p != "" {
			for _, file := range facts.Expand(m.Host, p) {
				all = append(all, m.startupLines(file, true)...)
			}
		}
	}
	for _, file := range facts.StartupFiles(m.Host) {
		all = append(all, m.startupLines(file, false)...)
	}
	return all
}

func (m *Machine) startupLines(file string, mine bool) []Assignment {
	var all []Assignment
	for i, line := range m.Lines(file) {
		text := strings.TrimSpace(line)
		if text == "" || strings.HasPrefix(text, "#") || strings.HasPrefix(text, ": "+disabledMark) {
			continue
		}
		a := Assignment{Path: file, Line: i + 1, Text: text, Mine: mine}
		a.Name, a.Value, a.Alone = parseAssignment(text)
		all = append(all, a)
	}
	return all
}

// parseAssignment reads the ways in which startup files set a variable:
// "export A=b", "A=b", "set -gx A b" (fish), "setenv A b". Anything cleverer is
// no assignment to us. Alone is false where more words follow.
func parseAssignment(text string) (name, value string, alone bool) {
	fields := strings.Fields(text)
	for len(fields) > 0 && (fields[0] == "export" || fields[0] == "typeset" || fields[0] == "declare") {
		fields = withoutOptions(fields[1:])
	}
	if len(fields) == 0 {
		return "", "", false
	}
	if fields[0] == "set" || fields[0] == "setenv" {
		fields = withoutOptions(fields[1:])
		if len(fields) < 2 || !isName(fields[0]) {
			return "", "", false
		}
		value = strings.Join(fields[1:], " ")
		_, rest := firstWord(value)
		// A path has an element a word in fish.
		return fields[0], unquote(value), rest == "" || fields[0] == "PATH" || fields[0] == "fish_user_paths"
	}
	name, value, found := strings.Cut(strings.Join(fields, " "), "=")
	if !found || !isName(name) {
		return "", "", false
	}
	value, rest := firstWord(value)
	return name, unquote(strings.TrimSuffix(value, ";")), rest == "" || rest[0] == '#'
}

func withoutOptions(fields []string) []string {
	for len(fields) > 0 && strings.HasPrefix(fields[0], "-") {
		fields = fields[1:]
	}
	return fields
}

// firstWord cuts at the first blank that is not quoted.
func firstWord(s string) (word, rest string) {
	quote := rune(0)
	for i, r := range s {
		switch {
		case r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote = r
		case quote == 0 && r == ' ':
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

func unquote(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
