package vmtest

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// The certificates of the made-up signers are of 2020 and their subkeys live
// three years, as those of the real signer do: by now they have expired, and
// what they signed in their time is good.
const (
	signerBorn = 2020
	signerLife = 3
)

// signers are two certificates: the one that a keyring accepts, and a
// stranger's.
type signers struct{ good, stranger *openpgp.Entity }

// Signers names who can sign: "good"; "expired", the same key after its life;
// "stranger", a key that no keyring has.
func Signers() []string { return []string{"good", "expired", "stranger"} }

func newSigners() (*signers, error) {
	good, err1 := newSigner("vmtest")
	stranger, err2 := newSigner("stranger")
	return &signers{good, stranger}, errors.Join(err1, err2)
}

func newSigner(name string) (*openpgp.Entity, error) {
	config := &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, DefaultHash: crypto.SHA256,
		Time: func() time.Time { return time.Date(signerBorn, 1, 1, 0, 0, 0, 0, time.UTC) },
	}
	e, err := openpgp.NewEntity(name, "", name+"@vmtest.invalid", config)
	if err != nil {
		return nil, err
	}
	config.KeyLifetimeSecs = signerLife * 365 * 24 * 3600
	return e, e.AddSigningSubkey(config)
}

func (s *Server) getSigners() (*signers, error) {
	s.godev.mu.Lock()
	defer s.godev.mu.Unlock()
	var err error
	if s.godev.signers == nil {
		s.godev.signers, err = newSigners()
	}
	return s.godev.signers, err
}

// Keyring is the certificate that the server's signatures are by, for
// VMGO_KEYRING.
func (s *Server) Keyring() ([]byte, error) {
	signers, err := s.getSigners()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = signers.good.Serialize(&b)
	return b.Bytes(), err
}

// Sign makes a detached armored signature; see [Signers].
func (s *Server) Sign(data []byte, by string) ([]byte, error) {
	signers, err := s.getSigners()
	if err != nil {
		return nil, err
	}
	who, at := signers.good, time.Date(signerBorn+1, 6, 1, 0, 0, 0, 0, time.UTC)
	switch by {
	case "good":
	case "expired":
		at = time.Date(signerBorn+signerLife+1, 1, 1, 0, 0, 0, 0, time.UTC)
	case "stranger":
		who = signers.stranger
	default:
		return nil, fmt.Errorf("no signer %s; there are %v", by, Signers())
	}
	sub := who.Subkeys[len(who.Subkeys)-1]
	sig := &packet.Signature{
		Version: 4, SigType: packet.SigTypeBinary, PubKeyAlgo: sub.PublicKey.PubKeyAlgo, Hash: crypto.SHA256,
		CreationTime: at, IssuerKeyId: &sub.PublicKey.KeyId,
	}
	h := sig.Hash.New()
	_, _ = h.Write(data)
	if err := sig.Sign(h, sub.PrivateKey, &packet.Config{Time: func() time.Time { return at }}); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.SignatureType, nil)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(sig.Serialize(w), w.Close()); err != nil {
		return nil, err
	}
	return append(b.Bytes(), '\n'), nil
}
