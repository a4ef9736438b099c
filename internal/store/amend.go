package store

import (
	"context"
	"errors"

	"github.com/vmgo/vmgo/internal/gover"
)

// AmendReceipt changes the receipt of an installed release: a proof that was
// not available at install can be added later. What ties the receipt to the
// manifest is kept, and so are fields that a newer vmgo added.
func (s *Store) AmendReceipt(ctx context.Context, v gover.Version, change func(*Receipt), wait Wait) (err error) {
	h, err := s.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	lock, err := s.lockRelease(ctx, h, v, wait)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	r, before, err := s.readReceipt(v)
	if err != nil {
		return err
	}
	version, digest := r.Version, r.ManifestSHA256
	change(&r)
	r.Version, r.ManifestSHA256 = version, digest
	text, err := encodeReceipt(r, before)
	if err != nil {
		return err
	}
	return s.fault(h.receipts.WriteFile(receiptOf(v), text, 0o644))
}
