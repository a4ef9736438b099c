// Package remote records on another machine: it sends this program there by ssh, runs
// it, brings the outcome here, and leaves nothing behind.
package remote

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/observe/capture"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/sshrun"
)

// Options say what is recorded where.
type Options struct {
	Host    string   // as ssh takes it
	Program string   // the path of this program
	Args    []string // for the program there, without --host and --out
	Out     string   // directory that the outcome becomes; must not exist
	Stderr  io.Writer
}

// script runs there. It takes the program from its input, so many bytes of it; the
// program ends its capture when the input ends: that is how a Ctrl-C here arrives.
// What it made goes in every case, also when the connection breaks.
const script = `set -eu; umask 077; d=
trap 'rm -rf "$d"' EXIT; trap 'exit 129' HUP; trap 'exit 143' TERM; trap 'exit 130' INT; trap 'exit 141' PIPE
for base in "${TMPDIR:-/tmp}" /var/tmp "$HOME"; do
	d=$(mktemp -d "$base/vmgo-observe.XXXXXX") || continue
	: >"$d/try"; chmod 700 "$d/try"; "$d/try" 2>/dev/null && break
	rm -rf "$d"; d=
done
[ -n "$d" ] || { echo "no directory there in which programs may run" >&2; exit 1; }
head -c SIZE >"$d/vmgo-observe"; chmod 700 "$d/vmgo-observe"
status=0; "$d/vmgo-observe" --until-eof --out "$d/out" ARGS >&2 || status=$?
if [ -d "$d/out" ]; then tar -C "$d/out" -cf - .; fi
exit "$status"`

// Record runs the capture there. The error of an interrupt comes with what there was.
func Record(ctx context.Context, h host.Host, o Options) error {
	if strings.HasPrefix(o.Host, "-") || o.Host == "" {
		return diag.New(diag.Usage, strconv.Quote(o.Host)+" is not a host for ssh", "vmgo observe app --host root@HOST")
	}
	program, err := smallfile.Open(o.Program)
	if err != nil {
		return err
	}
	defer program.Close()
	info, err := program.Stat()
	if err != nil {
		return err
	}
	var words []string
	for _, arg := range o.Args {
		words = append(words, diag.Word(arg))
	}
	there := strings.NewReplacer("SIZE", strconv.FormatInt(info.Size(), 10), "ARGS", strings.Join(words, " ")).Replace(script)
	// The account's own shell may be none that knows this syntax.
	cmd, err := sshrun.New(h, "-C").Command(context.WithoutCancel(ctx), o.Host, nil, "sh -c "+diag.Word(there))
	if err != nil {
		return err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is ours to pass on
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	var said tail
	cmd.Stderr = io.MultiWriter(o.Stderr, &said)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting ssh: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = in.Close() })
	defer stop()
	go func() { _, _ = io.Copy(in, program) }() // a failure shows in the status
	received, unpacked := unpack(out, o.Out)
	_ = in.Close()
	return outcome(ctx, o, cmd.Wait(), received, unpacked, said.String())
}

// outcome tells what an end of ssh means.
func outcome(ctx context.Context, o Options, ended error, received bool, unpacked error, said string) error {
	if unpacked != nil {
		return unpacked
	}
	var exit *exec.ExitError
	errors.As(ended, &exit)
	switch {
	case received && ctx.Err() != nil:
		return diag.New(diag.Interrupted, "interrupted; "+o.Out+" has what was recorded by then")
	case received:
		return nil
	case ctx.Err() != nil:
		return diag.New(diag.Interrupted, "interrupted before anything was recorded")
	case exit != nil && exit.ExitCode() == 255: // ssh's own
		return diag.New(diag.Network, "cannot reach "+o.Host+" by ssh", "ssh "+diag.Word(o.Host)+" true   # and look why")
	case strings.Contains(said, "Exec format error"):
		return diag.New(diag.UnsupportedPlatform, o.Host+" has another architecture than this machine", "ssh "+diag.Word(o.Host)+" vmgo observe UNIT   # with a vmgo of its own")
	case strings.Contains(said, "vmgo: "):
		return &diag.Child{Status: max(exit.ExitCode(), 1)} // the program there said it
	}
	return diag.Wrap(diag.Failure, ended, "the capture on "+o.Host+" failed", "ssh "+diag.Word(o.Host)+" true")
}

// unpack writes what arrives beneath a new directory, nowhere else.
func unpack(r io.Reader, dir string) (received bool, err error) {
	files := tar.NewReader(r)
	var root *os.Root
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return received, nil
		}
		if err != nil {
			return received, fmt.Errorf("reading what the other machine sent: %w", err)
		}
		if root == nil {
			if err := os.Mkdir(dir, 0o700); err != nil {
				return received, err
			}
			if root, err = os.OpenRoot(dir); err != nil {
				return received, err
			}
			defer root.Close()
		}
		if err := put(root, header, files); err != nil {
			return received, fmt.Errorf("unpacking %q: %w", header.Name, err)
		}
		received = true
	}
}

func put(root *os.Root, header *tar.Header, content io.Reader) error {
	name := filepath.Clean(header.Name)
	switch header.Typeflag {
	case tar.TypeDir:
		if name == "." {
			return nil
		}
		return root.Mkdir(name, 0o700)
	case tar.TypeReg:
		if header.Size > capture.MaxFile {
			return errors.New("too large")
		}
		out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, content)
		return errors.Join(err, out.Close())
	}
	return errors.New("neither a file nor a directory")
}

// tail keeps the end of what is written to it.
type tail struct{ bytes.Buffer }

func (t *tail) Write(p []byte) (int, error) {
	n, err := t.Buffer.Write(p)
	if t.Len() > 64<<10 {
		t.Next(t.Len() - 32<<10)
	}
	return n, err
}
