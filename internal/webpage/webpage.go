// Package webpage has what the pages of doctor and harden share: a style for
// screens of any width, light and dark, and for paper; the buttons that copy a
// command; diffs in colour.
package webpage

import (
	_ "embed"
	"html/template"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed page.css
var style string

//go:embed copy.js
var script string

// Style returns the style sheet.
func Style() template.CSS { return template.CSS(style) } //nolint:gosec // it is part of the program

// Script returns the script that gives each element of class "fix" a button, which
// copies the text of the pre in it.
func Script() template.JS { return template.JS(script) } //nolint:gosec // it is part of the program

// Line is one line of a diff with its class in the style sheet.
type Line struct{ Class, Text string }

// Diff returns the lines of a unified diff.
func Diff(diff string) []Line {
	var lines []Line
	body := false
	for text := range strings.Lines(diff) {
		text = strings.TrimSuffix(text, "\n")
		body = body || strings.HasPrefix(text, "@@")
		lines = append(lines, Line{class(text, body), text})
	}
	return lines
}

func class(line string, body bool) string {
	switch {
	case !body:
		return "head"
	case strings.HasPrefix(line, "@@"):
		return "at"
	case strings.HasPrefix(line, "+"):
		return "add"
	case strings.HasPrefix(line, "-"):
		return "del"
	}
	return "same"
}

// Sentence returns a phrase of a message as a sentence: it begins upper-case, unless
// with a name such as go or systemd, and ends in a full stop.
func Sentence(phrase string) string {
	phrase = strings.TrimSpace(phrase)
	if phrase == "" {
		return ""
	}
	first, _, _ := strings.Cut(phrase, " ")
	if r, size := utf8.DecodeRuneInString(phrase); !name(first) {
		phrase = string(unicode.ToUpper(r)) + phrase[size:]
	}
	if strings.ContainsAny(phrase[len(phrase)-1:], ".:?!") {
		return phrase
	}
	return phrase + "."
}

// name reports whether a word is one that is never written upper-case.
func name(word string) bool {
	switch strings.TrimRight(word, ",:;") {
	case "go", "gofmt", "gopls", "dlv", "git", "apt", "sudo", "systemd", "systemctl", "vmgo", "bash", "zsh", "fish", "cron", "ssh", "sshd", "sysctl", "perf":
		return true
	}
	return strings.ContainsAny(strings.TrimRight(word, "."), "/_=.") // a path, a setting, a file
}
