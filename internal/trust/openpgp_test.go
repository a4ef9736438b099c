package trust

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/vmgo/vmgo/internal/diag"
)

// realFile is a published archive of which only the state of its SHA-256 after
// the last byte is kept: enough to verify the real signature over it.
type realFile struct {
	File, SHA256, Asc string
	State             []byte `json:"sha256_state_b64"`
}

func realFiles(t *testing.T) []realFile {
	t.Helper()
	data, err := os.ReadFile("testdata/sha256-midstates.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []realFile
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

func (f realFile) hash(t *testing.T) hash.Hash {
	t.Helper()
	h := sha256.New()
	if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(f.State); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != f.SHA256 {
		t.Fatalf("%s: restored state gives %s, want %s", f.File, got, f.SHA256)
	}
	return h
}

func (f realFile) signature(t *testing.T) *Signature {
	t.Helper()
	data, err := os.ReadFile("testdata/" + f.Asc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseSignature(data)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func google(t *testing.T) *Keyring {
	t.Helper()
	k, err := NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var testNow = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

func TestKeyring_realSignatures(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"go1.27.1.src.tar.gz": "0E225917414670F4442C250DFD533C07C264648F",
		"go1.27.0.src.tar.gz": "0E225917414670F4442C250DFD533C07C264648F",
		"go1.19.8.src.tar.gz": "8461EFA0E74ABAE010DE66994EB27DB2A3B88B8B", // expired by now, named by key id alone
	}
	for _, f := range realFiles(t) {
		h := f.hash(t)
		signer, err := google(t).Verify(f.signature(t), h, testNow)
		if err != nil {
			t.Errorf("%s: %v", f.File, err)
			continue
		}
		if signer.Primary != GooglePrimary || signer.Key != want[f.File] || signer.Keyring != "built-in" {
			t.Errorf("%s: signer %+v", f.File, signer)
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != f.SHA256 {
			t.Errorf("%s: Verify changed the hash", f.File)
		}
	}
}

func TestKeyring_realSignatureOverOtherBytes(t *testing.T) {
	t.Parallel()
	files := realFiles(t)
	for i, f := range files {
		other := files[(i+1)%len(files)]
		_, err := google(t).Verify(f.signature(t), other.hash(t), testNow)
		wantInvalid(t, err, "does not match these bytes")
		h := f.hash(t)
		h.Write([]byte{0})
		_, err = google(t).Verify(f.signature(t), h, testNow)
		wantInvalid(t, err, "does not match these bytes")
	}
}

func TestKeyring_signatureFromTheFuture(t *testing.T) {
	t.Parallel()
	f := realFiles(t)[0]
	_, err := google(t).Verify(f.signature(t), f.hash(t), time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	wantInvalid(t, err, "in the future")
}

func wantInvalid(t *testing.T, err error, text string) {
	t.Helper()
	if diag.CodeOf(err) != diag.SignatureInvalid || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v [%s], want signature-invalid with %q", err, diag.CodeOf(err), text)
	}
}

// signer is a made-up certificate: a primary key and one signing subkey.
type signer struct {
	entity *openpgp.Entity
	cfg    packet.Config
}

func newSigner(t *testing.T, created time.Time, life time.Duration) *signer {
	t.Helper()
	cfg := packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, DefaultHash: crypto.SHA256, Time: func() time.Time { return created }}
	e, err := openpgp.NewEntity("vmgo test", "", "test@example.com", &cfg)
	if err != nil {
		t.Fatal(err)
	}
	sub := cfg
	sub.KeyLifetimeSecs = uint32(life / time.Second)
	if err := e.AddSigningSubkey(&sub); err != nil {
		t.Fatal(err)
	}
	return &signer{e, cfg}
}

// subkey is the one that signs; the library makes one for encryption first.
func (s *signer) subkey() *openpgp.Subkey { return &s.entity.Subkeys[len(s.entity.Subkeys)-1] }

// poseAs lets s sign with its own secret under the name of other's key.
func (s *signer) poseAs(other *signer) {
	mine, theirs := s.subkey(), other.subkey().PublicKey
	mine.PrivateKey.Fingerprint, mine.PrivateKey.KeyId = theirs.Fingerprint, theirs.KeyId
	mine.PublicKey = theirs
}

// public returns the certificate as a keyring file, binary.
func (s *signer) public(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.entity.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sign makes an armored signature over data by the subkey at the given time.
// The library would refuse to sign with an expired key, so the packet is built
// by hand.
func (s *signer) sign(t *testing.T, data string, at time.Time, change func(*packet.Signature)) []byte {
	t.Helper()
	sub := s.subkey()
	sig := &packet.Signature{
		Version: 4, SigType: packet.SigTypeBinary, PubKeyAlgo: sub.PublicKey.PubKeyAlgo, Hash: crypto.SHA256,
		CreationTime: at, IssuerKeyId: &sub.PublicKey.KeyId, IssuerFingerprint: sub.PublicKey.Fingerprint, IssuerKeyVersion: 4,
	}
	if change != nil {
		change(sig)
	}
	h := sig.Hash.New()
	h.Write([]byte(data))
	cfg := s.cfg
	cfg.Time = func() time.Time { return at }
	if err := sig.Sign(h, sub.PrivateKey, &cfg); err != nil {
		t.Fatal(err)
	}
	return armored(t, openpgp.SignatureType, sig.Serialize)
}

func armored(t *testing.T, kind string, write func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, kind, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(write(w), w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const day = 24 * time.Hour

func TestKeyring_madeUpCertificate(t *testing.T) {
	t.Parallel()
	born := time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)
	s := newSigner(t, born, 1000*day)
	retired := newSigner(t, born, 1000*day)
	revoke(t, retired, packet.KeyRetired, born.Add(500*day))
	stolen := newSigner(t, born, 1000*day)
	revoke(t, stolen, packet.KeyCompromised, born.Add(500*day))
	stranger := newSigner(t, born, 1000*day)

	keyring := google(t)
	for _, c := range []*signer{s, retired, stolen} {
		if err := keyring.Add("/etc/mirror.gpg", c.public(t)); err != nil {
			t.Fatal(err)
		}
	}
	impostor := newSigner(t, born, 1000*day)
	impostor.poseAs(s)
	shortLived := func(sig *packet.Signature) { life := uint32(3600); sig.SigLifetimeSecs = &life }
	tests := []struct {
		name   string
		signer *signer
		at     time.Time
		change func(*packet.Signature)
		data   string
		want   string // empty: good
	}{
		{"within the life", s, born.Add(10 * day), nil, "x", ""},
		{"last day", s, born.Add(1000 * day), nil, "x", ""},
		{"subkey expired at signing time", s, born.Add(1001 * day), nil, "x", "was not valid when"},
		{"before the key existed", s, born.Add(-day), nil, "x", "was not valid when"},
		{"other bytes", s, born.Add(10 * day), nil, "y", "does not match these bytes"},
		{"by another key under that name", impostor, born.Add(10 * day), nil, "x", "does not match these bytes"},
		{"not accepted", stranger, born.Add(10 * day), nil, "x", "which is not accepted"},
		{"signature expired", s, born.Add(10 * day), shortLived, "x", "has expired"},
		{"retired later", retired, born.Add(10 * day), nil, "x", ""},
		{"retired before", retired, born.Add(501 * day), nil, "x", "is revoked"},
		{"compromised later", stolen, born.Add(10 * day), nil, "x", "is revoked"},
	}
	for _, tt := range tests {
		sig, err := ParseSignature(tt.signer.sign(t, "x", tt.at, tt.change))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		h := sig.NewHash()
		h.Write([]byte(tt.data))
		got, err := keyring.Verify(sig, h, testNow)
		if tt.want != "" {
			t.Run(tt.name, func(t *testing.T) { wantInvalid(t, err, tt.want) })
			continue
		}
		sub := fingerprint(tt.signer.subkey().PublicKey)
		if err != nil || got.Key != sub || got.Keyring != "/etc/mirror.gpg" || !got.Time.Equal(tt.at) {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
}

func revoke(t *testing.T, s *signer, why packet.ReasonForRevocation, at time.Time) {
	t.Helper()
	cfg := s.cfg
	cfg.Time = func() time.Time { return at }
	if err := s.entity.RevokeSubkey(s.subkey(), why, "", &cfg); err != nil {
		t.Fatal(err)
	}
}

// The embedded certificate has every signing subkey that Google ever used for
// Go, the retired ones too: tools that clean certificates drop them silently.
func TestNewKeyring_hasAllSubkeys(t *testing.T) {
	t.Parallel()
	want := []string{
		GooglePrimary,
		"3B068FB4789ABE4AEFA3BB491397BC53640DB551", "3E50F6D3EC278FDEB655C8CA6494C6D6997C215E",
		"2F528D36D67B69EDF998D85778BD65473CB3BD13", "8461EFA0E74ABAE010DE66994EB27DB2A3B88B8B",
		"A5F483CD733A4EBAEA378B2AE88979FB9B30ACF2", "0F06FF86BEEAF4E71866EE5232EE5355A6BC6E42",
		"0E225917414670F4442C250DFD533C07C264648F",
	}
	var got []string
	for _, key := range google(t).certs[0].keys() {
		got = append(got, fingerprint(key.public))
		if !key.binding.FlagSign || revokedAt(key.revocations, testNow) {
			t.Errorf("%s cannot sign", fingerprint(key.public))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("keys %v", got)
	}
}

func TestKeyring_shortKey(t *testing.T) {
	t.Parallel()
	private, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this Go makes no keys of 1024 bits:", err)
	}
	if err := strongKey(packet.NewRSAPublicKey(testNow, &private.PublicKey)); err == nil {
		t.Error("an RSA key of 1024 bits was accepted")
	}
	for _, c := range google(t).certs {
		for _, key := range c.keys() {
			if err := strongKey(key.public); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestKeyring_Add_refuses(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{
		"empty": nil, "text": []byte("hello\n"), "signature": []byte("-----BEGIN PGP SIGNATURE-----\n\n=AAAA\n-----END PGP SIGNATURE-----\n"),
		"cut": googleCertificate[:400],
	} {
		k := google(t)
		err := k.Add(name, data)
		if diag.CodeOf(err) != diag.SignatureInvalid || strings.Contains(err.Error(), "holds no certificate") != (name == "empty") {
			t.Errorf("%s: %v", name, err)
		}
		if got := k.Primaries(); len(got) != 1 || got[0] != GooglePrimary {
			t.Errorf("%s: keyring now holds %v", name, got)
		}
	}
}

func FuzzParseSignature(f *testing.F) {
	for _, name := range []string{"go1.19.8.src.tar.gz.asc", "go1.27.1.src.tar.gz.asc"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	keyring, err := NewKeyring()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ParseSignature(data)
		if err != nil {
			return
		}
		if _, err := keyring.Verify(s, s.NewHash(), testNow); err == nil {
			t.Fatal("a signature over no bytes was accepted")
		}
	})
}
