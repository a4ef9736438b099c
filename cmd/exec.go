package cmd

import (
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/here"
	"github.com/vmgo/vmgo/internal/lookpath"
)

func (a *app) execCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, network: true, complete: a.installedCandidates}, &cli.Command{
		Name:      "exec",
		Usage:     "run a program with a release",
		UsageText: "vmgo exec [SELECTOR] -- CMD...",
		ArgsUsage: "[SELECTOR] -- CMD...",
		Description: `Without a SELECTOR, the selected release is used. The program gets the environment that the hook
would set, and replaces vmgo: its exit status is that of vmgo. VMGO_AUTOINSTALL=1 installs a release that is missing.`,
		Category: shellCategory,
		Action: func(c *cli.Context) error {
			words := c.Args().Slice()
			split := slices.Index(words, "--")
			if split < 0 || split == len(words)-1 {
				return diag.New(diag.Usage, `"vmgo exec" needs "--" and a command after it`, execHint(words))
			}
			if split > 1 {
				return diag.New(diag.Usage, `"vmgo exec" has an unexpected argument `+strconv.Quote(words[1]), execHint(slices.Delete(words, split, split+1)))
			}
			question := here.Question{Polite: true}
			if split == 1 {
				if _, err := a.atHand(words[0]); err != nil && !(a.settings.AutoInstall && diag.CodeOf(err) == diag.NotInstalled) {
					return err
				}
				question.Version = words[0]
			}
			situation, err := a.lookOrInstall(c.Context, question)
			if err != nil {
				return err
			}
			return a.replaceWith(situation, words[split+1:])
		},
	})
}

// execHint returns the command line with the "--" in its probable place.
func execHint(words []string) string {
	hint := "vmgo exec"
	if len(words) > 0 {
		if _, err := gover.ParseSelector(words[0]); err == nil {
			hint, words = hint+" "+diag.Word(words[0]), words[1:]
		}
	}
	if words = slices.DeleteFunc(words, func(word string) bool { return word == "--" }); len(words) == 0 {
		words = []string{"go", "version"}
	}
	hint += " --"
	for _, word := range words {
		hint += " " + diag.Word(word)
	}
	return hint
}

// programIn returns the file of a program, which PATH finds unless its name has a
// directory; release names the release of the environment.
func programIn(env environ.Env, name, release string) (string, error) {
	if strings.ContainsRune(name, '/') {
		return name, nil
	}
	if found, ok := lookpath.Exec(env["PATH"], name); ok {
		return found, nil
	}
	return "", diag.New(diag.CommandNotFound, "no program "+name+" in Go "+release+" or on PATH", "vmgo which go")
}

// replaceWith executes a program in the environment of a resolution. It returns
// only if that fails.
func (a *app) replaceWith(s here.Situation, command []string) error {
	s.Prepare()
	env := s.Inside(a.host.Env, environ.How{Fresh: true})
	program, err := programIn(env, command[0], nameOf(s.Resolution))
	if err != nil {
		return err
	}
	err = a.host.Exec(program, command, env.Pairs())
	if errors.Is(err, fs.ErrNotExist) {
		return diag.Wrap(diag.CommandNotFound, err, "cannot start "+program)
	}
	return diag.Wrap(diag.CannotStart, err, "cannot start "+program)
}
