// Package fleet looks at many hosts at a time, over the system's ssh, with what each
// host's own vmgo says about it. It only reads: to change hosts is the job of
// Ansible and of cloud-init, for which it writes what they need.
package fleet

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/sshrun"
)

// Target is a host to be looked at.
type Target struct {
	Name        string   // for people
	Destination string   // as ssh takes it
	Options     []string // for ssh
	Err         error    // why ssh cannot reach it at all; nil: it may
}

// Options say how hosts are looked at.
type Options struct {
	Checks   []string // of [Checks]; empty: all
	Parallel int
	Timeout  time.Duration // for each host, and there for each command
	Sudo     bool          // run vmgo as root
	Online   bool          // hosts may use the network
	Ended    func(Host)
}

func (o Options) has(id string) bool { return len(o.Checks) == 0 || slices.Contains(o.Checks, id) }

// States of a host.
const (
	OK          = "ok"
	Problems    = "problems"    // a check failed, or was not done
	NoVmgo      = "no-vmgo"     // there is none
	Unreachable = "unreachable" // by ssh
	TimedOut    = "timed-out"   // it has not said everything in time
)

// Host is what was found about one host.
type Host struct {
	Host    string    `json:"host"`
	State   string    `json:"state"`
	Error   string    `json:"error,omitempty"` // why it is unreachable, or what was missed
	OS      string    `json:"os,omitempty"`
	Arch    string    `json:"arch,omitempty"` // as uname -m prints it
	Vmgo    string    `json:"vmgo,omitempty"`
	Go      []Release `json:"go"`
	OtherGo string    `json:"other_go,omitempty"` // on PATH or in /usr/local/go, not by vmgo
	Checks  []Check   `json:"checks"`
	Seconds float64   `json:"seconds"`

	err error
}

// Release is a release that vmgo has installed there.
type Release struct {
	Version string `json:"version"`
	Default bool   `json:"default"`
}

// Report is what was found about all hosts, in the order of the targets.
type Report struct {
	Time  time.Time `json:"time"`
	Hosts []Host    `json:"hosts"`
}

// maxAnswer is what a host may send, in bytes.
const maxAnswer = 32 << 20

// Status looks at hosts, some at a time. A host that cannot be looked at has the
// reason in its place. The error is that of ctx, or there is no ssh here.
func Status(ctx context.Context, h host.Host, targets []Target, o Options) (Report, error) {
	report := Report{Time: h.Now().UTC(), Hosts: make([]Host, len(targets))}
	// No question may hold up the others, and nobody could tell whose it is.
	runner := sshrun.New(h, "-o", "BatchMode=yes")
	if _, err := runner.Program(); err != nil {
		return report, err
	}
	slots := make(chan struct{}, max(1, o.Parallel))
	var wg sync.WaitGroup
	for i, target := range targets {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if ctx.Err() != nil {
				return
			}
			report.Hosts[i] = look(ctx, h, runner, target, o)
			o.Ended(report.Hosts[i])
		})
	}
	wg.Wait()
	return report, ctx.Err()
}

// look asks one host.
func look(ctx context.Context, h host.Host, runner sshrun.Runner, t Target, o Options) Host {
	start := h.Now()
	found := Host{Host: t.Name, State: OK, Go: []Release{}, Checks: []Check{}}
	if t.Err != nil {
		return found.fail(Unreachable, t.Err)
	}
	within, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	mark := rand.Text()
	answer := limited{left: maxAnswer}
	// The account's own shell may be none that knows this syntax.
	err := runner.Run(within, t.Destination, t.Options, "sh -s", strings.NewReader(script(mark, o)), &answer)
	found.Seconds = float64(h.Now().Sub(start).Milliseconds()) / 1000
	said, whole := sections(mark, answer.Bytes())
	found.read(said, o)
	switch {
	case answer.left < 0:
		return found.fail(Problems, diag.New(diag.Failure, t.Name+" sends more than can be an answer", "ssh "+diag.Word(t.Destination)+" vmgo doctor"))
	case errors.Is(err, context.DeadlineExceeded):
		return found.fail(TimedOut, diag.New(diag.Network, t.Name+" has not answered within "+o.Timeout.String()+missed(said, o), "vmgo fleet status --timeout 10m "+diag.Word(t.Name)))
	case diag.CodeOf(err) == diag.Network && len(said) == 0:
		return found.fail(Unreachable, err)
	case err != nil:
		return found.fail(Problems, err)
	case !whole:
		return found.fail(Problems, diag.New(diag.Failure, t.Name+": its shell did not run the checks", "ssh "+diag.Word(t.Destination)+" sh -c true"))
	}
	return found
}

// fail says why a host has not been looked at as it should.
func (f Host) fail(state string, err error) Host {
	f.State, f.Error, f.err = state, diag.Line(err.Error()), err
	return f
}

// missed names the checks that a host did not come to.
func missed(said map[string]*section, o Options) string {
	if said["version"] == nil {
		return ""
	}
	var names []string
	for _, id := range Checks() {
		if o.has(id) && (said[id] == nil || !said[id].ended) && id != Audit {
			names = append(names, id)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; not done: " + strings.Join(names, ", ")
}

// limited keeps what is written to it, up to a limit.
type limited struct {
	bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, io.ErrShortWrite
	}
	return l.Buffer.Write(p)
}

// Err returns nil, or the gravest of what was found by exit status: a release that is
// not what it should be, a host that is not reached, a check that failed.
func (r Report) Err() error {
	var worst error
	for _, found := range r.Hosts {
		err := found.err
		for _, c := range found.Checks {
			if c.Status == Fail && (err == nil || c.ID == Verify) {
				err = c.failure(found.Host)
			}
		}
		if err != nil && (worst == nil || diag.ExitStatus(err) > diag.ExitStatus(worst)) {
			worst = err
		}
	}
	return worst
}
