package cmd

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/project"
	"github.com/vmgo/vmgo/internal/project/pin"
)

// useMod runs vmgo use --mod: it changes the lines of the go.work or go.mod that
// the go command reads here.
func (a *app) useMod(c *cli.Context) error {
	args, err := arguments(c, 1, 2, "a SELECTOR or none, such as 1.22.5, go@1.22 or toolchain@none")
	if err != nil {
		return err
	}
	if c.Bool("as-typed") {
		return diag.New(diag.Usage, "--as-typed does not go with --mod: a toolchain line names one release", "vmgo use --mod "+diag.Word(args[0]))
	}
	change, selector, err := modChange(args)
	if err != nil {
		return err
	}
	file, err := a.modFile()
	if err != nil {
		return err
	}
	// Before anything is downloaded. Which release a range comes to is not known yet.
	before := change
	if selector.Kind() == gover.Exact {
		before.Toolchain = selector.Version().Toolchain()
	} else if !selector.IsZero() {
		before.Toolchain = pin.None
	}
	if err := pin.CheckMod(file, before); err != nil {
		return err
	}
	if !selector.IsZero() {
		version, err := a.ensure(c, selector)
		if err != nil {
			return err
		}
		change.Toolchain = version.Toolchain()
	}
	if err := pin.WriteMod(file, change); err != nil {
		return err
	}
	a.tellLine(file, "go", change.Go)
	a.tellLine(file, "toolchain", change.Toolchain)
	if err := a.tellOthers(file); err != nil { // the file is as requested all the same
		a.warnf("%v", err)
	}
	return nil
}

func (a *app) tellLine(file, verb, argument string) {
	switch argument {
	case "":
	case pin.None:
		a.sayf("%s: no %s line", file, verb)
	default:
		a.sayf("%s: %s %s", file, verb, argument)
	}
}

// modChange reads the arguments, in the form of go get: go@1.22, toolchain@none;
// one without a name is about the toolchain line. The selector is that of the
// toolchain, zero where the line is removed or left.
func modChange(args []string) (change pin.ModChange, selector gover.Selector, err error) {
	for _, arg := range args {
		name, value, found := strings.Cut(arg, "@")
		if !found {
			name, value = "toolchain", arg
		}
		switch {
		case name == "go" && change.Go == "":
			change.Go, err = goLine(value)
		case name != "toolchain" || change.Toolchain != "" || !selector.IsZero():
			err = diag.New(diag.Usage, diag.Line(arg)+" names no line, or one for the second time: --mod takes go@VERSION and toolchain@SELECTOR",
				"vmgo use --mod go@1.22 toolchain@none")
		case value == pin.None:
			change.Toolchain = pin.None
		default:
			selector, err = gover.ParseSelector(value)
			if err == nil && selector.Kind() == gover.System {
				err = diag.New(diag.BadSelector, "a toolchain line cannot name system", "vmgo use system   # pins it in .go-version")
			}
		}
		if err != nil {
			return pin.ModChange{}, gover.Selector{}, err
		}
	}
	return change, selector, nil
}

// goLine reads the version of a go line. Releases before 1.21 take a language
// version there, and nothing longer.
func goLine(text string) (string, error) {
	if text == pin.None {
		return text, nil
	}
	v, err := gover.Parse(text)
	if err != nil {
		return "", err
	}
	text = strings.TrimPrefix(text, "go")
	if lang := v.Lang().String(); v.Major() == 1 && v.Minor() < 21 && text != lang {
		return "", diag.New(diag.BadSelector, "Go "+lang+" does not understand a line \"go "+text+"\"", "vmgo use --mod go@"+lang)
	}
	return text, nil
}

// modFile returns the go.work that is in effect in the working directory, else
// the nearest go.mod.
func (a *app) modFile() (string, error) {
	resolution, err := a.resolve()
	var mod string
	for _, step := range resolution.Steps {
		switch {
		case step.Verdict == project.Absent:
		case step.Origin.Kind == project.GoWork:
			return step.Origin.Path, nil
		case step.Origin.Kind == project.GoMod:
			mod = step.Origin.Path
		}
	}
	switch {
	case mod != "":
		return mod, nil
	case a.host.Dir == "":
		return "", err
	}
	return "", diag.New(diag.Failure, "there is no go.mod or go.work here", "vmgo use 1.22.5   # pins it in .go-version")
}
