package cmd

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/install"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/ui"
)

// report shows an install as it goes on: events as JSON lines on stdout, or
// lines and moving bars on stderr, and at the end each release's directory on
// stdout for scripts.
type report struct {
	app      *app
	json     bool
	progress *ui.Progress
	palette  ui.Palette
	outcomes []outcome

	mu   sync.Mutex
	jobs map[gover.Version]*ui.Job
}

func (a *app) newReport(asJSON bool) *report {
	r := &report{app: a, json: asJSON, palette: ui.Palette(a.colour(a.host.StderrTTY)), jobs: map[gover.Version]*ui.Job{}}
	out, moving := a.host.Stderr, a.host.StderrTTY && a.host.Env["CI"] != "true" && a.host.Env["TERM"] != "dumb"
	if a.quiet {
		out, moving = io.Discard, false
	}
	r.progress = ui.NewProgress(out, moving, a.host.Now)
	return r
}

func (r *report) close() { r.progress.Close() }

func (r *report) job(v gover.Version) *ui.Job {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.jobs[v] == nil {
		r.jobs[v] = r.progress.Job("go" + v.String())
	}
	return r.jobs[v]
}

// event is called for each step of each release.
func (r *report) event(e install.Event) {
	if r.json {
		r.line(e)
		return
	}
	job := r.job(e.Version)
	switch e.Kind {
	case install.Resolved:
		job.Phase("found in " + e.Source)
	case install.Download:
		job.Phase("downloading")
		job.Count(e.Bytes, e.Total)
	case install.Extract:
		job.Phase("unpacking")
		job.Count(e.Bytes, e.Total)
	case install.Verified:
		job.Phase("verified")
	case install.Installed:
		text := fmt.Sprintf("%s, %s in %s", r.palette.Green("installed"), ui.Bytes(e.Bytes), e.Elapsed.Round(100*time.Millisecond))
		if e.LinkedFiles > 0 {
			text += fmt.Sprintf(", %s shared", ui.Bytes(e.LinkedBytes))
		}
		job.End(text + "; " + proofs(e.Proofs))
	case install.Present:
		job.End("already installed")
	case install.Failed:
		job.End(r.palette.Red("failed"))
	}
}

// proofs names those that passed.
func proofs(all trust.Proofs) string {
	names := map[trust.Proof]string{trust.SHA256: "SHA-256", trust.OpenPGP: "OpenPGP", trust.ChecksumDB: "checksum database"}
	var passed []string
	for _, key := range []trust.Proof{trust.SHA256, trust.OpenPGP, trust.ChecksumDB} {
		if all[key] == trust.Passed {
			passed = append(passed, names[key])
		}
	}
	return "proved by " + strings.Join(passed, ", ")
}

func (r *report) waiting(v gover.Version, holder fsx.Holder) {
	r.job(v).Phase(waitingFor(holder))
}

// failed tells of an argument that came to no version.
func (r *report) failed(selector string, err error) {
	r.outcomes = append(r.outcomes, outcome{selector, install.Result{Kind: install.Failed, Err: err}})
	if r.json {
		r.write(eventLine{Event: install.Failed, Version: selector, failure: failureOf(err)})
	}
}

// eventLine is one line of `install --json`.
type eventLine struct {
	Event       install.Kind `json:"event"`
	Version     string       `json:"version"`
	Source      string       `json:"source,omitempty"`
	URL         string       `json:"url,omitempty"`
	Bytes       int64        `json:"bytes,omitempty"`
	Total       int64        `json:"total,omitempty"`
	Proofs      trust.Proofs `json:"proofs,omitempty"`
	LinkedFiles *int         `json:"linked_files,omitempty"`
	LinkedBytes int64        `json:"linked_bytes,omitempty"`
	Seconds     float64      `json:"seconds,omitempty"`
	GOROOT      string       `json:"goroot,omitempty"`
	failure
}

type failure struct {
	Code  diag.Code `json:"code,omitempty"`
	Error string    `json:"error,omitempty"`
	Hints []string  `json:"hints,omitempty"`
}

func failureOf(err error) failure {
	if err == nil {
		return failure{}
	}
	return failure{diag.CodeOf(err), err.Error(), diag.HintsOf(err)}
}

func (r *report) line(e install.Event) {
	line := eventLine{
		Event: e.Kind, Version: e.Version.String(), Source: e.Source, URL: e.URL, Bytes: e.Bytes, Total: e.Total,
		Proofs: e.Proofs, LinkedBytes: e.LinkedBytes, failure: failureOf(e.Err),
	}
	if e.Kind == install.Installed {
		line.LinkedFiles = &e.LinkedFiles
		line.Seconds = e.Elapsed.Seconds()
	}
	if e.Kind == install.Installed || e.Kind == install.Present {
		line.GOROOT = r.app.writeStore().GOROOT(e.Version)
	}
	r.write(line)
}

func (r *report) write(line eventLine) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = ui.JSONLine(r.app.host.Stdout, line)
}

// verdict ends the display, and turns the failures into the command's error. One
// is that error itself. Of several, all but the last are printed here, and the
// exit status is 1 unless all have the same.
func (r *report) verdict(failures []error) error {
	r.close()
	if err := r.summary(); err != nil {
		return err
	}
	if len(failures) == 0 {
		return nil
	}
	if r.json {
		return toldError{batch(failures)}
	}
	if len(failures) == 1 {
		return failures[0]
	}
	for _, err := range failures {
		r.app.report(err)
	}
	return toldError{batch(failures)}
}

// batch stands for several failures: their common exit status, else 1.
func batch(failures []error) error {
	for _, err := range failures[1:] {
		if diag.ExitStatus(err) != diag.ExitStatus(failures[0]) {
			return errors.New("several releases failed")
		}
	}
	return failures[0]
}
