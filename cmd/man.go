package cmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/program"
	"github.com/vmgo/vmgo/internal/settings"
	"github.com/vmgo/vmgo/internal/ui"
)

// manCommand prints the manual page, vmgo(1), for packages.
func (a *app) manCommand() *cli.Command {
	return a.declare(needs{}, &cli.Command{
		Name:   "__man",
		Hidden: true,
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0, ""); err != nil {
				return err
			}
			// The path of this program is not the path on the machines of readers.
			elsewhere := &app{host: a.host, ownPath: func() string { return "vmgo" }}
			_, err := io.WriteString(a.host.Stdout, manual(elsewhere.tree()))
			return err
		},
	})
}

// meaning returns what a setting means and what it may be, its words between quotes.
func meaning(row settings.Row, quote string) string {
	var words []string
	for _, word := range row.Words {
		text := quote + word.Text + quote
		if word.Meaning != "" {
			text += " (" + word.Meaning + ")"
		}
		words = append(words, text)
	}
	if len(words) == 0 {
		return row.Meaning
	}
	return row.Meaning + ": " + strings.Join(words, ", ")
}

// manual returns vmgo(1) in the macros of man(7). It has no date, so that equal
// programs give equal pages.
func manual(app *cli.App) string {
	var page strings.Builder
	fmt.Fprintf(&page, ".TH VMGO 1 \"\" \"vmgo %s\" \"User Commands\"\n", ui.Roff(app.Version))
	fmt.Fprintf(&page, ".SH NAME\nvmgo \\- %s\n.SH SYNOPSIS\n.B %s\n.SH COMMANDS\n", ui.Roff(app.Usage), ui.Roff(app.UsageText))
	for _, command := range app.Commands {
		if !command.Hidden {
			manCommands(&page, command)
		}
	}
	page.WriteString(".SH ENVIRONMENT\n")
	for _, row := range settings.Table() {
		fmt.Fprintf(&page, ".TP\n.B %s\n%s\n", ui.Roff(row.Name), ui.Roff(meaning(row, "")))
	}
	page.WriteString(`.SH FILES
.TP
.I /etc/vmgo/env
settings for all users, in the format of go env \-w
.TP
.I ~/.config/vmgo/env
settings of a user
.TP
.I /opt/go
the releases, or below
.I ~/.local/share/vmgo/go
.SH EXIT STATUS
0 done, 1 failed, 2 usage, 3 nothing matches or not installed, 4 network, 5 verification failed, 6 another process holds the store, 130 interrupted
.SH SEE ALSO
`)
	for _, p := range program.All() {
		fmt.Fprintf(&page, ".BR %s (1)\n", ui.Roff(p.Executable()))
	}
	return page.String()
}

func manCommands(page *strings.Builder, command *cli.Command) {
	usage := command.UsageText
	if usage == "" {
		usage = "vmgo " + command.Name
	}
	fmt.Fprintf(page, ".SS %s\n%s.\n", ui.Roff(usage), ui.Roff(command.Usage))
	if command.Description != "" {
		fmt.Fprintf(page, ".PP\n.nf\n%s\n.fi\n", ui.Roff(command.Description))
	}
	for _, flag := range command.Flags {
		documented, ok := flag.(cli.DocGenerationFlag)
		if name := flag.Names()[0]; ok && name != "help" && name != "quiet" {
			fmt.Fprintf(page, ".TP\n.B \\-\\-%s\n%s\n", ui.Roff(name), ui.Roff(strings.ReplaceAll(documented.GetUsage(), "`", "")))
		}
	}
	for _, sub := range command.Subcommands {
		if !sub.Hidden {
			manCommands(page, sub)
		}
	}
}
