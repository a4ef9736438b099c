package cmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/settings"
	"github.com/vmgo/vmgo/shell"
)

func (a *app) completionCommand() *cli.Command {
	return a.declare(needs{settings: true, complete: words(shell.Completed()...)}, &cli.Command{
		Name:        "completion",
		Usage:       "print the completion script for a shell",
		UsageText:   "vmgo completion SHELL",
		ArgsUsage:   "SHELL",
		Description: completionPlaces(),
		Category:    aboutCategory,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, 1, "a SHELL: "+oneOf(shell.Completed()))
			if err != nil {
				return err
			}
			s, err := shell.Lookup(args[0])
			if err != nil || s.About().Completion == "" || s.Name() != args[0] {
				return diag.New(diag.UnsupportedShell, "no completion for the shell "+args[0], "vmgo completion bash   # there is one for "+strings.Join(shell.Completed(), ", "))
			}
			_, err = io.WriteString(a.host.Stdout, s.About().Completion)
			return err
		},
	})
}

// completionPlaces returns, for each shell, where its completion script belongs.
func completionPlaces() string {
	var lines []string
	for _, name := range shell.Completed() {
		if s, err := shell.Lookup(name); err == nil {
			lines = append(lines, fmt.Sprintf("%-5s vmgo completion %s > %s", name+":", name, s.About().CompletionFile))
		}
	}
	return strings.Join(lines, "\n")
}

// oneOf returns "a, b or c".
func oneOf(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// completeCommand prints the candidates for the completion scripts: one per
// line, with a description after a tab where there is one.
func (a *app) completeCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, network: true}, &cli.Command{
		Name:   "__complete",
		Hidden: true,
		Action: func(c *cli.Context) error {
			words, err := arguments(c, 1, -1, "the words typed so far")
			if err != nil {
				return err
			}
			a.quiet = true
			typed := words[len(words)-1]
			seen := map[string]bool{} // a release may be in several stores, and available for download
			for _, candidate := range a.candidates(c, words[:len(words)-1], typed) {
				if strings.HasPrefix(candidate[0], typed) && !seen[candidate[0]] {
					seen[candidate[0]] = true
					line := candidate[0]
					if candidate[1] != "" {
						line += "\t" + candidate[1]
					}
					fmt.Fprintln(a.host.Stdout, line)
				}
			}
			return nil
		},
	})
}

// candidates lists the completions of typed, each with a description.
func (a *app) candidates(c *cli.Context, before []string, typed string) [][2]string {
	_, command, rest, err := findCommand(c.App.Commands, before)
	switch {
	case err != nil:
		return nil
	case command == nil:
		return named(c.App.Commands)
	case len(command.Subcommands) > 0:
		return named(command.Subcommands)
	case strings.HasPrefix(typed, "-") && !command.SkipFlagParsing:
		var flags [][2]string
		for _, flag := range command.Flags {
			usage := ""
			if documented, ok := flag.(cli.DocGenerationFlag); ok {
				usage = strings.ReplaceAll(documented.GetUsage(), "`", "")
			}
			if name := flag.Names()[0]; len(name) > 1 {
				flags = append(flags, [2]string{"--" + name, usage})
			}
		}
		return flags
	}
	n := a.declared[command]
	if n.complete == nil || len(rest) > 0 && !n.several {
		return nil
	}
	return n.complete(c)
}

// words returns a completer for fixed words.
func words(list ...string) completer {
	return func(*cli.Context) [][2]string {
		var rows [][2]string
		for _, word := range list {
			rows = append(rows, [2]string{word, ""})
		}
		return rows
	}
}

func settingCandidates(*cli.Context) [][2]string {
	var rows [][2]string
	for _, row := range settings.Table() {
		rows = append(rows, [2]string{row.Name, row.Meaning})
	}
	return rows
}

// releaseCandidates are the installed releases and the available ones.
func (a *app) releaseCandidates(c *cli.Context) [][2]string {
	return append(a.installedCandidates(c), a.remoteCandidates(c)...)
}

func (a *app) installedCandidates(*cli.Context) [][2]string {
	releases, err := a.installed()
	if err != nil {
		return nil
	}
	var rows [][2]string
	for _, release := range releases {
		rows = append(rows, [2]string{release.Version.String(), "installed"})
	}
	return rows
}

func named(commands []*cli.Command) [][2]string {
	var rows [][2]string
	for _, command := range commands {
		if !command.Hidden {
			rows = append(rows, [2]string{command.Name, command.Usage})
		}
	}
	return rows
}
