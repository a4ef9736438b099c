package install

import (
	"context"
	"errors"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
)

// transaction is the install of one release.
type transaction struct {
	*call
	version  gover.Version
	alone    bool // no other release is being installed beside it
	turn     bool // it is the one that is being extracted
	inPlace  bool // it was judged by the tree that stood in its place without a receipt
	progress progress
	receipt  store.Receipt
	proofs   trust.Proofs
	warning  string // what the release lacks, and why
}

// begin returns the transaction of a release; alone reports whether no other
// release is installed beside it.
func (c *call) begin(v gover.Version, alone bool) *transaction {
	return &transaction{call: c, version: v, alone: alone, progress: progress{begin: c.in.now()}}
}

// run installs the release, if it is not present, by calling download. There are
// two locks: that of the release is held from here to the end, so that two
// installers never fetch the same thing and the second finds it present; that of
// the store is taken only for the moments in which names change, so that
// installers of different releases do not wait for each other's downloads.
func (tx *transaction) run(ctx context.Context, download func(context.Context) error) (Kind, error) {
	if tx.present() {
		return Present, nil
	}
	if err := tx.in.Store.CheckWritable(); err != nil {
		return Failed, err
	}
	lock, err := tx.in.Store.LockRelease(ctx, tx.version, tx.wait())
	if err != nil {
		return Failed, err
	}
	kind := Present
	if !tx.present() { // somebody may have been faster while we waited
		kind, err = Installed, tx.obtain(ctx, download)
	}
	if err := errors.Join(err, lock.Release()); err != nil {
		return Failed, err
	}
	return kind, nil
}

// obtain installs the release. A tree that stands in its place without a receipt
// is not overwritten unasked: it becomes the release if it proves to be one.
func (tx *transaction) obtain(ctx context.Context, download func(context.Context) error) error {
	if tx.req.Reinstall || !tx.in.Store.Unproved(tx.version) {
		return download(ctx)
	}
	tx.inPlace = true
	goroot := tx.in.Store.GOROOT(tx.version)
	err := tx.adopt(ctx, goroot)
	if err == nil && !tx.present() { // it lacks what Full requires
		return download(ctx)
	}
	return unproved(tx.version, goroot, err)
}

func (tx *transaction) present() bool {
	if tx.req.Reinstall || !tx.in.Store.Has(tx.version) {
		return false
	}
	if !tx.req.Full {
		return true
	}
	r, err := tx.in.Store.Receipt(tx.version)
	return err == nil && r.Contents == store.ContentsFull
}

// fromSources tries the sources in order. A failed check ends the search: it
// is not for another source to make that good. So does a fault of our own.
func (tx *transaction) fromSources(ctx context.Context) error {
	var failures []error
	for _, source := range tx.in.Sources {
		err := tx.fromSource(ctx, source)
		if err == nil || ctx.Err() != nil || !elsewhere(err) {
			return err
		}
		failures = append(failures, err)
	}
	return noSource(failures)
}

// locate returns the file of a release at a source, with at least one URL.
func (in *Installer) locate(ctx context.Context, source Source, v gover.Version) (release.Artifact, error) {
	a, err := source.Locate(ctx, v, in.Platform)
	if err == nil && len(a.URLs) == 0 {
		err = diag.New(diag.NoSuchRelease, "the source "+source.Name()+" has no file of "+v.Toolchain())
	}
	return a, err
}

func (tx *transaction) fromSource(ctx context.Context, source Source) error {
	artifact, err := tx.in.locate(ctx, source, tx.version)
	if err != nil {
		return err
	}
	tx.progress.source = artifact.Source
	tx.tell(Event{Kind: Resolved, Source: artifact.Source, URL: fetch.Redact(artifact.URLs[0]), Total: artifact.Size})
	switch artifact.Kind {
	case release.Zip:
		if tx.req.Full {
			return diag.New(diag.NoSuchRelease, "the source "+source.Name()+" has "+tx.version.Toolchain()+" only without api, doc, misc and test",
				"vmgo install --full --source godev "+tx.version.String())
		}
		return tx.installZip(ctx, artifact)
	case release.TarGz:
		return tx.installTarGz(ctx, artifact)
	default:
		return diag.New(diag.NoSuchRelease, "the source "+source.Name()+" has "+tx.version.Toolchain()+" only as "+string(artifact.Kind))
	}
}

// beginTurn waits until no other release of the call is being extracted.
// Several releases are downloaded side by side; they are extracted and published
// one after the other, each by all cores, so that they can share files and that
// memory is bounded: there is one stage at a time, with one index of the store.
func (tx *transaction) beginTurn() {
	if tx.alone {
		return
	}
	tx.extract.Lock()
	tx.turn = true
}

func (tx *transaction) endTurn() {
	if tx.turn {
		tx.turn = false
		tx.extract.Unlock()
	}
}
