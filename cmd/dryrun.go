package cmd

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/install"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/ui"
)

// dryRun prints the source and destination of each release, and its size. It
// works without write access to the store.
func (a *app) dryRun(c *cli.Context, list picks, files []string, report *report) (failures []error) {
	if len(list.versions) > 0 {
		in, err := a.installer(c)
		if in == nil {
			report.refused(list.versions, err)
			return []error{err}
		}
		failures = report.plan(in, in.Plan(c.Context, list.versions, installRequest(c, report)))
	}
	for _, file := range files {
		failures = append(failures, a.dryFile(c, file, report)...)
	}
	return failures
}

// dryFile is dryRun for a file or directory of this machine.
func (a *app) dryFile(c *cli.Context, name string, report *report) []error {
	in, plan, err := a.planFile(c, name, report)
	if in != nil {
		return report.plan(in, plan)
	}
	report.failed(name, err)
	return []error{err}
}

func (a *app) planFile(c *cli.Context, name string, report *report) (*install.Installer, install.Plan, error) {
	path, goroot, err := a.localRelease(name)
	if err != nil {
		return nil, install.Plan{}, err
	}
	if goroot {
		in, target, err := a.adopter(c, path)
		adopted := install.Planned{Version: target.Version, Source: "adopt", URL: target.GOROOT}
		return in, install.Plan{Releases: []install.Planned{adopted}}, err
	}
	in, version, err := a.fileInstaller(c, path)
	if in == nil {
		return nil, install.Plan{}, err
	}
	return in, in.Plan(c.Context, []gover.Version{version}, installRequest(c, report)), err
}

// plan prints what an install would do, and returns the error that would
// prevent it.
func (r *report) plan(in *install.Installer, plan install.Plan) (failures []error) {
	for _, p := range plan.Releases {
		goroot := in.Store.GOROOT(p.Version)
		if p.Err != nil {
			failures = append(failures, p.Err)
		}
		if r.json {
			r.write(plannedLine(p, goroot))
			continue
		}
		switch out := r.app.host.Stdout; {
		case p.Err != nil:
		case p.InPlace:
			fmt.Fprintf(out, "%s: %s has no receipt: it is installed if the checksum database verifies it\n", p.Version, goroot)
		case p.Present:
			fmt.Fprintf(out, "%s: present in %s\n", p.Version, goroot)
		default:
			fmt.Fprintf(out, "%s: from %s (%s) to %s\n", p.Version, p.Source, p.URL, goroot)
			if p.Need.Disk > 0 {
				fmt.Fprintf(out, "%s: %s\n", p.Version, takes(p.Download, p.Need, p.Exact))
			}
		}
	}
	if len(plan.Releases) > 1 && plan.Need.Files > 0 && !r.json {
		fmt.Fprintf(r.app.host.Stdout, "together: %s\n", takes(plan.Download, plan.Need, true))
	}
	if plan.Room != nil {
		failures = append(failures, plan.Room)
	}
	return failures
}

// plannedLine is a line of `install --dry-run --json`: the first event of the
// install or, where it would do nothing, the last.
func plannedLine(p install.Planned, goroot string) eventLine {
	line := eventLine{Event: install.Resolved, Version: p.Version.String(), GOROOT: goroot}
	switch {
	case p.Err != nil:
		line.Event, line.GOROOT, line.failure = install.Failed, "", failureOf(p.Err)
	case p.Present:
		line.Event = install.Present
	default:
		line.Source, line.URL, line.Total = p.Source, p.URL, p.Download
	}
	return line
}

// takes returns the size of an install as text.
func takes(download int64, need store.Need, exact bool) string {
	about := ""
	if !exact {
		about = "about "
	}
	return fmt.Sprintf("%s%s to download, %s on disk, %s shared", about, ui.Bytes(download), ui.Bytes(need.Disk), ui.Bytes(need.Shared))
}
