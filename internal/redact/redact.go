// Package redact hides secrets and the home directory in text that is shown or handed
// on: reports, findings, previews of changes.
package redact

import (
	"regexp"
	"slices"
	"strings"
)

// Redactor hides passwords in URLs, values that are secrets by their name or by
// their look, and secrets of the environment wherever they are repeated.
type Redactor struct {
	named, spaced, tokens, bearer, bare *regexp.Regexp
	url                                 *regexp.Regexp
	values                              []string // secrets of the environment, the longest first
	homes                               []string
}

// secretName is how variables and options are called that hold secrets.
const secretName = `[a-z0-9_.-]*(?:(?:token|secret|passwd|password|passphrase|api_?key|access_?key|private_?key|credential)[a-z0-9_]*|pass|pwd|_key|auth)`

// New returns a redactor for the secrets of env. homes are the names of the home
// directory: as HOME has it, with links followed.
func New(env map[string]string, homes ...string) Redactor {
	const value = `("[^"]*"|'[^']*'|[^\s&,;]+)`
	r := Redactor{
		url:    regexp.MustCompile(`(?i)\b([a-z][a-z0-9+.-]*://)([^\s"'<>|,]*)`),
		bare:   regexp.MustCompile(`(^|[\s="'(])[^\s/@:"'=]+:[^\s/@"'][^\s@"']*@`),
		named:  regexp.MustCompile(`(?i)\b(` + secretName + `)(\s*[=:]\s*)` + value),
		spaced: regexp.MustCompile(`(?i)(\bset(?:env)?\s+(?:-\S+\s+)*` + secretName + `|--?` + secretName + `)(\s+)` + value),
		tokens: regexp.MustCompile(`\b(?:gh[pousr]_|github_pat_|glpat-|xox[a-z]-|sk-|npm_|AKIA)[A-Za-z0-9_-]{12,}|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_.-]+`),
		bearer: regexp.MustCompile(`(?i)\b(bearer|basic)\s+[a-z0-9+/._=-]{8,}`),
	}
	named := regexp.MustCompile(`(?i)^` + secretName + `$`)
	for name, value := range env {
		if secret := passwordOf(value); secret != "" {
			r.values = append(r.values, secret)
		}
		// A path is no secret, and a short value may be any word.
		if named.MatchString(name) && len(value) >= 8 && !strings.HasPrefix(value, "/") {
			r.values = append(r.values, value)
		}
	}
	slices.SortFunc(r.values, func(a, b string) int { return len(b) - len(a) })
	for _, home := range homes {
		if home = strings.TrimSuffix(home, "/"); len(home) > 1 {
			r.homes = append(r.homes, home)
		}
	}
	slices.Sort(r.homes)
	r.homes = slices.Compact(r.homes)
	return r
}

// Text returns s without secrets, and with ~ for the home directory.
func (r Redactor) Text(s string) string {
	s = r.Secrets(s)
	for _, home := range r.homes {
		s = hideHome(s, home, func(string) string { return "~" })
	}
	return s
}

// Command is Text for what people paste into a shell: the home directory becomes
// what the shell itself makes the home directory of at that place.
func (r Redactor) Command(s string) string {
	s = r.Secrets(s)
	for _, home := range r.homes {
		s = hideHome(s, home, homeInShell)
	}
	return s
}

// passwordOf is what a proxy's address in the environment has behind the user's
// name; empty if there is none, or too little to be told from other words.
func passwordOf(address string) string {
	_, rest, found := strings.Cut(address, "://")
	if !found {
		rest = address
	}
	i := strings.LastIndex(rest, "@")
	if i < 0 {
		return ""
	}
	_, password, _ := strings.Cut(rest[:i], ":")
	if len(password) < 5 || strings.Contains(password, "://") {
		return ""
	}
	return password
}

// Secrets returns s without secrets; the home directory stays.
func (r Redactor) Secrets(s string) string {
	for _, secret := range r.values {
		s = strings.ReplaceAll(s, secret, "***")
	}
	s = r.url.ReplaceAllStringFunc(s, func(address string) string {
		scheme, rest, _ := strings.Cut(address, "://")
		return scheme + "://" + hideUser(rest)
	})
	s = r.bare.ReplaceAllString(s, "${1}***@")
	s = r.named.ReplaceAllString(s, "${1}${2}***")
	s = r.spaced.ReplaceAllString(s, "${1}${2}***")
	s = r.tokens.ReplaceAllString(s, "***")
	return r.bearer.ReplaceAllString(s, "${1} ***")
}

// hideUser hides user and password of an address without its scheme. A password may
// have a slash or an @ that should have been escaped; the @ of a module proxy's
// paths stands behind a slash.
func hideUser(rest string) string {
	at := strings.LastIndex(rest, "@")
	for at > 0 && rest[at-1] == '/' {
		at = strings.LastIndex(rest[:at], "@")
	}
	first, _, _ := strings.Cut(rest, "/")
	_, port, found := strings.Cut(first, ":")
	user := strings.Contains(first, "@") || found && strings.Trim(port, "0123456789") != ""
	if at < 0 || !user {
		return rest
	}
	return "***" + rest[at:]
}

// hideHome puts something shorter for home where it is a whole path element:
// /home/ann is not in /home/anna. The text before it decides what.
func hideHome(s, home string, instead func(before string) string) string {
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
			out.WriteString(instead(out.String()))
		} else {
			out.WriteString(home)
		}
		s = rest
	}
}

// homeInShell writes the home directory for its place in a command: a tilde counts
// at the beginning of a word only, and nothing counts between single quotes.
func homeInShell(before string) string {
	if i := strings.LastIndex(before, "\n"); i >= 0 {
		before = before[i+1:]
	}
	quote := byte(0)
	for i := 0; i < len(before); i++ {
		switch c := before[i]; {
		case c == '\\' && quote != '\'':
			i++
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote:
			quote = 0
		}
	}
	switch {
	case quote == '\'':
		return `'"$HOME"'`
	case quote == '"', before != "" && !strings.HasSuffix(before, " "):
		return "$HOME"
	}
	return "~"
}

func pathByte(c byte) bool {
	return c == '_' || c == '-' || c == '.' || c >= 0x80 ||
		'0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
