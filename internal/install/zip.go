package install

import (
	"context"
	"sync/atomic"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
)

// openZip reads the directory of a zip. It takes some megabytes, so those who
// wait for their turn do without and read it again.
func (tx *transaction) openZip(src *download) (*archive.Zip, error) {
	return archive.OpenZip(src, src.size, trust.ModulePrefix(tx.version, tx.in.Platform), archive.DefaultLimits())
}

// planZip looks whether there is room for the release, and which parts of the
// zip have to be downloaded.
func (tx *transaction) planZip(src *download, use attempt, near *store.Neighbours) (*archive.Zip, error) {
	zip, err := tx.openZip(src)
	if err != nil {
		return nil, err
	}
	members := make([]archive.File, len(zip.Members()))
	for i, m := range zip.Members() {
		members[i] = m.File
	}
	if err := near.Room(members); err != nil {
		return nil, err
	}
	return zip, src.plan(src.needed(zip.Members(), use.reuse, near), !use.resumed)
}

// ready blocks until it is the turn of this release, and returns the zip. It
// takes its turn when it has all it needs: neither a slow server nor a slow log
// must hold up others.
func (tx *transaction) ready(src *download, zip *archive.Zip, record func() (trust.Record, error)) (*archive.Zip, error) {
	if tx.alone {
		return zip, nil
	}
	if err := src.await(); err != nil {
		return nil, err
	}
	if _, err := record(); err != nil {
		return nil, err
	}
	tx.beginTurn()
	return tx.openZip(src)
}

// extractZip fills the stage from a zip.
func (tx *transaction) extractZip(ctx context.Context, src *download, zip *archive.Zip, use attempt, stage *store.Stage) (files []archive.File, used attempt, err error) {
	used.url, used.resumed = use.url, src.resumed
	var total, done atomic.Int64
	for _, m := range zip.Members() {
		total.Add(m.Size)
	}
	files, err = zip.Extract(ctx, stage, archive.Options{
		Jobs: tx.in.Jobs, InOrder: tx.alone && !src.local, Reuse: use.reuse,
		Progress: func(n int64) { tx.report(Extract, done.Add(n), total.Load()) },
	})
	used.fetched, used.reuse = src.fetched(), stage.Reused() > 0
	return files, used, err
}

// resumable reports whether an attempt that ended so may be taken up later: what
// failed a check must not be met again.
func resumable(err error) bool {
	code := diag.CodeOf(err)
	return err != nil && code != diag.ChecksumMismatch && code != diag.ArchiveUnsafe && code != diag.SignatureInvalid &&
		code != diag.ProofInvalid && code != diag.LogForked
}
