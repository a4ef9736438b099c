package main

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestArch_modulesAreDocumented compares go.mod, who imports what, and the table
// of outside modules in ARCHITECTURE.md.
func TestArch_modulesAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`|]+\\.[^`|]+/[^`|]+)` \\| ([^|]+) \\|").FindAllStringSubmatch(string(page), -1) {
		said[row[1]] = row[2]
	}
	importers := modulesByImporter(t)
	for module, packages := range importers {
		want := "tests"
		if len(packages) > 0 {
			slices.Sort(packages)
			want = "`" + strings.Join(slices.Compact(packages), "`, `") + "`"
		}
		if said[module] != want {
			t.Errorf("%s is used by %s, and ARCHITECTURE.md has it at %q", module, want, said[module])
		}
		delete(said, module)
	}
	for module := range said {
		t.Errorf("ARCHITECTURE.md has %s, which go.mod does not require", module)
	}
}

// modulesByImporter returns the modules that go.mod requires directly, each with
// the packages of ours that import it, support of tests left out.
func modulesByImporter(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	importers := map[string][]string{}
	for _, line := range regexp.MustCompile(`(?m)^(?:require )?\s*(\S+\.\S+/\S+) v\S+$`).FindAllStringSubmatch(string(text), -1) {
		importers[line[1]] = nil
	}
	for _, p := range goList(t, "./...") {
		name, _ := local(p.ImportPath)
		for _, imported := range p.Imports {
			for module := range importers {
				if layers[name] < 6 && (imported == module || strings.HasPrefix(imported, module+"/")) {
					importers[module] = append(importers[module], name)
				}
			}
		}
	}
	return importers
}

// TestArch_namedFilesExist looks for each Go file that ARCHITECTURE.md and
// CONTRIBUTING.md name, by its path or, within a sentence, by its name alone.
func TestArch_namedFilesExist(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			known[path], known[entry.Name()] = true, true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"ARCHITECTURE.md", "CONTRIBUTING.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile("`([a-z][a-z0-9_./-]*\\.go)`").FindAllStringSubmatch(string(text), -1) {
			if !known[name[1]] {
				t.Errorf("%s names %s, which does not exist", page, name[1])
			}
		}
	}
}
