package install

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
)

// installZip installs from a module zip, from the first URL that serves it. The log
// is asked meanwhile.
func (tx *transaction) installZip(ctx context.Context, a release.Artifact) error {
	ctx, cancel := context.WithCancelCause(ctx)
	asked := tx.lookup(ctx, cancel, func(error) bool { return true })
	record := func() (trust.Record, error) { return asked(0) }
	defer func() {
		cancel(nil)
		_, _ = record() // leave nothing running
	}()
	var err error
	for _, url := range a.URLs {
		a.URLs = []string{url}
		err = tx.zipFrom(ctx, a, record)
		if cause := context.Cause(ctx); err != nil && cause != nil {
			return cause // the log's verdict, or an interrupt
		}
		if !otherServer(err) {
			return err
		}
	}
	return err
}

// zipFrom extracts, and where the result is not what the log has, tries again
// without what may be to blame before it calls the release false.
func (tx *transaction) zipFrom(ctx context.Context, a release.Artifact, record func() (trust.Record, error)) error {
	use := attempt{url: a.URLs[0], reuse: true, patch: true, resumed: true}
	for {
		got, err := tx.zipOnce(ctx, a, use, record)
		switch {
		case errors.Is(err, errPatch):
			use.patch = false
		case !maybeMisled(err):
			return err
		case got.reuse:
			use.reuse = false
		case got.resumed:
			use.resumed = false
		default:
			return err
		}
	}
}

// zipOnce is one extraction and, if it proves good, the publication.
func (tx *transaction) zipOnce(ctx context.Context, a release.Artifact, use attempt, record func() (trust.Record, error)) (used attempt, err error) {
	near := tx.in.Store.Neighbours(tx.version)
	src, err := tx.open(ctx, a, use)
	if err != nil {
		return used, err
	}
	defer func() { err = src.end(err, !used.reuse) }()
	zip, patch, err := tx.planZip(ctx, src, use, near)
	defer patch.close()
	if err != nil {
		return used, err
	}
	src.fill(ctx)
	defer tx.endTurn()
	if zip, err = tx.ready(src, zip, record); err != nil {
		return used, err
	}
	stage, err := tx.in.Store.NewStage(ctx, tx.version, tx.wait())
	if err != nil {
		return used, err
	}
	defer func() {
		tx.endTurn() // others need not wait for what is deleted
		err = errors.Join(err, stage.Close())
	}()
	files, used, err := tx.extractZip(ctx, src, zip, use, stage, patch)
	if err != nil {
		return used, err
	}
	h1, err := trust.HashFiles(tx.version, tx.in.Platform, files)
	if err != nil {
		return used, err
	}
	want, err := record()
	if err != nil {
		return used, err
	}
	if h1 != want.H1 {
		return used, diag.New(diag.ProofInvalid, fmt.Sprintf("%s from %s is not the release that %s records: its hash is %s, that of the release %s",
			tx.version.Toolchain(), fetch.Redact(use.url), want.Log, h1, want.H1), "vmgo install --source godev "+tx.version.String())
	}
	proofs := trust.NewProofs()
	proofs[trust.ChecksumDB] = trust.Passed
	proofs[trust.SHA256] = trust.Unavailable("no index lists the checksums of module zips")
	proofs[trust.OpenPGP] = trust.Unavailable("module zips are not signed")
	tx.receipt = store.Receipt{Contents: store.ContentsModule, ArchiveBytes: a.Size, FetchedBytes: used.fetched, H1: h1, LogProof: want.Proof}
	return used, tx.publish(ctx, a, proofs, files, stage)
}

// openZip reads the directory of a zip. It takes some megabytes, so those who
// wait for their turn do without and read it again.
func (tx *transaction) openZip(src *download) (*archive.Zip, error) {
	return archive.OpenZip(src, src.size, trust.ModulePrefix(tx.version, tx.in.Platform), archive.DefaultLimits())
}

// planZip looks whether there is room for the release, and which parts of the
// zip have to be downloaded.
func (tx *transaction) planZip(ctx context.Context, src *download, use attempt, near *store.Neighbours) (*archive.Zip, *patch, error) {
	zip, err := tx.openZip(src)
	if err != nil {
		return nil, nil, err
	}
	members := make([]archive.File, len(zip.Members()))
	for i, m := range zip.Members() {
		members[i] = m.File
	}
	if err := near.Room(members); err != nil {
		return nil, nil, err
	}
	if !use.reuse {
		return zip, nil, src.plan(src.all(), !use.resumed)
	}
	spans := src.needed(zip.Members(), near.Has)
	var patch *patch
	if use.patch {
		patch = tx.findPatch(ctx, src.url, src.name, spans)
	}
	if patch != nil {
		spans = src.needed(zip.Members(), func(f archive.File) bool { return patch.has(f) || near.Has(f) })
	}
	return zip, patch, src.plan(spans, !use.resumed)
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
func (tx *transaction) extractZip(ctx context.Context, src *download, zip *archive.Zip, use attempt, stage *store.Stage, patch *patch) (files []archive.File, used attempt, err error) {
	used.url, used.resumed = use.url, src.resumed
	var total, done atomic.Int64
	for _, m := range zip.Members() {
		total.Add(m.Size)
	}
	files, err = zip.Extract(ctx, patch.sink(stage), archive.Options{
		Jobs: tx.in.Jobs, InOrder: tx.alone && !src.local, Reuse: use.reuse,
		Progress: func(n int64) { tx.report(Extract, done.Add(n), total.Load()) },
	})
	used.fetched, used.reuse = src.fetched(), stage.Reused() > 0
	if patch != nil {
		used.fetched, used.reuse = used.fetched+patch.Size, used.reuse || patch.made > 0
	}
	return files, used, err
}
