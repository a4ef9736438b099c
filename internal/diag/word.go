package diag

import "strings"

// Word quotes a word of a hint where a POSIX shell would not take it as it is,
// so that the hint can be pasted.
func Word(text string) string {
	plain := func(c byte) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("/._-+@%,:=", c) >= 0
	}
	for i := 0; i < len(text); i++ {
		if !plain(text[i]) {
			return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
		}
	}
	if text == "" {
		return "''"
	}
	return text
}
