package doctor

import (
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/modpath"
)

// replacement is a replace directive whose target is a directory.
type replacement struct {
	path   string // the file it stands in
	line   int
	text   string
	target string // absolute
	old    string
}

// directives calls f with every directive of a go.mod or go.work, blocks
// unrolled: the keyword, the words after it, and the line. A full parser is not
// needed: checks look at single directives of files that go itself accepts.
func (m *Machine) directives(path string, f func(keyword string, words []string, line int)) {
	block := ""
	for i, line := range m.Lines(path) {
		text, _, _ := strings.Cut(line, "//")
		words := strings.Fields(text)
		switch {
		case len(words) == 0:
		case block != "" && words[0] == ")":
			block = ""
		case block != "":
			f(block, words, i+1)
		case len(words) == 2 && words[1] == "(":
			block = words[0]
		default:
			f(words[0], words[1:], i+1)
		}
	}
}

// replacements are the local replace directives of a file.
func (m *Machine) replacements(path string) []replacement {
	var all []replacement
	m.directives(path, func(keyword string, words []string, line int) {
		if keyword != "replace" {
			return
		}
		for i, w := range words {
			if w != "=>" || i+2 != len(words) {
				continue
			}
			target := strings.Trim(words[i+1], "\"`")
			if !strings.HasPrefix(target, "./") && !strings.HasPrefix(target, "../") && !filepath.IsAbs(target) &&
				target != "." && target != ".." {
				continue
			}
			all = append(all, replacement{path, line, strings.Join(words, " "), modpath.Dir(filepath.Dir(path), target), words[0]})
		}
	})
	return all
}

// ignored reports whether go.mod tells ./... to pass a directory over.
func (m *Machine) ignored(module, rest string) bool {
	found := false
	m.directives(filepath.Join(module, "go.mod"), func(keyword string, words []string, _ int) {
		if keyword == "ignore" && len(words) == 1 {
			dir := strings.TrimPrefix(strings.Trim(words[0], "\"`"), "./")
			found = found || rest == dir || strings.HasPrefix(rest, dir+"/")
		}
	})
	return found
}

// modFiles are the go.mod and the go.work in use here, those that exist.
func (m *Machine) modFiles() []string {
	var files []string
	if dir := m.above("go.mod"); dir != "" {
		files = append(files, filepath.Join(dir, "go.mod"))
	}
	switch work := m.GoEnv("GOWORK").Value; work {
	case "off":
	case "", "auto":
		if dir := m.above("go.work"); dir != "" {
			files = append(files, filepath.Join(dir, "go.work"))
		}
	default:
		files = append(files, work)
	}
	return files
}

// above is the working directory, or the nearest one above it, that has a file
// of that name; empty if none has.
func (m *Machine) above(name string) string {
	for dir := filepath.Clean(m.Dir); ; dir = filepath.Dir(dir) {
		if m.Exists(filepath.Join(dir, name)) {
			return dir
		}
		if dir == "/" || dir == "." {
			return ""
		}
	}
}
