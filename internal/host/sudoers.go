package host

import (
	"fmt"
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

// SecurePath returns the PATH that sudo gives to commands, and the line that sets it;
// empty if sudo keeps the caller's.
func SecurePath(lines []SudoersLine) (path string, from SudoersLine) {
	if all := SecurePaths(lines); len(all) > 0 {
		last := all[len(all)-1]
		return last.Path, last.From
	}
	return "", SudoersLine{}
}

// SecurePathSetting is a line that sets secure_path, or removes it: then Path is empty.
type SecurePathSetting struct {
	Path string
	From SudoersLine
}

// SecurePaths returns every setting of secure_path, in the order in which sudo reads
// them: the last one wins. Defaults for some users, hosts or commands only do not
// count.
func SecurePaths(lines []SudoersLine) (all []SecurePathSetting) {
	for _, line := range lines {
		rest, ok := strings.CutPrefix(line.Text, "Defaults")
		if !ok || rest == "" || rest[0] != ' ' && rest[0] != '\t' {
			continue
		}
		for _, option := range splitUnquoted(rest) {
			name, value, _ := strings.Cut(option, "=")
			switch strings.TrimSpace(name) {
			case "secure_path":
				all = append(all, SecurePathSetting{unescapeSudo(strings.TrimSpace(value)), line})
			case "!secure_path":
				all = append(all, SecurePathSetting{"", line})
			}
		}
	}
	return all
}

// DropInOverridden returns why a file of a directory that sudoers includes does not
// override the setting of a line; empty if it does. sudo reads the directory where a
// line says so, by name, and the last setting wins.
func (h Host) DropInOverridden(lines []SudoersLine, from SudoersLine, file string) string {
	dir := filepath.Dir(file)
	included := slices.IndexFunc(lines, func(l SudoersLine) bool {
		words := strings.Fields(l.Text)
		return len(words) == 2 && strings.TrimLeft(words[0], "@#") == "includedir" && filepath.Clean(words[1]) == dir
	})
	switch {
	case included < 0:
		return "/etc/sudoers does not include " + dir + ", so a file there has no effect"
	case !h.Exists(dir):
		return "there is no " + dir
	case filepath.Dir(from.File) == dir && filepath.Base(from.File) > filepath.Base(file),
		filepath.Dir(from.File) != dir && slices.Index(lines, from) > included:
		return fmt.Sprintf("%s:%d sets secure_path and is read after %s, so it wins", from.File, from.Line, file)
	}
	return ""
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
