// Package trust decides whether a release is what the Go project published.
// It checks three independent proofs: the SHA-256 of an index, Google's
// OpenPGP signature over an archive, and the record in the Go checksum
// database, a public append-only log, over the content of the tree. It does
// not read archives: digests come in, verdicts go out.
package trust

// Proofs has the result of each proof. Keys and values are part of
// the contract of --json and of receipts.
type Proofs map[Proof]string

// Proof names one kind of proof.
type Proof string

const (
	// SHA256 is the checksum that an index has for an archive.
	SHA256 Proof = "sha256"
	// OpenPGP is Google's signature over an archive.
	OpenPGP Proof = "openpgp"
	// ChecksumDB is the record in the checksum database.
	ChecksumDB Proof = "checksum_db"
)

// Passed is the value of a proof that holds. A proof that fails has no value:
// it is an error, and nothing is installed.
const Passed = "passed"

// Unavailable is the value of a proof that was not available.
func Unavailable(why string) string { return "unavailable: " + why }

// NewProofs returns the three proofs, all of them unavailable.
func NewProofs() Proofs {
	return Proofs{SHA256: Unavailable("not requested"), OpenPGP: Unavailable("not requested"), ChecksumDB: Unavailable("not requested")}
}

// Vouched reports whether another party than the server verifies the
// bytes: Google's key or the log. A checksum alone does not suffice.
func (p Proofs) Vouched() bool { return p[OpenPGP] == Passed || p[ChecksumDB] == Passed }
