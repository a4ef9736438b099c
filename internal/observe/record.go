// Package observe records what a running Go program does and writes it down: findings,
// a page, and the raw files.
package observe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/observe/capture"
	"github.com/vmgo/vmgo/internal/observe/findings"
	"github.com/vmgo/vmgo/internal/observe/target"
	"github.com/vmgo/vmgo/internal/redact"
)

// Options say what is recorded.
type Options struct {
	Target   string
	Endpoint string // where profiles are served; empty: look for it
	Seconds  int
	Out      string // a directory or a file .html; empty: a directory of a telling name
	// Progress is called several times per second with the time left.
	Progress func(phase string, left time.Duration)
}

// Result is what was written.
type Result struct {
	Target   target.Target
	Path     string // the directory, or the page alone
	Findings []findings.Finding
	Metadata Metadata
	Cut      bool // it was interrupted, and Path has what there was by then
}

// MaxSeconds bounds a capture.
const MaxSeconds = 600

// Record captures, analyses and writes. Everything that it writes is for this user alone.
func Record(ctx context.Context, h host.Host, o Options) (Result, error) {
	var r Result
	t, err := target.Find(ctx, h, o.Target, o.Endpoint)
	if err != nil {
		return r, err
	}
	r.Target = t
	place, err := newPlace(h, o.Out, t)
	if err != nil {
		return r, err
	}
	c := &capture.Capture{Host: h, Target: t, Seconds: o.Seconds, Dir: place.dir}
	c.Run(ctx, o.Progress)
	if c.Cut && h.Now().Sub(c.Began) < time.Second {
		return r, errors.Join(diag.New(diag.Interrupted, "interrupted before anything was recorded"), place.drop())
	}
	r.Cut = c.Cut
	a, err := analyse(h, c)
	if err == nil {
		err = a.write(place)
	}
	if err != nil {
		return r, errors.Join(err, place.drop())
	}
	r.Findings, r.Metadata = a.findings, a.metadata
	r.Path, err = place.publish()
	return r, err
}

// place is where the outcome goes. It is made beside its last place, under a name that
// says so, and renamed.
type place struct {
	dir  string // all files; unfinished
	last string // what dir, or the page, becomes
	page bool   // only the page is wanted
}

func newPlace(h host.Host, out string, t target.Target) (*place, error) {
	p := &place{last: out}
	if out == "" {
		p.last = "observe-" + nameOf(t) + "-" + h.Now().UTC().Format("20060102T150405Z")
	}
	p.last = h.Abs(p.last)
	p.page = strings.HasSuffix(p.last, ".html")
	if _, err := os.Lstat(p.last); err == nil && !p.page {
		return nil, diag.New(diag.Failure, p.last+" exists already", "ls "+diag.Word(p.last)+"   # and choose another --out")
	}
	dir, err := os.MkdirTemp(filepath.Dir(p.last), ".vmgo-observe-")
	if err == nil {
		p.dir = dir
		err = os.Mkdir(filepath.Join(dir, "profiles"), 0o700)
	}
	if err != nil {
		return nil, diag.Wrap(diag.Failure, err, "cannot write to "+filepath.Dir(p.last), "ls -ld "+diag.Word(filepath.Dir(p.last)))
	}
	return p, nil
}

func nameOf(t target.Target) string {
	name := t.Name
	switch {
	case t.Unit != "":
		name = strings.TrimSuffix(t.Unit, ".service")
	case name == "" && t.PID != 0:
		name = strconv.Itoa(t.PID)
	case name == "":
		name = "url"
	}
	return regexp.MustCompile(`[^A-Za-z0-9@._-]+`).ReplaceAllString(name, "-")
}

func (p *place) publish() (string, error) {
	if !p.page {
		return p.last, os.Rename(p.dir, p.last)
	}
	err := os.Rename(filepath.Join(p.dir, "report.html"), p.last)
	return p.last, errors.Join(err, p.drop())
}

// drop removes what is unfinished.
func (p *place) drop() error { return os.RemoveAll(p.dir) }

// write creates a file that this user alone can read.
func (p *place) write(name string, data []byte) error {
	if err := os.WriteFile(filepath.Join(p.dir, name), data, 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// redactorFor hides the secrets of the observed process, as far as this user may read
// its environment, and of our own.
func redactorFor(h host.Host, pid int) redact.Redactor {
	env := map[string]string{}
	for name, value := range h.Env {
		env[name] = value
	}
	if pid != 0 {
		for pair := range strings.SplitSeq(h.Text("/proc/"+strconv.Itoa(pid)+"/environ"), "\x00") {
			if name, value, ok := strings.Cut(pair, "="); ok {
				env[name] = value
			}
		}
	}
	return redact.New(env, h.Env["HOME"])
}
