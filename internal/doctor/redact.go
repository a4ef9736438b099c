package doctor

import (
	"regexp"
	"strings"
)

// Redact hides the home directory, passwords in URLs and values that are
// secrets by their name.
func (m *Machine) Redact(s string) string {
	s = m.redactor.hide(s)
	for _, home := range []string{m.Layout.Home, m.Show(m.Layout.Home)} { // the same but in tests
		if len(home) > 1 {
			s = hideHome(s, strings.TrimSuffix(home, "/"))
		}
	}
	return s
}

// redactor holds the patterns; they are compiled once a run.
type redactor struct{ userinfo, named, bearer *regexp.Regexp }

func newRedactor() redactor {
	return redactor{
		userinfo: regexp.MustCompile(`(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@"']+@`),
		named: regexp.MustCompile(
			`(?i)\b([a-z0-9_.-]*(?:token|secret|passwd|password|api_?key|access_?key|private_?key|credential)[a-z0-9_]*)(\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s&,;]+)`),
		bearer: regexp.MustCompile(`(?i)\b(bearer|basic)\s+[a-z0-9+/._=-]{8,}`),
	}
}

func (r redactor) hide(s string) string {
	s = r.userinfo.ReplaceAllString(s, "${1}***@")
	s = r.named.ReplaceAllString(s, "${1}${2}***")
	return r.bearer.ReplaceAllString(s, "${1} ***")
}

// hideHome writes ~ for home where it is a whole path element: /home/ann is
// not in /home/anna.
func hideHome(s, home string) string {
	var out strings.Builder
	for {
		i := strings.Index(s, home)
		if i < 0 {
			out.WriteString(s)
			return out.String()
		}
		rest := s[i+len(home):]
		whole := (rest == "" || !pathByte(rest[0])) && (i == 0 || !pathByte(s[i-1]) && s[i-1] != '/')
		out.WriteString(s[:i])
		if whole {
			out.WriteString("~")
		} else {
			out.WriteString(home)
		}
		s = rest
	}
}

func pathByte(c byte) bool {
	return c == '_' || c == '-' || c == '.' || c >= 0x80 ||
		'0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
