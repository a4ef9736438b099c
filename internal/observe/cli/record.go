package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/observe"
	"github.com/vmgo/vmgo/internal/observe/findings"
	"github.com/vmgo/vmgo/internal/observe/remote"
	"github.com/vmgo/vmgo/internal/program"
	"github.com/vmgo/vmgo/internal/ui"
)

// record is vmgo observe and its flags.
type record struct {
	host                host.Host
	seconds             int
	out, endpoint, ssh  string
	json, quiet, tilEOF bool
}

func newRecord(h host.Host) *record { return &record{host: h} }

const recordHelp = `The target is a unit of systemd, a process number, or the URL at which a program serves
net/http/pprof. What is written is for you alone (mode 0600): logs and profiles hold secrets.
docs/observe.md tells what is in a report.

   vmgo observe app                        # the unit app.service, 10 seconds
   vmgo observe 1234 --seconds 30 --out x.html
   vmgo observe app --host root@web1       # by ssh; nothing stays there`

func (r *record) command() program.Command {
	return program.Command{
		Arguments: "UNIT|PID|URL", Long: recordHelp, Most: 1,
		Flags: func(f *flag.FlagSet) {
			f.IntVar(&r.seconds, "seconds", 10, "record for `N` seconds, at most 600")
			f.StringVar(&r.out, "out", "", "write to `DIR|FILE.html`; without it to observe-NAME-TIME here")
			f.StringVar(&r.endpoint, "endpoint", "", "the program serves profiles at `URL|PATH`, a URL or a unix socket, if that is not found")
			f.StringVar(&r.ssh, "host", "", "record on `SSH-HOST`: this program is copied there by ssh, run, and removed")
			f.BoolVar(&r.json, "json", false, "print the findings as JSON (docs/json.md)")
			f.BoolVar(&r.quiet, "quiet", false, "no progress")
			f.BoolVar(&r.tilEOF, "until-eof", false, "") // the far side of --host
		},
		Run: r.run,
	}
}

func (r *record) run(ctx context.Context, arguments []string) error {
	h := r.host
	if len(arguments) == 0 {
		return usageError(`"vmgo observe" needs a unit, a process number or a URL`)
	}
	if r.seconds < 1 || r.seconds > observe.MaxSeconds {
		return usageError(fmt.Sprintf("--seconds must be from 1 to %d, not %d", observe.MaxSeconds, r.seconds))
	}
	if r.ssh != "" {
		return r.there(ctx, arguments[0])
	}
	if r.tilEOF {
		ctx = untilEOF(ctx, h.Stdin)
	}
	o := observe.Options{Target: arguments[0], Endpoint: r.endpoint, Out: r.out, Seconds: r.seconds}
	var done func()
	o.Progress, done = progress(h, r.quiet, r.seconds)
	result, err := observe.Record(ctx, h, o)
	done()
	if err != nil {
		return err
	}
	if err := show(h, result, r.json); err != nil {
		return err
	}
	if result.Cut {
		return diag.New(diag.Interrupted, "interrupted; "+result.Path+" has what was recorded by then")
	}
	return nil
}

// untilEOF returns a context that ends with the input, too: the other side of --host.
func untilEOF(ctx context.Context, in io.Reader) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	return ctx
}

// progress returns what shows how a capture gets on, and what ends that.
func progress(h host.Host, quiet bool, seconds int) (tick func(string, time.Duration), done func()) {
	if quiet {
		return func(string, time.Duration) {}, func() {}
	}
	var size ui.Size
	if h.StderrTTY {
		size = h.StderrSize
	}
	display := ui.NewProgress(h.Stderr, size, h.Now)
	job := display.Job("vmgo observe")
	tick = func(phase string, left time.Duration) {
		if size != nil && left > 0 {
			phase += ", " + left.Round(time.Second).String() + " left"
		} else if phase == "recording" {
			phase += " for " + strconv.Itoa(seconds) + "s"
		}
		job.Phase(phase)
	}
	return tick, display.Close
}

// show prints what was found and where it is.
func show(h host.Host, r observe.Result, asJSON bool) error {
	if asJSON {
		return ui.JSON(h.Stdout, r.Findings)
	}
	var out strings.Builder
	writeFindings(&out, r.Findings)
	if r.Target.Endpoint == nil {
		out.WriteString("\nThe program serves no profiles: there is no execution trace, no heap, no locks. Add them: vmgo observe init\n")
		for _, tried := range r.Target.Tried {
			out.WriteString("  " + diag.Line(tried) + "\n")
		}
	}
	fmt.Fprintf(&out, "\noverhead: %s\n", r.Metadata.Overhead)
	page := r.Path
	if !strings.HasSuffix(page, ".html") {
		page = filepath.Join(page, "report.html")
	}
	out.WriteString(diag.Line(page) + "\n")
	_, err := io.WriteString(h.Stdout, out.String())
	return err
}

func writeFindings(out *strings.Builder, all []findings.Finding) {
	if len(all) == 0 {
		out.WriteString("nothing stands out\n")
	}
	for _, f := range all {
		fmt.Fprintf(out, "%d. %s\n", f.Rank, diag.Line(f.Summary))
		for _, e := range f.Evidence {
			out.WriteString("   " + diag.Line(e) + "\n")
		}
		if f.Advice != "" {
			out.WriteString("   -> " + diag.Line(f.Advice) + "\n")
		}
	}
}

// there records on another machine.
func (r *record) there(ctx context.Context, target string) error {
	h := r.host
	if strings.HasSuffix(r.out, ".html") {
		return usageError("with --host, --out must be a directory")
	}
	out := r.out
	if out == "" {
		out = "observe-" + strings.Map(safe, r.ssh+"-"+target) + "-" + h.Now().UTC().Format("20060102T150405Z")
	}
	out = h.Abs(out)
	args := []string{"--seconds=" + strconv.Itoa(r.seconds)}
	if r.endpoint != "" {
		args = append(args, "--endpoint="+r.endpoint)
	}
	if r.quiet {
		args = append(args, "--quiet")
	} else {
		fmt.Fprintf(h.Stderr, "vmgo observe: copying %s to a new directory on %s by ssh; it is removed when the capture ends\n", filepath.Base(h.Executable), diag.Line(r.ssh))
	}
	args = append(args, target)
	err := remote.Record(ctx, h, remote.Options{Host: r.ssh, Program: h.Executable, Args: args, Out: out, Stderr: h.Stderr})
	if err != nil && !(diag.CodeOf(err) == diag.Interrupted && ctx.Err() != nil) {
		return err
	}
	_, printed := fmt.Fprintln(h.Stdout, diag.Line(filepath.Join(out, "report.html")))
	return errors.Join(err, printed)
}

func safe(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_' {
		return r
	}
	return '-'
}
