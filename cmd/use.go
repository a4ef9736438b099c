package cmd

import (
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/here"
	"github.com/vmgo/vmgo/internal/project/pin"
)

func (a *app) useCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, network: true, complete: a.releaseCandidates}, &cli.Command{
		Name:      "use",
		Usage:     "pin a release for this directory in .go-version, installing it if it is missing",
		UsageText: "vmgo use SELECTOR [--as-typed] [--min-age AGE]\nvmgo use --mod [SELECTOR|none] [toolchain@SELECTOR|toolchain@none] [go@VERSION|go@none]",
		ArgsUsage: "SELECTOR",
		Description: `--mod leaves .go-version alone and edits the go.work that is in effect here, else the nearest go.mod; GOWORK=off chooses go.mod.
Comments and formatting stay. The forms are those of go get: go@1.22 sets the go line, toolchain@none removes the toolchain
line, which the go command adds unasked when a dependency needs a newer Go. A SELECTOR or none alone is for the toolchain line.`,
		Category: projectCategory,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "as-typed", Usage: "write the selector itself, not the exact version"},
			&cli.BoolFlag{Name: "mod", Usage: "edit the toolchain and go lines of go.mod or go.work instead"},
			minAgeFlag(),
		}, installFlags()...),
		Action: func(c *cli.Context) error {
			if c.Bool("mod") {
				return a.useMod(c)
			}
			args, err := arguments(c, 1, 1, "a SELECTOR, such as 1.22.5 or 1.22")
			if err != nil {
				return err
			}
			selector, err := gover.ParseSelector(args[0])
			if err != nil {
				return err
			}
			if selector.Kind() == gover.System {
				if _, err := a.look(here.Question{Version: selector.Text()}); err != nil {
					return err
				}
				return a.pin(selector.Text())
			}
			version, err := a.ensure(c, selector)
			if err != nil {
				return err
			}
			if c.Bool("as-typed") {
				return a.pin(selector.Text())
			}
			return a.pin(version.String())
		},
	})
}

// pin writes .go-version in the working directory.
func (a *app) pin(text string) error {
	if a.host.Dir == "" {
		return diag.New(diag.Failure, "the working directory no longer exists", "cd /")
	}
	path := filepath.Join(a.host.Dir, ".go-version")
	if err := pin.Write(path, text); err != nil {
		return err
	}
	a.sayf("%s: %s", path, text)
	return a.tellOthers(path)
}

// tellOthers warns if something else takes precedence over the file just written.
func (a *app) tellOthers(path string) error {
	resolution, err := a.resolve()
	if err != nil {
		return err
	}
	for _, remark := range resolution.Remarks() {
		a.warnf("%s", remark)
	}
	if resolution.Requirement.Origin.Path != path {
		a.warnf("%s takes precedence over this file: Go %s stays selected", resolution.Requirement.Origin, nameOf(resolution))
	}
	return nil
}
