package cmd

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/install"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/ui"
)

// report shows the progress of an install: events as JSON lines on stdout, or
// lines and progress bars on stderr.
type report struct {
	app      *app
	json     bool
	progress *ui.Progress
	palette  ui.Palette
	outcomes []outcome

	mu        sync.Mutex
	jobs      map[gover.Version]*ui.Job
	arriving  map[gover.Version]bool // unfinished downloads
	unpacking map[gover.Version]bool // those that are being unpacked
}

func (a *app) newReport(asJSON bool) *report {
	r := &report{
		app: a, json: asJSON, palette: ui.Palette(a.colour(a.host.StderrTTY)),
		jobs: map[gover.Version]*ui.Job{}, arriving: map[gover.Version]bool{}, unpacking: map[gover.Version]bool{},
	}
	r.progress = a.progress()
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

// awaiting shows a release on a terminal if nothing is heard of it for a second.
// end stops it.
func (r *report) awaiting(v gover.Version) (end func()) {
	if r.json || !r.app.moving() {
		return func() {}
	}
	timer := time.AfterFunc(silence, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.jobs[v] == nil {
			r.jobs[v] = r.progress.Job("go" + v.String())
			r.jobs[v].Phase("looking for the release")
		}
	})
	return func() { timer.Stop() }
}

// event is called for each step of each release, never twice at a time.
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
		r.arriving[e.Version] = e.Bytes < e.Total
		job.Phase("downloading")
		job.Count(e.Bytes, e.Total)
		if e.Bytes == e.Total && !r.unpacking[e.Version] {
			job.Phase("downloaded, not yet unpacked")
		}
	case install.Extract:
		r.unpacking[e.Version] = true
		if r.arriving[e.Version] {
			return // it waits for the download
		}
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
		if e.Warning != "" {
			r.progress.Print(warning(fmt.Sprintf("go%s: %s", e.Version, e.Warning)))
		}
	case install.Present:
		job.End("already installed")
	case install.Failed:
		job.End(r.palette.Red("failed"))
	}
}

// proofs lists the proofs that passed.
func proofs(all trust.Proofs) string {
	names := map[trust.Proof]string{trust.SHA256: "SHA-256", trust.OpenPGP: "OpenPGP", trust.ChecksumDB: "checksum database"}
	var passed []string
	for _, key := range []trust.Proof{trust.SHA256, trust.OpenPGP, trust.ChecksumDB} {
		if all[key] == trust.Passed {
			passed = append(passed, names[key])
		}
	}
	return "verified by " + strings.Join(passed, ", ")
}

func (r *report) waiting(v gover.Version, holder fsx.Holder) {
	r.job(v).Phase(waitingFor(holder))
}

// warnUnsafe warns where releases were reported as present in a store in which
// none would be installed, since others can change them.
func (r *report) warnUnsafe(s *store.Store, results []install.Result) {
	if !slices.ContainsFunc(results, func(result install.Result) bool { return result.Kind == install.Present }) {
		return
	}
	if err := s.CheckSafe(); err != nil {
		r.progress.Print(warning(diag.Line(err.Error() + ": vmgo store check")))
	}
}

// failed reports an argument that resolved to no version.
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
	Warning     string       `json:"warning,omitempty"`
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
		Proofs: e.Proofs, LinkedBytes: e.LinkedBytes, Warning: e.Warning, failure: failureOf(e.Err),
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

// refused prints JSON events for releases whose install did not start.
func (r *report) refused(list []gover.Version, err error) {
	for _, v := range list {
		if r.json {
			r.write(eventLine{Event: install.Failed, Version: v.String(), failure: failureOf(err)})
		}
	}
}

// verdict ends the display, and returns the command's error for the failures.
func (r *report) verdict(failures []error) error {
	r.close()
	if err := r.summary(); err != nil {
		return err
	}
	switch {
	case len(failures) == 0:
		return nil
	case r.json:
		return reportedError{batch(failures)}
	}
	return r.app.each(r.stopped(failures)...)
}

// stopped merges the failures of one interrupt into one.
func (r *report) stopped(failures []error) []error {
	var names []string
	for _, o := range r.outcomes {
		if diag.CodeOf(o.result.Err) == diag.Interrupted {
			names = append(names, o.name)
		}
	}
	if len(names) < 2 {
		return failures
	}
	others := slices.DeleteFunc(slices.Clone(failures), func(err error) bool { return diag.CodeOf(err) == diag.Interrupted })
	return append(others, diag.New(diag.Interrupted, "the installs of "+strings.Join(names, ", ")+" were interrupted",
		"vmgo install "+strings.Join(names, " ")+"   # resumes the downloads"))
}
