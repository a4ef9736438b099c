package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestLanguage keeps the phrases that docs/language.md rules out out of messages,
// comments, scripts and documentation.
func TestLanguage(t *testing.T) {
	t.Parallel()
	phrases := ruledOut(t)
	out, err := exec.Command("git", "ls-files", "-co", "--exclude-standard", "*.go", "*.md", "*.sh", "*.txtar", "*.html", "shell/hook.*").Output()
	if err != nil {
		t.Skipf("there is no list of files: %v", err)
	}
	for path := range strings.Lines(string(out)) {
		path = strings.TrimSpace(path)
		switch {
		case path == "docs/language.md", path == "language_test.go":
			continue // they name the phrases
		case path == "CHANGELOG.md", strings.HasPrefix(path, "shell/testdata/protocol"):
			continue // history: what was released stays as it was
		}
		text, err := os.ReadFile(path)
		if err != nil {
			continue // removed and not yet committed
		}
		for _, f := range findPhrases(text, phrases) {
			t.Errorf("%s:%d: %q: docs/language.md has better words", path, f.line, f.phrase)
		}
	}
}

func TestLanguage_findsPhrases(t *testing.T) {
	t.Parallel()
	text := "package x\n\n// F says\n// whether the release is\n\t// in  force; the inforce check, main forces\nvar s = \"Taken back\"\n"
	got := findPhrases([]byte(text), []string{"in force", "says whether", "taken back"})
	want := []foundPhrase{{"in force", 5}, {"says whether", 3}, {"taken back", 6}}
	if len(got) != len(want) {
		t.Fatalf("found %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("found %v, want %v", got[i], want[i])
		}
	}
}

// ruledOut returns the phrases of the table of docs/language.md.
func ruledOut(t *testing.T) (phrases []string) {
	t.Helper()
	page, err := os.ReadFile("docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, "|"); len(cells) == 5 {
			for _, m := range quoted.FindAllStringSubmatch(cells[3], -1) {
				phrases = append(phrases, strings.ToLower(m[1]))
			}
		}
	}
	if len(phrases) < 20 {
		t.Fatalf("docs/language.md rules out %q: its table is read wrongly", phrases)
	}
	return phrases
}

// foundPhrase is a phrase, and the line where it begins.
type foundPhrase struct {
	phrase string
	line   int
}

// findPhrases returns where whole words of a text are one of the phrases, also where
// lines of a comment break it.
func findPhrases(text []byte, phrases []string) (found []foundPhrase) {
	plain := joinLines(bytes.ToLower(text))
	for _, phrase := range phrases {
		for from := 0; ; {
			at := bytes.Index(plain[from:], []byte(phrase))
			if at < 0 {
				break
			}
			start, end := from+at, from+at+len(phrase)
			if !isLetter(plain, start-1) && !isLetter(plain, end) {
				found = append(found, foundPhrase{phrase, lineOf(text, start)})
			}
			from = end
		}
	}
	return found
}

// joinLines replaces each run of white space and comment signs by one blank.
func joinLines(text []byte) []byte {
	plain := make([]byte, 0, len(text))
	for _, b := range text {
		if !isGap(b) {
			plain = append(plain, b)
		} else if len(plain) == 0 || plain[len(plain)-1] != ' ' {
			plain = append(plain, ' ')
		}
	}
	return plain
}

// lineOf returns the line of a text at which its joined lines have n bytes.
func lineOf(text []byte, n int) int {
	for i, gap := 0, false; i < len(text); i++ {
		if now := isGap(text[i]); !now || !gap {
			if gap = now; n == 0 {
				return 1 + bytes.Count(text[:i], []byte("\n"))
			}
			n--
		}
	}
	return 1 + bytes.Count(text, []byte("\n"))
}

func isGap(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '/' || b == '#' }

func isLetter(text []byte, i int) bool {
	return i >= 0 && i < len(text) && text[i] >= 'a' && text[i] <= 'z'
}
