package cmd

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/here"
	"github.com/vmgo/vmgo/internal/matrix"
	"github.com/vmgo/vmgo/internal/project"
	"github.com/vmgo/vmgo/internal/ui"
)

func (a *app) matrixCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, network: true, complete: a.installedCandidates, several: true}, &cli.Command{
		Name:      "matrix",
		Usage:     "run one command under many releases",
		UsageText: "vmgo matrix SELECTOR... -- CMD...\nvmgo matrix --from-go-mod [--install] -- CMD...",
		ArgsUsage: "SELECTOR... -- CMD...",
		Description: `Each run has the environment of vmgo exec, and its own log. The exit
status is 1 if the command failed under any of them.`,
		Category: shellCategory,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "from-go-mod", Usage: "every release line from the go line of go.mod to the newest"},
			&cli.BoolFlag{Name: "install", Usage: "install releases that are missing"},
			&cli.StringFlag{Name: "logs", Usage: "keep the logs in the directory `DIR`"},
			&cli.StringFlag{Name: "junit", Usage: "write a JUnit report to `FILE`"},
			jsonFlag(),
			minAgeFlag(),
		}, installFlags()...),
		Action: a.matrix,
	})
}

func (a *app) matrix(c *cli.Context) error {
	words := c.Args().Slice()
	split := slices.Index(words, "--")
	switch fromMod := c.Bool("from-go-mod"); {
	case split < 0 || split == len(words)-1:
		return diag.New(diag.Usage, `"vmgo matrix" needs "--" and a command after it`, "vmgo matrix 1.21 1.22 -- go test ./...")
	case fromMod != (split == 0):
		return diag.New(diag.Usage, `"vmgo matrix" needs releases, or --from-go-mod, and not both`, "vmgo matrix 1.21 1.22 -- go test ./...")
	}
	selectors, command := words[:split], words[split+1:]
	if split == 0 {
		var err error
		if selectors, err = a.linesFromGoMod(c); err != nil {
			return err
		}
	}
	versions, err := a.matrixVersions(c, selectors)
	if err != nil {
		return err
	}
	cases, err := a.matrixCases(versions, command)
	if err != nil {
		return err
	}
	logs, err := a.matrixLogs(c.String("logs"))
	if err != nil {
		return err
	}
	jobs, err := a.jobs(c)
	if err != nil {
		return err
	}
	return a.runMatrix(c, matrix.Runner{Dir: a.host.Dir, Logs: logs, Jobs: jobs, Run: a.host.Run, Now: a.host.Now}, cases, command)
}

// linesFromGoMod lists the lines from the oldest that go.mod supports to the
// newest one: of those installed, with --install of those published.
func (a *app) linesFromGoMod(c *cli.Context) ([]string, error) {
	survey, err := project.Walk(a.host.Dir, project.Options{GOWORK: a.host.Env["GOWORK"]})
	if err != nil {
		return nil, err
	}
	var oldest gover.Version
	for _, minimum := range survey.Minimums {
		if v := minimum.Selector.Version(); v.Compare(oldest) > 0 {
			oldest = v
		}
	}
	if oldest.IsZero() {
		return nil, diag.New(diag.NoRequirement, "no go.mod with a go line here", "go mod edit -go=1.22")
	}
	newest, err := a.pickOrInstall(c, "latest")
	if err != nil {
		return nil, err
	}
	var lines []string
	for minor := oldest.Minor(); minor <= newest.Minor(); minor++ {
		lines = append(lines, "1."+strconv.Itoa(minor))
	}
	if len(lines) == 0 {
		return nil, diag.New(diag.NotInstalled, "go.mod needs Go "+oldest.String()+", and the newest installed release is "+newest.String(), "vmgo install latest")
	}
	return lines, nil
}

// pickOrInstall returns the release that a selector takes: the newest that is
// installed, with --install the newest published one.
func (a *app) pickOrInstall(c *cli.Context, text string) (gover.Version, error) {
	if !c.Bool("install") {
		release, err := a.pick(text)
		return release.Version, err
	}
	selector, err := gover.ParseSelector(text)
	if err != nil {
		return gover.Version{}, err
	}
	report := a.newReport(false)
	defer report.close()
	list, failures := a.choose(c, []gover.Selector{selector}, report)
	if len(failures) == 0 {
		failures = a.installAll(c, list, report)
	}
	if err := a.each(failures...); err != nil {
		return gover.Version{}, err
	}
	return list.versions[0], nil
}

// matrixVersions finds the releases, each once, and names all that are missing.
func (a *app) matrixVersions(c *cli.Context, selectors []string) (versions []gover.Version, err error) {
	var missing []string
	for _, text := range selectors {
		v, err := a.pickOrInstall(c, text)
		switch {
		case diag.CodeOf(err) == diag.NotInstalled:
			missing = append(missing, diag.Word(text))
		case err != nil:
			return nil, err
		case !slices.Contains(versions, v):
			versions = append(versions, v)
		}
	}
	if len(missing) > 0 {
		return nil, diag.New(diag.NotInstalled, "no installed release matches "+strings.Join(missing, ", "),
			"vmgo install "+strings.Join(missing, " ")+"   # or matrix --install")
	}
	return versions, nil
}

func (a *app) matrixCases(versions []gover.Version, command []string) ([]matrix.Case, error) {
	var cases []matrix.Case
	for _, v := range versions {
		s, err := a.look(here.Question{Polite: true, Version: v.String()})
		if err != nil {
			return nil, err
		}
		s.Prepare()
		env := s.Inside(a.host.Env, environ.How{Fresh: true})
		program, err := programIn(env, command[0], v.String())
		if err != nil {
			return nil, err
		}
		cases = append(cases, matrix.Case{Version: v.String(), Program: program, Args: command[1:], Env: env.Pairs()})
	}
	return cases, nil
}

// matrixLogs returns the directory of the logs.
func (a *app) matrixLogs(dir string) (string, error) {
	if dir != "" {
		dir = a.host.Abs(dir)
		return dir, os.MkdirAll(dir, 0o777)
	}
	return os.MkdirTemp(a.host.Env["TMPDIR"], "vmgo-matrix-")
}

func (a *app) runMatrix(c *cli.Context, runner matrix.Runner, cases []matrix.Case, command []string) error {
	progress := a.progress()
	rows := make([]*ui.Job, len(cases))
	runner.Begun = func(i int) {
		rows[i] = progress.Job("go" + cases[i].Version)
		rows[i].Phase("running")
	}
	runner.Ended = func(i int, r matrix.Result) { rows[i].End(verdictOf(r)) }
	results := runner.All(c.Context, cases)
	progress.Close()
	if file := c.String("junit"); file != "" {
		if err := fsx.WriteOutput(a.host.Abs(file), []byte(matrix.JUnit(strings.Join(command, " "), results)), 0o644); err != nil {
			return diag.Wrap(diag.Failure, err, "cannot write the JUnit report")
		}
	}
	failed := 0
	var table ui.Table
	for _, r := range results {
		table.Add("go"+r.Version, verdictOf(r), fmt.Sprintf("%.1f s", r.Seconds), r.Log)
		if r.OK {
			continue
		}
		failed++
		if end := matrix.Tail(r.Log, 10); end != "" && !c.Bool("json") && c.Context.Err() == nil {
			a.sayf("go%s, the end of %s:", r.Version, filepath.Base(r.Log))
			for line := range strings.Lines(end) {
				a.sayf("  %s", strings.TrimSuffix(line, "\n"))
			}
		}
	}
	write := func() error { return table.Write(a.host.Stdout) }
	if c.Bool("json") {
		write = func() error { return ui.JSON(a.host.Stdout, results) }
	}
	if err := write(); err != nil {
		return err
	}
	switch {
	case c.Context.Err() != nil:
		return diag.New(diag.Interrupted, "interrupted")
	case failed > 0:
		return reportedError{diag.New(diag.Failure, "the command failed under some releases")}
	}
	return nil
}

func verdictOf(r matrix.Result) string {
	if r.OK {
		return "ok"
	}
	return r.Error
}
