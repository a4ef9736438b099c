package cmd

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/project"
	"github.com/vmgo/vmgo/internal/resolve"
	"github.com/vmgo/vmgo/internal/ui"
)

func (a *app) currentCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true}, &cli.Command{
		Name:      "current",
		Usage:     "print the selected version, and what requests it",
		UsageText: "vmgo current [--short] [--json] [--explain]",
		Category:  projectCategory,
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.BoolFlag{Name: "short", Usage: "print only the version, or nothing if no release is selected; for prompts"},
			&cli.BoolFlag{Name: "explain", Usage: "list every file and setting that was consulted, in order"},
		},
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0, ""); err != nil {
				return err
			}
			resolution, err := a.resolve()
			switch {
			case c.Bool("json"):
				return a.printCurrentJSON(resolution, err)
			case c.Bool("explain"):
				return a.explain(resolution, err)
			case c.Bool("short"):
				return a.currentShort(resolution, err)
			}
			for _, remark := range resolution.Remarks() {
				a.warnf("%s", remark)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.host.Stdout, "%s (%s)\n", nameOf(resolution), diag.Line(resolution.Requirement.Origin.String()))
			return err
		},
	})
}

// currentShort prints what a segment of a prompt shows. It prints no error when
// there is no Go or a release is missing, because the hook has printed it.
func (a *app) currentShort(r resolve.Resolution, err error) error {
	switch code := diag.CodeOf(err); {
	case code == diag.NoRequirement || code == diag.NotInstalled:
		return nil
	case err != nil:
		return err
	}
	return a.outln(nameOf(r))
}

// nameOf is the selected version, or "system" where it is not known.
func nameOf(r resolve.Resolution) string {
	if r.Version.IsZero() {
		return "system"
	}
	return r.Version.String()
}

// originJSON is the form of an origin in every JSON document.
type originJSON struct {
	Kind        project.Kind `json:"kind"`
	Path        string       `json:"path"`
	Line        int          `json:"line"`
	Requirement string       `json:"requirement"`
}

func jsonOrigin(o project.Origin) originJSON {
	return originJSON{o.Kind, o.Path, o.Line, o.Requirement}
}

// currentJSON is the document of "current --json".
type currentJSON struct {
	Version   string         `json:"version"`
	GOROOT    string         `json:"goroot"`
	Installed bool           `json:"installed"`
	Origin    originJSON     `json:"origin"`
	Fallbacks []string       `json:"fallbacks"`
	Conflicts []conflictJSON `json:"conflicts"`
}

// conflictJSON is a pin that is lower than a go line requires.
type conflictJSON struct {
	Version string     `json:"version"`
	Pin     originJSON `json:"pin"`
	Minimum originJSON `json:"minimum"`
}

func (a *app) printCurrentJSON(r resolve.Resolution, err error) error {
	if err != nil && r.Requirement.IsZero() {
		return err
	}
	document := currentJSON{nameOf(r), r.GOROOT, r.Installed, jsonOrigin(r.Requirement.Origin), []string{}, []conflictJSON{}}
	if err != nil {
		document.Version = r.Requirement.Wanted().Text()
	}
	for _, next := range r.Requirement.Fallbacks {
		document.Fallbacks = append(document.Fallbacks, next.Text())
	}
	for _, c := range r.Conflicts {
		document.Conflicts = append(document.Conflicts,
			conflictJSON{c.Version.String(), jsonOrigin(c.Pin), jsonOrigin(c.Minimum.Origin)})
	}
	return errors.Join(ui.JSON(a.host.Stdout, document), err)
}

// explain prints every step of the resolution, then the answer.
func (a *app) explain(r resolve.Resolution, err error) error {
	colour := ui.Palette(a.colour(a.host.StdoutTTY))
	var table ui.Table
	for _, step := range r.Steps {
		verdict := string(step.Verdict)
		switch step.Verdict {
		case project.Decided:
			verdict = colour.Green(verdict)
		case project.Bad:
			verdict = colour.Red(verdict)
		case project.Absent:
			verdict = colour.Dim(verdict)
		}
		where := step.Origin.String()
		if where == "" {
			where = string(step.Origin.Kind)
		}
		table.Add(verdict, where, step.Origin.Requirement, step.Note)
	}
	if writeErr := table.Write(a.host.Stdout); writeErr != nil {
		return writeErr
	}
	if err != nil {
		return err
	}
	for _, remark := range r.Remarks() {
		a.warnf("%s", remark)
	}
	answer := "selected: " + nameOf(r)
	if r.GOROOT != "" {
		answer += " (" + r.GOROOT + ")"
	}
	_, err = fmt.Fprintln(a.host.Stdout, colour.Bold(diag.Line(answer)))
	return err
}

// isSelected reports whether v is what the working directory uses.
func (a *app) isSelected(v gover.Version) bool {
	resolution, err := a.resolve()
	return err == nil && !resolution.System && resolution.Version == v
}
