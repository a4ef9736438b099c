package onhost

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/delta"
	"github.com/vmgo/vmgo/internal/deploy/config"
	"github.com/vmgo/vmgo/internal/deploy/pack"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/sshrun"
)

// HostKey is the key of the host's sshd, which signs its archives of logs: who logs
// in there knows it already.
const HostKey = "/etc/ssh/ssh_host_ed25519_key"

const archiveSuffix = ".tar.zst"

// Archived is what one run of the archive did.
type Archived struct {
	Archive  string   `json:"archive,omitempty"` // file; empty: there was nothing new
	Lines    int      `json:"lines"`             // of the journal
	Files    int      `json:"files"`             // of those that the configuration names
	Bytes    int64    `json:"bytes"`             // of the archive
	Uploaded []string `json:"uploaded"`          // archives that were uploaded and read back
	Waiting  int      `json:"waiting"`           // archives that were not
	Removed  []string `json:"removed"`           // archives that were beyond the limits
	Error    string   `json:"error,omitempty"`
}

// archiveState is how far the archives of a service are.
type archiveState struct {
	Format int               `json:"format"`
	Cursor string            `json:"cursor,omitempty"` // of the journal: the last entry that is archived
	Files  map[string]string `json:"files,omitempty"`  // time and size of each file as it was archived
	Last   Archived          `json:"last"`
}

// archiver archives the logs of one service.
type archiver struct {
	*App
	logs  config.Logs
	dir   string
	state archiveState
}

// ArchiveNow has systemd archive the logs of the service, with the environment that
// it does it in on time, and returns what came of it.
func (a *App) ArchiveNow(ctx context.Context) (Archived, error) {
	w, err := a.archiver()
	if err != nil {
		return Archived{}, err
	}
	failed := a.systemctl(ctx, "start", a.Name+"-logs.service")
	if err := w.load(); err != nil {
		return Archived{}, errors.Join(failed, err)
	}
	if failed != nil {
		return w.state.Last, diag.New(diag.Failure, "the archive of "+a.Name+" failed: "+w.state.Last.Error, "systemctl status "+a.Name+"-logs.service")
	}
	return w.state.Last, nil
}

// LogKey returns the public key of [HostKey].
func (a *App) LogKey() (string, error) {
	data, err := smallfile.Read(filepath.Join(a.Root, HostKey+".pub"), smallfile.Usual)
	return string(data), err
}

// Archive archives what is new in the journal of the service and the files that
// its configuration names, uploads, and removes what is beyond the limits. The
// journal goes on where the last archive ended: what a crash interrupts is archived
// once more, never left out.
func (a *App) Archive(ctx context.Context) (Archived, error) {
	w, err := a.archiver()
	if err != nil {
		return Archived{}, err
	}
	if err := fsx.MkdirAll(w.dir, 0o700); err != nil {
		return Archived{}, err
	}
	lock, err := fsx.Acquire(ctx, filepath.Join(w.dir, "lock"), fsx.LockOptions{})
	if err != nil {
		return Archived{}, err
	}
	defer lock.Release() // the process ends after this
	if err := w.load(); err != nil {
		return Archived{}, err
	}
	last := Archived{Uploaded: []string{}, Removed: []string{}}
	err = full(w.archive(ctx, &last))
	err = errors.Join(err, w.upload(ctx, &last), w.retain(&last))
	if err != nil {
		last.Error = diag.Line(err.Error())
	}
	w.state.Last = last
	return last, errors.Join(err, w.save())
}

func (a *App) archiver() (*archiver, error) {
	r, err := a.Load(a.Current())
	if err != nil {
		return nil, err
	}
	if r.Config.Logs.Schedule == "" {
		return nil, diag.New(diag.BadSetting, "release "+r.ID+" archives no logs: its configuration has no logs.schedule", "vmgo deploy init --stdout   # see [logs]")
	}
	return &archiver{App: a, logs: r.Config.Logs, dir: filepath.Join(a.Root, r.Config.Logs.Dir(a.Name))}, nil
}

func (w *archiver) stateFile() string { return filepath.Join(w.dir, "state.json") }

func (w *archiver) load() error {
	w.state = archiveState{Format: stateFormat}
	data, err := smallfile.Read(w.stateFile(), smallfile.Usual)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return fsx.Decode(w.stateFile(), data, stateFormat, &w.state)
}

func (w *archiver) save() error {
	data, err := json.MarshalIndent(w.state, "", " ")
	if err != nil {
		return err
	}
	if err := fsx.WriteFile(w.stateFile(), append(data, '\n'), 0o600); err != nil {
		return err
	}
	return fsx.SyncDir(w.dir)
}

// archive makes one archive. Only once it is durable the state goes on.
func (w *archiver) archive(ctx context.Context, last *Archived) error {
	dir, err := fsx.OpenDirectory(w.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := w.removeStages(dir); err != nil {
		return err
	}
	stage, err := dir.MkdirTemp(stagePrefix)
	if err != nil {
		return err
	}
	defer dir.RemoveAll(stage) // what is left of it goes with the next archive
	next := archiveState{Files: map[string]string{}}
	window, err := w.journal(ctx, filepath.Join(w.dir, stage, "journal.json"), &next)
	if err != nil {
		return err
	}
	if last.Files, err = w.files(filepath.Join(w.dir, stage), &next); err != nil {
		return err
	}
	if last.Lines = window.Lines; last.Lines == 0 && last.Files == 0 {
		return nil
	}
	name, err := w.pack(ctx, stage, window)
	if err != nil {
		return err
	}
	if info, err := os.Stat(filepath.Join(w.dir, name)); err == nil {
		last.Bytes = info.Size()
	}
	last.Archive = filepath.Join(w.dir, name)
	w.state.Cursor, w.state.Files = next.Cursor, next.Files
	return w.save()
}

func (w *archiver) removeStages(dir *fsx.Dir) error {
	names, err := dir.Names()
	for _, name := range names {
		if strings.HasPrefix(name, stagePrefix) {
			err = errors.Join(err, dir.RemoveAll(name))
		}
	}
	return err
}

// journal exports what the journal has after the last archive, as journalctl -o json
// does, and returns what that is.
func (w *archiver) journal(ctx context.Context, to string, next *archiveState) (pack.Logs, error) {
	window := pack.Logs{Host: hostname(), Until: w.Host.Now().UTC()}
	window.From, next.Cursor = window.Until, w.state.Cursor
	words := []string{"journalctl", "--no-pager", "--quiet", "--all", "-o", "json"}
	if w.state.Cursor != "" {
		words = append(words, "--after-cursor="+w.state.Cursor)
	}
	cmd, err := w.command(ctx, append(words, w.matches()...))
	if err != nil {
		return window, err
	}
	var stderr strings.Builder
	reader, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, &stderr
	ended := make(chan error, 1)
	go func() {
		err := w.Host.Run(cmd)
		writer.Close()
		ended <- err
	}()
	copied := copyEntries(to, reader, &window, next)
	reader.CloseWithError(copied)
	if err := <-ended; err != nil && copied == nil {
		return window, fmt.Errorf("journalctl: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return window, copied
}

// command returns a command whose program is found on PATH.
func (w *archiver) command(ctx context.Context, words []string) (*exec.Cmd, error) {
	program := words[0]
	if !filepath.IsAbs(program) {
		if program = w.Host.Find(program, w.Host.Env["PATH"]); program == "" {
			return nil, diag.New(diag.CommandNotFound, "there is no "+words[0]+" on PATH", "sudo apt-get install "+diag.Word(words[0]))
		}
	}
	cmd := exec.CommandContext(ctx, w.Host.Path(program), words[1:]...)
	cmd.Dir, cmd.Env = w.dir, environ.Env(w.Host.Env).Pairs()
	return cmd, nil
}

// entry is what an archive needs to know of an entry of the journal
// (systemd.journal-fields(7)).
type entry struct {
	Cursor string `json:"__CURSOR"`
	Micros string `json:"__REALTIME_TIMESTAMP"`
}

func copyEntries(to string, in io.Reader, window *pack.Logs, next *archiveState) error {
	dir, err := fsx.OpenDirectory(filepath.Dir(to))
	if err != nil {
		return err
	}
	defer dir.Close()
	out, err := dir.CreateFile(filepath.Base(to), 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	reader := bufio.NewReaderSize(in, 1<<16)
	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return out.Sync()
		}
		if err != nil {
			return fmt.Errorf("journalctl: %w", err)
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("journalctl: %w", err)
		}
		if e.Cursor == "" {
			return errors.New("journalctl: an entry has no cursor")
		}
		if micros, err := strconv.ParseInt(e.Micros, 10, 64); err == nil {
			if window.Until = time.UnixMicro(micros).UTC(); window.Lines == 0 {
				window.From = window.Until
			}
		}
		window.Lines++
		next.Cursor = e.Cursor
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
}

// files copies those of the configuration that changed since the last archive. A
// link is left out: whoever may write in the directory chose where it leads.
func (w *archiver) files(stage string, next *archiveState) (int, error) {
	copied := 0
	for _, pattern := range w.logs.Files {
		names, err := filepath.Glob(filepath.Join(w.Root, pattern))
		if err != nil {
			return copied, diag.Wrap(diag.BadSetting, err, "logs.files has "+pattern, "vmgo deploy init --stdout")
		}
		for _, name := range names {
			info, err := os.Lstat(name)
			if err != nil || !info.Mode().IsRegular() {
				continue
			}
			mark := info.ModTime().UTC().Format(time.RFC3339Nano) + " " + strconv.FormatInt(info.Size(), 10)
			if _, twice := next.Files[name]; twice {
				continue
			}
			if next.Files[name] = mark; w.state.Files[name] == mark {
				continue
			}
			if err := copyLog(name, filepath.Join(stage, "files", strings.TrimPrefix(name, w.Root))); err != nil {
				return copied, err
			}
			copied++
		}
	}
	return copied, nil
}

// copyLog copies a file as it is now, without following a link in its place.
func copyLog(name, to string) error {
	if err := fsx.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	from, err := fsx.OpenDirectory(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer from.Close()
	stage, err := fsx.OpenDirectory(filepath.Dir(to))
	if err != nil {
		return err
	}
	defer stage.Close()
	file, err := from.Open(filepath.Base(name))
	if err != nil {
		return err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Regular {
		return errors.Join(err, errors.New(name+" is not a regular file"))
	}
	_, err = stage.Copy(file, filepath.Base(to), 0o644, make([]byte, 1<<16), sha256.New())
	return err
}

// pack signs what lies in the stage and writes the archive, durably.
func (w *archiver) pack(ctx context.Context, stage string, window pack.Logs) (string, error) {
	from := filepath.Join(w.dir, stage)
	s := pack.Signed{Manifest: pack.Manifest{Format: 1, Name: w.Name, Logs: &window}}
	var err error
	if s.Manifest.Files, err = pack.List(from); err != nil {
		return "", err
	}
	if s.Encoded, err = s.Manifest.Encode(); err != nil {
		return "", err
	}
	if s.Signature, err = sshrun.Sign(ctx, w.Host, filepath.Join(w.Root, HostKey), pack.LogsNamespace, bytes.NewReader(s.Encoded)); err != nil {
		return "", err
	}
	dir, err := fsx.OpenDirectory(w.dir)
	if err != nil {
		return "", err
	}
	defer dir.Close()
	temp := stage + archiveSuffix
	out, err := dir.CreateFile(temp, 0o600)
	if err != nil {
		return "", err
	}
	defer out.Close()
	if err := compress(out, s, from); err != nil {
		return "", errors.Join(err, dir.Remove(temp))
	}
	// The digest keeps two archives of one second apart.
	sum := sha256.Sum256(s.Encoded)
	name := fmt.Sprintf("%s-%s-%s-%x%s", w.Name, window.Host, w.Host.Now().UTC().Format(stampFormat), sum[:3], archiveSuffix)
	if err := errors.Join(out.Sync(), dir.Rename(temp, dir, name)); err != nil {
		return "", errors.Join(err, dir.Remove(temp))
	}
	return name, dir.Sync()
}

func compress(out io.Writer, s pack.Signed, dir string) error {
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(pack.Write(writer, s, dir)) }()
	err := delta.Write(out, reader, 0, nil)
	reader.CloseWithError(err) // ends the writer where this side failed
	return err
}
