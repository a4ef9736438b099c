package verify

import (
	"context"
	"encoding/json"
	"path/filepath"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/store"
)

// keptRebuild finds the result of an earlier rebuild of a tree with exactly these
// contents, in the receipt or in the user's state.
func (v *Verifier) keptRebuild(t Target, key string) (store.Rebuilt, bool) {
	if t.Store != nil {
		if r, err := t.Store.Receipt(t.Version); err == nil && r.Rebuilt != nil && r.Rebuilt.Tree == key {
			return *r.Rebuilt, true
		}
	}
	var kept store.Rebuilt
	if v.StateDir == "" {
		return kept, false
	}
	data, err := smallfile.Read(v.rebuildNote(key), smallfile.Usual)
	return kept, err == nil && json.Unmarshal(data, &kept) == nil && kept.Tree == key
}

// keepRebuild adds a result to the receipt, or keeps it in the user's state if
// the store belongs to another user or there is no receipt.
func (v *Verifier) keepRebuild(ctx context.Context, t Target, result store.Rebuilt) error {
	if t.Store != nil {
		err := t.Store.AmendReceipt(ctx, t.Version, func(r *store.Receipt) { r.Rebuilt = &result }, store.Wait{No: true})
		if code := diag.CodeOf(err); err == nil || code != diag.StoreNotWritable && code != diag.StoreBusy {
			return err
		}
	}
	if v.StateDir == "" {
		return nil
	}
	data, err := json.Marshal(result)
	if err != nil {
		return err
	}
	if err := fsx.MkdirAll(filepath.Join(v.StateDir, "rebuilt"), 0o700); err != nil {
		return err
	}
	return fsx.WriteFile(v.rebuildNote(result.Tree), append(data, '\n'), 0o600)
}

func (v *Verifier) rebuildNote(key string) string {
	return filepath.Join(v.StateDir, "rebuilt", key[:16]+".json")
}
