package install

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
)

// Keyring judges signatures; *trust.Keyring is one.
type Keyring interface {
	Verify(s *trust.Signature, h hash.Hash, now time.Time) (trust.Signer, error)
}

// evidence is what there is to hold an official archive against.
type evidence struct {
	signature *trust.Signature // nil: there is none, and unsigned says why
	unsigned  string
	from      string // URL of the signature
	record    func(wait time.Duration) (trust.Record, error)
}

// unpacked is an archive that was read to its end.
type unpacked struct {
	url     string
	sum     [sha256.Size]byte
	signed  hash.Hash // over the same bytes, for the signature
	files   []archive.File
	size    int64
	fetched int64
	resumed bool
}

// installTarGz installs from an official archive, from the first URL that serves it.
// The log is asked meanwhile; that it cannot answer is no failure here, as the
// signature vouches too. What it says against the release stops everything.
func (tx *transaction) installTarGz(ctx context.Context, a release.Artifact) error {
	ctx, cancel := context.WithCancelCause(ctx)
	proof := evidence{record: tx.lookup(ctx, cancel, func(err error) bool { return !elsewhere(err) })}
	defer func() {
		cancel(nil)
		_, _ = proof.record(0) // leave nothing running
	}()
	if err := tx.signature(ctx, a, &proof); err != nil {
		return err
	}
	if tx.req.Full && proof.signature == nil {
		return diag.New(diag.Unproven, "nothing verifies api, doc, misc and test of "+tx.version.Toolchain()+", which only a signature covers: "+proof.unsigned,
			"vmgo install "+tx.version.String()+"   # without them")
	}
	err := error(diag.New(diag.Network, "no server has "+tx.version.Toolchain()))
	for _, url := range a.URLs {
		err = tx.targzFrom(ctx, a, attempt{url: url, resumed: true}, &proof)
		if cause := context.Cause(ctx); err != nil && cause != nil {
			return cause
		}
		if !otherServer(err) {
			return err
		}
	}
	return err
}

// openStream begins to read an archive from its first byte to its last.
func (tx *transaction) openStream(ctx context.Context, a release.Artifact, use attempt) (*download, error) {
	a.Module = path.Base(use.url) // an archive and a zip must not meet in one spool
	a.Size = 0                    // what an index says of the size is for the checksum to judge
	r, err := tx.open(ctx, a, use)
	if err != nil {
		return nil, err
	}
	if err := r.plan(r.all(), !use.resumed); err != nil {
		return nil, errors.Join(err, r.Close(false))
	}
	r.fill(ctx)
	return r, nil
}

// targzFrom is the extraction from one server. Where a check fails that a
// download taken up from an earlier process may be to blame for, it is made
// anew before the release is called false.
func (tx *transaction) targzFrom(ctx context.Context, a release.Artifact, use attempt, proof *evidence) error {
	for {
		resumed, err := tx.targzOnce(ctx, a, use, proof)
		if resumable(err) || err == nil || !resumed {
			return err
		}
		use.resumed = false
	}
}

func (tx *transaction) targzOnce(ctx context.Context, a release.Artifact, use attempt, proof *evidence) (resumed bool, err error) {
	src, err := tx.openStream(ctx, a, use)
	if err != nil {
		return false, err
	}
	defer func() { err = src.end(err, true) }()
	defer tx.endTurn()
	if !tx.alone {
		if err := src.await(); err != nil { // as for zips
			return src.resumed, err
		}
		tx.beginTurn()
	}
	stage, err := tx.in.Store.NewStage(ctx, tx.version, tx.wait())
	if err != nil {
		return src.resumed, err
	}
	defer func() {
		tx.endTurn()
		err = errors.Join(err, stage.Close())
	}()
	got, err := tx.unpack(ctx, a, src, stage, proof)
	if err != nil {
		return src.resumed, err
	}
	return src.resumed, tx.judge(ctx, a, got, stage, proof)
}

// unpack reads the archive to its end: into the stage, and through the hashes
// that checksum and signature need.
func (tx *transaction) unpack(ctx context.Context, a release.Artifact, src *download, stage *store.Stage, proof *evidence) (unpacked, error) {
	got := unpacked{url: src.url, size: src.size, resumed: src.resumed}
	whole := sha256.New()
	got.signed = whole
	hashes := io.Writer(whole)
	if s := proof.signature; s != nil && !s.SHA256() {
		got.signed = s.NewHash()
		hashes = io.MultiWriter(whole, got.signed)
	}
	stream := io.TeeReader(io.NewSectionReader(src, 0, src.size), hashes)
	var done atomic.Int64
	files, err := archive.ExtractTarGz(ctx, stream, stage, archive.Options{
		Limits: archive.DefaultLimits(), Jobs: tx.in.Jobs,
		Progress: func(n int64) { tx.report(Extract, done.Add(n), 0) },
	})
	if err != nil && diag.CodeOf(err) != diag.ArchiveUnsafe {
		return got, err
	}
	if err != nil { // an archive that is another one says so better by its checksum
		if _, readErr := io.Copy(io.Discard, stream); readErr != nil {
			return got, readErr
		}
	}
	whole.Sum(got.sum[:0])
	got.files, got.fetched = files, src.fetched()
	if sum := hex.EncodeToString(got.sum[:]); a.SHA256 != "" && sum != a.SHA256 {
		return got, diag.New(diag.ChecksumMismatch, fmt.Sprintf("the archive of %s from %s has the SHA-256 %s, and the index says %s",
			tx.version.Toolchain(), fetch.Redact(src.url), sum, a.SHA256), "vmgo install --source goproxy "+tx.version.String())
	}
	return got, err
}

// judge holds what was unpacked against the proofs, and publishes it if they
// hold.
func (tx *transaction) judge(ctx context.Context, a release.Artifact, got unpacked, stage *store.Stage, proof *evidence) error {
	proofs := trust.NewProofs()
	proofs[trust.SHA256] = trust.Unavailable("the index could not be reached")
	if a.SHA256 != "" {
		proofs[trust.SHA256] = trust.Passed // unpack compared it
	}
	signer, err := tx.judgeSignature(got, proof, proofs)
	if err != nil {
		return err
	}
	if err := tx.rightRelease(got, stage); err != nil {
		return err
	}
	h1, err := trust.HashFiles(tx.version, tx.in.Platform, got.files)
	if err != nil {
		return err
	}
	record, err := tx.judgeLog(got, h1, proof, proofs)
	if err != nil {
		return err
	}
	contents, files := store.ContentsFull, got.files
	if proofs[trust.OpenPGP] != trust.Passed {
		// Only the log vouches, and it does not reach all. That the index names
		// the checksum is no proof of the rest: the index could name any.
		contents = store.ContentsModule
		if files, err = onlyCovered(files, stage); err != nil {
			return err
		}
		tx.warning = "api, doc, misc and test are left out, because nothing verifies them: " + proof.unsigned
	}
	tx.receipt = store.Receipt{
		Contents: contents, ArchiveSHA256: hex.EncodeToString(got.sum[:]), ArchiveBytes: got.size,
		FetchedBytes: got.fetched, H1: h1, LogProof: record.Proof, Signer: signer,
	}
	a.URLs = []string{got.url}
	return tx.publish(ctx, a, proofs, files, stage)
}

// judgeLog compares the tree with the record of the log, which may be without
// an answer.
func (tx *transaction) judgeLog(got unpacked, h1 string, proof *evidence, proofs trust.Proofs) (trust.Record, error) {
	wait := logPatience
	if !proofs.Vouched() {
		wait = 0 // nothing else vouches: its answer is needed
	}
	record, err := proof.record(wait)
	switch {
	case err != nil && elsewhere(err):
		proofs[trust.ChecksumDB] = trust.Unavailable(err.Error())
		return trust.Record{}, nil
	case err != nil:
		return trust.Record{}, err
	case record.H1 == h1:
		proofs[trust.ChecksumDB] = trust.Passed
		return record, nil
	}
	against := "the server"
	switch {
	case proofs[trust.OpenPGP] == trust.Passed:
		against = "the signature"
	case proofs[trust.SHA256] == trust.Passed:
		against = "the index"
	}
	return trust.Record{}, diag.New(diag.ProofInvalid, fmt.Sprintf("%s and %s contradict each other about %s: the archive from %s has the hash %s, the release %s",
		against, record.Log, tx.version.Toolchain(), fetch.Redact(got.url), h1, record.H1), "vmgo install --source goproxy "+tx.version.String())
}

// rightRelease makes sure that an archive is of the release and platform that
// its name says. A signature is over bytes, not over names: an honest older
// release under a newer name has a good one.
func (tx *transaction) rightRelease(got unpacked, stage *store.Stage) error {
	name, err := stage.Name()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return diag.Wrap(diag.ArchiveUnsafe, err, "the archive from "+fetch.Redact(got.url)+" does not name its release")
	}
	if name != tx.version.Toolchain() {
		return diag.New(diag.ArchiveUnsafe, fmt.Sprintf("the archive from %s is of %q, not of %s", fetch.Redact(got.url), name, tx.version.Toolchain()))
	}
	p := tx.in.Platform
	tools := "pkg/tool/" + p.OS + "_" + p.Arch + "/"
	if !slices.ContainsFunc(got.files, func(f archive.File) bool { return strings.HasPrefix(f.Path, tools) }) {
		return diag.New(diag.ArchiveUnsafe, fmt.Sprintf("the archive from %s is not for %s", fetch.Redact(got.url), p))
	}
	return nil
}
