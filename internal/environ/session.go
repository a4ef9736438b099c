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
	old changes
	// before, in a journal, is the session that this one takes the place of; the
	// change may not have been completed.
	before *Session
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

// PathEntries lists the directories that were put into PATH, in order.
func (s Session) PathEntries() []string {
	var dirs []string
	for _, e := range s.path {
		dirs = append(dirs, e.dir)
	}
	return dirs
}

// Undo is what takes an environment out of a session without this package.
type Undo struct {
	Vars []UndoVar
	// Path are the entries of PATH that are there because of the session only.
	Path []string
}

// UndoVar is a variable that is to become Prior if it is Ours.
type UndoVar struct {
	Name        string
	Prior, Ours Value
}

// Undo returns what a shell has to undo that can no longer ask.
func (s Session) Undo() Undo {
	var u Undo
	for _, v := range s.vars {
		u.Vars = append(u.Vars, UndoVar{v.name, v.prior, v.ours})
	}
	for _, e := range s.path {
		if e.others == 0 {
			u.Path = append(u.Path, e.dir)
		}
	}
	return u
}

// Before returns, for a journal, the state that the environment was in before
// the change that was interrupted. behind are the directories that stand behind
// everything else in PATH if they were put there at all.
func (s Session) Before(behind []string) Wanted {
	if s.before == nil {
		return Wanted{}
	}
	want := Wanted{Vars: map[string]Value{}}
	for _, dir := range s.before.PathEntries() {
		if slices.Contains(behind, dir) {
			want.Behind = append(want.Behind, dir)
		} else {
			want.Path = append(want.Path, dir)
		}
	}
	for _, v := range s.before.vars {
		want.Vars[v.name] = v.ours
	}
	return want
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

// JournalMark stands between the texts of two sessions and makes them a
// journal: the session variable is to hold "after~before" while an environment
// changes from one to the other. Whatever instant the change is interrupted at,
// reverting the journal finds each variable either as it was before or as it
// is after.
const JournalMark = "~"

// Settled returns s as it can end a journal: a journal itself, of a change that
// was interrupted, is summed up.
func (s Session) Settled() Session {
	if s.before == nil {
		return s
	}
	return Session{changes: s.changes, old: s.remember(s.changes)}
}

// all returns the changes of s, the active ones first. What it gives is
// not to be changed.
func (s Session) all() changes {
	all := s.changes
	for _, more := range s.former() {
		if more.isZero() && !more.pathUnset {
			continue
		}
		all = changes{
			vars:      slices.Concat(all.vars, more.vars),
			path:      slices.Concat(all.path, more.path),
			pathUnset: all.pathUnset || more.pathUnset,
		}
	}
	return all
}

// former returns what is no longer active, newest first.
func (s Session) former() []changes {
	if s.before == nil {
		return []changes{s.old}
	}
	return []changes{s.old, s.before.changes, s.before.old}
}

// maxOld bounds what is remembered of former changes.
const maxOld = 32

// remember returns what of s is to be kept as old beside the changes in now.
func (s Session) remember(now changes) changes {
	all := s.all()
	kept := changes{pathUnset: all.pathUnset}
	for _, v := range all.vars {
		known := func(w variable) bool { return w.name == v.name && w.ours == v.ours }
		if len(kept.vars) < maxOld && !slices.ContainsFunc(kept.vars, known) && !slices.ContainsFunc(now.vars, known) {
			kept.vars = append(kept.vars, v)
		}
	}
	for _, e := range all.path {
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
//	|                 from here on: what was changed before
//
// Bytes other than letters, digits and /._+@- are written %XX. A session that
// changed nothing is the empty text. In a journal the [JournalMark] and the text
// of the session before follow. A session has one text only: what does not encode to
// itself is not one.
const (
	format     = 1
	maxSession = 1 << 16
)

// ErrSession says that a text is not a session, ErrNewer that it may be one of
// a later format.
var (
	ErrSession = errors.New("not a session of this version")
	ErrNewer   = errors.New("a session of a later version")
)

// Encode returns the text form; it is empty for a session that changed nothing.
func (s Session) Encode() string { return string(s.append(make([]byte, 0, 1<<10))) }

func (s Session) append(b []byte) []byte {
	if !s.isZero() || !s.old.isZero() {
		b = s.changes.append(strconv.AppendInt(b, format, 10))
		if !s.old.isZero() {
			b = s.old.append(append(b, ";|"...))
		}
	}
	if s.before != nil {
		b = s.before.append(append(b, JournalMark...))
	}
	return b
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

// Ours reports whether a session is about no other variables than those that
// [Plan] sets. Whoever can write the session variable, a container's environment
// file for one, must not have BASH_ENV or LD_PRELOAD set by it.
func (s Session) Ours() bool {
	for _, variables := range [][]variable{s.vars, s.old.vars} {
		for _, v := range variables {
			if !slices.Contains(Variables(), v.name) {
				return false
			}
		}
	}
	return s.before == nil || s.before.Ours()
}

// Decode reads the text form. The variable travels through places that others
// write to, so anything but an exact encoding is refused, with [ErrSession] or [ErrNewer].
func Decode(text string) (Session, error) {
	if len(text) > maxSession {
		return Session{}, ErrSession
	}
	now, earlier, journal := strings.Cut(text, JournalMark)
	s, ok := decode(now)
	if journal && ok {
		var before Session
		before, ok = decode(earlier)
		s.before = &before
	}
	switch {
	case isNewer(text):
		return Session{}, ErrNewer
	case !ok || string(s.append(make([]byte, 0, len(text)+1))) != text:
		return Session{}, ErrSession
	}
	return s, nil
}

// isNewer reports whether text begins with the number of a later format.
func isNewer(text string) bool {
	number, _, _ := strings.Cut(text, ";")
	n, err := strconv.Atoi(number)
	return err == nil && strconv.Itoa(n) == number && n > format
}

// decode reads a session that is no journal, without judging its form.
func decode(text string) (s Session, ok bool) {
	if text == "" {
		return s, true
	}
	record, rest, more := strings.Cut(text, ";")
	if record != strconv.Itoa(format) {
		return s, false
	}
	into := &s.changes
	for more {
		record, rest, more = strings.Cut(rest, ";")
		if record == "|" {
			into = &s.old
		} else if !into.read(record) {
			return s, false
		}
	}
	return s, true
}

func (c *changes) read(record string) bool {
	if record == "!" {
		c.pathUnset = true
		return true
	}
	first, rest, _ := strings.Cut(record, ",")
	if number, isEntry := strings.CutPrefix(first, ":"); isEntry {
		others, err := strconv.Atoi(number)
		dir, ok := unescape(rest)
		c.path = append(c.path, entry{dir, others})
		return ok && err == nil && others >= 0 && fitsPath(dir)
	}
	before, after, _ := strings.Cut(rest, ",")
	prior, ok := readValue(before)
	ours, ok2 := readValue(after)
	if c.vars == nil {
		c.vars = make([]variable, 0, 8)
	}
	c.vars = append(c.vars, variable{first, prior, ours})
	return isName(first) && ok && ok2 && prior != ours
}

// isName reports whether a session may speak of the variable.
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
	if strings.IndexByte(s, '%') < 0 {
		return s, true
	}
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
