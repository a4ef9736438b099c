package shell

import (
	"strings"
	"unicode/utf8"

	"github.com/vmgo/vmgo/internal/environ"
)

// CarriesData reports whether JSON can carry the new values: it has no bytes that are
// not UTF-8.
func CarriesData(changes []environ.Change) bool {
	for _, change := range changes {
		if !utf8.ValidString(change.Value.Text) {
			return false
		}
	}
	return true
}

// dataUpdate returns the answer as one line of JSON, for a shell whose script
// applies it. Cut short, it is no JSON and has no effect.
//
//	set, unset, path  the changes, in this order; path is null where it stays
//	missing           those of set that the environment does not have
//	journal, session  what the session variable holds meanwhile, and after it
//	said              what to hand back
//	undo              vars: [name, our value, the value before]; path: entries
//	watch             null, or what has to be as it is: see dataWatch
//
// A value that is null means unset.
func dataUpdate(u Update) string {
	var t strings.Builder
	t.Grow(updateSize)
	t.WriteString(`{"set":{`)
	between, unset := "", []string{}
	var path []string
	for _, change := range u.Changes {
		switch {
		case !change.Value.Set:
			unset = append(unset, change.Name)
		case change.Name == "PATH":
			path = strings.Split(change.Value.Text, ":")
		default:
			t.WriteString(between)
			between = ","
			jsonPair(&t, change)
		}
	}
	t.WriteString(`},"unset":`)
	jsonList(&t, unset)
	t.WriteString(`,"path":`)
	if path == nil {
		t.WriteString("null")
	} else {
		jsonList(&t, path)
	}
	t.WriteString(`,"missing":`)
	jsonList(&t, u.Missing)
	t.WriteString(`,"journal":`)
	jsonString(&t, u.Session+environ.JournalMark+u.Before)
	t.WriteString(`,"session":`)
	jsonString(&t, u.Session)
	t.WriteString(`,"said":`)
	jsonString(&t, u.Said)
	dataUndo(&t, u.Undo)
	dataWatch(&t, u)
	t.WriteString("}\n")
	return t.String()
}

func dataUndo(t *strings.Builder, undo environ.Undo) {
	t.WriteString(`,"undo":{"vars":[`)
	for i, v := range undo.Vars {
		if i > 0 {
			t.WriteByte(',')
		}
		t.WriteByte('[')
		jsonString(t, v.Name)
		for _, value := range []environ.Value{v.Ours, v.Prior} {
			t.WriteByte(',')
			jsonValue(t, value)
		}
		t.WriteByte(']')
	}
	t.WriteString(`],"path":`)
	jsonList(t, undo.Path)
	t.WriteByte('}')
}

// dataWatch writes what a prompt compares. Names that JSON cannot carry leave it no
// choice but to ask each time.
func dataWatch(t *strings.Builder, u Update) {
	t.WriteString(`,"watch":`)
	if u.Watch == nil || !u.watchIsText() {
		t.WriteString("null")
		return
	}
	t.WriteString(`{"equal":{`)
	for i, change := range u.Equal {
		if i > 0 {
			t.WriteByte(',')
		}
		jsonPair(t, change)
	}
	t.WriteString(`},"holds":`)
	jsonList(t, u.Holds)
	spelled, deep := u.absences()
	t.WriteString(`,"absent":`)
	jsonList(t, spelled)
	dataLevels(t, deep)
	for _, group := range []struct {
		name string
		kind Kind
	}{{"texts", Holding}, {"lists", Listing}, {"links", Leading}, {"present", Present}} {
		put(t, `,"`, group.name, `":[`)
		between := ""
		for _, w := range u.Watch {
			if w.Kind == group.kind {
				t.WriteString(between)
				between = ","
				w.json(t)
			}
		}
		t.WriteByte(']')
	}
	t.WriteByte('}')
}

// dataLevels writes [directory, names of directories each inside the one before,
// names that none of these may have].
func dataLevels(t *strings.Builder, deep []levels) {
	t.WriteString(`,"levels":[`)
	for i, l := range deep {
		if i > 0 {
			t.WriteByte(',')
		}
		t.WriteByte('[')
		jsonString(t, l.above)
		t.WriteByte(',')
		jsonList(t, l.dirs)
		t.WriteByte(',')
		jsonList(t, l.names)
		t.WriteByte(']')
	}
	t.WriteByte(']')
}

// json writes a path, or a pair of the path and what is there.
func (w Watch) json(t *strings.Builder) {
	if w.Kind == Present {
		jsonString(t, w.Path)
		return
	}
	t.WriteByte('[')
	jsonString(t, w.Path)
	t.WriteByte(',')
	if w.Kind == Listing {
		jsonList(t, w.Names)
	} else {
		jsonString(t, w.Text)
	}
	t.WriteByte(']')
}

func (u Update) watchIsText() bool {
	for _, w := range u.Watch {
		if !utf8.ValidString(w.Path) || !utf8.ValidString(w.Text) || !utf8.ValidString(strings.Join(w.Names, "/")) {
			return false
		}
	}
	return CarriesData(u.Equal) && utf8.ValidString(strings.Join(u.Holds, ":"))
}

func jsonPair(t *strings.Builder, change environ.Change) {
	jsonString(t, change.Name)
	t.WriteByte(':')
	jsonValue(t, change.Value)
}

func jsonValue(t *strings.Builder, v environ.Value) {
	if v.Set {
		jsonString(t, v.Text)
	} else {
		t.WriteString("null")
	}
}

func jsonList(t *strings.Builder, list []string) {
	t.WriteByte('[')
	for i, s := range list {
		if i > 0 {
			t.WriteByte(',')
		}
		jsonString(t, s)
	}
	t.WriteByte(']')
}

// jsonString writes a string as RFC 8259 has it. (encoding/json would make vmgo-shim
// half as large again.)
func jsonString(t *strings.Builder, s string) { doubleQuote(t, s, `\u00`, "") }

// doubleQuote writes s between double quotes, with a control character as its two
// hexadecimal digits between before and after.
func doubleQuote(t *strings.Builder, s, before, after string) {
	const hex = "0123456789abcdef"
	t.WriteByte('"')
	for _, r := range s { // what is not UTF-8 becomes U+FFFD
		switch {
		case r == '"' || r == '\\':
			t.WriteByte('\\')
			t.WriteRune(r)
		case r < ' ' || r == 0x7f:
			t.WriteString(before)
			t.Write([]byte{hex[r>>4], hex[r&15]})
			t.WriteString(after)
		default:
			t.WriteRune(r)
		}
	}
	t.WriteByte('"')
}
