package diag

import "unicode/utf8"

// Line returns foreign text (paths, server answers, names in an archive) as it
// may be shown on one line of a terminal: what would forge further lines, drive
// the terminal, or turn the order of the letters round is written as an escape.
func Line(s string) string {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\n':
			out = append(out, `\n`...)
		case r == '\t':
			out = append(out, ' ')
		case r < 0x20 || r == 0x7f || r == utf8.RuneError && size == 1:
			out = append(append(out, `\x`...), hex(s[i]>>4), hex(s[i]))
		case misleads(r):
			out = append(append(out, `\u`...), hex(byte(r>>12)), hex(byte(r>>8)), hex(byte(r>>4)), hex(byte(r)))
		default:
			out = append(out, s[i:i+size]...)
		}
		i += size
	}
	return string(out)
}

func hex(b byte) byte { return "0123456789abcdef"[b&15] }

// misleads knows the control characters beyond ASCII: C1, which some terminals
// obey, the ends of lines and paragraphs, and what changes the direction of text.
func misleads(r rune) bool {
	return r >= 0x80 && r < 0xa0 || r == 0x200e || r == 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
