package cmd

import (
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/settings"
)

// arrange rewrites the arguments into the form that urfave/cli reads: the
// command's path, its flags, "--", its arguments. So flags may come before or
// after the arguments. A "--" and everything after it is not changed. A word
// that fits nowhere is a usage error here, before the library prints its help
// on stdout.
func arrange(root *cli.App, typed []string) ([]string, error) {
	path, command, rest, err := findCommand(root.Commands, typed)
	if err != nil {
		return nil, err
	}
	args := append([]string{root.Name}, path...)
	if command == nil {
		return append(args, "--help"), nil
	}
	if len(command.Subcommands) > 0 {
		if slices.ContainsFunc(rest, isHelp) {
			return append(args, "--help"), nil
		}
		return nil, noSubcommand(command, path, rest)
	}
	if command.SkipFlagParsing {
		return append(args, rest...), nil
	}
	flags, arguments, err := sortWords(command, path, rest)
	if err != nil {
		return nil, err
	}
	return append(append(append(args, flags...), "--"), arguments...), nil
}

func isHelp(word string) bool { return word == "--help" || word == "-h" || word == "-help" }

// findCommand returns the command that the first words name. A nil command
// means the program itself: show its help.
func findCommand(commands []*cli.Command, typed []string) (path []string, command *cli.Command, rest []string, err error) {
	var leading []string // flags of the command that come before its name
	for i, word := range typed {
		next := find(commands, word)
		switch {
		case next != nil:
			command, path, commands = next, append(path, next.Name), next.Subcommands
			if len(commands) == 0 {
				return path, command, append(leading, typed[i+1:]...), nil
			}
		case command != nil:
			return path, command, append(leading, typed[i:]...), nil
		case word == "help" && len(typed) == i+2 && find(commands, typed[i+1]) == nil && !strings.HasPrefix(typed[i+1], "-"):
			return []string{topicName}, find(commands, topicName), typed[i+1:], nil
		case word == "help":
			return findCommand(commands, append(typed[i+1:len(typed):len(typed)], "--help"))
		case isHelp(word):
			return nil, nil, nil, nil
		case word == "--version":
			return []string{"version"}, find(commands, "version"), typed[i+1:], nil
		case word == "--quiet" || word == "-q":
			leading = append(leading, word)
		case strings.HasPrefix(word, "-"):
			hint := "vmgo help"
			if word == "-v" || word == "-V" {
				hint = "vmgo --version"
			}
			return nil, nil, nil, diag.New(diag.Usage, "unknown flag "+strconv.Quote(word), hint)
		default:
			return nil, nil, nil, unknownCommand(word, commands)
		}
	}
	return path, command, leading, nil
}

func find(commands []*cli.Command, name string) *cli.Command {
	for _, command := range commands {
		if command.HasName(name) {
			return command
		}
	}
	return nil
}

func names(commands []*cli.Command) string {
	var all []string
	for _, command := range commands {
		all = append(all, command.Name)
	}
	return strings.Join(all, ", ")
}

func unknownCommand(word string, commands []*cli.Command) error {
	text, hint := "unknown command "+strconv.Quote(word), "vmgo help"
	if meant := similar(word, commands); meant != "" {
		text, hint = text+"; did you mean "+meant+"?", "vmgo help "+meant
	}
	return diag.New(diag.Usage, text, hint)
}

// noSubcommand is the error for a command that needs one of its subcommands and
// has another word, or none.
func noSubcommand(command *cli.Command, path, rest []string) error {
	line := "vmgo " + strings.Join(path, " ")
	text, hint := strconv.Quote(line)+" needs one of: "+names(command.Subcommands), line+" --help"
	if len(rest) > 0 {
		if meant := similar(rest[0], command.Subcommands); meant != "" {
			text, hint = strconv.Quote(line)+" has no command "+strconv.Quote(rest[0])+"; did you mean "+meant+"?", "vmgo help "+strings.Join(path, " ")+" "+meant
		}
	}
	return diag.New(diag.Usage, text, hint)
}

// similar returns the command that a misspelt word means: one that begins with
// it or that it begins with, or the nearest if few letters differ.
func similar(word string, commands []*cli.Command) string {
	const short = 3 // up to this length, words are alike by chance
	byName := map[string]string{}
	var known []string
	for _, command := range commands {
		if command.Hidden || word == "" {
			continue
		}
		if strings.HasPrefix(command.Name, word) || strings.HasPrefix(word, command.Name) {
			return command.Name
		}
		for _, name := range command.Names() {
			known = append(known, name)
			byName[name] = command.Name
		}
	}
	nearest, distance := settings.NearestOf(word, known)
	if len(word) <= short || distance > (len(word)+1)/3 {
		return ""
	}
	return byName[nearest]
}

// sortWords divides the words after a command into flags and arguments.
func sortWords(command *cli.Command, path, words []string) (flags, arguments []string, err error) {
	help := "vmgo help " + strings.Join(path, " ")
	for i := 0; i < len(words); i++ {
		word := words[i]
		if word == "--" {
			return flags, append(arguments, words[i:]...), nil
		}
		if len(word) < 2 || word[0] != '-' {
			arguments = append(arguments, word)
			continue
		}
		if isHelp(word) {
			return []string{"--help"}, nil, nil
		}
		name, value, given := strings.Cut(strings.TrimLeft(word, "-"), "=")
		flag := findFlag(command, name)
		if flag == nil {
			return nil, nil, diag.New(diag.Usage, `"vmgo `+strings.Join(path, " ")+`" has no flag `+strconv.Quote(word), help)
		}
		_, boolean := flag.(*cli.BoolFlag)
		flags = append(flags, word)
		switch {
		case boolean && given && value != "true" && value != "false":
			return nil, nil, diag.New(diag.Usage, "flag --"+name+" takes no value", help)
		case boolean || given:
		case i+1 == len(words):
			return nil, nil, diag.New(diag.Usage, "flag "+word+" needs a value", help)
		default:
			i++
			flags = append(flags, words[i])
		}
	}
	return flags, arguments, nil
}

func findFlag(command *cli.Command, name string) cli.Flag {
	for _, flag := range command.Flags {
		if slices.Contains(flag.Names(), name) {
			return flag
		}
	}
	return nil
}

// helpFor returns the command line that prints the help of the running command.
func helpFor(c *cli.Context) string {
	return "vmgo help " + strings.TrimPrefix(c.Command.HelpName, "vmgo ")
}

// arguments checks how many arguments a command got. needed names those that
// it takes, in the words of its usage line; most < 0 means any number.
func arguments(c *cli.Context, least, most int, needed string) ([]string, error) {
	args := c.Args().Slice()
	if i := slices.Index(args, "--"); i >= 0 {
		args = slices.Delete(args, i, i+1)
	}
	line := strconv.Quote(c.Command.HelpName)
	help := helpFor(c)
	switch {
	case len(args) < least:
		return nil, diag.New(diag.Usage, line+" needs "+needed, help)
	case most == 0 && len(args) > 0:
		return nil, diag.New(diag.Usage, line+" takes no argument, but has "+strconv.Quote(args[0]), help)
	case most > 0 && len(args) > most:
		return nil, diag.New(diag.Usage, line+" has an unexpected argument "+strconv.Quote(args[most]), help)
	}
	return args, nil
}
