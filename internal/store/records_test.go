package store_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/store"
)

// Each way in which a record is not that of its release has its code.
func TestStore_records(t *testing.T) {
	t.Parallel()
	const receipt, manifest = ".vmgo/receipts/1.22.5.json", ".vmgo/manifests/1.22.5"
	for name, c := range map[string]struct {
		damage             func(s *store.Store) error
		receipt, manifest  diag.Code // "" for none
		receiptIs, unended error     // beneath the error
	}{
		"nothing":           {damage: func(*store.Store) error { return nil }},
		"no receipt":        {func(s *store.Store) error { return os.Remove(s.Dir() + "/" + receipt) }, diag.Tampered, diag.Tampered, os.ErrNotExist, nil},
		"a loop as receipt": {func(s *store.Store) error { return loop(s.Dir() + "/" + receipt) }, diag.Failure, diag.Failure, syscall.ELOOP, nil},
		"receipt cut":       {func(s *store.Store) error { return os.Truncate(s.Dir()+"/"+receipt, 20) }, diag.Tampered, diag.Tampered, nil, nil},
		"no manifest":       {func(s *store.Store) error { return os.Remove(s.Dir() + "/" + manifest) }, "", diag.Tampered, nil, os.ErrNotExist},
		"a loop as manifest": {func(s *store.Store) error { return loop(s.Dir() + "/" + manifest) }, "", diag.Failure,
			nil, syscall.ELOOP},
		"manifest cut":    {func(s *store.Store) error { return os.Truncate(s.Dir()+"/"+manifest, 500) }, "", diag.Tampered, nil, nil},
		"manifest edited": {func(s *store.Store) error { return rewrite(s, false, " 644 ", " 755 ") }, "", diag.Tampered, nil, nil},
		"no manifest at all, and the receipt says so": {func(s *store.Store) error { return rewrite(s, true, "format 1", "junk") }, "", diag.Tampered, nil, nil},
		"of a newer program":                          {func(s *store.Store) error { return rewrite(s, true, "format 1", "format 2") }, "", diag.NewerFormat, nil, nil},
		"of another": {func(s *store.Store) error {
			return os.Rename(s.Dir()+"/.vmgo/receipts/1.22.4.json", s.Dir()+"/"+receipt)
		}, diag.Tampered, diag.Tampered, nil, nil},
	} {
		s := open(t, store.Options{})
		mustPut(t, s, "1.22.5", "1.22.4")
		if err := c.damage(s); err != nil {
			t.Fatal(err)
		}
		v := version(t, "1.22.5")
		_, errR := s.Receipt(v)
		m, errM := s.Manifest(v)
		if code(errR) != c.receipt || code(errM) != c.manifest || (len(m) > 0) != (errM == nil) ||
			c.receiptIs != nil && !errors.Is(errR, c.receiptIs) || c.unended != nil && !errors.Is(errM, c.unended) {
			t.Errorf("%s: receipt %v, manifest %v", name, errR, errM)
		}
	}
}

// rewrite changes the manifest of 1.22.5, and the digest in its receipt with it if told so.
func rewrite(s *store.Store, both bool, old, new string) error {
	path, receipt := filepath.Join(s.Dir(), ".vmgo/manifests/1.22.5"), filepath.Join(s.Dir(), ".vmgo/receipts/1.22.5.json")
	before, err := os.ReadFile(path)
	text, receiptErr := os.ReadFile(receipt)
	after := bytes.Replace(before, []byte(old), []byte(new), 1)
	if both {
		sum := func(b []byte) []byte { return fmt.Appendf(nil, "%x", sha256.Sum256(b)) }
		text = bytes.Replace(text, sum(before), sum(after), 1)
	}
	return errors.Join(err, receiptErr, os.WriteFile(path, after, 0o644), os.WriteFile(receipt, text, 0o644))
}

func code(err error) diag.Code {
	if err == nil {
		return ""
	}
	return diag.CodeOf(err)
}
