package harden

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// What a saved plan leaves out must not be done, and what it says must be done as it says.
func TestSavedPlanDoesWhatWasReviewedOnly(t *testing.T) {
	mode := func(mode os.FileMode) func(t *testing.T, root string) {
		return func(t *testing.T, root string) { must(t, os.Chmod(root+"/opt/go/1.22.5", mode)) }
	}
	nothing := func(*testing.T, string) {}
	for name, c := range map[string]struct {
		before, after func(t *testing.T, root string)
		edit          func(c *Change)
		want          string
	}{
		"more to do":     {mode(0o755), mode(0o700), nil, "mode /opt/go/1.22.5 needs a change now"},
		"less to do":     {nothing, mode(0o755), nil, "mode /opt/go/1.22.5 no longer needs a change"},
		"another text":   {nothing, nothing, func(c *Change) { c.To.Text = "reviewed\n" }, "would become something else"},
		"another copy":   {nothing, nothing, func(c *Change) { c.Keep = "/etc/kept" }, "would become something else"},
		"another judge":  {nothing, nothing, func(c *Change) { c.Check = []string{"true"} }, "would become something else"},
		"the same again": {nothing, nothing, nil, ""},
	} {
		root := fakeRoot(t)
		e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
		c.before(t, root)
		saved, err := e.Plan(Selection{})
		must(t, err)
		c.after(t, root)
		if i := slices.IndexFunc(saved.Changes, func(c Change) bool { return c.Kind == File }); c.edit != nil {
			c.edit(&saved.Changes[i])
		}
		before := snapshot(t, root)
		_, err = e.Apply(t.Context(), Selection{}, &saved, nil)
		if c.want == "" {
			must(t, err)
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: apply says %v, want %q", name, err, c.want)
		}
		if got := differences(before, snapshot(t, root)); len(got) > 0 {
			t.Errorf("%s: refused, but changed %q", name, got)
		}
	}
}
