package environ

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Session is what has been changed in an environment: enough to take it all
// back, and to tell our values from those that the user set meanwhile. The
// zero Session changed nothing.
type Session struct {
	changes
	// old is what an environment may still or again hold: values that were ours
	// before, newest first.
	old     changes
	journal bool // the change from old may not have been completed
}

// changes are what was done to an environment.
type changes struct {
	vars      []variable
	path      []entry
	pathUnset bool // PATH was unset before us
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

func (c changes) isZero() bool { return len(c.vars) == 0 && len(c.path) == 0 }

// IsZero reports whether there is nothing to take back.
func (s Session) IsZero() bool { return s.isZero() && s.old.isZero() && !s.journal }

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
	return Session{changes: next.changes, old: s.all(), journal: true}
}

// all gives the changes of s, those that are in force first.
func (s Session) all() changes {
	return changes{
		vars:      slices.Concat(s.vars, s.old.vars),
		path:      slices.Concat(s.path, s.old.path),
		pathUnset: s.pathUnset || s.old.pathUnset,
	}
}

// maxOld bounds what is remembered of former changes.
const maxOld = 32

// remember gives what of s is to be kept as old beside the changes in now.
func (s Session) remember(now changes) changes {
	kept := changes{pathUnset: s.pathUnset || s.old.pathUnset}
	for _, v := range s.all().vars {
		known := func(w variable) bool { return w.name == v.name && w.ours == v.ours }
		if len(kept.vars) < maxOld && !slices.ContainsFunc(kept.vars, known) && !slices.ContainsFunc(now.vars, known) {
			kept.vars = append(kept.vars, v)
		}
	}
	for _, e := range s.all().path {
		known := func(f entry) bool { return e.dir == f.dir }
		if len(kept.path) < maxOld && !slices.ContainsFunc(kept.path, known) && !slices.ContainsFunc(now.path, known) {
			kept.path = append(kept.path, e)
		}
	}
	return kept
}

// The text form: the format's number, then ";" and a record each.
//
//	NAME,PRIOR,OURS   a variable; a value is "-" for unset or "=" and the text
//	:OTHERS,DIR       an entry of PATH
//	!                 PATH was unset
//	~                 this is a journal
//	|                 from here on: what was changed before
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
	b := s.changes.append([]byte(format))
	if s.journal {
		b = append(b, ";~"...)
	}
	if !s.old.isZero() {
		b = s.old.append(append(b, ";|"...))
	}
	return string(b)
}

func (c changes) append(b []byte) []byte {
	for _, v := range c.vars {
		b = append(b, ';')
		b = append(b, v.name...)
		b = appendValue(append(b, ','), v.prior)
		b = appendValue(append(b, ','), v.ours)
	}
	for _, e := range c.path {
		b = strconv.AppendInt(append(b, ";:"...), int64(e.others), 10)
		b = appendEscaped(append(b, ','), e.dir)
	}
	if c.pathUnset {
		b = append(b, ";!"...)
	}
	return b
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
	into := &s.changes
	for _, record := range records[1:] {
		switch {
		case record == "~":
			s.journal = true
		case record == "|":
			into = &s.old
		case !into.read(record):
			return Session{}, ErrSession
		}
	}
	if s.Encode() != text {
		return Session{}, ErrSession
	}
	return s, nil
}

func (c *changes) read(record string) bool {
	fields := strings.Split(record, ",")
	switch {
	case record == "!":
		c.pathUnset = true
		return true
	case len(fields) == 2 && strings.HasPrefix(record, ":"):
		others, err := strconv.Atoi(fields[0][1:])
		dir, ok := unescape(fields[1])
		c.path = append(c.path, entry{dir, others})
		return ok && err == nil && others >= 0 && fitsPath(dir)
	case len(fields) == 3 && isName(fields[0]):
		prior, ok := readValue(fields[1])
		ours, ok2 := readValue(fields[2])
		c.vars = append(c.vars, variable{fields[0], prior, ours})
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
