package store

import (
	"encoding/json"
	"errors"
	"io/fs"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// What a release consists of: all that the official archive has, or what the
// toolchain module has, which lacks api, doc, misc and test.
const (
	ContentsFull   = "full"
	ContentsModule = "module"
)

// Receipt records where a release came from and what was checked.
type Receipt struct {
	Format        int               `json:"format"`
	Version       string            `json:"version"`
	Platform      string            `json:"platform"` // "linux-amd64"
	Source        string            `json:"source"`   // "goproxy", "godev", ...
	URL           string            `json:"url"`      // without credentials
	Contents      string            `json:"contents"` // ContentsFull or ContentsModule
	ArchiveSHA256 string            `json:"archive_sha256,omitempty"`
	ArchiveBytes  int64             `json:"archive_bytes,omitempty"`
	FetchedBytes  int64             `json:"fetched_bytes"` // less than the archive where a neighbour had the rest
	H1            string            `json:"h1"`            // of the tree, by the rule of the checksum database
	Proofs        map[string]string `json:"proofs"`        // "passed", or "unavailable: " and why
	InstalledAt   time.Time         `json:"installed_at"`
	VmgoVersion   string            `json:"vmgo_version"`
	Files         int               `json:"files"`
	Bytes         int64             `json:"bytes"`
	LinkedFiles   int               `json:"linked_files"` // shared with releases installed earlier
	LinkedBytes   int64             `json:"linked_bytes"`
	// Signer made the OpenPGP signature, if that proof passed.
	Signer *Signer `json:"signer,omitempty"`
	// LogProof is the proof of the checksum database, which can be verified
	// again without network.
	LogProof json.RawMessage `json:"log_proof,omitempty"`
	// Rebuilt is set once the binaries were built again and were equal.
	Rebuilt *Rebuilt `json:"rebuilt,omitempty"`
	// ManifestSHA256 ties the manifest to this receipt.
	ManifestSHA256 string `json:"manifest_sha256"`
}

// Signer is the key that signed an archive.
type Signer struct {
	Primary  string    `json:"primary"` // fingerprint of the certificate
	Key      string    `json:"key"`     // fingerprint of the key itself, often a subkey
	Keyring  string    `json:"keyring"` // "built-in", or the file of VMGO_KEYRING
	SignedAt time.Time `json:"signed_at"`
}

// Receipt reads the receipt of an installed release.
func (s *Store) Receipt(v gover.Version) (Receipt, error) {
	r, _, err := s.readReceipt(v)
	return r, err
}

// readReceipt returns the receipt, and its text.
func (s *Store) readReceipt(v gover.Version) (Receipt, []byte, error) {
	data, err := smallfile.Read(s.receiptPath(v), smallfile.Usual)
	if errors.Is(err, fs.ErrNotExist) {
		return Receipt{}, nil, diag.Wrap(diag.Tampered, err, "go "+v.String()+" in "+s.dir+" has no receipt", "vmgo install --reinstall "+v.String())
	}
	if err != nil {
		return Receipt{}, nil, err
	}
	var r Receipt
	err = fsx.Decode("the receipt "+s.receiptPath(v), data, receiptFormat, &r)
	if diag.CodeOf(err) == diag.NewerFormat {
		return Receipt{}, nil, err
	}
	if err != nil || r.Version != v.String() {
		return Receipt{}, nil, diag.Wrap(diag.Tampered, err, "the receipt "+s.receiptPath(v)+" cannot be read as that of "+v.String(), "vmgo install --reinstall "+v.String())
	}
	return r, data, nil
}
