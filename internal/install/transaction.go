package install

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
)

// transaction is the install of one release.
type transaction struct {
	in       *Installer
	version  gover.Version
	alone    bool // no other release is being installed beside it
	turn     bool // it is the one that is being extracted
	inPlace  bool // it was judged by the tree that stood in its place without a receipt
	progress progress
	receipt  store.Receipt
	proofs   trust.Proofs
	warning  string // what the release lacks, and why
}

// run tells the story in order. There are two locks: that of the release is
// held from here to the end, so that two installers never fetch the same thing
// and the second finds it present; that of the store is taken only for the
// moments in which names change, so that installers of different releases do
// not wait for each other's downloads.
func (tx *transaction) run(ctx context.Context, bring func(context.Context) error) (Kind, error) {
	if tx.present() {
		return Present, nil
	}
	if err := tx.in.Store.CheckWritable(); err != nil {
		return Failed, err
	}
	lock, err := tx.in.Store.LockRelease(ctx, tx.version, tx.in.wait(tx.version))
	if err != nil {
		return Failed, err
	}
	kind := Present
	if !tx.present() { // somebody may have been faster while we waited
		kind, err = Installed, tx.obtain(ctx, bring)
	}
	if err := errors.Join(err, lock.Release()); err != nil {
		return Failed, err
	}
	return kind, nil
}

// obtain installs the release. A tree that stands in its place without a receipt
// is not overwritten unasked: it becomes the release if it proves to be one.
func (tx *transaction) obtain(ctx context.Context, bring func(context.Context) error) error {
	if tx.in.Reinstall || !tx.in.Store.Unproved(tx.version) {
		return bring(ctx)
	}
	tx.inPlace = true
	goroot := tx.in.Store.GOROOT(tx.version)
	err := tx.adopt(ctx, goroot)
	switch code := diag.CodeOf(err); {
	case err == nil && !tx.present(): // it lacks what Full wants
		return bring(ctx)
	case code == diag.Network, code == diag.Offline:
		return diag.Wrap(code, err, goroot+" has no receipt, and the checksum database that could prove it cannot be asked",
			"vmgo adopt "+diag.Word(goroot)+" --proof FILE   # a receipt of the same release, from another machine")
	case code == diag.NoSuchRelease, code == diag.Unproven:
		return diag.Wrap(diag.Unproven, err, goroot+" has no receipt, and the checksum database has no record to prove it by",
			"vmgo install --reinstall "+tx.version.String()+"   # replaces it")
	}
	return err
}

func (tx *transaction) present() bool {
	if tx.in.Reinstall || !tx.in.Store.Has(tx.version) {
		return false
	}
	if !tx.in.Full {
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
	if len(failures) == 0 {
		return errNoSource()
	}
	return diag.Several(failures)
}

func errNoSource() error {
	return diag.New(diag.Failure, "no source of releases is set", "vmgo config -u VMGO_SOURCE")
}

// elsewhere reports whether another source may do better.
func elsewhere(err error) bool {
	switch diag.CodeOf(err) {
	case diag.Network, diag.Offline, diag.NoSuchRelease, diag.UnsupportedPlatform, diag.Unproven:
		return true
	}
	return false
}

func (tx *transaction) fromSource(ctx context.Context, source Source) error {
	artifact, err := source.Locate(ctx, tx.version, tx.in.Platform)
	if err != nil {
		return err
	}
	if len(artifact.URLs) == 0 {
		return diag.New(diag.NoSuchRelease, "the source "+source.Name()+" has no file of "+tx.version.Toolchain())
	}
	tx.progress.source = artifact.Source
	tx.in.tell(Event{Kind: Resolved, Version: tx.version, Source: artifact.Source, URL: fetch.Redact(artifact.URLs[0]),
		Total: artifact.Size, Elapsed: tx.in.now().Sub(tx.progress.begin)})
	switch artifact.Kind {
	case release.Zip:
		if tx.in.Full {
			return diag.New(diag.NoSuchRelease, "the source "+source.Name()+" has "+tx.version.Toolchain()+" only without api, doc, misc and test",
				"vmgo install --full --source godev "+tx.version.String())
		}
		return tx.zip(ctx, artifact)
	case release.TarGz:
		return tx.targz(ctx, artifact)
	default:
		return diag.New(diag.NoSuchRelease, "the source "+source.Name()+" has "+tx.version.Toolchain()+" only as "+string(artifact.Kind))
	}
}

// zip installs from a module zip, from the first URL that serves it. The log
// is asked meanwhile.
func (tx *transaction) zip(ctx context.Context, a release.Artifact) error {
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
		if code := diag.CodeOf(err); code != diag.Network && code != diag.NoSuchRelease {
			return err
		}
	}
	return err
}

// lookup asks the log in the background. An error that is final stops
// everything at once. The answer is waited for as long as it takes, or no
// longer than asked.
func (tx *transaction) lookup(ctx context.Context, cancel context.CancelCauseFunc, final func(error) bool) func(wait time.Duration) (trust.Record, error) {
	var record trust.Record
	var err error
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		record, err = tx.in.Log.Lookup(ctx, tx.version, tx.in.Platform)
		if err != nil && final(err) {
			cancel(err)
		}
	}()
	return func(wait time.Duration) (trust.Record, error) {
		var late <-chan time.Time
		if wait > 0 {
			late = time.After(wait)
		}
		select {
		case <-answered:
			return record, err
		case <-late:
			return trust.Record{}, diag.New(diag.Network, "the checksum database did not answer in time", "vmgo verify --log "+tx.version.String())
		}
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
	tx.in.extract.Lock()
	tx.turn = true
}

func (tx *transaction) endTurn() {
	if tx.turn {
		tx.turn = false
		tx.in.extract.Unlock()
	}
}

// attempt says what an extraction relied on that may have misled it.
type attempt struct {
	url     string
	reuse   bool // files of other releases
	resumed bool // a part of a download that an earlier process left
	fetched int64
}

// zipFrom extracts, and where the result is not what the log has, tries again
// without what may be to blame before it calls the release false.
func (tx *transaction) zipFrom(ctx context.Context, a release.Artifact, record func() (trust.Record, error)) error {
	use := attempt{url: a.URLs[0], reuse: true, resumed: true}
	for {
		got, err := tx.zipOnce(ctx, a, use, record)
		switch code := diag.CodeOf(err); {
		case code != diag.ProofInvalid && code != diag.ChecksumMismatch && code != diag.ArchiveUnsafe:
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
	zip, err := tx.planZip(src, use, near)
	if err != nil {
		return used, err
	}
	src.fill(ctx)
	defer tx.endTurn()
	if zip, err = tx.ready(src, zip, record); err != nil {
		return used, err
	}
	stage, err := tx.in.Store.NewStage(ctx, tx.version, tx.in.wait(tx.version))
	if err != nil {
		return used, err
	}
	defer func() {
		tx.endTurn() // others need not wait for what is deleted
		err = errors.Join(err, stage.Close())
	}()
	files, used, err := tx.extractZip(ctx, src, zip, use, stage)
	if err != nil {
		return used, err
	}
	h1, err := hash1(tx.version, tx.in.Platform, files)
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
	proofs[trust.SHA256] = trust.Unavailable("no index names the checksum of a module zip")
	proofs[trust.OpenPGP] = trust.Unavailable("module zips are not signed")
	tx.receipt = store.Receipt{Contents: store.ContentsModule, ArchiveBytes: a.Size, FetchedBytes: used.fetched, H1: h1, LogProof: want.Proof}
	return used, tx.publish(ctx, a, proofs, files, stage)
}

// publish is the only way into the store. It asks for a proof of origin.
func (tx *transaction) publish(ctx context.Context, a release.Artifact, proofs trust.Proofs, files store.Manifest, stage *store.Stage) error {
	if !proofs.Vouched() {
		return diag.New(diag.Unproven, "nobody vouches for "+tx.version.Toolchain()+" from "+fetch.Redact(a.URLs[0])+
			": neither the checksum database nor a signature", "vmgo install "+tx.version.String())
	}
	if err := tx.oldEnough(stage); err != nil {
		return err
	}
	tx.proofs = proofs
	tx.in.tell(Event{Kind: Verified, Version: tx.version, Source: a.Source, Proofs: proofs, Elapsed: tx.in.now().Sub(tx.progress.begin)})
	r := &tx.receipt
	r.Version, r.Platform, r.Source, r.URL = tx.version.String(), tx.in.Platform.String(), a.Source, fetch.Redact(a.URLs[0])
	r.Proofs = make(map[string]string, len(proofs))
	for proof, state := range proofs {
		r.Proofs[string(proof)] = state
	}
	r.InstalledAt, r.VmgoVersion = tx.in.now().UTC(), tx.in.VmgoVersion
	r.Files, r.Bytes = len(files), files.Bytes()
	r.LinkedFiles, r.LinkedBytes = stage.Linked()
	return stage.Publish(ctx, files, *r, tx.in.Reinstall || tx.in.Full || tx.inPlace, tx.in.wait(tx.version))
}

func hash1(v gover.Version, p gover.Platform, files []archive.File) (string, error) {
	return trust.Hash1(v, p, func(yield func(string, [sha256.Size]byte) bool) {
		for i := range files {
			if !yield(files[i].Path, files[i].SHA256) {
				return
			}
		}
	})
}

// interrupted gives errors that come of a stop their code.
func interrupted(ctx context.Context, v gover.Version, err error) error {
	if ctx.Err() == nil || diag.CodeOf(err) == diag.Interrupted {
		return err
	}
	return diag.Wrap(diag.Interrupted, err, "the install of "+v.Toolchain()+" was interrupted", "vmgo install "+v.String()+"   # resumes the downloads")
}
