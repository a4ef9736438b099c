package install

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
)

// officialPatience limits the wait for the official server, which networks
// that need a mirror often cannot reach.
func officialPatience() fetch.Patience {
	return fetch.Patience{Connection: 6 * time.Second, Answer: 12 * time.Second}
}

// signature gets the detached signature from the first server that has one, the
// official server last: a mirror that withholds a signature decides nothing. A
// signature that no server has is named in the receipt; one that cannot be read
// is a failed check.
func (tx *transaction) signature(ctx context.Context, a release.Artifact, proof *evidence) error {
	official := release.OfficialSignature(tx.in.Official, tx.version, tx.in.Platform)
	urls := a.Signatures
	if official != "" && !slices.Contains(urls, official) {
		urls = append(slices.Clone(urls), official)
	}
	var missing []string
	for _, url := range urls {
		patience := fetch.Patience{}
		if url == official {
			patience = officialPatience()
		}
		data, _, err := tx.in.Fetcher.GetNewer(ctx, url, trust.MaxSignatureSize, fetch.Validator{}, patience)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case fetch.NotHere(err):
			missing = append(missing, "there is no signature at "+fetch.Redact(url))
			continue
		case err != nil:
			missing = append(missing, err.Error())
			continue
		}
		if proof.signature, err = trust.ParseSignature(data); err != nil {
			return diag.Wrap(diag.SignatureInvalid, err, "the signature at "+fetch.Redact(url))
		}
		proof.from = url
		return nil
	}
	if !release.IsSigned(tx.version) {
		missing = append(missing, "the Go project did not sign the archives of "+tx.version.Toolchain())
	}
	if len(missing) == 0 {
		missing = []string{"no server has a signature"}
	}
	proof.unsigned = strings.Join(missing, "; ")
	return nil
}

func (tx *transaction) judgeSignature(got unpacked, proof *evidence, proofs trust.Proofs) (*store.Signer, error) {
	if proof.signature == nil {
		proofs[trust.OpenPGP] = trust.Unavailable(proof.unsigned)
		return nil, nil
	}
	signer, err := tx.in.Keyring.Verify(proof.signature, got.signed, tx.in.now())
	if err != nil {
		return nil, diag.Wrap(diag.SignatureInvalid, err, fmt.Sprintf("the archive of %s from %s with the signature from %s",
			tx.version.Toolchain(), fetch.Redact(got.url), fetch.Redact(proof.from)), diag.HintsOf(err)...)
	}
	proofs[trust.OpenPGP] = trust.Passed
	return &store.Signer{Primary: signer.Primary, Key: signer.Key, Keyring: signer.Keyring, SignedAt: signer.Time}, nil
}

// onlyCovered takes out of the stage what the log does not reach.
func onlyCovered(files []archive.File, stage *store.Stage) ([]archive.File, error) {
	tops := map[string]bool{}
	kept := slices.DeleteFunc(slices.Clone(files), func(f archive.File) bool {
		_, ok := trust.ModuleName(f.Path)
		if !ok {
			top, _, _ := strings.Cut(f.Path, "/")
			tops[top] = true
		}
		return !ok
	})
	for top := range tops {
		if err := stage.Drop(top); err != nil {
			return nil, err
		}
	}
	return kept, nil
}
