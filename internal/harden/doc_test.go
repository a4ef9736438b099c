package harden

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the items in docs/harden.md")

const itemsMark = "<!-- The items below are written by `go test ./internal/harden -run TestDocument -update`. -->\n"

// TestDocument holds docs/harden.md and the items together: the page says what
// the program says.
func TestDocument(t *testing.T) {
	const path = "../../docs/harden.md"
	data, err := os.ReadFile(path)
	must(t, err)
	prose, items, ok := strings.Cut(string(data), itemsMark)
	if !ok {
		t.Fatalf("%s has no mark where the items begin", path)
	}
	service := Service{Name: "NAME.service"}
	want := ""
	for _, item := range append(Catalogue(), service.limitsItem(), service.sandboxItem(), service.observeItem()) {
		want += document(item)
	}
	if *update {
		must(t, os.WriteFile(path, []byte(prose+itemsMark+want), 0o644))
		return
	}
	if items != want {
		t.Errorf("%s does not say what the items say; run this test with -update", path)
	}
}

func document(item Item) string {
	var out strings.Builder
	fmt.Fprintf(&out, "\n### %s\n\n%s.\n\n", item.ID, strings.ToUpper(item.What[:1])+item.What[1:])
	line := func(label, text string) {
		if text != "" {
			fmt.Fprintf(&out, "- **%s** %s%s.\n", label, strings.ToUpper(text[:1]), strings.TrimSuffix(text[1:], "."))
		}
	}
	line("Why:", item.Why)
	line("Effect:", item.Effect)
	line("How we know:", item.Evidence)
	var on []string
	for _, p := range item.On {
		on = append(on, string(p))
	}
	switch {
	case len(on) == len(Profiles()):
		line("On:", "in every profile")
	case len(on) > 0:
		line("On:", "in profile "+strings.Join(on, ", ")+"; elsewhere off, since "+item.OffWhy)
	case item.OffWhy != "":
		line("Off:", "everywhere, since "+item.OffWhy)
	}
	switch item.Needs {
	case NeedsLogin:
		line("Takes effect:", "after a new login")
	case NeedsRestart:
		line("Takes effect:", "when the services are restarted")
	case NeedsReboot:
		line("Takes effect:", "after a reboot")
	}
	line("Undo:", item.Undo)
	return out.String()
}

// TestItemsAreComplete: an item without a reason or an honest effect is not
// done, and one that no profile switches on must say why.
func TestItemsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, item := range Catalogue() {
		if seen[item.ID] {
			t.Errorf("two items are called %s", item.ID)
		}
		seen[item.ID] = true
		for label, text := range map[string]string{"what": item.What, "why": item.Why, "effect": item.Effect, "evidence": item.Evidence} {
			if text == "" {
				t.Errorf("%s has no %s", item.ID, label)
			}
		}
		if !strings.Contains(item.Evidence, "measured") && !strings.Contains(item.Evidence, "documented") {
			t.Errorf("%s does not say whether its effect was measured or is documented: %s", item.ID, item.Evidence)
		}
		if len(item.On) < len(Profiles()) && item.OffWhy == "" {
			t.Errorf("%s is off somewhere and does not say why", item.ID)
		}
	}
}
