package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/settings"
)

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestDocs_everyErrorHasSectionAndScript holds the catalogue, its page and the
// scripts together.
func TestDocs_everyErrorHasSectionAndScript(t *testing.T) {
	t.Parallel()
	page := read(t, "docs/errors.md")
	scripts, err := filepath.Glob("testdata/scripts/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, script := range scripts {
		all.WriteString(read(t, script))
	}
	for _, entry := range diag.Catalogue() {
		if !strings.Contains(page, fmt.Sprintf("\n## %s\n\nExit %d.", entry.Code, entry.Exit)) {
			t.Errorf("docs/errors.md has no section for %s with exit status %d", entry.Code, entry.Exit)
		}
		if !strings.Contains(all.String(), "["+string(entry.Code)+"]") && !strings.Contains(all.String(), `\[`+string(entry.Code)+`\]`) {
			t.Errorf("no script provokes %s", entry.Code)
		}
	}
	if got, want := strings.Count(page, "\n## "), len(diag.Catalogue()); got != want {
		t.Errorf("docs/errors.md has %d sections for %d codes", got, want)
	}
}

// TestDocs_errorsAreExplainedInChinese holds the catalogue and its page in Chinese
// together. It has the summary in English, so that a search for it leads there.
func TestDocs_errorsAreExplainedInChinese(t *testing.T) {
	t.Parallel()
	page := read(t, "docs/zh-CN/errors.md")
	for _, entry := range diag.Catalogue() {
		if want := fmt.Sprintf("\n## %s\n\n退出码 %d。*%s*。", entry.Code, entry.Exit, entry.Summary); !strings.Contains(page, want) {
			t.Errorf("docs/zh-CN/errors.md lacks:%s", want)
		}
	}
}

// TestDocs_machineIsExplainedInChinese compares the checks and items of the pages
// in both languages.
func TestDocs_machineIsExplainedInChinese(t *testing.T) {
	t.Parallel()
	for page, id := range map[string]*regexp.Regexp{
		"doctor.md": regexp.MustCompile("(?m)^\\| `([a-z]+\\.[a-z0-9-]+)`"),
		"harden.md": regexp.MustCompile(`(?m)^### (\S+)$`),
	} {
		english, chinese := id.FindAllString(read(t, "docs/"+page), -1), id.FindAllString(read(t, "docs/zh-CN/"+page), -1)
		if len(english) < 20 || !slices.Equal(english, chinese) {
			t.Errorf("docs/%s has %q\nin Chinese %q", page, english, chinese)
		}
	}
}

// TestDocs_settingsAreExplainedInChinese compares the names with the table of the
// code. The English one is made from it.
func TestDocs_settingsAreExplainedInChinese(t *testing.T) {
	t.Parallel()
	page := read(t, "docs/zh-CN/settings.md")
	var want []string
	for _, row := range settings.Table() {
		want = append(want, "| `"+row.Name+"`")
		for _, word := range row.Words {
			if !strings.Contains(page, "`"+word.Text+"`") {
				t.Errorf("docs/zh-CN/settings.md does not name %s of %s", word.Text, row.Name)
			}
		}
	}
	if got := regexp.MustCompile("(?m)^\\| `VMGO_[A-Z_]+`").FindAllString(page, -1); !slices.Equal(got, want) {
		t.Errorf("docs/zh-CN/settings.md has %q, want %q", got, want)
	}
}

// TestDocs_architectureNamesWhatExists keeps the map true.
func TestDocs_architectureNamesWhatExists(t *testing.T) {
	t.Parallel()
	page := read(t, "ARCHITECTURE.md")
	for name := range layers {
		if name != "" && !strings.Contains(page, name) {
			t.Errorf("ARCHITECTURE.md does not name the package %s", name)
		}
	}
	for _, match := range regexp.MustCompile("`((?:internal|cmd|shell|shims|testdata|docs)/[a-z0-9_./-]+)`").FindAllStringSubmatch(page, -1) {
		if _, err := os.Stat(strings.TrimSuffix(match[1], "/")); err != nil {
			t.Errorf("ARCHITECTURE.md names %s: %v", match[1], err)
		}
	}
}

// TestDocs_closedNetworksIsRun holds the page and its script together: every
// command of the page stands in the script.
func TestDocs_closedNetworksIsRun(t *testing.T) {
	t.Parallel()
	script := ""
	scripts, err := filepath.Glob("testdata/scripts/closed_networks_*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range scripts {
		script += read(t, name)
	}
	commands := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(read(t, "docs/closed-networks.md"), -1) {
		for line := range strings.Lines(block[1]) {
			command, _, _ := strings.Cut(line, "   #")
			if command = strings.TrimSpace(command); strings.HasPrefix(command, "export HTTPS_PROXY=") {
				continue // the scripts have no network to go through one
			}
			commands++
			if !strings.Contains(script, command) {
				t.Errorf("the script does not run %q", command)
			}
		}
	}
	if commands < 5 {
		t.Errorf("found %d commands", commands)
	}
}
