package trust

import (
	"crypto"
	_ "crypto/sha512" // SHA-384 and SHA-512 signatures
	_ "embed"
	"errors"
	"fmt"
	"hash"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/vmgo/vmgo/internal/diag"
)

// GooglePrimary is the fingerprint of the primary key of the certificate that
// signs Go's archives. It is pinned beside the embedded certificate, so that a
// change of that file alone cannot change which key is accepted.
const GooglePrimary = "EB4C1BFD4F042F6DDDCCEC917721F63BD38B4796"

//go:embed google-linux-signing-key.asc
var googleCertificate []byte

// clockSlack is how far in the future the time of an accepted signature may
// be: a clock that is off by a zone is common on a fresh VM.
const clockSlack = 24 * time.Hour

// minRSABits is the shortest RSA key whose signatures count.
const minRSABits = 2048

// Keyring holds the certificates whose signatures over an archive count. It
// is read-only once filled.
type Keyring struct {
	certs []certificate
}

type certificate struct {
	entity *openpgp.Entity
	origin string
}

// Signer is the key that signed an archive, for the receipt.
type Signer struct {
	Primary string    // fingerprint of the certificate's primary key, upper-case hex
	Key     string    // fingerprint of the key that made the signature; Primary itself or a subkey
	Keyring string    // where the certificate came from: "built-in" or a path
	Time    time.Time // when the signature says it was made, UTC
}

// NewKeyring returns a keyring with only Google's certificate.
func NewKeyring() (*Keyring, error) { return newKeyring(googleCertificate) }

func newKeyring(certificate []byte) (*Keyring, error) {
	k := &Keyring{}
	if err := k.Add("built-in", certificate); err != nil {
		return nil, err
	}
	if len(k.certs) != 1 || fingerprint(k.certs[0].entity.PrimaryKey) != GooglePrimary {
		return nil, diag.New(diag.SignatureInvalid, "the built-in OpenPGP certificate is not the pinned one, "+GooglePrimary)
	}
	return k, nil
}

// Add accepts every certificate in data, armored or binary. origin is named in
// errors and receipts. VMGO_KEYRING uses it: for a private mirror
// that signs again.
func (k *Keyring) Add(origin string, data []byte) error {
	body, err := dearmor(data, openpgp.PublicKeyType)
	if err != nil {
		return diag.Wrap(diag.SignatureInvalid, err, "cannot read the OpenPGP keyring "+origin)
	}
	entities, err := openpgp.ReadKeyRing(body)
	if err == nil && len(entities) == 0 {
		err = errors.New("it holds no certificate")
	}
	if err != nil {
		return diag.Wrap(diag.SignatureInvalid, err, "cannot read the OpenPGP keyring "+origin)
	}
	for _, e := range entities {
		k.certs = append(k.certs, certificate{e, origin})
	}
	return nil
}

// Primaries lists the fingerprints of the accepted certificates.
func (k *Keyring) Primaries() []string {
	var list []string
	for _, c := range k.certs {
		list = append(list, fingerprint(c.entity.PrimaryKey))
	}
	return list
}

// Verify checks that s is a good signature, by an accepted key, over the bytes
// that were written to h, a hash from [Signature.NewHash]. h is not changed, so
// its sum may be taken as well.
//
// The key is judged at the time of the signature, not now: subkeys live three
// years, and a release stays valid when its key retires. Only the signature's own
// expiry and a time in the future are checked against the present.
func (k *Keyring) Verify(s *Signature, h hash.Hash, now time.Time) (Signer, error) {
	if err := s.timely(now); err != nil {
		return Signer{}, err
	}
	var refused error
	for _, c := range k.certs {
		for _, key := range c.keys() {
			if !s.names(key.public) {
				continue
			}
			if err := s.check(c, key, h); err != nil {
				refused = err
				continue
			}
			return Signer{
				Primary: fingerprint(c.entity.PrimaryKey), Key: fingerprint(key.public),
				Keyring: c.origin, Time: s.Time(),
			}, nil
		}
	}
	if refused != nil {
		return Signer{}, diag.Wrap(diag.SignatureInvalid, refused, "the OpenPGP signature is not valid")
	}
	return Signer{}, diag.New(diag.SignatureInvalid,
		"the OpenPGP signature is by key "+s.KeyID()+", which is not accepted",
		"vmgo config -w VMGO_KEYRING=FILE   # the certificate of a mirror that signs again")
}

// signingKey is a key of a certificate with the self-signature that says what
// it may do and how long it lives.
type signingKey struct {
	public      *packet.PublicKey
	binding     *packet.Signature
	revocations []*packet.Signature
}

// keys lists the primary key and the subkeys. The library has checked the
// bindings and cross-signatures while reading.
func (c certificate) keys() []signingKey {
	self, _ := c.entity.PrimarySelfSignature()
	list := []signingKey{{c.entity.PrimaryKey, self, c.entity.Revocations}}
	for _, sub := range c.entity.Subkeys {
		list = append(list, signingKey{sub.PublicKey, sub.Sig, sub.Revocations})
	}
	return list
}

// check verifies s with key, which must have been fit to sign at s's time, and
// so must its certificate.
func (s *Signature) check(c certificate, key signingKey, h hash.Hash) error {
	at := s.packet.CreationTime
	self, identity := c.entity.PrimarySelfSignature()
	name := fingerprint(key.public)
	switch {
	case self == nil:
		return fmt.Errorf("key %s has no valid self-signature", name)
	case !key.binding.FlagSign:
		return fmt.Errorf("key %s is not a signing key", name)
	case key.public.KeyExpired(key.binding, at):
		return fmt.Errorf("key %s was not valid when the signature was made, on %s", name, s.Time().Format(time.RFC3339))
	case c.entity.PrimaryKey.KeyExpired(self, at):
		return fmt.Errorf("certificate %s was not valid on %s", fingerprint(c.entity.PrimaryKey), s.Time().Format(time.RFC3339))
	case revokedAt(key.revocations, at) || revokedAt(c.entity.Revocations, at) ||
		identity != nil && revokedAt(identity.Revocations, at):
		return fmt.Errorf("key %s is revoked", name)
	}
	if err := strongKey(key.public); err != nil {
		return err
	}
	cloner, ok := h.(hash.Cloner)
	if !ok {
		return errors.New("the hash cannot be copied")
	}
	fork, err := cloner.Clone()
	if err != nil {
		return err
	}
	if fork.Size() != s.packet.Hash.Size() {
		return fmt.Errorf("the bytes were hashed with another algorithm than the signature's %v", s.packet.Hash)
	}
	if err := key.public.VerifySignature(fork, s.packet); err != nil {
		return fmt.Errorf("it does not match these bytes: %w", err)
	}
	return nil
}

// revokedAt reports whether a revocation reaches back to at. Only a key that was
// retired or replaced keeps its earlier signatures; a compromised one, or one
// without a reason, has none that can be trusted.
func revokedAt(revocations []*packet.Signature, at time.Time) bool {
	for _, r := range revocations {
		soft := r.RevocationReason != nil &&
			(*r.RevocationReason == packet.KeyRetired || *r.RevocationReason == packet.KeySuperseded)
		if !soft || !r.CreationTime.After(at) {
			return true
		}
	}
	return false
}

func strongKey(key *packet.PublicKey) error {
	switch key.PubKeyAlgo {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSASignOnly:
		if bits, _ := key.BitLength(); bits < minRSABits { // 0 with an error
			return fmt.Errorf("key %s is an RSA key of %d bits, too short", fingerprint(key), bits)
		}
		return nil
	case packet.PubKeyAlgoECDSA, packet.PubKeyAlgoEdDSA, packet.PubKeyAlgoEd25519, packet.PubKeyAlgoEd448:
		return nil
	}
	return fmt.Errorf("key %s is of a kind that is not accepted", fingerprint(key))
}

// acceptedHash lists the hashes a document signature may use.
func acceptedHash(h crypto.Hash) bool {
	return h == crypto.SHA256 || h == crypto.SHA384 || h == crypto.SHA512
}

func fingerprint(key *packet.PublicKey) string {
	return strings.ToUpper(fmt.Sprintf("%x", key.Fingerprint))
}
