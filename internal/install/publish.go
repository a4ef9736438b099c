package install

import (
	"context"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
)

// publish is the only way into the store. It asks for a proof of origin.
func (tx *transaction) publish(ctx context.Context, a release.Artifact, proofs trust.Proofs, files store.Manifest, stage *store.Stage) error {
	if !proofs.Vouched() {
		return diag.New(diag.Unproven, "nothing verifies "+tx.version.Toolchain()+" from "+fetch.Redact(a.URLs[0])+
			": neither the checksum database nor a signature", "vmgo install "+tx.version.String())
	}
	if err := tx.oldEnough(stage); err != nil {
		return err
	}
	tx.proofs = proofs
	tx.tell(Event{Kind: Verified, Source: a.Source, Proofs: proofs})
	r := &tx.receipt
	r.Version, r.Platform, r.Source, r.URL = tx.version.String(), tx.in.Platform.String(), a.Source, fetch.Redact(a.URLs[0])
	r.Proofs = make(map[string]string, len(proofs))
	for proof, state := range proofs {
		r.Proofs[string(proof)] = state
	}
	r.InstalledAt, r.VmgoVersion = tx.in.now().UTC(), tx.in.VmgoVersion
	r.Files, r.Bytes = len(files), files.Bytes()
	r.LinkedFiles, r.LinkedBytes = stage.Linked()
	return stage.Publish(ctx, files, *r, tx.req.Reinstall || tx.req.Full || tx.inPlace, tx.wait())
}
