package program

import (
	"flag"
	"fmt"
	"strings"

	"github.com/vmgo/vmgo/internal/ui"
)

// manCommand is the word with which packages get the manual page of a program. Help
// does not show it.
const manCommand = "__man"

// manual returns the page of a program for section 1 of the manual, in the macros of
// man(7). It has no date, so that equal programs give equal pages.
func manual(spoken, about string, commands []Command) string {
	var page strings.Builder
	name := strings.ReplaceAll(spoken, " ", "-")
	fmt.Fprintf(&page, ".TH %s 1 \"\" vmgo \"User Commands\"\n.SH NAME\n%s \\- %s\n", ui.Roff(strings.ToUpper(name)), ui.Roff(name), ui.Roff(about))
	fmt.Fprintf(&page, ".SH SYNOPSIS\n.B %s\n.I COMMAND\n[\\fIFLAG\\fR...] [\\fIARGUMENT\\fR...]\n.SH COMMANDS\n", ui.Roff(spoken))
	for _, command := range commands {
		fmt.Fprintf(&page, ".SS %s\n%s.\n", ui.Roff(command.synopsis(spoken)), ui.Roff(command.usage))
		if command.Long != "" {
			fmt.Fprintf(&page, ".PP\n.nf\n%s\n.fi\n", ui.Roff(strings.TrimSpace(command.Long)))
		}
		for _, f := range visibleFlags(command.flagSet()) {
			fmt.Fprintf(&page, ".TP\n.B %s\n%s\n", ui.Roff(f.name), ui.Roff(f.usage))
		}
	}
	page.WriteString(".SH SEE ALSO\n.BR vmgo (1)\n")
	return page.String()
}

// flagSet returns the flags of a command, none of them set.
func (c Command) flagSet() *flag.FlagSet {
	flags := flag.NewFlagSet(c.Name, flag.ContinueOnError)
	if c.Flags != nil {
		c.Flags(flags)
	}
	return flags
}

// synopsis returns how a command is called: "vmgo proxy check [FLAG...] [URL]".
func (c Command) synopsis(spoken string) string {
	return strings.Join(strings.Fields(spoken+" "+c.Name+" [FLAG...] "+c.Arguments), " ")
}

// visibleFlag is a flag as help shows it: "--dir DIR".
type visibleFlag struct{ name, usage string }

// visibleFlags returns the flags that have a description; the others are for our own use.
func visibleFlags(flags *flag.FlagSet) (visible []visibleFlag) {
	flags.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		if usage == "" {
			return
		}
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "-1" && f.DefValue != "false" && f.DefValue != "0s" {
			usage += " (default " + f.DefValue + ")"
		}
		visible = append(visible, visibleFlag{"--" + strings.TrimSpace(f.Name+" "+value), usage})
	})
	return visible
}
