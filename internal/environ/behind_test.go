package environ_test

import (
	"testing"

	"github.com/vmgo/vmgo/internal/environ"
)

// behind is a wanted state with directories at both ends of PATH.
func behind(front, back string) environ.Wanted {
	w := wanted(front)
	w.Behind = []string{back}
	return w
}

func TestReconcile_keepsDirectoriesBehindTheRest(t *testing.T) {
	t.Parallel()
	a, b := behind("/a/bin|/p/bin", "/u/bin"), behind("/b/bin", "/u/bin")
	inA, s := environ.Apply(env("PATH=/bin"), a)
	same(t, "inside", inA, env("PATH=/a/bin:/p/bin:/bin:/u/bin"))

	for _, test := range []struct {
		name, path, want, outside string
		how                       environ.How
	}{
		{"untouched", "/a/bin:/p/bin:/bin:/u/bin", "/b/bin:/bin:/u/bin", "/bin", environ.How{}},
		{"more at both ends", "/x:/a/bin:/p/bin:/bin:/u/bin:/y", "/x:/b/bin:/bin:/y:/u/bin", "/x:/bin:/y", environ.How{}},
		{"in a nested shell", "/rc:/a/bin:/p/bin:/bin:/u/bin:/y", "/b/bin:/rc:/bin:/y:/u/bin", "/rc:/bin:/y", environ.How{Fresh: true}},
		{"those in front are gone", "/bin:/u/bin", "/b/bin:/bin:/u/bin", "/bin", environ.How{}},
		{"an own one came", "/a/bin:/p/bin:/u/bin:/bin:/u/bin", "/b/bin:/bin:/u/bin", "/bin:/u/bin", environ.How{}},
	} {
		inB, next := environ.Reconcile(env("PATH="+test.path), s, b, test.how)
		same(t, test.name, inB, env("PATH="+test.want))
		same(t, test.name+", reverted", environ.Revert(inB, next), env("PATH="+test.outside))
		if decoded, err := environ.Decode(next.Encode()); err != nil || decoded.Encode() != next.Encode() {
			t.Errorf("%s: session %q: %v", test.name, next.Encode(), err)
		}
	}
	same(t, "again", again(inA, s, a), inA)
}

func again(e environ.Env, s environ.Session, w environ.Wanted) environ.Env {
	e, _ = environ.Reconcile(e, s, w, environ.How{})
	return e
}

func TestApply_addsNothingBehindThatPathHas(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/u/bin:/bin", "/bin:/u/bin", ""} {
		before := env("PATH=" + path)
		inside, s := environ.Apply(before, behind("/a/bin", "/u/bin"))
		want := env("PATH=/a/bin:" + path)
		if path == "" {
			want = env("PATH=/a/bin::/u/bin")
		}
		same(t, "inside", inside, want)
		same(t, "reverted", environ.Revert(inside, s), before)
	}
}

func TestSession_beforeKeepsWhatStandsBehind(t *testing.T) {
	t.Parallel()
	start, s := environ.Apply(env("PATH=/bin"), behind("/a/bin", "/u/bin"))
	half, next := environ.Reconcile(start, s, behind("/b/bin", "/u/bin"), environ.How{})
	journal, err := environ.Decode(next.Encode() + environ.JournalMark + s.Encode())
	if err != nil {
		t.Fatal(err)
	}
	back, _ := environ.Reconcile(half, journal, journal.Before([]string{"/u/bin"}), environ.How{})
	same(t, "back", back, start)
}
