package cmd

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/docs"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/ui"
)

// topicName is the command that "vmgo help TOPIC" becomes where TOPIC is no command.
const topicName = "__topic"

func (a *app) topicCommand() *cli.Command {
	return a.declare(needs{}, &cli.Command{
		Name:   topicName,
		Hidden: true,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, 1, "a TOPIC")
			if err != nil {
				return err
			}
			if args[0] == "topics" {
				return a.listTopics()
			}
			text, found := docs.Find(args[0], locale(a.host))
			if !found {
				err := unknownCommand(args[0], a.commands())
				return diag.New(diag.Usage, strings.Replace(err.Error(), "unknown command", "no command and no topic of help is", 1), append(diag.HintsOf(err), "vmgo help topics")...)
			}
			_, err = io.WriteString(a.host.Stdout, text)
			return err
		},
	})
}

// locale returns the language of messages, by the rule of locale(7).
func locale(h host.Host) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if h.Env[name] != "" {
			return h.Env[name]
		}
	}
	return ""
}

func (a *app) listTopics() error {
	var pages, codes ui.Table
	for _, page := range docs.Pages() {
		pages.Add(page.Name, page.Title)
	}
	for _, entry := range diag.Catalogue() {
		codes.Add(string(entry.Code), entry.Summary)
	}
	out := a.host.Stdout
	fmt.Fprintln(out, "Pages (vmgo help selection, or doctor.md where a command has the name):")
	err := pages.Write(out)
	fmt.Fprintln(out, "\nError codes (vmgo help not-installed):")
	err = errors.Join(err, codes.Write(out))
	_, last := fmt.Fprintln(out, "\nAlso a setting (VMGO_ROOT), a check of doctor (machine.swap) or an item of harden (inotify).")
	return errors.Join(err, last)
}
