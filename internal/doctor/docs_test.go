package doctor_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/doctor"
)

var update = flag.Bool("update", false, "rewrite the table in docs/doctor.md")

const (
	docsPage   = "../../docs/doctor.md"
	tableBegin = "<!-- checks: made by go test ./internal/doctor -run Docs -update -->\n"
	tableEnd   = "<!-- end of checks -->\n"
)

// The page lists every check with its fixtures; the test makes the table, so
// that it cannot name one that does not exist.
func TestDocs_listEveryCheck(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(docsPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), tableBegin)
	_, after, foundEnd := strings.Cut(rest, tableEnd)
	if !found || !foundEnd {
		t.Fatal("the page has lost the marks of the table")
	}
	want := before + tableBegin + table(t) + tableEnd + after
	if want == string(page) {
		return
	}
	if !*update {
		t.Fatal("docs/doctor.md is out of date: go test ./internal/doctor -run Docs -update")
	}
	if err := os.WriteFile(docsPage, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func table(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	for _, group := range doctor.Groups() {
		fmt.Fprintf(&out, "\n### %s\n\n| check | looks at | facts from | complains about | content with |\n|---|---|---|---|---|\n", group)
		for _, check := range doctor.Catalogue() {
			if check.Group != group {
				continue
			}
			bad, good := "", ""
			for _, c := range readCases(t, filepath.Join(checksDir, check.ID+".txtar")) {
				switch {
				case bad == "" && (c.want == doctor.Warn || c.want == doctor.Fail):
					bad = fmt.Sprintf("%s (%s)", c.name, c.machine)
				case c.want == doctor.OK:
					good = fmt.Sprintf("%s (%s)", c.name, c.machine)
				}
			}
			note := ""
			switch {
			case check.Online:
				note = " (online)"
			case check.Bench:
				note = " (`--bench`)"
			}
			fmt.Fprintf(&out, "| `%s`%s | %s | %s | %s | %s |\n", check.ID, note, cell(check.Title), cell(check.Source), bad, good)
		}
	}
	return out.String() + "\n"
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
