package environ

import (
	"errors"
	"strconv"
	"strings"
)

// Session is what has been changed in an environment: enough to take it all
// back, and to tell our values from those that the user set meanwhile. The
// zero Session changed nothing.
//
// After a [Session.Journal] a variable may have several records, newest first.
type Session struct {
	vars      []variable
	path      []entry
	pathUnset bool // PATH was unset before us
	journal   bool // of a change that may not have been completed
}

// variable is one variable that has been changed.
type variable struct {
	name        string
	prior, ours Value
}

// entry is one directory that has been put into PATH.
type entry struct {
	dir    string
	others int // entries equal to dir that PATH has without us
}

// IsZero reports whether there is nothing to take back.
func (s Session) IsZero() bool { return len(s.vars) == 0 && len(s.path) == 0 && !s.journal }

// PathEntries lists the directories that were put into PATH, in order.
func (s Session) PathEntries() []string {
	var dirs []string
	for _, e := range s.path {
		dirs = append(dirs, e.dir)
	}
	return dirs
}

// Holds reports whether the variable still has in env the value that this
// session gave it.
func (s Session) Holds(env Env, name string) bool {
	for _, v := range s.vars {
		if v.name == name && v.ours == env.Get(name) {
			return true
		}
	}
	return false
}

// Journal gives the session to be in force while an environment changes from
// s to next. Whatever instant the change is interrupted at, reverting the
// journal finds each variable either as s or as next left it.
func (s Session) Journal(next Session) Session {
	return Session{
		vars:      append(append([]variable(nil), next.vars...), s.vars...),
		path:      append(append([]entry(nil), next.path...), s.path...),
		pathUnset: next.pathUnset || s.pathUnset,
		journal:   true,
	}
}

// The text form: the format's number, then ";" and a record each.
//
//	NAME,PRIOR,OURS   a variable; a value is "-" for unset or "=" and the text
//	:OTHERS,DIR       an entry of PATH
//	!                 PATH was unset
//	~                 this is a journal
//
// Bytes other than letters, digits and /._+@- are written %XX. A session has
// one text only: what does not encode to itself is not one.
const (
	format     = "1"
	maxSession = 1 << 16
)

// ErrSession says that a text is not a session.
var ErrSession = errors.New("not a session of this version")

// Encode gives the text form; it is empty for a session that changed nothing.
func (s Session) Encode() string {
	if s.IsZero() {
		return ""
	}
	b := []byte(format)
	for _, v := range s.vars {
		b = append(b, ';')
		b = append(b, v.name...)
		b = appendValue(append(b, ','), v.prior)
		b = appendValue(append(b, ','), v.ours)
	}
	for _, e := range s.path {
		b = strconv.AppendInt(append(b, ";:"...), int64(e.others), 10)
		b = appendEscaped(append(b, ','), e.dir)
	}
	if s.pathUnset {
		b = append(b, ";!"...)
	}
	if s.journal {
		b = append(b, ";~"...)
	}
	return string(b)
}

// Decode reads the text form. The variable travels through places that others
// write to, so anything but an exact encoding is refused.
func Decode(text string) (Session, error) {
	if text == "" {
		return Session{}, nil
	}
	records := strings.Split(text, ";")
	if len(text) > maxSession || records[0] != format {
		return Session{}, ErrSession
	}
	var s Session
	for _, record := range records[1:] {
		if !s.read(record) {
			return Session{}, ErrSession
		}
	}
	if s.Encode() != text {
		return Session{}, ErrSession
	}
	return s, nil
}

func (s *Session) read(record string) bool {
	fields := strings.Split(record, ",")
	switch {
	case record == "!":
		s.pathUnset = true
		return true
	case record == "~":
		s.journal = true
		return true
	case len(fields) == 2 && strings.HasPrefix(record, ":"):
		others, err := strconv.Atoi(fields[0][1:])
		dir, ok := unescape(fields[1])
		s.path = append(s.path, entry{dir, others})
		return ok && err == nil && others >= 0 && fitsPath(dir)
	case len(fields) == 3 && isName(fields[0]):
		prior, ok := readValue(fields[1])
		ours, ok2 := readValue(fields[2])
		s.vars = append(s.vars, variable{fields[0], prior, ours})
		return ok && ok2 && prior != ours
	}
	return false
}

// isName says whether a session may speak of the variable.
func isName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if !(c == '_' || isLetter(c) || i > 0 && isDigit(c)) {
			return false
		}
	}
	return name != "" && name != pathVariable && name != SessionVariable
}

func appendValue(b []byte, v Value) []byte {
	if !v.Set {
		return append(b, '-')
	}
	return appendEscaped(append(b, '='), v.Text)
}

func readValue(s string) (Value, bool) {
	if s == "-" {
		return Value{}, true
	}
	if !strings.HasPrefix(s, "=") {
		return Value{}, false
	}
	text, ok := unescape(s[1:])
	return Text(text), ok
}

const hexDigits = "0123456789ABCDEF"

func appendEscaped(b []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if isLetter(c) || isDigit(c) || strings.IndexByte("/._+@-", c) >= 0 {
			b = append(b, c)
		} else {
			b = append(b, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return b
}

// unescape is lenient about which bytes are escaped: Decode compares with the
// one encoding there is.
func unescape(s string) (string, bool) {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		high, low := strings.IndexByte(hexDigits, s[i+1]), strings.IndexByte(hexDigits, s[i+2])
		if high < 0 || low < 0 || high|low == 0 {
			return "", false // no variable holds a NUL
		}
		b = append(b, byte(high<<4|low))
		i += 2
	}
	return string(b), true
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
