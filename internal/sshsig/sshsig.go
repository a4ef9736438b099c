// Package sshsig verifies signatures as `ssh-keygen -Y sign` makes them, by the
// lines of an allowed signers file. A machine without vmgo can verify the same
// signature with the same file by `ssh-keygen -Y verify`.
//
// Only Ed25519 keys count. Formats: PROTOCOL.sshsig of OpenSSH for the
// signature, ssh-keygen(1), "ALLOWED SIGNERS", for the lines.
package sshsig

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"
)

// MaxSize is the size of the largest signature that is looked at, in bytes. One
// by an Ed25519 key has some 300.
const MaxSize = 16 << 10

const (
	magic     = "SSHSIG"
	version   = 1
	keyType   = "ssh-ed25519"
	armorHead = "-----BEGIN SSH SIGNATURE-----"
	armorTail = "-----END SSH SIGNATURE-----"
)

var (
	// ErrFormat reports that something is not a signature that this package can read.
	ErrFormat = errors.New("not an Ed25519 signature of ssh-keygen")
	// ErrMismatch reports that the signature is not one over this message.
	ErrMismatch = errors.New("the signature does not fit the content")
	// ErrSigner reports that no line of the allowed signers permits the signature.
	ErrSigner = errors.New("no allowed signer")
)

// Signature is what a signature says of itself. Nothing of it is verified.
type Signature struct {
	Key       ed25519.PublicKey
	Namespace string

	reserved, hash string
	signature      []byte
}

// Parse returns the signature in armored. Every error wraps [ErrFormat].
func Parse(armored []byte) (*Signature, error) {
	blob, err := dearmor(armored)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(blob, []byte(magic)) {
		return nil, malformed("it does not begin with " + magic)
	}
	r := wire{rest: blob[len(magic):]}
	if v := r.number(); v != version {
		return nil, malformed(fmt.Sprintf("version %d, not %d", v, version))
	}
	key := r.field()
	s := &Signature{Namespace: string(r.field()), reserved: string(r.field()), hash: string(r.field())}
	signature := r.field()
	if err := r.end(); err != nil {
		return nil, err
	}
	if s.Key, err = parseKey(key); err != nil {
		return nil, err
	}
	if s.signature, err = ofType(signature, ed25519.SignatureSize); err != nil {
		return nil, err
	}
	if s.Namespace == "" {
		return nil, malformed("the namespace is empty")
	}
	if s.newHash() == nil {
		return nil, malformed(fmt.Sprintf("hash algorithm %.20q", s.hash))
	}
	return s, nil
}

// Verify returns the signer of message, of which it reads all. The signature has to
// be in the namespace, and one of the signers has to permit it at that time.
// Errors wrap [ErrFormat], [ErrSigner] or [ErrMismatch], or are the reader's own.
func Verify(message io.Reader, armored []byte, signers []Signer, namespace string, at time.Time) (Signer, error) {
	s, err := Parse(armored)
	if err != nil {
		return Signer{}, err
	}
	// Before the message: it may be large.
	signer, err := s.permitted(signers, namespace, at)
	if err != nil {
		return Signer{}, err
	}
	digest := s.newHash()
	if _, err := io.Copy(digest, message); err != nil {
		return Signer{}, err
	}
	if !ed25519.Verify(s.Key, s.signed(digest.Sum(nil)), s.signature) {
		return Signer{}, ErrMismatch
	}
	return signer, nil
}

// signed returns the bytes that the key has signed, for a message of that digest.
func (s *Signature) signed(digest []byte) []byte {
	data := []byte(magic)
	for _, field := range []string{s.Namespace, s.reserved, s.hash, string(digest)} {
		data = binary.BigEndian.AppendUint32(data, uint32(len(field)))
		data = append(data, field...)
	}
	return data
}

// newHash returns nil for an algorithm that the format does not have.
func (s *Signature) newHash() hash.Hash {
	switch s.hash {
	case "sha256":
		return sha256.New()
	case "sha512":
		return sha512.New()
	}
	return nil
}

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrFormat, what) }

func dearmor(armored []byte) ([]byte, error) {
	if len(armored) > MaxSize {
		return nil, malformed(fmt.Sprintf("it is larger than %d bytes", MaxSize))
	}
	text, found := strings.CutPrefix(strings.TrimSpace(string(armored)), armorHead)
	if !found {
		return nil, malformed("its first line is not " + armorHead)
	}
	text, found = strings.CutSuffix(text, armorTail)
	if !found {
		return nil, malformed("its last line is not " + armorTail)
	}
	blob, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, malformed(err.Error())
	}
	return blob, nil
}

// parseKey returns the key in a public key blob.
func parseKey(blob []byte) (ed25519.PublicKey, error) {
	return ofType(blob, ed25519.PublicKeySize)
}

// ofType returns the second field of a blob whose first one names the type.
func ofType(blob []byte, size int) ([]byte, error) {
	r := wire{rest: blob}
	kind, value := r.field(), r.field()
	switch {
	case !r.short && string(kind) != keyType:
		return nil, malformed(fmt.Sprintf("made by a key of type %.40q, not %s", kind, keyType))
	case r.end() != nil || len(value) != size:
		return nil, malformed("a key or signature of the wrong size")
	}
	return value, nil
}

// wire reads the encoding of RFC 4251, section 5.
type wire struct {
	rest  []byte
	short bool
}

func (w *wire) number() uint32 {
	if len(w.rest) < 4 {
		w.rest, w.short = nil, true
		return 0
	}
	n := binary.BigEndian.Uint32(w.rest)
	w.rest = w.rest[4:]
	return n
}

func (w *wire) field() []byte {
	n := w.number()
	if uint64(n) > uint64(len(w.rest)) {
		w.rest, w.short = nil, true
		return nil
	}
	value := w.rest[:n]
	w.rest = w.rest[n:]
	return value
}

// end reports that the data stopped short, or that something follows.
func (w *wire) end() error {
	switch {
	case w.short:
		return malformed("it is cut short")
	case len(w.rest) > 0:
		return malformed("something follows its end")
	}
	return nil
}
