package capture

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/observe/profiles"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Hertz is how often perf samples.
const Hertz = 99

// journalBefore is how much of the journal before the window is taken: as far as the
// flight recorder reaches.
const journalBefore = 10 * time.Second

// journal writes the entries of the window, of the unit or of the process.
func (c *Capture) journal(ctx context.Context) {
	t := c.Target
	if t.Unit == "" && t.PID == 0 {
		c.note("journal: neither the unit nor the process is known")
		return
	}
	args := []string{"journalctl", "-o", "json", "--all", "--no-pager",
		"--since=@" + at(c.Began.Add(-journalBefore)), "--until=@" + at(c.Ended.Add(time.Second))}
	switch {
	case t.Unit != "" && t.User:
		args = append(args, "--user-unit="+t.Unit)
	case t.Unit != "":
		args = append(args, "--unit="+t.Unit)
	default:
		args = append(args, "_PID="+strconv.Itoa(t.PID))
	}
	if err := c.run(ctx, args, "journal.json"); err != nil {
		c.note("journal: %v", err)
	}
}

// at is a time as systemd takes it after an @.
func at(t time.Time) string {
	return strconv.FormatInt(t.Unix(), 10) + "." + strconv.FormatInt(int64(t.Nanosecond()/1e3)+1e6, 10)[1:]
}

// perf takes a CPU profile of a program that serves none.
func (c *Capture) perf(ctx context.Context, deadline time.Time) {
	pid := strconv.Itoa(c.Target.PID)
	left := max(deadline.Sub(c.Host.Now()), time.Second)
	record := []string{"perf", "record", "-q", "-e", "cpu-clock", "-F", strconv.Itoa(Hertz), "-g", "-p", pid,
		"-o", c.Dir + "/perf.data", "--", "sleep", strconv.FormatFloat(left.Seconds(), 'f', 1, 64)}
	began := c.Host.Now()
	err := c.run(ctx, record, "perf.log")
	if errors.Is(err, host.ErrNoProgram) {
		c.note("there is no perf, so there is no CPU profile: apt-get install linux-perf")
		return
	}
	if err != nil && ctx.Err() != nil { // interrupted: it wrote what it had
		err = nil
	}
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), slack)
	defer cancel()
	if err == nil {
		err = c.run(rest, []string{"perf", "script", "-i", c.Dir + "/perf.data", "-F", "comm,ip,sym", "--no-inline"}, "perf.txt")
	}
	if err == nil {
		err = c.fromPerf(c.Host.Now().Sub(began))
	}
	if err != nil {
		c.note("perf: %v", err)
	}
}

func (c *Capture) fromPerf(took time.Duration) error {
	in, err := smallfile.Open(c.Dir + "/perf.txt")
	if err != nil {
		return err
	}
	defer in.Close()
	p, err := profiles.FromPerf(io.LimitReader(in, MaxFile), Hertz, took)
	if err != nil {
		return err
	}
	data, err := p.Bytes()
	if err != nil {
		return err
	}
	out, err := c.create("profiles/cpu.pb.gz")
	if err != nil {
		return err
	}
	_, err = out.Write(data)
	return errors.Join(err, out.Close())
}

// run has a program write its output to a file.
func (c *Capture) run(ctx context.Context, args []string, file string) error {
	program := c.Host.Find(args[0], c.Host.Env["PATH"])
	if program == "" {
		return host.ErrNoProgram
	}
	out, err := c.create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.CommandContext(ctx, c.Host.Path(program), args[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C is ours to handle
	// perf writes its file when it is interrupted.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = 10 * time.Second
	var said head
	cmd.Stdout, cmd.Stderr = out, &said
	if err := c.Host.Run(cmd); err != nil {
		return errors.Join(err, errors.New(string(said)))
	}
	return nil
}

// head keeps the beginning of what is written to it.
type head []byte

func (h *head) Write(p []byte) (int, error) {
	if room := 500 - len(*h); room > 0 {
		*h = append(*h, p[:min(room, len(p))]...)
	}
	return len(p), nil
}
