package vscode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tailscale/hujson"
)

// change is a value at a path of names in a settings file. A name is the key of
// an object's member, or what an array's element has as its "name".
type change struct {
	Path []string `json:"path"`
	// Value is the JSON to be there; empty for none.
	Value string `json:"value,omitempty"`
	// Keep leaves alone what is there already.
	Keep bool `json:"keep,omitempty"`
	// Was is what has to be there now for the change to be made; empty for nothing,
	// nil for whatever it is.
	Was *string `json:"was,omitempty"`
}

// inverse returns the change that leads back to an old value.
func (c change) inverse(old string) change {
	return change{Path: c.Path, Value: old, Was: &c.Value}
}

// fits reports whether a change may be made to what is there.
func (c change) fits(now string) bool {
	switch {
	case now == "":
		return c.Was == nil || *c.Was == ""
	case c.Keep:
		return false
	}
	return c.Was == nil || sameJSON([]byte(*c.Was), []byte(now))
}

// bom begins some files that editors on Windows wrote.
const bom = "\ufeff"

// edit makes changes to JSON with comments, one after the other. Comments, order
// and formatting of all else stay. It returns the new text, and the changes that
// lead back, in the order in which they have to be made.
func edit(data []byte, changes []change) (edited []byte, back []change, err error) {
	rest, hasBOM := bytes.CutPrefix(data, []byte(bom))
	if len(bytes.TrimSpace(rest)) == 0 {
		rest = []byte("{}\n")
	}
	root, err := hujson.Parse(rest)
	if err != nil {
		empty, again := hujson.Parse(slices.Concat(rest, []byte("{}\n")))
		if again != nil { // else there were comments alone
			return nil, nil, err
		}
		root = empty
	}
	if root.Value.Kind() != '{' {
		return nil, nil, errors.New("the outermost value is not an object")
	}
	style := styleOf(rest)
	for _, c := range changes {
		inverse, changed, err := style.apply(&root, c)
		if err != nil {
			return nil, nil, err
		}
		if changed {
			back = append(back, inverse)
		}
	}
	slices.Reverse(back)
	if len(back) == 0 {
		return data, nil, nil
	}
	edited = root.Pack()
	if hasBOM {
		edited = append([]byte(bom), edited...)
	}
	return edited, back, nil
}

// style is how a file is laid out.
type style struct{ newline, unit string }

func styleOf(data []byte) style {
	s := style{newline: "\n", unit: "    "}
	if bytes.Contains(data, []byte("\r\n")) {
		s.newline = "\r\n"
	}
	for line := range strings.Lines(string(data)) {
		text := strings.TrimLeft(line, " \t")
		if len(text) < len(line) && strings.HasPrefix(text, `"`) {
			s.unit = line[:len(line)-len(text)]
			break
		}
	}
	return s
}

// apply makes one change, and returns the one that leads back.
func (s style) apply(root *hujson.Value, c change) (inverse change, changed bool, err error) {
	at := root
	for depth, name := range c.Path {
		list, err := listOf(at, c.Path[:depth])
		if err != nil {
			return change{}, false, err
		}
		i := list.find(name)
		last := depth == len(c.Path)-1
		switch {
		case !last && i < 0:
			return change{}, false, nil
		case !last:
			at = list.value(i)
		default:
			return s.put(list, i, c, depth)
		}
	}
	return change{}, false, nil
}

// put makes a change to the element of that index of a list, -1 for a new one.
func (s style) put(l list, i int, c change, depth int) (inverse change, changed bool, err error) {
	now := ""
	if i >= 0 {
		now = string(text(*l.value(i)))
	}
	if !c.fits(now) || sameJSON([]byte(now), []byte(c.Value)) || now == c.Value {
		return change{}, false, nil
	}
	if c.Value == "" {
		l.remove(i)
		return c.inverse(now), true, nil
	}
	value, err := s.parse(c.Value, depth+1)
	switch {
	case err != nil:
		return change{}, false, err
	case i >= 0:
		l.value(i).Value = value.Value
	default:
		s.insert(l, c.Path[depth], value, depth)
	}
	return c.inverse(now), true, nil
}

// parse reads a value, laid out for a depth.
func (s style) parse(value string, depth int) (hujson.Value, error) {
	lines := strings.ReplaceAll(value, "\n", s.newline+strings.Repeat(s.unit, depth))
	return hujson.Parse([]byte(strings.ReplaceAll(lines, "\t", s.unit)))
}

// text returns a value without what surrounds it.
func text(v hujson.Value) []byte {
	return hujson.Value{Value: v.Value}.Pack()
}

// sameJSON reports whether two texts mean the same, comments left out.
func sameJSON(a, b []byte) bool {
	var values [2]any
	for i, data := range [][]byte{bytes.Clone(a), bytes.Clone(b)} {
		plain, err := hujson.Standardize(data)
		if err != nil || json.Unmarshal(plain, &values[i]) != nil {
			return false
		}
	}
	x, errX := json.Marshal(values[0])
	y, errY := json.Marshal(values[1])
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// list is an object or an array, with what both have.
type list struct {
	object *hujson.Object
	array  *hujson.Array
}

func listOf(v *hujson.Value, path []string) (list, error) {
	switch value := v.Value.(type) {
	case *hujson.Object:
		return list{object: value}, nil
	case *hujson.Array:
		return list{array: value}, nil
	}
	return list{}, fmt.Errorf("%q is neither an object nor an array", strings.Join(path, `", "`))
}

func (l list) len() int {
	if l.object != nil {
		return len(l.object.Members)
	}
	return len(l.array.Elements)
}

func (l list) value(i int) *hujson.Value {
	if l.object != nil {
		return &l.object.Members[i].Value
	}
	return &l.array.Elements[i]
}

// before returns what stands before an element, after what stands behind all.
func (l list) before(i int) *hujson.Extra {
	if l.object != nil {
		return &l.object.Members[i].Name.BeforeExtra
	}
	return &l.array.Elements[i].BeforeExtra
}

func (l list) after() *hujson.Extra {
	if l.object != nil {
		return &l.object.AfterExtra
	}
	return &l.array.AfterExtra
}

// find returns the index of a name, -1 if there is none. Of several the last
// counts, as for VS Code.
func (l list) find(name string) int {
	for i := l.len() - 1; i >= 0; i-- {
		if l.name(i) == name {
			return i
		}
	}
	return -1
}

func (l list) name(i int) string {
	if l.object != nil {
		literal, _ := l.object.Members[i].Name.Value.(hujson.Literal)
		return literal.String()
	}
	element, ok := l.array.Elements[i].Value.(*hujson.Object)
	if !ok {
		return ""
	}
	if at := (list{object: element}).find("name"); at >= 0 {
		literal, _ := element.Members[at].Value.Value.(hujson.Literal)
		return literal.String()
	}
	return ""
}

// insert puts a value behind all others. A comment behind the last one stays
// where it is.
func (s style) insert(l list, name string, value hujson.Value, depth int) {
	tail := string(*l.after())
	kept := strings.TrimRight(tail, " \t\r\n")
	separator, closing := s.newline+strings.Repeat(s.unit, depth+1), s.newline+strings.Repeat(s.unit, depth)
	var comma hujson.Extra
	if n := l.len(); n > 0 {
		comma = l.value(n - 1).AfterExtra
		l.value(n - 1).AfterExtra = nil
		first := string(*l.before(n - 1))
		at := strings.LastIndexByte(first, '\n')
		switch {
		case at >= 0:
			separator = s.newline + first[at+1:]
		case !strings.Contains(tail, "\n"):
			separator, closing = " ", tail[len(kept):] // all on one line
		}
	}
	if at := strings.LastIndexByte(tail, '\n'); at >= 0 {
		closing = s.newline + tail[at+1:]
	}
	*l.after() = hujson.Extra(closing)
	value.AfterExtra = comma
	before := hujson.Extra(kept + separator)
	if l.object == nil {
		value.BeforeExtra = before
		l.array.Elements = append(l.array.Elements, value)
		return
	}
	value.BeforeExtra = hujson.Extra(" ")
	key := hujson.Value{BeforeExtra: before, Value: hujson.String(name)}
	l.object.Members = append(l.object.Members, hujson.ObjectMember{Name: key, Value: value})
}

// remove removes an element. Comments before it stay.
func (l list) remove(i int) {
	kept := strings.TrimRight(string(*l.before(i)), " \t\r\n")
	last := i == l.len()-1
	comma := l.value(i).AfterExtra
	if l.object != nil {
		l.object.Members = slices.Delete(l.object.Members, i, i+1)
	} else {
		l.array.Elements = slices.Delete(l.array.Elements, i, i+1)
	}
	next := l.after()
	if !last {
		next = l.before(i)
	} else if i > 0 {
		l.value(i - 1).AfterExtra = comma
	}
	*next = append(hujson.Extra(kept), *next...)
	if l.len() == 0 && len(bytes.TrimSpace(*next)) == 0 {
		*next = nil
	}
}
