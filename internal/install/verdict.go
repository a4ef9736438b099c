package install

import (
	"context"
	"slices"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
)

// elsewhere reports whether another source may do better. A failed check is final:
// no other source makes it good.
func elsewhere(err error) bool {
	return hasCode(err, diag.Network, diag.Offline, diag.NoSuchRelease, diag.UnsupportedPlatform, diag.Unproven)
}

// otherServer reports whether another server may have the file.
func otherServer(err error) bool {
	return hasCode(err, diag.Network, diag.NoSuchRelease)
}

// maybeMisled reports whether an extraction failed for what a damaged file of
// another release or a damaged partial download can cause too.
func maybeMisled(err error) bool {
	return hasCode(err, diag.ProofInvalid, diag.ChecksumMismatch, diag.ArchiveUnsafe)
}

// resumable reports whether an attempt that failed so may be resumed later. What
// failed a check is never used again.
func resumable(err error) bool {
	return err != nil && !hasCode(err, diag.ChecksumMismatch, diag.ArchiveUnsafe, diag.SignatureInvalid, diag.ProofInvalid, diag.LogForked)
}

// NotTheRelease reports whether an error says that a tree is not the release that
// it is taken for.
func NotTheRelease(err error) bool {
	return hasCode(err, diag.ProofInvalid, diag.ArchiveUnsafe)
}

func hasCode(err error, codes ...diag.Code) bool {
	return err != nil && slices.Contains(codes, diag.CodeOf(err))
}

// noSource returns the error of an install that no source could serve.
func noSource(failures []error) error {
	if len(failures) == 0 {
		return diag.New(diag.Failure, "no source of releases is set", "vmgo config -u VMGO_SOURCE")
	}
	return diag.Several(failures)
}

// unproved returns the error about a tree without a receipt, with what can be
// done where the checksum database could not say what it is.
func unproved(v gover.Version, goroot string, err error) error {
	switch {
	case hasCode(err, diag.Network, diag.Offline):
		return diag.Wrap(diag.CodeOf(err), err, goroot+" has no receipt, and the checksum database that could verify it cannot be reached",
			"vmgo adopt "+diag.Word(goroot)+" --proof FILE   # a receipt of the same release, from another machine")
	case hasCode(err, diag.NoSuchRelease, diag.Unproven):
		return diag.Wrap(diag.Unproven, err, goroot+" has no receipt, and the checksum database has no record of it",
			"vmgo install --reinstall "+v.String()+"   # replaces it")
	}
	return err
}

// interrupted gives errors that come of a stop their code.
func interrupted(ctx context.Context, v gover.Version, err error) error {
	if ctx.Err() == nil {
		return err
	}
	if diag.CodeOf(err) == diag.Interrupted { // of one request
		err = context.Cause(ctx)
	}
	return diag.Wrap(diag.Interrupted, err, "the install of "+v.Toolchain()+" was interrupted", "vmgo install "+v.String()+"   # resumes the downloads")
}
