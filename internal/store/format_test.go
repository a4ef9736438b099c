package store_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/store"
)

// edit changes the fields of a receipt on the disk; nil takes one away.
func edit(t *testing.T, s *store.Store, v string, change map[string]any) string {
	t.Helper()
	path := filepath.Join(s.Dir(), ".vmgo/receipts", v+".json")
	fields := map[string]any{}
	data, err := os.ReadFile(path)
	if err := errors.Join(err, json.Unmarshal(data, &fields)); err != nil {
		t.Fatal(err)
	}
	for name, value := range change {
		fields[name] = value
		if value == nil {
			delete(fields, name)
		}
	}
	if data, err = json.Marshal(fields); err == nil {
		err = os.WriteFile(path, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestReceipt_ofBeforeThereWasANumber is of format 1.
func TestReceipt_ofBeforeThereWasANumber(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	mustPut(t, s, "1.22.5")
	v := version(t, "1.22.5")
	if r, err := s.Receipt(v); err != nil || r.Format != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	manifest := filepath.Join(s.Dir(), ".vmgo/manifests/1.22.5")
	text, err := os.ReadFile(manifest)
	old, numbered := bytes.CutPrefix(text, []byte("format 1\n"))
	if err := errors.Join(err, os.WriteFile(manifest, old, 0o644)); err != nil || !numbered {
		t.Fatalf("%v: %.20q", err, text)
	}
	sum := sha256.Sum256(old)
	edit(t, s, "1.22.5", map[string]any{"format": nil, "manifest_sha256": hex.EncodeToString(sum[:])})
	if list := faults(t, s); len(list) != 0 {
		t.Errorf("faults: %v", list)
	}
}

// TestReceipt_ofANewerProgram is refused and not written to; what needs no
// receipt goes on, and nothing is said to be damaged.
func TestReceipt_ofANewerProgram(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	mustPut(t, s, "1.22.5", "1.22.4")
	v := version(t, "1.22.5")
	path := edit(t, s, "1.22.5", map[string]any{"format": 2, "version": []string{"other", "type"}})
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Receipt(v); diag.CodeOf(err) != diag.NewerFormat || len(diag.HintsOf(err)) != 1 {
		t.Errorf("receipt: %v", err)
	}
	if _, err := s.Manifest(v); diag.CodeOf(err) != diag.NewerFormat {
		t.Errorf("manifest: %v", err)
	}
	if err := s.AmendReceipt(t.Context(), v, func(r *store.Receipt) { r.H1 = "x" }, store.Wait{}); diag.CodeOf(err) != diag.NewerFormat {
		t.Errorf("amend: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("was changed: %q, %v", after, err)
	}
	if !s.Has(v) {
		t.Error("not installed any more")
	}
	if list := faults(t, s); len(list) != 1 || list[0].Kind != store.FaultNewer || list[0].NeedsReinstall() {
		t.Errorf("faults: %v", list)
	}
	mustPut(t, s, "1.22.6") // shares with the other
	if err := s.Uninstall(t.Context(), v, false, store.Wait{}); err != nil {
		t.Error(err)
	}
}

// TestAmendReceipt_keepsFurtherFields: a field that a newer program added is not
// lost when this one writes.
func TestAmendReceipt_keepsFurtherFields(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	mustPut(t, s, "1.22.5")
	path := edit(t, s, "1.22.5", map[string]any{"further": map[string]int{"a": 1}})
	if err := s.AmendReceipt(t.Context(), version(t, "1.22.5"), func(r *store.Receipt) { r.URL = "changed" }, store.Wait{}); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Format  int
		URL     string
		Further map[string]int
	}
	data, err := os.ReadFile(path)
	if err := errors.Join(err, json.Unmarshal(data, &got)); err != nil || got.Format != 1 || got.URL != "changed" || got.Further["a"] != 1 {
		t.Errorf("%s, %v", data, err)
	}
	if list := faults(t, s); len(list) != 0 {
		t.Errorf("faults: %v", list)
	}
}
