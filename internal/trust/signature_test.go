package trust

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

func TestParseSignature_refuses(t *testing.T) {
	t.Parallel()
	born := time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)
	s := newSigner(t, born, 1000*day)
	good := s.sign(t, "x", born, nil)
	with := func(change func(*packet.Signature)) []byte { return s.sign(t, "x", born, change) }
	body, err := dearmor(good, openpgp.SignatureType)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseSignature(raw); err != nil {
		t.Errorf("a binary signature: %v", err)
	}
	patched := func(field int, value byte) []byte { // field of the packet's body, after two bytes of header
		b := bytes.Clone(raw)
		b[2+field] = value
		return b
	}
	hashed := func(id byte) []byte { return patched(3, id) }
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"text document", with(func(p *packet.Signature) { p.SigType = packet.SigTypeText }), "type is 0x01"},
		{"certification", with(func(p *packet.Signature) { p.SigType = packet.SigTypeGenericCert }), "type is 0x10"},
		{"MD5", hashed(1), "OpenPGP"},
		{"SHA-1", hashed(2), "too weak"},
		{"RIPEMD-160", hashed(3), "OpenPGP"},
		{"SHA-224", hashed(11), "too weak"},
		{"version 3", patched(0, 3), "OpenPGP"},
		{"nothing", nil, "not an OpenPGP packet"},
		{"HTML", []byte("<!DOCTYPE html><html>"), "not an OpenPGP"},
		{"a key", s.public(t), "not an OpenPGP signature packet"},
		{"two signatures", append(append([]byte{}, raw...), raw...), "more than one packet"},
		{"truncated", raw[:len(raw)-3], "OpenPGP"},
		{"armored key", armored(t, openpgp.PublicKeyType, s.entity.Serialize), "it is a \"PGP PUBLIC KEY BLOCK\""},
		{"huge", make([]byte, MaxSignatureSize+1), "larger than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseSignature(tt.data)
			wantInvalid(t, err, tt.want)
		})
	}
}
