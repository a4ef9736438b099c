package main

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// vmgoHelp returns what this test binary prints as vmgo for --help after args.
func vmgoHelp(t *testing.T, args ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, err := (&exec.Cmd{Path: self, Args: slices.Concat([]string{"vmgo"}, args, []string{"--help"})}).CombinedOutput()
	if err != nil {
		t.Fatalf("vmgo %s --help: %v\n%s", args, err, out)
	}
	return string(out)
}

var (
	// written is a call of vmgo in a page: its command and the words up to what ends it.
	written  = regexp.MustCompile("(?m)(?:^|[`$ (/])vmgo ([a-z][a-z-]*)((?: [^\\s`#|;&)]+)*)")
	flagWord = regexp.MustCompile(`^--[a-z][a-z0-9-]*`)
	code     = regexp.MustCompile("(?ms)^ *```.*?^ *```$|`[^`\n]+`")
)

// wrongCalls returns the calls of vmgo in a page's code that vmgo does not know:
// an unknown command, or a flag that its help does not name.
func wrongCalls(page string, help func(command string) (text string, known bool)) []string {
	var wrong []string
	for _, span := range code.FindAllString(page, -1) {
		for _, call := range written.FindAllStringSubmatch(span, -1) {
			text, known := help(call[1])
			if !known {
				wrong = append(wrong, call[0])
				continue
			}
			for _, word := range strings.Fields(call[2]) {
				if word == "--" {
					break
				}
				if name := flagWord.FindString(word); name != "" && text != "" && !regexp.MustCompile(name+`\b`).MatchString(text) {
					wrong = append(wrong, call[0])
				}
			}
		}
	}
	return wrong
}

// wholeHelp returns the help of a command and of its subcommands.
func wholeHelp(t *testing.T, words ...string) string {
	t.Helper()
	text := vmgoHelp(t, words...)
	_, subcommands, _ := strings.Cut(text, "COMMANDS:")
	for _, sub := range regexp.MustCompile(`(?m)^ +([a-z][a-z-]*)(?:, [a-z-]+)*  `).FindAllStringSubmatch(subcommands, -1) {
		text += wholeHelp(t, append(slices.Clone(words), sub[1])...)
	}
	return text
}

// lists reports whether a help text has a command of that name.
func lists(help, command string) bool {
	return regexp.MustCompile(`(?m)^ +([\w-]+, )*` + command + `\b`).MatchString(help)
}

// TestPages_nameCommandsThatExist compares the commands and flags that pages
// name with the help of vmgo. The programs beside vmgo have help of their own.
func TestPages_nameCommandsThatExist(t *testing.T) {
	t.Parallel()
	all := vmgoHelp(t)
	known := map[string]string{"help": "", "proxy": "", "deploy": "", "fleet": "", "observe": ""}
	help := func(command string) (string, bool) {
		text, ok := known[command]
		if ok || !lists(all, command) {
			return text, ok
		}
		text = wholeHelp(t, command)
		known[command] = text
		return text, true
	}
	for _, page := range pages(t) {
		if page == "docs/commands.md" {
			continue // made from the commands
		}
		for _, call := range wrongCalls(read(t, page), help) {
			t.Errorf("%s: %q is no command of vmgo, or has a flag that its help does not name", page, strings.TrimSpace(call))
		}
	}
}

func TestPages_wrongCallsAreFound(t *testing.T) {
	t.Parallel()
	help := func(command string) (string, bool) { return "--all  every one", command == "list" }
	for page, count := range map[string]int{
		"`vmgo list --all`": 0, "`vmgo list --al`": 1, "`vmgo lst`": 1, "vmgo lst": 0, "```sh\nsudo vmgo lst\n```\n": 1, "`vmgo list -- --x`": 0,
	} {
		if got := wrongCalls(page, help); len(got) != count {
			t.Errorf("%q: %q", page, got)
		}
	}
}
