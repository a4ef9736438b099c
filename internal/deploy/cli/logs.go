package cli

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/delta"
	"github.com/vmgo/vmgo/internal/deploy/onhost"
	"github.com/vmgo/vmgo/internal/deploy/pack"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/sshsig"
	"github.com/vmgo/vmgo/internal/ui"
)

const logsHelp = `
vmgo deploy logs archive [HOST...]     archive now what the timer archives on time ([logs] of the configuration)
vmgo deploy logs signers [HOST...]     print who signs the hosts' archives, for the file log-signers
vmgo deploy logs verify FILE...        check archives: signature, every hash; --out unpacks them`

// logs prints the journal, or is about the archives of it.
func (a *app) logs(ctx context.Context) error {
	about := map[string]func(*app, context.Context) error{"archive": (*app).archive, "signers": (*app).logSigners, "verify": (*app).verifyLogs}
	if len(a.args) > 0 && about[a.args[0]] != nil {
		f := about[a.args[0]]
		a.args = a.args[1:]
		return f(a, ctx)
	}
	return a.each(ctx, []string{"logs", "--lines", strconv.Itoa(a.flags.lines)}, func(host string, answer json.RawMessage) error {
		var text string
		if err := json.Unmarshal(answer, &text); err != nil {
			return err
		}
		for line := range strings.Lines(text) {
			fmt.Fprintln(a.host.Stdout, host+" | "+diag.Line(strings.TrimSuffix(line, "\n")))
		}
		return nil
	})
}

// archive has hosts archive their logs now.
func (a *app) archive(ctx context.Context) error {
	return a.each(ctx, []string{"archive-now"}, func(host string, answer json.RawMessage) error {
		var r onhost.Archived
		if err := json.Unmarshal(answer, &r); err != nil {
			return err
		}
		made := "nothing new"
		if r.Archive != "" {
			made = fmt.Sprintf("%s (%s): %d lines, %d files", r.Archive, ui.Bytes(r.Bytes), r.Lines, r.Files)
		}
		_, err := fmt.Fprintf(a.host.Stdout, "%s: %s; %d uploaded and read back, %d not uploaded, %d removed\n", host, diag.Line(made), len(r.Uploaded), r.Waiting, len(r.Removed))
		return err
	})
}

// logSigners prints lines of an allowed signers file: the keys of the hosts, as the
// hosts that ssh has just recognized have them.
func (a *app) logSigners(ctx context.Context) error {
	return a.each(ctx, []string{"log-key"}, func(host string, answer json.RawMessage) error {
		var key string
		if err := json.Unmarshal(answer, &key); err != nil {
			return err
		}
		line, err := signersLine(key, host[strings.LastIndex(host, "@")+1:], pack.LogsNamespace)
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(a.host.Stdout, line)
		return err
	})
}

// checkedLogs is what verifyLogs finds in an archive.
type checkedLogs struct {
	File   string    `json:"file"`
	Name   string    `json:"name"`
	Host   string    `json:"host"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
	Lines  int       `json:"lines"`
	Files  int       `json:"files"`
	Signer string    `json:"signed_by"`
}

func (a *app) verifyLogs(context.Context) error {
	if len(a.args) == 0 {
		return diag.New(diag.Usage, "vmgo deploy logs verify needs a file", "vmgo deploy logs verify app-vm1-20261128T060000Z-0a1b2c.tar.zst")
	}
	text, err := smallfile.Read(a.host.Abs(a.flags.signers), smallfile.Usual)
	if errors.Is(err, fs.ErrNotExist) {
		return diag.New(diag.SignatureInvalid, "there is no file "+a.flags.signers+", which says whose archives are trusted", "vmgo deploy logs signers >"+diag.Word(a.flags.signers))
	}
	if err != nil {
		return err
	}
	signers, err := sshsig.ParseSigners(text)
	if err != nil {
		return diag.Wrap(diag.SignatureInvalid, err, a.flags.signers+" cannot be read", "less "+diag.Word(a.flags.signers))
	}
	checked := []checkedLogs{}
	for _, name := range a.args {
		found, err := a.verifyArchive(name, signers)
		if err != nil {
			return diag.New(diag.CodeOf(err), name+": "+err.Error(), "ls -l "+diag.Word(name))
		}
		checked = append(checked, found)
		if !a.flags.json {
			fmt.Fprintf(a.host.Stdout, "%s: %s on %s, %s to %s: %d lines, %d files, all as signed by %s\n", name, found.Name, diag.Line(found.Host),
				found.From.Format(time.RFC3339), found.Until.Format(time.RFC3339), found.Lines, found.Files, found.Signer)
		}
	}
	if a.flags.json {
		return ui.JSON(a.host.Stdout, map[string]any{"archives": checked})
	}
	return nil
}

// verifyArchive checks one archive and, with --out, unpacks it into a directory of
// its name.
func (a *app) verifyArchive(name string, signers []sshsig.Signer) (checkedLogs, error) {
	in, err := smallfile.Open(a.host.Abs(name))
	if err != nil {
		return checkedLogs{}, err
	}
	defer in.Close()
	content, err := delta.Reader(in, nil)
	if err != nil {
		return checkedLogs{}, err
	}
	defer content.Close()
	reader := tar.NewReader(content)
	s, h, err := pack.ReadHead(reader, pack.DecodeLogs)
	if err != nil {
		return checkedLogs{}, err
	}
	signer, err := sshsig.Verify(bytes.NewReader(s.Encoded), s.Signature, signers, pack.LogsNamespace, s.Manifest.Logs.Until)
	if err != nil {
		return checkedLogs{}, diag.Wrap(diag.SignatureInvalid, err, "the signature is refused")
	}
	to := ""
	if a.flags.out != "" {
		to = a.host.Abs(a.flags.out) + "/" + strings.TrimSuffix(name[strings.LastIndex(name, "/")+1:], ".tar.zst")
		if err := fsx.MkdirAll(to, 0o700); err != nil {
			return checkedLogs{}, err
		}
	}
	l := s.Manifest.Logs
	found := checkedLogs{name, s.Manifest.Name, l.Host, l.From, l.Until, l.Lines, len(s.Manifest.Files), signer.Principals}
	return found, pack.Extract(reader, h, s, to)
}
