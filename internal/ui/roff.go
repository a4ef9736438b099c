package ui

import "strings"

// Roff escapes text for the macros of man(7): backslashes and hyphens, and dots and
// quotes at the beginning of a line, which would make it a request.
func Roff(text string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
