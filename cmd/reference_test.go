package cmd

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/settings"
)

var update = flag.Bool("update", false, "rewrite docs/commands.md and the table of docs/settings.md")

const (
	referencePage = "../docs/commands.md"
	settingsPage  = "../docs/settings.md"
	madeHere      = "<!-- Made by go test ./cmd -run Reference -update. -->\n"
)

// TestReference makes docs/commands.md from the commands and compares.
func TestReference(t *testing.T) {
	t.Parallel()
	a := &app{ownPath: func() string { return "vmgo" }}
	compare(t, referencePage, reference(a.tree()))
}

// TestReference_settings makes the table of docs/settings.md from that of the code
// and compares.
func TestReference_settings(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(settingsPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), madeHere)
	_, after, closed := strings.Cut(rest, "<!-- End. -->")
	if !found || !closed {
		t.Fatalf("%s does not have the lines around the table", settingsPage)
	}
	compare(t, settingsPage, before+madeHere+settingsTable()+"<!-- End. -->"+after)
}

// compare fails where page has another text than want, or writes it with -update.
func compare(t *testing.T, page, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is out of date: go test ./cmd -run Reference -update", page)
	}
}

func settingsTable() string {
	var table strings.Builder
	table.WriteString("\n| name | meaning | default |\n|---|---|---|\n")
	for _, row := range settings.Table() {
		byDefault := ""
		if row.Default != "" {
			byDefault = "`" + row.Default + "`"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", row.Name, meaning(row, "`"), byDefault)
	}
	return table.String() + "\n"
}

func reference(root *cli.App) string {
	var page strings.Builder
	page.WriteString("# Commands\n\n" + madeHere + "\n" +
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
		cell := strings.NewReplacer("|", `\|`) // also in code a pipe would end the cell
		rows = append(rows, fmt.Sprintf("| %s | %s |\n", cell.Replace(strings.Join(names, ", ")), cell.Replace(meaning)))
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
