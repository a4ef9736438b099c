package trust

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/vmgo/vmgo/internal/diag"
)

// MaxSignatureSize bounds a detached signature; Go's are 833 bytes.
const MaxSignatureSize = 64 << 10

// Signature is a detached OpenPGP signature that was read but not yet
// verified. It is of a kind that can count: version 4, over a binary document,
// with a hash that is not weak.
type Signature struct {
	packet *packet.Signature
}

// ParseSignature reads a detached signature, armored or binary.
func ParseSignature(data []byte) (*Signature, error) {
	sig, err := parseSignature(data)
	if err != nil {
		return nil, diag.Wrap(diag.SignatureInvalid, err, "cannot use the OpenPGP signature")
	}
	return &Signature{sig}, nil
}

func parseSignature(data []byte) (*packet.Signature, error) {
	if len(data) > MaxSignatureSize {
		return nil, fmt.Errorf("it is larger than %d bytes", MaxSignatureSize)
	}
	body, err := dearmor(data, openpgp.SignatureType)
	if err != nil {
		return nil, err
	}
	p, err := packet.Read(body)
	if err != nil {
		return nil, fmt.Errorf("it is not an OpenPGP packet: %w", err)
	}
	sig, ok := p.(*packet.Signature)
	if !ok {
		return nil, errors.New("it is not an OpenPGP signature packet")
	}
	if _, err := packet.Read(body); !errors.Is(err, io.EOF) {
		return nil, errors.New("it holds more than one packet")
	}
	switch {
	case sig.Version != 4:
		return nil, fmt.Errorf("its version is %d, not 4", sig.Version)
	case sig.SigType != packet.SigTypeBinary:
		return nil, fmt.Errorf("its type is 0x%02x, not 0x00 (a binary document)", int(sig.SigType))
	case !acceptedHash(sig.Hash):
		return nil, fmt.Errorf("its hash, %v, is too weak", sig.Hash)
	case sig.IssuerKeyId == nil: // the library takes it from the fingerprint, if there is one
		return nil, errors.New("it has no key ID")
	}
	return sig, nil
}

// NewHash starts the hash that the signed bytes must be written to before
// [Keyring.Verify].
func (s *Signature) NewHash() hash.Hash { return s.packet.Hash.New() }

// SHA256 reports whether the signature is over a SHA-256, so that the hash of
// the archive's checksum suffices.
func (s *Signature) SHA256() bool { return s.packet.Hash == crypto.SHA256 }

// Time returns the time in the signature, UTC.
func (s *Signature) Time() time.Time { return s.packet.CreationTime.UTC() }

// KeyID returns the key in the signature: its fingerprint, or if that is
// missing (signatures before 2023-09) its 64-bit id.
func (s *Signature) KeyID() string {
	if len(s.packet.IssuerFingerprint) > 0 {
		return fmt.Sprintf("%X", s.packet.IssuerFingerprint)
	}
	return fmt.Sprintf("%016X", *s.packet.IssuerKeyId)
}

// names reports whether key is the one that s names. A key id narrows the search
// and proves nothing; the signature itself does.
func (s *Signature) names(key *packet.PublicKey) bool {
	if len(s.packet.IssuerFingerprint) > 0 {
		return bytes.Equal(s.packet.IssuerFingerprint, key.Fingerprint)
	}
	return *s.packet.IssuerKeyId == key.KeyId
}

// timely returns an error for signatures that have expired or are from the future.
func (s *Signature) timely(now time.Time) error {
	made := s.packet.CreationTime
	if made.After(now.Add(clockSlack)) {
		return diag.New(diag.SignatureInvalid,
			fmt.Sprintf("the OpenPGP signature was made on %s, which is in the future", s.Time().Format(time.RFC3339)),
			"vmgo doctor   # is this machine's clock right?")
	}
	if life := s.packet.SigLifetimeSecs; life != nil && *life > 0 && now.After(made.Add(time.Duration(*life)*time.Second)) {
		return diag.New(diag.SignatureInvalid, fmt.Sprintf("the OpenPGP signature of %s has expired", s.Time().Format(time.RFC3339)))
	}
	return nil
}

// dearmor returns the packets in data: what is inside an armor block of the
// given type, or data itself where it is not armored.
func dearmor(data []byte, blockType string) (io.Reader, error) {
	if !bytes.Contains(data, []byte("-----BEGIN PGP ")) {
		return bytes.NewReader(data), nil
	}
	block, err := armor.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("its armor is broken: %w", err)
	}
	if block.Type != blockType {
		return nil, fmt.Errorf("it is a %q, not a %q", block.Type, blockType)
	}
	return block.Body, nil
}
