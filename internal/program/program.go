// Package program is the command line of the programs beside vmgo: a list of
// commands with flags of the standard library, under the rules that vmgo itself
// has. Flags may stand before and after arguments, data goes to stdout and talk
// to stderr, and an error is one line with a code and hints.
package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/ui"
)

// Command is one command of a program.
type Command struct {
	Name      string // "serve"; empty: what runs where the first word names no command
	Arguments string // "[URL]"
	Long      string // further help
	// Most is how many arguments it takes; negative: any number.
	Most int
	// Apart has a "--" stay among the arguments: what follows is a command, say.
	Apart bool
	// Flags defines its flags; nil: it has none.
	Flags func(flags *flag.FlagSet)
	Run   func(ctx context.Context, arguments []string) error

	usage string // what it does, as Program.Commands has it
}

// Main runs the command of a program that the host's arguments name and returns the
// exit status. The commands are made for a host whose terminal gets no control
// characters of files or hosts.
func Main(h host.Host, p Program, list func(host.Host) []Command) int {
	if h.StdoutTTY {
		h.Stdout = ui.Terminal(h.Stdout)
	}
	commands := list(h)
	for i, command := range commands {
		commands[i].usage = p.usage(command.Name)
	}
	ctx, cancel := h.Interrupts(context.Background())
	defer cancel()
	err := run(ctx, h, p.Spoken(), p.About, commands)
	if err != nil && ctx.Err() != nil && diag.CodeOf(err) != diag.Interrupted {
		err = diag.New(diag.Interrupted, "interrupted")
	}
	var child *diag.Child
	if err != nil && !errors.As(err, &child) {
		_, _ = io.WriteString(h.Stderr, ui.Palette(h.StderrTTY && h.Env["NO_COLOR"] == "").Error(diag.Format("vmgo", fsx.ExplainFull(err))))
	}
	return diag.ExitStatus(err)
}

func run(ctx context.Context, h host.Host, spoken, about string, commands []Command) error {
	words := h.Args[1:]
	if len(words) == 0 || isHelp(words[0]) || words[0] == "help" && len(words) == 1 {
		return overview(h.Stdout, spoken, about, commands)
	}
	if words[0] == manCommand && len(words) == 1 {
		_, err := io.WriteString(h.Stdout, manual(spoken, about, commands))
		return err
	}
	if words[0] == "help" {
		words = append(words[1:len(words):len(words)], "--help")
	}
	for _, command := range commands {
		if command.Name == words[0] {
			return command.run(ctx, h.Stdout, spoken, words[1:])
		}
	}
	for _, command := range commands {
		if command.Name == "" {
			return command.run(ctx, h.Stdout, spoken, words)
		}
	}
	return diag.New(diag.Usage, strconv.Quote(spoken)+" has no command "+strconv.Quote(words[0]), spoken+" --help")
}

func isHelp(word string) bool { return word == "--help" || word == "-h" || word == "-help" }

// overview lists the commands, after the help of the one without a name if there is one.
func overview(w io.Writer, spoken, about string, commands []Command) error {
	i := slices.IndexFunc(commands, func(c Command) bool { return c.Name == "" })
	if i >= 0 {
		commands[i].help(w, spoken, commands[i].flagSet())
	} else {
		fmt.Fprintf(w, "%s: %s\n", spoken, about)
	}
	fmt.Fprint(w, "\nCommands:\n")
	var table ui.Table
	for _, command := range commands {
		if command.Name != "" {
			table.Add("  "+command.Name, command.usage)
		}
	}
	if err := table.Write(w); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s COMMAND --help has the flags of a command.\n", spoken)
	return err
}

func (c Command) run(ctx context.Context, stdout io.Writer, spoken string, words []string) error {
	flags := c.flagSet()
	flags.SetOutput(io.Discard)
	line := strings.TrimSpace(spoken + " " + c.Name)
	arguments, err := c.parse(flags, words)
	switch {
	case errors.Is(err, flag.ErrHelp):
		c.help(stdout, spoken, flags)
		return nil
	case err != nil:
		return diag.New(diag.Usage, strconv.Quote(line)+": "+plain(err), line+" --help")
	case c.Most >= 0 && len(arguments) > c.Most:
		return diag.New(diag.Usage, strconv.Quote(line)+" was given the unexpected argument "+strconv.Quote(arguments[c.Most]), line+" --help")
	}
	return c.Run(ctx, arguments)
}

// parse reads flags wherever they stand before a "--".
func (c Command) parse(flags *flag.FlagSet, words []string) (arguments []string, err error) {
	for len(words) > 0 {
		if err := flags.Parse(words); err != nil {
			return nil, err
		}
		rest := flags.Args()
		if read := len(words) - len(rest); read > 0 && words[read-1] == "--" {
			if c.Apart {
				arguments = append(arguments, "--")
			}
			return append(arguments, rest...), nil
		}
		if len(rest) == 0 {
			return arguments, nil
		}
		arguments, words = append(arguments, rest[0]), rest[1:]
	}
	return arguments, nil
}

// plain writes the library's errors as vmgo writes flags.
func plain(err error) string {
	text := err.Error()
	if name, found := strings.CutPrefix(text, "flag provided but not defined: -"); found {
		return "unknown flag --" + strings.TrimPrefix(name, "-")
	}
	if name, found := strings.CutPrefix(text, "flag needs an argument: -"); found {
		return "the flag --" + name + " needs a value"
	}
	return strings.ReplaceAll(text, "for flag -", "for flag --")
}

func (c Command) help(w io.Writer, spoken string, flags *flag.FlagSet) {
	fmt.Fprintf(w, "%s: %s\n\nUsage: %s\n", strings.TrimSpace(spoken+" "+c.Name), c.usage, c.synopsis(spoken))
	if c.Long != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(c.Long))
	}
	heading := "\nFlags:\n"
	for _, f := range visibleFlags(flags) {
		fmt.Fprintf(w, "%s  %s\n        %s\n", heading, f.name, f.usage)
		heading = ""
	}
}
