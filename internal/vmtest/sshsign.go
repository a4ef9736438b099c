package vmtest

import (
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

const (
	sshHead = "-----BEGIN SSH SIGNATURE-----"
	sshTail = "-----END SSH SIGNATURE-----"
)

// SSHKey returns a key that is made up from name: the same one for the same
// name.
func SSHKey(name string) ed25519.PrivateKey {
	seed := sha512.Sum512_256([]byte("vmtest " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// SSHPublic returns the public key as a line of an allowed signers file has it,
// without principals: "ssh-ed25519 AAAA…".
func SSHPublic(key ed25519.PrivateKey) string {
	return "ssh-ed25519 " + base64.StdEncoding.EncodeToString(sshPublic(key))
}

// SSHSign returns the signature that `ssh-keygen -Y sign -n namespace` would make
// over message.
func SSHSign(key ed25519.PrivateKey, namespace string, message []byte) []byte {
	digest := sha512.Sum512(message)
	rest := sshFields(namespace, "", "sha512")
	signature := ed25519.Sign(key, append(append([]byte("SSHSIG"), rest...), sshFields(string(digest[:]))...))

	blob := append([]byte("SSHSIG"), 0, 0, 0, 1)
	blob = append(blob, sshFields(string(sshPublic(key)))...)
	blob = append(blob, rest...)
	blob = append(blob, sshFields(string(sshFields("ssh-ed25519", string(signature))))...)

	return Armor(blob)
}

// Armor returns blob in the armor of an SSH signature.
func Armor(blob []byte) []byte {
	text := base64.StdEncoding.EncodeToString(blob)
	var out strings.Builder
	out.WriteString(sshHead + "\n")
	for len(text) > 70 {
		out.WriteString(text[:70] + "\n")
		text = text[70:]
	}
	out.WriteString(text + "\n" + sshTail + "\n")
	return []byte(out.String())
}

// Dearmor undoes [Armor].
func Dearmor(armored []byte) []byte {
	text := strings.TrimSuffix(strings.TrimPrefix(string(armored), sshHead), sshTail+"\n")
	blob, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(text, "\n", ""))
	if err != nil {
		panic(err) // not made by Armor
	}
	return blob
}

func sshPublic(key ed25519.PrivateKey) []byte {
	return sshFields("ssh-ed25519", string(key[ed25519.SeedSize:]))
}

func sshFields(fields ...string) []byte {
	var out []byte
	for _, field := range fields {
		out = binary.BigEndian.AppendUint32(out, uint32(len(field)))
		out = append(out, field...)
	}
	return out
}
