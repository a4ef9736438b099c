package cmd

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/ui"
	"github.com/vmgo/vmgo/internal/verify"
)

func (a *app) repairCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, network: true, complete: a.installedCandidates, several: true}, &cli.Command{
		Name:      "repair",
		Usage:     "repair installed releases, fetching only what is damaged",
		UsageText: "vmgo repair VERSION... | --all",
		ArgsUsage: "VERSION...",
		Description: `Verifies the releases as vmgo verify --files --log does. Of a damaged one, the sound files are
read again and kept, and only the others are fetched. The new tree takes the place of the damaged one
if the checksum database, or the signature of a full archive, vouches for it; else nothing changes.`,
		Category: releasesCategory,
		Flags: append(installFlags(), proofFlag(), jsonFlag(),
			&cli.BoolFlag{Name: "all", Usage: "every installed release"}),
		Action: a.repairReleases,
	})
}

// repairLine is what came of one release, in the form of --json.
type repairLine struct {
	Version  string            `json:"version"`
	GOROOT   string            `json:"goroot"`
	State    string            `json:"state"`         // sound, repaired, damaged
	Problems []verify.Problem  `json:"problems"`      // what was wrong; of a damaged one, what still is
	Fetched  int64             `json:"fetched_bytes"` // from the network
	Proofs   map[string]string `json:"proofs"`
	failure
}

func (a *app) repairReleases(c *cli.Context) error {
	args, err := arguments(c, 0, -1, "")
	if err != nil {
		return err
	}
	if len(args) == 0 && !c.Bool("all") {
		return diag.New(diag.Usage, "which release is to be repaired", "vmgo repair --all")
	}
	for _, arg := range args {
		if isPath(arg) {
			return diag.New(diag.Usage, arg+" is a path: vmgo repairs only what it installed", "vmgo adopt "+diag.Word(arg))
		}
	}
	targets, err := a.verifyTargets(args, c.Bool("all"))
	if err != nil {
		return err
	}
	lines := []repairLine{}
	var failures []error
	for _, target := range targets {
		line, err := a.repairRelease(c, target)
		if c.Context.Err() != nil {
			return err
		}
		line.failure = failureOf(err)
		lines, failures = append(lines, line), append(failures, err)
	}
	if c.Bool("json") {
		if err := ui.JSON(a.host.Stdout, lines); err != nil {
			return err
		}
	} else if err := a.repairTable(lines); err != nil {
		return err
	}
	if err := worst(failures); err != nil && c.Bool("json") {
		return reportedError{err}
	}
	return a.each(failures...)
}

// repairRelease repairs one release. The error says why it is not sound now.
func (a *app) repairRelease(c *cli.Context, t verify.Target) (repairLine, error) {
	line := repairLine{Version: t.Version.String(), GOROOT: t.GOROOT, State: "damaged", Problems: []verify.Problem{}, Proofs: map[string]string{}}
	before, err := a.verifyFiles(c, t)
	if err != nil {
		return line, err
	}
	line.Problems = problemsOf(before)
	if before.Err() == nil {
		line.State = "sound"
		return line, nil
	}
	if !before.Failed() {
		return line, before.Err() // nothing is known to be damaged, and the log cannot be asked
	}
	if err := t.Store.Sweep(c.Context, a.wait(c.Bool("no-wait"))); err != nil {
		return line, err
	}
	if !onlyLinks(before) {
		results, err := a.reinstall(c, t.Store, []gover.Version{t.Version})
		if err != nil {
			return line, err
		}
		line.Fetched, line.Proofs = results[0].Receipt.FetchedBytes, results[0].Receipt.Proofs
	}
	after, err := a.verifyFiles(c, t)
	if err == nil {
		err = after.Err()
	}
	if err != nil {
		line.Problems = problemsOf(after)
		return line, err
	}
	line.State = "repaired"
	return line, nil
}

// verifyFiles makes the checks that show what is damaged.
func (a *app) verifyFiles(c *cli.Context, t verify.Target) (verify.Report, error) {
	v, err := a.verifier(c)
	if err != nil {
		return verify.Report{}, err
	}
	progress := a.progress()
	defer progress.Close()
	v.Begin, v.Hashed = a.verifyProgress(progress)
	return v.Verify(c.Context, t, verify.Checks{Files: true, Log: true})
}

// problemsOf returns the problems of all checks, each once.
func problemsOf(r verify.Report) []verify.Problem {
	seen := map[verify.Problem]bool{}
	problems := []verify.Problem{}
	for _, check := range r.Checks {
		for _, p := range check.Problems {
			if !seen[p] {
				seen[p] = true
				problems = append(problems, p)
			}
		}
	}
	return problems
}

// onlyLinks reports whether the tree itself is sound.
func onlyLinks(r verify.Report) bool {
	for _, check := range r.Checks {
		if check.Status == verify.Fail && len(check.Problems) == 0 {
			return false
		}
		for _, p := range check.Problems {
			if p.Kind != verify.Link {
				return false
			}
		}
	}
	return true
}

func (a *app) repairTable(lines []repairLine) error {
	palette := ui.Palette(a.colour(a.host.StdoutTTY))
	var table ui.Table
	for _, line := range lines {
		var files []string
		for i, p := range line.Problems {
			if i == shownProblems {
				files = append(files, fmt.Sprintf("and %d more", len(line.Problems)-i))
				break
			}
			files = append(files, p.Path+" ("+string(p.Kind)+")")
		}
		state, fetched := palette.Green(line.State), ""
		if line.State == "damaged" {
			state = palette.Red(line.State)
		}
		if line.State == "repaired" {
			fetched = ui.Bytes(line.Fetched) + " fetched"
		}
		table.Add(line.Version, state, fetched, strings.Join(files, ", "))
	}
	return table.Write(a.host.Stdout)
}
