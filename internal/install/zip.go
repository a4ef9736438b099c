package install

import (
	"context"
	"sync/atomic"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
)

// extractZip fills the stage from a zip.
func (tx *transaction) extractZip(ctx context.Context, src *remote, use attempt, stage *store.Stage, record func() (trust.Record, error)) (files []archive.File, used attempt, err error) {
	used.url = use.url
	zip, err := archive.OpenZip(src, src.size, trust.ModulePrefix(tx.version, tx.in.Platform), archive.DefaultLimits())
	if err != nil {
		return nil, used, err
	}
	members := make([]archive.File, len(zip.Members()))
	var total, done atomic.Int64
	for i, m := range zip.Members() {
		members[i] = m.File
		total.Add(m.Size)
	}
	if err := stage.Room(members); err != nil {
		return nil, used, err
	}
	if err := src.plan(src.needed(zip.Members(), use.reuse, stage), !use.resumed); err != nil {
		return nil, used, err
	}
	used.resumed = src.resumed
	src.fill(ctx)
	if !tx.alone {
		// It takes its turn when it has all it needs: neither a slow server nor
		// a slow log must hold up the others.
		if err := src.await(); err != nil {
			return nil, used, err
		}
		if _, err := record(); err != nil {
			return nil, used, err
		}
		tx.beginTurn(stage)
	}
	files, err = zip.Extract(ctx, stage, archive.Options{
		Jobs: tx.in.Jobs, InOrder: tx.alone && !src.local, Reuse: use.reuse,
		Progress: func(n int64) { tx.report(Extract, done.Add(n), total.Load()) },
	})
	used.fetched, used.reuse = src.fetched(), stage.Reused() > 0
	return files, used, err
}

// resumable says whether an attempt that ended so may be taken up later: what
// failed a check must not be met again.
func resumable(err error) bool {
	code := diag.CodeOf(err)
	return err != nil && code != diag.ChecksumMismatch && code != diag.ArchiveUnsafe && code != diag.SignatureInvalid &&
		code != diag.ProofInvalid && code != diag.LogForked
}
