package cmd

import "strings"

// withPin returns the text of a version file with its pin replaced by pin:
// comments and blank lines stay, and so does the file's kind of line break.
func withPin(old, pin string) string {
	var out strings.Builder
	done := false
	for line := range strings.Lines(old) {
		body := strings.TrimRight(strings.TrimPrefix(line, "\ufeff"), "\r\n")
		ending := line[len(strings.TrimRight(line, "\r\n")):]
		trimmed := strings.TrimSpace(body)
		if trimmed == "" || strings.HasPrefix(trimmed, "#") {
			out.WriteString(line)
			continue
		}
		if done {
			continue
		}
		if ending == "" {
			ending = "\n"
		}
		out.WriteString(pin + ending)
		done = true
	}
	if !done {
		if text := out.String(); text != "" && !strings.HasSuffix(text, "\n") {
			out.WriteByte('\n')
		}
		out.WriteString(pin + "\n")
	}
	return out.String()
}
