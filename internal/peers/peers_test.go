package peers

import "testing"

func TestMiseGo(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[tools]\ngo = \"1.22.5\" # pinned\n":           "1.22.5",
		"[tools]\n  'go' = '1.22'\n":                    "1.22",
		"[tools]\ngo = [\"1.22\", \"1.21\"]\n":          "1.22",
		"[tools]\nnode = \"22\"\n[env]\ngo = \"1.2\"\n": "",
		"go = \"1.22\"\n":                               "",
		"[tools]\ngo = {}\n":                            "",
	} {
		if got := miseGo(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
