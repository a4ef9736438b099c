package webpage

import (
	"reflect"
	"testing"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	got := Diff("new file mode 0644 owner 0:0\n--- /dev/null\n+++ b/etc/x\n@@ -1 +1,2 @@\n same\n--- not a head\n+++ nor this\n\n")
	want := []Line{
		{"head", "new file mode 0644 owner 0:0"}, {"head", "--- /dev/null"}, {"head", "+++ b/etc/x"}, {"at", "@@ -1 +1,2 @@"},
		{"same", " same"}, {"del", "--- not a head"}, {"add", "+++ nor this"}, {"same", ""},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSentence(t *testing.T) {
	t.Parallel()
	for phrase, want := range map[string]string{
		"": "", "no go is found": "No go is found.", "go 1.22 is old": "go 1.22 is old.", "it ends.": "It ends.", "éa": "Éa.",
		"/etc/x was changed": "/etc/x was changed.", "systemd: is it there?": "systemd: is it there?", "vm.swappiness was 60": "vm.swappiness was 60.",
	} {
		if got := Sentence(phrase); got != want {
			t.Errorf("%q becomes %q, want %q", phrase, got, want)
		}
	}
}
