package onhost

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
)

// uploadedSuffix marks an archive that was uploaded and, read back, had the same
// bytes. The marker has their SHA-256.
const uploadedSuffix = ".uploaded"

// archives lists the archives, the oldest first.
func (w *archiver) archives() ([]string, error) {
	dir, err := fsx.OpenDirectory(w.dir)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Names()
	names = slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, ".") || !strings.HasSuffix(n, archiveSuffix) })
	slices.SortStableFunc(names, func(a, b string) int { return madeAt(a).Compare(madeAt(b)) })
	return names, err
}

// stampFormat is how the name of an archive has its time.
const stampFormat = "20060102T150405Z"

// madeAt returns when an archive was made, by its name; zero if that has no time.
func madeAt(name string) time.Time {
	parts := strings.Split(name, "-")
	at, _ := time.Parse(stampFormat, parts[max(0, len(parts)-2)])
	return at
}

func (w *archiver) isUploaded(name string) bool {
	_, err := os.Lstat(filepath.Join(w.dir, name+uploadedSuffix))
	return err == nil
}

// upload brings to the user's store what is not there yet. It stops at the first
// failure: the next run goes on.
func (w *archiver) upload(ctx context.Context, last *Archived) error {
	names, err := w.archives()
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, w.isUploaded)
	last.Waiting = len(names)
	if len(w.logs.Upload) == 0 {
		return nil
	}
	for _, name := range names {
		if err := w.uploadOne(ctx, name); err != nil {
			return diag.Wrap(diag.Failure, err, fmt.Sprintf("not uploaded: %d of the archives in %s", last.Waiting, w.dir), "systemctl status "+w.Name+"-logs.service")
		}
		last.Uploaded = append(last.Uploaded, name)
		last.Waiting--
	}
	return nil
}

func (w *archiver) uploadOne(ctx context.Context, name string) error {
	file := filepath.Join(w.dir, name)
	want, err := fsx.Sum(file)
	if err != nil {
		return err
	}
	replace := strings.NewReplacer("{file}", file, "{name}", name)
	if err := w.stream(ctx, replace, w.logs.Upload, w.Host.Stderr); err != nil {
		return fmt.Errorf("logs.upload: %w", err)
	}
	hash := sha256.New()
	if err := w.stream(ctx, replace, w.logs.ReadBack, hash); err != nil {
		return fmt.Errorf("logs.read_back: %w", err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != want {
		return diag.New(diag.ChecksumMismatch, "what logs.read_back prints for "+name+" is not what was uploaded", "ls -l "+diag.Word(file))
	}
	if err := fsx.WriteFile(file+uploadedSuffix, []byte(want+"\n"), 0o600); err != nil {
		return err
	}
	return fsx.SyncDir(w.dir)
}

// stream runs one of the user's commands and hands on what it prints.
func (w *archiver) stream(ctx context.Context, replace *strings.Replacer, words []string, stdout io.Writer) error {
	given := make([]string, len(words))
	for i, word := range words {
		given[i] = replace.Replace(word)
	}
	cmd, err := w.command(ctx, given)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = stdout, w.Host.Stderr
	if err := w.Host.Run(cmd); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(given, " "), err)
	}
	return nil
}

// retain removes the oldest archives beyond the limits, but none that was not
// uploaded and read back.
func (w *archiver) retain(last *Archived) error {
	names, err := w.archives()
	if err != nil {
		return err
	}
	var total int64
	sizes := map[string]int64{}
	for _, name := range names {
		info, err := os.Lstat(filepath.Join(w.dir, name))
		if err != nil {
			return err
		}
		sizes[name], total = info.Size(), total+info.Size()
	}
	oldest := w.Host.Now().Add(-time.Duration(w.logs.KeepDays) * 24 * time.Hour)
	for _, name := range names {
		old := w.logs.KeepDays > 0 && madeAt(name).Before(oldest) && !madeAt(name).IsZero()
		much := w.logs.KeepBytes > 0 && total > int64(w.logs.KeepBytes)
		if !old && !much || !w.isUploaded(name) {
			continue
		}
		// The archive first: a marker alone is harmless.
		for _, file := range []string{name, name + uploadedSuffix} {
			if err := os.Remove(filepath.Join(w.dir, file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		total -= sizes[name]
		last.Removed = append(last.Removed, name)
	}
	return fsx.SyncDir(w.dir)
}
