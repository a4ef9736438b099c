// Package docs has the pages of the reference, which "vmgo help" prints.
package docs

import (
	"embed"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"unicode"
)

//go:embed *.md zh-CN/*.md
var pages embed.FS

// Page is a page of the reference.
type Page struct{ Name, Title string }

// Pages lists the pages in the order of their names.
func Pages() []Page {
	entries, _ := fs.ReadDir(pages, ".")
	var all []Page
	for _, entry := range entries {
		if !entry.IsDir() {
			title, _, _ := strings.Cut(strings.TrimPrefix(read(entry.Name()), "# "), "\n")
			all = append(all, Page{entry.Name(), title})
		}
	}
	return all
}

// Find returns what the reference says about a topic: a page by its name, with
// or without ".md", a section by its heading (an error code, an item of harden),
// or a row by its first cell (a check of doctor, a setting). locale is that of
// LC_MESSAGES: for Chinese, the page in Chinese is preferred where there is one.
func Find(topic, locale string) (text string, found bool) {
	whole := strings.TrimSuffix(topic, ".md") + ".md"
	if !strings.Contains(whole, "/") && read(whole) != "" {
		return read(inLocale(whole, locale)), true
	}
	for _, page := range []string{"errors.md", "harden.md", "doctor.md", "settings.md"} {
		for _, name := range []string{inLocale(page, locale), page} {
			if text = section(read(name), topic); text != "" {
				return text, true
			}
		}
	}
	return "", false
}

func inLocale(page, locale string) string {
	if chinese := path.Join("zh-CN", page); strings.HasPrefix(locale, "zh") && read(chinese) != "" {
		return chinese
	}
	return page
}

var comment = regexp.MustCompile(`(?s)\n?<!--.*?-->\n`)

// read returns a page without its comments, "" if there is none of that name.
func read(name string) string {
	data, err := pages.ReadFile(name)
	if err != nil {
		return ""
	}
	return comment.ReplaceAllString(string(data), "")
}

// section returns the part of a page below the heading topic, or the row of a
// table that begins with it, with the names of the columns.
func section(page, topic string) string {
	var header, found []string
	level := 0 // of the heading that was found
	for line := range strings.Lines(page) {
		hashes := len(line) - len(strings.TrimLeft(line, "#"))
		switch {
		case hashes > 1 && strings.TrimSpace(line[hashes:]) == topic:
			level, found = hashes, []string{line}
		case level > 0 && hashes > 0 && hashes <= level:
			return strings.TrimRight(strings.Join(found, ""), "\n") + "\n"
		case level > 0:
			found = append(found, line)
		case !strings.HasPrefix(line, "|"):
			header = nil
		case header == nil:
			header = cells(line)
		default:
			row := cells(line)
			if strings.HasPrefix(row[0], "`"+topic+"`") {
				return described(header, row)
			}
		}
	}
	return strings.Join(found, "")
}

func cells(row string) []string {
	parts := strings.Split(strings.Trim(strings.TrimSpace(row), "|"), " | ")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// described is a row of a table as lines.
func described(header, row []string) string {
	text := row[0] + "\n\n"
	for i := 1; i < min(len(header), len(row)); i++ {
		if row[i] != "" {
			text += header[i] + colon(header[i]) + row[i] + "\n"
		}
	}
	return text
}

func colon(after string) string {
	if strings.ContainsFunc(after, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		return "："
	}
	return ": "
}
