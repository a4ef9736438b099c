package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
)

// Log is the checksum database; *trust.Log is one.
type Log interface {
	Name() string
	Lookup(ctx context.Context, v gover.Version, p gover.Platform) (trust.Record, error)
	VerifyOffline(proof []byte, v gover.Version, p gover.Platform) (trust.Record, error)
}

// checkLog is the check "log": the hash of the present tree must be that of the record
// in the checksum database.
func (v *Verifier) checkLog(ctx context.Context, c *Check, t Target, tree *Tree) {
	if problems := unproven(t, tree); len(problems) > 0 {
		c.Problems = problems
		c.fail(diag.New(diag.Unproven, fmt.Sprintf("nothing verifies %d files of %s, such as %s: no signature was verified, and the checksum database does not cover them",
			len(problems), t.GOROOT, problems[0].Path), "vmgo install --reinstall "+t.Version.String()))
		return
	}
	record, how, err := v.record(ctx, t)
	switch code := diag.CodeOf(err); {
	case err == nil:
	case code == diag.Unproven && t.Store != nil:
		c.Detail = err.Error()
		c.Status = Skip // the signature vouched for it when it was installed
		return
	case code == diag.Network, code == diag.Offline, code == diag.Unproven:
		c.skip(err)
		return
	default:
		c.fail(err)
		return
	}
	h1, err := trust.Hash1(t.Version, t.Platform, tree.digests())
	if err == nil && h1 == record.H1 && len(tree.Odd) == 0 {
		c.Detail = fmt.Sprintf("%s vouches for %d files (record %d of %d, %s)", record.Log, tree.covered(), record.ID, record.TreeSize, how)
		if beyond := len(tree.Files) - tree.covered(); beyond > 0 {
			c.Detail += fmt.Sprintf("; %d files in api, doc, misc and test are beyond its reach", beyond)
		}
		v.keepProof(ctx, t, record)
		return
	}
	problems, why := v.suspects(ctx, t, tree, record)
	for _, path := range tree.Odd {
		problems = append(problems, Problem{path, Irregular})
	}
	c.Problems = sortProblems(problems)
	if len(c.Problems) > 0 {
		c.fail(tampered(t, c.Problems))
		return
	}
	c.fail(diag.New(diag.Tampered, fmt.Sprintf("%s is not %s as it was published: its hash is %s, and %s has %s on record; %s",
		t.GOROOT, t.Version.Toolchain(), h1, record.Log, record.H1, why), "vmgo install "+t.Version.String()))
}

// unproven lists the files of an install that the log does not cover, unless
// the receipt has a signature over them. A tree that vmgo did not install has no
// receipt: there, the check only counts them.
func unproven(t Target, tree *Tree) (problems []Problem) {
	if t.Store == nil {
		return nil
	}
	receipt, err := t.Store.Receipt(t.Version)
	if err == nil && receipt.Proofs[string(trust.OpenPGP)] == trust.Passed {
		return nil
	}
	for i := range tree.Files {
		if path := tree.Files[i].Path; !covered(path) {
			problems = append(problems, Problem{path, Unproven})
		}
	}
	return problems
}

func (t *Tree) covered() int {
	n := 0
	for i := range t.Files {
		if covered(t.Files[i].Path) {
			n++
		}
	}
	return n
}

// record returns the record of the log: from the proof kept at install if it
// is valid, else from the database.
func (v *Verifier) record(ctx context.Context, t Target) (trust.Record, string, error) {
	if v.Log == nil {
		return trust.Record{}, "", errors.New("there is no checksum database to ask")
	}
	if t.Store != nil {
		if receipt, err := t.Store.Receipt(t.Version); err == nil && len(receipt.LogProof) > 0 {
			record, err := v.Log.VerifyOffline(receipt.LogProof, t.Version, t.Platform)
			if err == nil {
				return record, "by the proof kept at install", nil
			}
		}
	}
	record, err := v.Log.Lookup(ctx, t.Version, t.Platform)
	return record, "asked now", err
}

// keepProof adds the log's proof to the receipt of a release that was installed
// without it.
func (v *Verifier) keepProof(ctx context.Context, t Target, record trust.Record) {
	if t.Store == nil {
		return
	}
	receipt, err := t.Store.Receipt(t.Version)
	if err != nil || len(receipt.LogProof) > 0 && receipt.Proofs[string(trust.ChecksumDB)] == trust.Passed {
		return
	}
	// A store that cannot be written (a reader's, another user's) stays as it is:
	// the check has its result all the same.
	_ = t.Store.AmendReceipt(ctx, t.Version, func(r *store.Receipt) {
		r.LogProof = record.Proof
		if r.Proofs == nil {
			r.Proofs = map[string]string{}
		}
		r.Proofs[string(trust.ChecksumDB)] = trust.Passed
	}, store.Wait{No: true})
}

// suspects returns the files to which the difference is due, or why there are
// none.
func (v *Verifier) suspects(ctx context.Context, t Target, tree *Tree, record trust.Record) ([]Problem, string) {
	if manifest, ok := v.manifestFor(t, record); ok {
		return differing(manifest, tree, true), "yet no file differs from the manifest"
	}
	if v.Directory == nil {
		return nil, "cannot tell which files differ without a copy of the release"
	}
	members, err := v.Directory(ctx, t.Version, t.Platform)
	if err != nil {
		return nil, "cannot tell which files differ: " + err.Error()
	}
	return differing(members, tree, false), "yet every file has the size and CRC-32 that it should have: it was changed on purpose"
}

// manifestFor finds a manifest of the same release in one of the stores that
// is exactly what the log has, whoever wrote it.
func (v *Verifier) manifestFor(t Target, record trust.Record) (store.Manifest, bool) {
	stores := v.Stores
	if t.Store != nil {
		stores = append([]*store.Store{t.Store}, stores...)
	}
	for _, s := range stores {
		if !s.Has(t.Version) {
			continue
		}
		manifest, err := s.Manifest(t.Version)
		if err != nil {
			continue
		}
		files := (&Tree{Files: treeFiles(manifest)}).digests()
		if h1, err := trust.Hash1(t.Version, t.Platform, files); err == nil && h1 == record.H1 {
			return manifest, true
		}
	}
	return nil, false
}

func treeFiles(m store.Manifest) []TreeFile {
	files := make([]TreeFile, len(m))
	for i := range m {
		files[i].File = m[i]
	}
	return files
}

// differing compares the part of a tree that the log covers with a list of
// files, by SHA-256 or, if the list has none, by size and CRC-32.
func differing(list []archive.File, tree *Tree, sha bool) []Problem {
	byPath := tree.index()
	wanted := make(map[string]bool, len(list))
	var problems []Problem
	for i := range list {
		want := &list[i]
		if !covered(want.Path) {
			continue
		}
		wanted[want.Path] = true
		have := byPath[want.Path]
		switch {
		case have == nil:
			problems = append(problems, Problem{want.Path, Missing})
		case have.Size != want.Size || have.CRC32 != want.CRC32 || sha && have.SHA256 != want.SHA256:
			problems = append(problems, Problem{want.Path, Modified})
		}
	}
	for path := range byPath {
		if !wanted[path] && covered(path) && !goModCopy(byPath, path) {
			problems = append(problems, Problem{path, Extra})
		}
	}
	return sortProblems(problems)
}
