package cmd

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

var update = flag.Bool("update", false, "rewrite docs/commands.md")

const referencePage = "../docs/commands.md"

// TestReference makes docs/commands.md from the commands and compares.
func TestReference(t *testing.T) {
	t.Parallel()
	a := &app{ownPath: func() string { return "vmgo" }}
	want := reference(a.tree())
	if *update {
		if err := os.WriteFile(referencePage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(referencePage)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/commands.md is out of date: go test ./cmd -run Reference -update")
	}
}

func reference(root *cli.App) string {
	var page strings.Builder
	page.WriteString("# Commands\n\n<!-- Made by go test ./cmd -run Reference -update. -->\n\n" +
		"Flags may stand before or after the arguments. All commands have `--help`; those that print progress have `--quiet`.\n")
	for _, category := range []string{releasesCategory, projectCategory, shellCategory, machineCategory, aboutCategory} {
		fmt.Fprintf(&page, "\n## %s\n", strings.ToUpper(category[:1])+category[1:])
		for _, command := range root.Commands {
			if command.Category == category && !command.Hidden {
				describe(&page, command, "vmgo")
			}
		}
	}
	return page.String()
}

func describe(page *strings.Builder, command *cli.Command, parent string) {
	name := parent + " " + command.Name
	usage := command.UsageText
	if usage == "" {
		usage = name + " [FLAG...] [ARGUMENT...]"
	}
	if len(command.Subcommands) > 0 {
		usage = name + " COMMAND"
	}
	fmt.Fprintf(page, "\n### %s\n\n%s.\n\n```\n%s\n```\n", name, strings.ToUpper(command.Usage[:1])+command.Usage[1:], usage)
	if len(command.Aliases) > 0 {
		fmt.Fprintf(page, "\nAlso: `%s`.\n", strings.Join(command.Aliases, "`, `"))
	}
	if command.Description != "" {
		fmt.Fprintf(page, "\n```text\n%s\n```\n", strings.TrimSpace(command.Description))
	}
	describeFlags(page, command)
	if command.SkipFlagParsing && strings.Count(name, " ") == 1 {
		fmt.Fprintf(page, "\nA program of its own: [%[1]s](%[1]s.md), `%[2]s --help`.\n", command.Name, name)
	}
	for _, sub := range command.Subcommands {
		if !sub.Hidden {
			describe(page, sub, name)
		}
	}
}

func describeFlags(page *strings.Builder, command *cli.Command) {
	var rows []string
	for _, f := range command.Flags {
		flag, ok := f.(cli.DocGenerationFlag)
		visible, canHide := f.(cli.VisibleFlag)
		if !ok || canHide && !visible.IsVisible() || slices.Contains([]string{"help", "quiet"}, f.Names()[0]) {
			continue
		}
		value, meaning := placeholder(flag.GetUsage())
		names := make([]string, 0, len(f.Names()))
		for _, name := range f.Names() {
			names = append(names, "`"+strings.Repeat("-", min(len(name), 2))+name+value+"`")
		}
		rows = append(rows, fmt.Sprintf("| %s | %s |\n", strings.Join(names, ", "), strings.ReplaceAll(meaning, "|", `\|`)))
	}
	if len(rows) > 0 {
		page.WriteString("\n| flag | meaning |\n|---|---|\n" + strings.Join(rows, ""))
	}
}

// placeholder splits a usage text as urfave/cli does: the value's name stands in
// backquotes.
func placeholder(usage string) (value, text string) {
	before, rest, found := strings.Cut(usage, "`")
	name, after, closed := strings.Cut(rest, "`")
	if !found || !closed {
		return "", usage
	}
	return " " + name, before + name + after
}
