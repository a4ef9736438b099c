package trust

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

var born = time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)

// identity returns the one user id of a made-up certificate.
func (s *signer) identity() *openpgp.Identity { return s.entity.PrimaryIdentity() }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rebind changes the self-signature of the subkey.
func (s *signer) rebind(t *testing.T, change func(*packet.Signature)) {
	t.Helper()
	sub := s.subkey()
	change(sub.Sig)
	must(t, sub.Sig.SignKey(sub.PublicKey, s.entity.PrivateKey, &s.cfg))
}

// certify signs the user id again, or revokes it.
func (s *signer) certify(t *testing.T, sig *packet.Signature) {
	t.Helper()
	must(t, sig.SignUserId(s.identity().Name, s.entity.PrimaryKey, s.entity.PrivateKey, &s.cfg))
}

// revocation returns an unsigned revocation that gives no reason.
func (s *signer) revocation(kind packet.SignatureType) *packet.Signature {
	key := s.entity.PrimaryKey
	return &packet.Signature{Version: 4, SigType: kind, PubKeyAlgo: key.PubKeyAlgo, Hash: crypto.SHA256, CreationTime: born, IssuerKeyId: &key.KeyId}
}

// revokeAll revokes the whole certificate.
func (s *signer) revokeAll(t *testing.T, why packet.ReasonForRevocation, at time.Time) {
	t.Helper()
	cfg := s.cfg
	cfg.Time = func() time.Time { return at }
	must(t, s.entity.RevokeKey(why, "", &cfg))
}

// rsaSubkey adds a signing subkey of the given length.
func (s *signer) rsaSubkey(t *testing.T, bits int) {
	t.Helper()
	cfg := s.cfg
	cfg.Algorithm, cfg.RSABits = packet.PubKeyAlgoRSA, bits
	must(t, s.entity.AddSigningSubkey(&cfg))
}

// A signature counts if its key, and the certificate around it, were fit to
// sign when it was made. Each case is one rule.
func TestKeyring_rulesOfCertificates(t *testing.T) {
	t.Parallel()
	const life = 100 * day
	seconds := uint32(life / time.Second)
	shortCertificate := func(t *testing.T, s *signer) {
		s.identity().SelfSignature.KeyLifetimeSecs = &seconds
		s.certify(t, s.identity().SelfSignature)
	}
	for _, tt := range []struct {
		name   string
		change func(*testing.T, *signer)
		at     time.Duration // after the key was made
		want   string        // empty: good
	}{
		{"unchanged", func(*testing.T, *signer) {}, 10 * day, ""},
		{"subkey for authentication", func(t *testing.T, s *signer) {
			s.rebind(t, func(b *packet.Signature) { b.FlagSign, b.FlagAuthenticate, b.EmbeddedSignature = false, true, nil })
		}, 10 * day, "is not a signing key"},
		{"subkey without flags", func(t *testing.T, s *signer) {
			s.rebind(t, func(b *packet.Signature) { b.FlagsValid, b.FlagSign, b.EmbeddedSignature = false, false, nil })
		}, 10 * day, "is not a signing key"},
		{"certificate not yet expired", shortCertificate, life - day, ""},
		{"certificate expired before its subkey", shortCertificate, life + day, "certificate"},
		{"certificate compromised later", func(t *testing.T, s *signer) {
			s.revokeAll(t, packet.KeyCompromised, born.Add(life))
		}, 10 * day, "is revoked"},
		{"certificate superseded later", func(t *testing.T, s *signer) {
			s.revokeAll(t, packet.KeySuperseded, born.Add(life))
		}, 10 * day, ""},
		{"certificate superseded before", func(t *testing.T, s *signer) {
			s.revokeAll(t, packet.KeySuperseded, born.Add(life))
		}, life + day, "is revoked"},
		{"user id revoked", func(t *testing.T, s *signer) {
			r := s.revocation(packet.SigTypeCertificationRevocation)
			s.certify(t, r)
			s.identity().Signatures = append(s.identity().Signatures, r)
		}, 10 * day, "is revoked"},
		{"user id revoked and never certified", func(t *testing.T, s *signer) {
			r := s.revocation(packet.SigTypeCertificationRevocation)
			s.certify(t, r)
			s.identity().Signatures = []*packet.Signature{r}
		}, 10 * day, "has no valid self-signature"},
		{"subkey revoked for no reason", func(t *testing.T, s *signer) {
			r := s.revocation(packet.SigTypeSubkeyRevocation)
			must(t, r.RevokeSubkey(s.subkey().PublicKey, s.entity.PrivateKey, &s.cfg))
			s.subkey().Revocations = append(s.subkey().Revocations, r)
		}, 10 * day, "is revoked"},
		{"subkey superseded later", func(t *testing.T, s *signer) {
			revoke(t, s, packet.KeySuperseded, born.Add(life))
		}, 10 * day, ""},
		{"RSA of 1024 bits", func(t *testing.T, s *signer) { s.rsaSubkey(t, 1024) }, 10 * day, "too short"},
		{"RSA of 2048 bits", func(t *testing.T, s *signer) { s.rsaSubkey(t, minRSABits) }, 10 * day, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, keyring := newSigner(t, born, 1000*day), google(t)
			tt.change(t, s)
			must(t, keyring.Add("mirror", s.public(t)))
			sig, err := ParseSignature(s.sign(t, "x", born.Add(tt.at), nil))
			must(t, err)
			h := sig.NewHash()
			h.Write([]byte("x"))
			_, err = keyring.Verify(sig, h, testNow)
			if tt.want != "" {
				wantInvalid(t, err, tt.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// stiff is a hash that cannot be copied, or fails to be.
type stiff struct{ hash.Hash }

type uncopied struct{ hash.Cloner }

func (uncopied) Clone() (hash.Cloner, error) { return nil, errors.New("no copy") }

func TestKeyring_hashOfTheBytes(t *testing.T) {
	t.Parallel()
	s, keyring := newSigner(t, born, 1000*day), google(t)
	must(t, keyring.Add("mirror", s.public(t)))
	for _, tt := range []struct {
		signed crypto.Hash
		given  hash.Hash // nil: the one that the signature asks for
		want   string
	}{
		{crypto.SHA256, nil, ""},
		{crypto.SHA384, nil, ""},
		{crypto.SHA512, nil, ""},
		{crypto.SHA512, sha256.New(), "another algorithm"},
		{crypto.SHA256, stiff{sha256.New()}, "cannot be copied"},
		{crypto.SHA256, uncopied{sha256.New().(hash.Cloner)}, "no copy"},
	} {
		sig, err := ParseSignature(s.sign(t, "x", born.Add(day), func(p *packet.Signature) { p.Hash = tt.signed }))
		must(t, err)
		if sig.SHA256() != (tt.signed == crypto.SHA256) {
			t.Errorf("%v is SHA-256: %v", tt.signed, sig.SHA256())
		}
		h := tt.given
		if h == nil {
			h = sig.NewHash()
		}
		h.Write([]byte("x"))
		if _, err = keyring.Verify(sig, h, testNow); tt.want != "" {
			wantInvalid(t, err, tt.want)
		} else if err != nil {
			t.Errorf("%v: %v", tt.signed, err)
		}
	}
}

// A signature may name its key by fingerprint, by id, or by both.
func TestSignature_namesItsKey(t *testing.T) {
	t.Parallel()
	s, keyring := newSigner(t, born, 1000*day), google(t)
	must(t, keyring.Add("mirror", s.public(t)))
	sub := s.subkey()
	id, whole := sub.PublicKey.KeyIdString(), fingerprint(sub.PublicKey)
	withoutID := func(p *packet.Signature) { p.IssuerKeyId = nil }
	verify := func(change func(*packet.Signature)) (*Signature, error) {
		sig, err := ParseSignature(s.sign(t, "x", born.Add(day), change))
		if err != nil {
			return nil, err
		}
		h := sig.NewHash()
		h.Write([]byte("x"))
		_, err = keyring.Verify(sig, h, testNow)
		return sig, err
	}
	if sig, err := verify(withoutID); err != nil || sig.KeyID() != whole {
		t.Errorf("by fingerprint: %v", err)
	}
	fingerprint := sub.PrivateKey.Fingerprint
	sub.PrivateKey.Fingerprint = bytes.Clone(fingerprint)
	sub.PrivateKey.Fingerprint[0]++
	_, err := verify(nil)
	wantInvalid(t, err, "which is not accepted") // the right id does not help a wrong fingerprint
	sub.PrivateKey.Fingerprint = nil
	if sig, err := verify(nil); err != nil || sig.KeyID() != id {
		t.Errorf("by id: %v", err)
	}
	_, err = verify(withoutID)
	wantInvalid(t, err, "it has no key ID")
}

func TestSignature_lifetime(t *testing.T) {
	t.Parallel()
	s := newSigner(t, born, 1000*day)
	for life, want := range map[time.Duration]string{0: "", time.Hour: "has expired", testNow.Sub(born): "", testNow.Sub(born) - time.Second: "has expired"} {
		seconds := uint32(life / time.Second)
		sig, err := ParseSignature(s.sign(t, "x", born, func(p *packet.Signature) { p.SigLifetimeSecs = &seconds }))
		must(t, err)
		sig.packet.SigLifetimeSecs = &seconds // the library writes no 0
		if err := sig.timely(testNow); want != "" {
			wantInvalid(t, err, want)
		} else if err != nil {
			t.Errorf("%v: %v", life, err)
		}
	}
}

// The certificate that the program carries is Google's and nothing else.
func TestNewKeyring_pinned(t *testing.T) {
	t.Parallel()
	body, err := dearmor(googleCertificate, openpgp.PublicKeyType)
	must(t, err)
	real, err := io.ReadAll(body)
	must(t, err)
	other := newSigner(t, born, 1000*day).public(t)
	for want, certificate := range map[string][]byte{
		"not the pinned one": other, "is not the pinned one, ": append(bytes.Clone(real), other...), "cannot read": []byte("junk"),
	} {
		_, err := newKeyring(certificate)
		wantInvalid(t, err, want)
	}
	if _, err := newKeyring(real); err != nil {
		t.Error(err)
	}
}

func TestKeyring_kindsOfKeys(t *testing.T) {
	t.Parallel()
	for _, kind := range []packet.PublicKeyAlgorithm{packet.PubKeyAlgoDSA, packet.PubKeyAlgoElGamal} {
		if err := strongKey(&packet.PublicKey{PubKeyAlgo: kind}); err == nil {
			t.Errorf("a key of kind %d is accepted", kind)
		}
	}
}

// versionSix makes a certificate of the newer kind, which has no user id.
func versionSix(t *testing.T) (*openpgp.Entity, *packet.Config) {
	t.Helper()
	cfg := &packet.Config{Algorithm: packet.PubKeyAlgoEd25519, V6Keys: true, DefaultHash: crypto.SHA256, Time: func() time.Time { return born }}
	e, err := openpgp.NewEntity("six", "", "six@example.com", cfg)
	must(t, err)
	return e, cfg
}

func TestKeyring_versionSix(t *testing.T) {
	t.Parallel()
	e, cfg := versionSix(t)
	must(t, e.AddSigningSubkey(cfg))
	six, impostor, keyring := &signer{e, *cfg}, newSigner(t, born, 1000*day), google(t)
	must(t, keyring.Add("mirror", six.public(t)))
	impostor.subkey().PrivateKey.Fingerprint = nil
	sig, err := ParseSignature(impostor.sign(t, "x", born.Add(day), func(p *packet.Signature) { p.IssuerKeyId = &six.subkey().PublicKey.KeyId }))
	must(t, err)
	h := sig.NewHash()
	h.Write([]byte("x"))
	_, err = keyring.Verify(sig, h, testNow)
	wantInvalid(t, err, "does not match these bytes")
}

func TestParseSignature_versionsAndArmor(t *testing.T) {
	t.Parallel()
	e, cfg := versionSix(t)
	six := &packet.Signature{Version: 6, SigType: packet.SigTypeBinary, PubKeyAlgo: e.PrimaryKey.PubKeyAlgo, Hash: crypto.SHA256, CreationTime: born}
	h, err := six.PrepareSign(cfg)
	must(t, err)
	must(t, six.Sign(h, e.PrivateKey, cfg))
	_, err = ParseSignature(armored(t, openpgp.SignatureType, six.Serialize))
	wantInvalid(t, err, "its version is 6")
	_, err = ParseSignature([]byte("-----BEGIN PGP SIGNATURE\n"))
	wantInvalid(t, err, "its armor is broken")
	_, err = ParseSignature(make([]byte, MaxSignatureSize))
	wantInvalid(t, err, "not an OpenPGP packet")
}
