package archive

import (
	"strings"
	"testing"
)

// A path is refused for what is wrong with any directory above it.
func TestNameSet_ancestors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ first, second, want string }{
		{"a", "a/b/c", "both a file and a directory"},
		{"A", "a/b/c", "both a file and a directory"},
		{"a/b/c", "a", "both a file and a directory"},
		{"a/x", "A/b/c", "differ by case only"},
		{"a/b/x", "a/B/c/d", "differ by case only"},
		{"a/b/c", "a/b/d/e", ""},
		{"a/s", "a/\u017f", "differ by case only"}, // which is an S as capital
		{"a/s", "a/\u00df", ""},
	} {
		names := newNameSet(2)
		if err := names.add(tt.first); err != nil {
			t.Fatal(err)
		}
		err := names.add(tt.second)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s, then %s: %v, want %q", tt.first, tt.second, err, tt.want)
		}
	}
}
