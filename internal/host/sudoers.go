package host

import (
	"path/filepath"
	"slices"
	"strings"
)

// SudoersLine is a line of sudoers(5), with those that continue it.
type SudoersLine struct {
	File string
	Line int
	Text string
}

// Sudoers are the lines of /etc/sudoers and of what it includes, in the order in
// which sudo reads them: a later setting overrides an earlier one.
func (h Host) Sudoers() ([]SudoersLine, error) { return h.sudoers("/etc/sudoers") }

// sudoers reads one file, unless it is one of those that include it.
func (h Host) sudoers(file string, within ...string) ([]SudoersLine, error) {
	if slices.Contains(within, file) {
		return nil, nil
	}
	data, err := h.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []SudoersLine
	text, begin := "", 1
	for i, line := range strings.Split(string(data), "\n") {
		if text == "" {
			begin = i + 1
		}
		if rest, more := strings.CutSuffix(line, `\`); more {
			text += rest + " "
			continue
		}
		all = append(all, SudoersLine{file, begin, strings.TrimSpace(text + line)})
		text = ""
		for _, other := range h.sudoersIncluded(all[len(all)-1]) {
			lines, err := h.sudoers(other, append(within, file)...)
			if err != nil {
				return nil, err
			}
			all = append(all, lines...)
		}
	}
	return all, nil
}

// sudoersIncluded are the files that a line includes: of a directory those whose
// names have no dot and do not end in a tilde, by name.
func (h Host) sudoersIncluded(line SudoersLine) []string {
	words := strings.Fields(line.Text)
	if len(words) != 2 {
		return nil
	}
	target := words[1]
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(line.File), target)
	}
	switch words[0] {
	case "@include", "#include":
		return []string{target}
	case "@includedir", "#includedir":
		var files []string
		for _, entry := range h.ReadDir(target) {
			if name := entry.Name(); !strings.Contains(name, ".") && !strings.HasSuffix(name, "~") {
				files = append(files, filepath.Join(target, name))
			}
		}
		return files
	}
	return nil
}

// SecurePath is the PATH that sudo gives to commands, and the line that says so;
// empty if sudo keeps the caller's. Defaults for some users, hosts or commands only
// do not count.
func SecurePath(lines []SudoersLine) (path string, from SudoersLine) {
	for _, line := range lines {
		rest, ok := strings.CutPrefix(line.Text, "Defaults")
		if !ok || rest == "" || rest[0] != ' ' && rest[0] != '\t' {
			continue
		}
		for _, option := range splitUnquoted(rest) {
			name, value, _ := strings.Cut(option, "=")
			switch strings.TrimSpace(name) {
			case "secure_path":
				path, from = unescapeSudo(strings.TrimSpace(value)), line
			case "!secure_path":
				path, from = "", line
			}
		}
	}
	return path, from
}

// splitUnquoted splits at commas that are neither in double quotes nor escaped.
func splitUnquoted(s string) []string {
	quoted, escaped := false, false
	split := func(r rune) bool {
		was := escaped
		escaped = r == '\\' && !was
		if r == '"' && !was {
			quoted = !quoted
		}
		return r == ',' && !quoted && !was
	}
	return slices.Collect(strings.FieldsFuncSeq(s, split))
}

// unescapeSudo takes quotes and backslashes away.
func unescapeSudo(s string) string {
	var out strings.Builder
	escaped := false
	for _, r := range strings.Trim(s, `"`) {
		if escaped = r == '\\' && !escaped; !escaped {
			out.WriteRune(r)
		}
	}
	return out.String()
}
