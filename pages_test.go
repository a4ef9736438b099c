package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// pages returns the Markdown files that git knows or would add.
func pages(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("git", "ls-files", "-co", "--exclude-standard", "*.md").Output()
	if err != nil {
		t.Skipf("this is no checkout: %v", err)
	}
	return slices.DeleteFunc(strings.Fields(string(out)), func(page string) bool {
		_, err := os.Stat(page)
		return err != nil
	})
}

var (
	fence        = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	htmlComment  = regexp.MustCompile(`(?s)<!--.*?-->`)
	inlineCode   = regexp.MustCompile("`[^`\n]*`")
	markdownLink = regexp.MustCompile(`\[[^\]\n]*\]\(([^)\s]+)\)`)
	heading      = regexp.MustCompile(`(?m)^(#+) +(.*)$`)
)

// anchors returns the names that a page's headings can be linked by, as the
// places where repositories are hosted make them.
func anchors(page string) []string {
	var names []string
	seen := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, h[2])
		for base, n := name, '1'; seen[name]; n++ {
			name = base + "-" + string(n)
		}
		seen[name] = true
		names = append(names, name)
	}
	return names
}

// prose is a page without code and comments.
func prose(page string) string {
	return inlineCode.ReplaceAllString(htmlComment.ReplaceAllString(fence.ReplaceAllString(page, ""), ""), "code")
}

// deadLink returns what is wrong with a link of a page, "" where it leads
// somewhere. Addresses of other sites are not asked.
func deadLink(page, link string) string {
	if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
		return ""
	}
	path, anchor, _ := strings.Cut(link, "#")
	target := page
	if path != "" {
		target = filepath.Join(filepath.Dir(page), path)
	}
	info, err := os.Stat(target)
	if err != nil {
		return "there is no " + target
	}
	if anchor == "" || info.IsDir() {
		return ""
	}
	text, err := os.ReadFile(target)
	if err != nil {
		return err.Error()
	}
	if !slices.Contains(anchors(string(text)), anchor) {
		return target + " has no heading " + anchor
	}
	return ""
}

func TestPages_linksLeadSomewhere(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		for _, link := range markdownLink.FindAllStringSubmatch(prose(read(t, page)), -1) {
			if why := deadLink(page, link[1]); why != "" {
				t.Errorf("%s: link %s: %s", page, link[1], why)
			}
		}
	}
}

// TestPages_chineseLinksStayChinese: who reads Chinese is led to a page in
// Chinese where there is one.
func TestPages_chineseLinksStayChinese(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		if !strings.Contains(page, "zh-CN") {
			continue
		}
		for _, link := range markdownLink.FindAllStringSubmatch(prose(read(t, page)), -1) {
			path, _, _ := strings.Cut(link[1], "#")
			english, ok := strings.CutPrefix(filepath.Join(filepath.Dir(page), path), "docs/")
			if _, err := os.Stat(filepath.Join("docs/zh-CN", english)); ok && strings.HasSuffix(path, ".md") && !strings.HasPrefix(english, "zh-CN") && err == nil {
				t.Errorf("%s: link %s has a page in Chinese", page, link[1])
			}
		}
	}
}

func TestPages_deadLinksAreFound(t *testing.T) {
	t.Parallel()
	for link, dead := range map[string]bool{
		"README.md": false, "docs": false, "README.md#nothing-of-the-kind": true, "NOTHING.md": true,
		"docs/hook.md#the-hook-and-the-shims": false, "#vmgo": false, "#none": true, "https://go.dev": false,
	} {
		if why := deadLink("README.md", link); (why != "") != dead {
			t.Errorf("%s: %q", link, why)
		}
	}
}

// shape is what two pages of different languages must have in common: headings
// by their level, code but for its comments and the explanations of a synopsis,
// and the number of rows of tables.
func shape(page string) []string {
	var parts []string
	comment := regexp.MustCompile(`(^|\s+)# .*$`)
	explanation := regexp.MustCompile(`\s\s+.*$`)
	plain := false
	inCode := false
	for line := range strings.Lines(htmlComment.ReplaceAllString(page, "")) {
		line = strings.TrimRight(line, "\n ")
		switch isFence := strings.HasPrefix(strings.TrimSpace(line), "```"); {
		case isFence:
			inCode, plain = !inCode, strings.TrimSpace(line) == "```"
			parts = append(parts, line)
		case inCode && plain:
			parts = append(parts, explanation.ReplaceAllString(line, ""))
		case inCode:
			parts = append(parts, comment.ReplaceAllString(line, ""))
		case heading.MatchString(line):
			parts = append(parts, strings.Repeat("#", len(line)-len(strings.TrimLeft(line, "#"))))
		case strings.HasPrefix(line, "|"):
			parts = append(parts, "row")
		}
	}
	return parts
}

// TestPages_chineseIsInStep compares each page of docs/zh-CN with the English
// one. Guides must have both.
func TestPages_chineseIsInStep(t *testing.T) {
	t.Parallel()
	const chinese = "docs/zh-CN/"
	all := pages(t)
	for _, page := range all {
		if english, ok := strings.CutPrefix(page, chinese); ok {
			compareShapes(t, filepath.Join("docs", english), page)
		}
		if guide, ok := strings.CutPrefix(page, "docs/guides/"); ok && !slices.Contains(all, chinese+"guides/"+guide) {
			t.Errorf("%s has no page in Chinese", page)
		}
	}
	if slices.Contains(all, "README.zh-CN.md") {
		compareShapes(t, "README.md", "README.zh-CN.md")
	}
}

func compareShapes(t *testing.T, english, chinese string) {
	t.Helper()
	if _, err := os.Stat(english); err != nil {
		t.Errorf("%s: there is no %s", chinese, english)
		return
	}
	a, b := shape(read(t, english)), shape(read(t, chinese))
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			t.Errorf("%s and %s part at %q and %q", english, chinese, slices.Concat(a, []string{"the end"})[min(i, len(a))], slices.Concat(b, []string{"the end"})[min(i, len(b))])
			return
		}
	}
}

func TestPages_differentShapesAreFound(t *testing.T) {
	t.Parallel()
	english := "# A\n\n```sh\nvmgo list   # what there is\n```\n\n| a | b |\n"
	if got := shape("# 甲\n\n```sh\nvmgo list # 已安装\n```\n\n| 甲 | 乙 |\n"); !slices.Equal(got, shape(english)) {
		t.Errorf("%q is not %q", got, shape(english))
	}
	for _, other := range []string{"## A\n\n```sh\nvmgo list\n```\n\n| a |\n", "# A\n\n```sh\nvmgo lis\n```\n\n| a |\n", "# A\n\n```sh\nvmgo list\n```\n"} {
		if slices.Equal(shape(other), shape(english)) {
			t.Errorf("%q has the same shape", other)
		}
	}
}
