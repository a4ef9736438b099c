package environ_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/environ"
)

func wanted(path string, vars ...string) environ.Wanted {
	w := environ.Wanted{Vars: map[string]environ.Value{}}
	for _, pair := range vars {
		name, value, set := strings.Cut(pair, "=")
		w.Vars[name] = environ.Value{Set: set, Text: value}
	}
	if path != "" {
		w.Path = strings.Split(path, "|")
	}
	return w
}

func env(pairs ...string) environ.Env { return environ.FromPairs(pairs) }

func same(t *testing.T, what string, got, want environ.Env) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got.Pairs(), want.Pairs())
	}
}

func TestFromPairs_firstOfANameCounts(t *testing.T) {
	same(t, "env", env("A=1", "A=2", "broken", "=x", "B="), environ.Env{"A": "1", "B": ""})
}

func TestApply_putsEntriesInFrontAndRevertsExactly(t *testing.T) {
	w := wanted("/go/bin|/p/bin", "GOROOT=/go", "GOFLAGS")
	for _, before := range []environ.Env{
		env(), env("PATH="), env("PATH=:"), env("PATH=/bin:"), env("PATH=::/bin::"),
		env("PATH=/bin:/go/bin:/bin"), env("PATH=/go/bin:/p/bin"), env("PATH=/p/bin:/go/bin:/go/bin"),
		env("PATH=/bin", "GOROOT=/go"), env("PATH=/bin", "GOROOT=", "GOFLAGS=-x"),
	} {
		original := maps.Clone(before)
		inside, s := environ.Apply(before, w)
		same(t, "the argument", before, original)
		if !strings.HasPrefix(inside["PATH"], "/go/bin:/p/bin") || inside["GOROOT"] != "/go" || inside.Get("GOFLAGS").Set {
			t.Errorf("inside: %q", inside.Pairs())
		}
		same(t, "reverted", environ.Revert(inside, s), original)
		decoded, err := environ.Decode(s.Encode())
		if err != nil || decoded.Encode() != s.Encode() {
			t.Errorf("session %q: %v", s.Encode(), err)
		}
	}
}

func TestApply_leavesOutWhatPathCannotCarry(t *testing.T) {
	inside, s := environ.Apply(env("PATH=/bin"), wanted("/a:b|/c|/c|"))
	same(t, "inside", inside, env("PATH=/c:/bin"))
	same(t, "outside", environ.Revert(inside, s), env("PATH=/bin"))
}

func TestRevert_keepsWhatTheUserChanged(t *testing.T) {
	inside, s := environ.Apply(env("PATH=/bin", "GOPATH=/home/go", "GOROOT=/old"),
		wanted("/go/bin", "GOROOT=/go", "GOPATH=/p", "GOTOOLCHAIN=local"))
	inside["PATH"] = "/venv/bin:" + inside["PATH"] + ":/late"
	inside["GOPATH"] = "/mine"
	delete(inside, "GOTOOLCHAIN")
	same(t, "outside", environ.Revert(inside, s), env("PATH=/venv/bin:/bin:/late", "GOPATH=/mine", "GOROOT=/old"))
}

func TestRevert_takesOnlyOurOccurrenceOfAnEntry(t *testing.T) {
	inside, s := environ.Apply(env("PATH=/bin:/go/bin"), wanted("/go/bin"))
	inside["PATH"] = "/bin:/go/bin" // the user, or a login shell, dropped ours
	same(t, "outside", environ.Revert(inside, s), env("PATH=/bin:/go/bin"))
}

func TestReconcile_laterPromptsMoveNothing(t *testing.T) {
	w := wanted("/go/bin", "GOROOT=/go", "GOPATH=/p")
	inside, s := environ.Apply(env("PATH=/bin"), w)
	inside["PATH"] = "/venv/bin:" + inside["PATH"]
	inside["GOPATH"] = "/mine"
	again, s2 := environ.Reconcile(inside, s, w, environ.How{})
	same(t, "again", again, inside)
	if s2.Encode() != s.Encode() {
		t.Errorf("session changed: %q, was %q", s2.Encode(), s.Encode())
	}
	other, s3 := environ.Reconcile(inside, s, wanted("/new/bin", "GOROOT=/new", "GOPATH=/p"), environ.How{})
	same(t, "other release", other, env("PATH=/venv/bin:/new/bin:/bin", "GOROOT=/new", "GOPATH=/mine"))
	same(t, "outside", environ.Revert(other, s3), env("PATH=/venv/bin:/bin", "GOPATH=/mine"))
}

func TestReconcile_bringsBackADroppedEntry(t *testing.T) {
	w := wanted("/go/bin|/p/bin", "GOROOT=/go")
	_, s := environ.Apply(env("PATH=/bin"), w)
	for dropped, want := range map[string]string{
		"/direnv:/bin":        "/go/bin:/p/bin:/direnv:/bin",
		"/x:/p/bin:/bin":      "/x:/go/bin:/p/bin:/bin",
		"/x:/go/bin:/y:/bin":  "/x:/go/bin:/p/bin:/y:/bin",
		"/go/bin:/p/bin:/bin": "/go/bin:/p/bin:/bin",
	} {
		got, _ := environ.Reconcile(env("GOROOT=/go", "PATH="+dropped), s, w, environ.How{})
		if got["PATH"] != want {
			t.Errorf("PATH=%s becomes %s, want %s", dropped, got["PATH"], want)
		}
	}
}

func TestReconcile_aFreshShellIsPutRight(t *testing.T) {
	w := wanted("/go/bin", "GOPATH=/p")
	inside, s := environ.Apply(env("PATH=/bin"), w)
	inside["PATH"] = "/usr/bin:/go/bin:/bin" // start-up files reordered it
	inside["GOPATH"] = "/home/go"            // and set this one
	fresh, s2 := environ.Reconcile(inside, s, w, environ.How{Fresh: true})
	same(t, "fresh", fresh, env("PATH=/go/bin:/usr/bin:/bin", "GOPATH=/p"))
	same(t, "outside", environ.Revert(fresh, s2), env("PATH=/usr/bin:/bin", "GOPATH=/home/go"))
}

// A change that stops half way must leave nothing behind, wherever it stops.
func TestJournal_coversEveryInterruption(t *testing.T) {
	outside := env("PATH=/bin:/go/bin", "GOROOT=/old", "GOFLAGS=-v")
	one, s := environ.Apply(outside, wanted("/go/bin|/one/bin", "GOROOT=/go", "GOPATH=/one", "GOFLAGS"))
	for _, w := range []environ.Wanted{
		wanted("/new/bin|/two/bin", "GOROOT=/new", "GOPATH=/two"),
		wanted("/go/bin", "GOROOT", "GOTOOLCHAIN=local"), {},
	} {
		two, next := environ.Reconcile(one, s, w, environ.How{})
		journal, err := environ.Decode(next.Encode() + environ.JournalMark + s.Settled().Encode())
		if err != nil {
			t.Fatal(err)
		}
		changes := environ.Diff(one, two)
		for mask := range 1 << len(changes) {
			half := maps.Clone(one)
			for i, change := range changes {
				if mask>>i&1 == 0 {
					continue
				}
				if half[change.Name] = change.Value.Text; !change.Value.Set {
					delete(half, change.Name)
				}
			}
			same(t, "reverted", environ.Revert(half, journal), outside)
			// The next try is interrupted as well, in another project.
			third, last := environ.Reconcile(half, journal, wanted("/three/bin", "GOROOT=/3", "GOPATH=/3"), environ.How{})
			second, err := environ.Decode(last.Encode() + environ.JournalMark + journal.Settled().Encode())
			if err != nil {
				t.Fatal(err)
			}
			same(t, "reverted before the second interruption", environ.Revert(half, second), outside)
			same(t, "reverted after the second interruption", environ.Revert(third, second), outside)
			done, session := environ.Reconcile(half, journal, w, environ.How{})
			same(t, "reverted after a second try", environ.Revert(done, session), outside)
			for name, value := range w.Vars {
				if done.Get(name) != value {
					t.Errorf("%s is %v after a second try, want %v", name, done.Get(name), value)
				}
			}
		}
	}
}

// direnv keeps what it finds and brings it back later, ours included.
func TestReconcile_knowsItsFormerValues(t *testing.T) {
	outside := env("PATH=/bin", "GOPATH=/home/go")
	remember := environ.How{Remember: true}
	one, s := environ.Apply(outside, wanted("/one/bin", "GOPATH=/one", "GOROOT=/one"))
	snapshot := maps.Clone(one)
	two, s := environ.Reconcile(one, s, wanted("/two/bin", "GOPATH=/two"), remember)
	same(t, "two", two, env("PATH=/two/bin:/bin", "GOPATH=/two"))
	// Brought back while two is selected, and while nothing is.
	again, s := environ.Reconcile(snapshot, s, wanted("/two/bin", "GOPATH=/two"), remember)
	same(t, "two again", again, two)
	none, s := environ.Reconcile(again, s, environ.Wanted{}, remember)
	same(t, "outside", none, outside)
	s, err := environ.Decode(s.Encode())
	if err != nil || isZero(s) {
		t.Fatalf("%v: %q", err, s.Encode())
	}
	for _, back := range []environ.Env{snapshot, two, outside} {
		got, last := environ.Reconcile(back, s, environ.Wanted{}, environ.How{})
		same(t, "outside at last", got, outside)
		if !isZero(last) {
			t.Errorf("still remembers %q", last.Encode())
		}
	}
}

func TestDecode_refusesAllButExactEncodings(t *testing.T) {
	for _, text := range []string{
		"0", "2;!", "1;", "1;!;!", "1;x", "1;A,-,-", "1;A,=x,=x", "1;A,-", "1;A,-,=%2f", "1;A,-,=%61", "1;A,-,=%0",
		"1;A,-,=%00", "1;A,-,=x y", "1;PATH,-,=x", "1;__VMGO_SESSION,-,=x", "1;9A,-,=x", "1;,-,=x", "1;A-B,-,=x",
		"1", "1;~;~", "1;~;!", "~1", "~~", "1;A,-,=x~1;A,-,=y~", "1;A,-,=x;~;|;A,-,=y", "1;|", "1;|;A,-,=x;|", "1;|;A,-,=x;~", "1;:0,", "1;:0,a%3Ab", "1;:-1,/a", "1;:+1,/a", "1;:01,/a", "1;:0,/a;A,-,=x", "1;!;A,-,=x", "1;A,-,=x;", " 1;A,-,=x", "garbage",
		"1;A,-,=" + strings.Repeat("x", 1<<16),
	} {
		if s, err := environ.Decode(text); err == nil || !isZero(s) {
			t.Errorf("Decode(%.40q) = %v, %v", text, s, err)
		}
	}
	if s, err := environ.Decode(""); err != nil || !isZero(s) {
		t.Error("the empty text is no session")
	}
}

func TestSession_isReadableAndCarriesAnyByte(t *testing.T) {
	_, s := environ.Apply(env("PATH=/bin", "GOROOT=a b\n\xff'\"$;,%"), wanted("/go/bin", "GOROOT=/go"))
	const want = "1;GOROOT,=a%20b%0A%FF%27%22%24%3B%2C%25,=/go;:0,/go/bin"
	if s.Encode() != want {
		t.Errorf("got %s", s.Encode())
	}
}

func TestDiff_isSorted(t *testing.T) {
	got := environ.Diff(env("A=1", "B=2", "D="), env("A=1", "C=3", "D=4"))
	want := []environ.Change{{Name: "B"}, {Name: "C", Value: environ.Text("3")}, {Name: "D", Value: environ.Text("4")}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// FuzzApplyRevert holds the invariant of the package over any environment,
// any wanted state and any edit made in between.
func FuzzApplyRevert(f *testing.F) {
	f.Add("PATH=/bin:/usr/bin\x00GOROOT=/x", "/go/bin|/p/bin", "GOROOT=/go\x00GOPATH", "PATH=/venv:/bin")
	f.Add("PATH=", "", "A=", "")
	f.Add("PATH=a:b:a", "a|b|a", "A=1\x00B=2", "PATH\x00B=3")
	f.Fuzz(func(t *testing.T, pairs, path, vars, edits string) {
		before := env(strings.Split(pairs, "\x00")...)
		w := wanted(path, strings.Split(vars, "\x00")...)
		inside, s := environ.Apply(before, w)
		decoded, err := environ.Decode(s.Encode())
		if err != nil {
			t.Skip("longer than a session may be")
		}
		same(t, "reverted", environ.Revert(inside, decoded), before)
		again, _ := environ.Reconcile(inside, decoded, w, environ.How{})
		same(t, "again", again, inside)

		edited := maps.Clone(inside)
		touched := map[string]bool{}
		for _, edit := range strings.Split(edits, "\x00") {
			name, value, set := strings.Cut(edit, "=")
			if name == "" || name == "PATH" || name == environ.SessionVariable {
				continue
			}
			touched[name] = true
			if edited[name] = value; !set {
				delete(edited, name)
			}
		}
		outside := environ.Revert(edited, decoded)
		for name := range touched {
			if edited.Get(name) != inside.Get(name) && outside.Get(name) != edited.Get(name) {
				t.Errorf("the edit of %q is lost", name)
			}
		}
		outside["PATH"], before["PATH"] = "", ""
		for name := range before {
			if !touched[name] && outside.Get(name) != before.Get(name) {
				t.Errorf("%q is %v, was %v", name, outside.Get(name), before.Get(name))
			}
		}
	})
}

// FuzzDecode: what is accepted encodes to itself, what is refused gives nothing.
func FuzzDecode(f *testing.F) {
	f.Add("1;GOROOT,=a%20b,=/go;:0,/go/bin;!")
	f.Add("1;A,-,=")
	f.Add("1;A,-,=x~1;A,-,=y;|;B,=z,-")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := environ.Decode(text)
		if err == nil && s.Encode() != text || err != nil && !isZero(s) {
			t.Errorf("Decode(%q): %v, %q", text, err, s.Encode())
		}
	})
}

// isZero reports whether there is nothing to undo.
func isZero(s environ.Session) bool { return s.Encode() == "" }
