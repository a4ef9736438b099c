package resolve_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/gover/ranges"
	"github.com/vmgo/vmgo/internal/project"
	"github.com/vmgo/vmgo/internal/resolve"
	"github.com/vmgo/vmgo/internal/store/installed"
)

// A shelf is what is installed, and which of it is the machine's default.
type shelf struct {
	releases []installed.Release
	standard string
	unread   error
}

// newShelf puts releases into a store named /store.
func newShelf(t testing.TB, list, standard string) *shelf {
	t.Helper()
	s := &shelf{standard: standard}
	for _, text := range strings.Fields(list) {
		v := version(t, text)
		s.releases = append(s.releases, installed.Release{Version: v, GOROOT: "/store/" + v.String(), Store: "/store"})
	}
	slices.SortFunc(s.releases, func(a, b installed.Release) int { return b.Version.Compare(a.Version) })
	return s
}

func (s *shelf) Find(v gover.Version) (installed.Release, bool, error) {
	for _, r := range s.releases {
		if r.Version == v {
			return r, true, s.unread
		}
	}
	return installed.Release{}, false, s.unread
}

func (s *shelf) List() ([]installed.Release, error) { return s.releases, s.unread }

func (s *shelf) Default() project.Requirement {
	v, err := gover.Parse(s.standard)
	if err != nil {
		return project.Requirement{}
	}
	return resolve.DefaultOf(v, "/store/default")
}

func TestShadowing(t *testing.T) {
	t.Parallel()
	_, in := world{files: files{"r/.go-version": "1.22.5"}}.enter(t, nil)
	v := version(t, "1.22.5")
	in.Releases = &shelf{releases: []installed.Release{
		{Version: v, GOROOT: "/home/u/go/1.22.5", Store: "/home/u/go"}, {Version: v, GOROOT: "/opt/go/1.22.5", Store: "/opt/go"},
	}}
	if r, err := resolve.Resolve(in); err != nil || r.Store != "/home/u/go" || r.GOROOT != "/home/u/go/1.22.5" {
		t.Errorf("%+v, %v", r, err)
	}
}

// A store that cannot be read is told about: it may hold what is asked for, or
// something better.
func TestUnreadStores(t *testing.T) {
	t.Parallel()
	for pin, want := range map[string]string{"1.22.5": "1.22.5", "1.22": "1.22.5", "1.30.0": "", "1.30": "", ">=1.30": ""} {
		_, in := world{files: files{"r/.go-version": pin}, installed: many}.enter(t, ranges.Parse)
		all := newShelf(t, many, "")
		all.unread = fs.ErrPermission
		in.Releases = all
		r, err := resolve.Resolve(in)
		if r.Version.String() != want || (len(r.Remarks()) == 1) != (want != "") {
			t.Errorf("%s: %q, %q", pin, r.Version, r.Remarks())
		}
		if want == "" && (diag.CodeOf(err) != diag.Failure || !errors.Is(err, fs.ErrPermission)) || want != "" && err != nil {
			t.Errorf("%s: %v", pin, err)
		}
	}
}
