package environ_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/vmgo/vmgo/internal/environ"
)

func TestDecode_tellsALaterFormat(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"2": environ.ErrNewer, "2;GOROOT;?": environ.ErrNewer, "17;x~1;y": environ.ErrNewer,
		"0;x": environ.ErrSession, "02;x": environ.ErrSession, "-2;x": environ.ErrSession, "+2": environ.ErrSession,
		"x;2": environ.ErrSession, "1;x": environ.ErrSession, "99999999999999999999;x": environ.ErrSession,
	} {
		if _, err := environ.Decode(text); !errors.Is(err, want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// What a shell undoes by itself leaves an entry of the user's own alone.
func TestSession_undo(t *testing.T) {
	t.Parallel()
	env := environ.Env{"PATH": "/bin:/mine/bin", "GOPATH": "/old"}
	want := environ.Wanted{
		Vars: map[string]environ.Value{"GOPATH": environ.Text("/new"), "GOROOT": environ.Text("/go")}, Path: []string{"/go/bin", "/mine/bin"},
	}
	_, s := environ.Apply(env, want)
	undo := environ.Undo{Path: []string{"/go/bin"}, Vars: []environ.UndoVar{
		{Name: "GOPATH", Prior: environ.Text("/old"), Ours: environ.Text("/new")}, {Name: "GOROOT", Ours: environ.Text("/go")},
	}}
	if got := s.Undo(); !reflect.DeepEqual(got, undo) {
		t.Errorf("%+v", got)
	}
}

// A change that a shell could not make leads back to where it began, be that
// another release or none.
func TestSession_before(t *testing.T) {
	t.Parallel()
	env := environ.Env{"PATH": "/bin", "GOPATH": "/old"}
	release := func(dir string) environ.Wanted {
		return environ.Wanted{Vars: map[string]environ.Value{"GOROOT": environ.Text(dir), "GOPATH": {}}, Path: []string{dir + "/bin"}}
	}
	for _, first := range []environ.Wanted{{}, release("/a")} {
		start, s := environ.Apply(env, first)
		half, next := environ.Reconcile(start, s, release("/b"), environ.How{})
		half["GOROOT"] = start["GOROOT"] // readonly
		if start["GOROOT"] == "" {
			delete(half, "GOROOT")
		}
		journal, err := environ.Decode(next.Encode() + environ.JournalMark + s.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if back, after := environ.Reconcile(half, journal, journal.Before(nil), environ.How{}); !reflect.DeepEqual(back, start) || after.Encode() != s.Encode() {
			t.Errorf("from %v back to %v, by %s", half, back, after.Encode())
		}
	}
}
