package sshsig

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// Signer is a line of an allowed signers file.
type Signer struct {
	// Principals is the first field of the line: who may hold the key.
	Principals string
	Key        ed25519.PublicKey

	namespaces string // patterns; empty permits every namespace
	limited    bool   // whether namespaces counts
	after      time.Time
	before     time.Time
}

// ParseSigners returns the signers of an allowed signers file. Lines with keys of other
// types and of certificate authorities permit nothing here and are left out. A
// line that it cannot read is an error, which names it by number.
func ParseSigners(text []byte) ([]Signer, error) {
	var signers []Signer
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		signer, usable, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		if usable {
			signers = append(signers, signer)
		}
	}
	return signers, nil
}

// Fingerprint returns the key's name as ssh-keygen -l writes it.
func Fingerprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256(keyBlob(key))
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

func keyBlob(key ed25519.PublicKey) []byte {
	blob := binary.BigEndian.AppendUint32(nil, uint32(len(keyType)))
	blob = append(blob, keyType...)
	blob = binary.BigEndian.AppendUint32(blob, ed25519.PublicKeySize)
	return append(blob, key...)
}

// permitted returns the first signer that permits s. The error says why the last
// one with that key does not.
func (s *Signature) permitted(signers []Signer, namespace string, at time.Time) (Signer, error) {
	if s.Namespace != namespace {
		return Signer{}, fmt.Errorf("%w: the signature is for %.60q, not for %q", ErrSigner, s.Namespace, namespace)
	}
	err := fmt.Errorf("%w has the key %s", ErrSigner, Fingerprint(s.Key))
	for _, signer := range signers {
		if !bytes.Equal(signer.Key, s.Key) {
			continue
		}
		refused := signer.refuses(namespace, at)
		if refused == "" {
			return signer, nil
		}
		err = fmt.Errorf("%w: the key %s %s", ErrSigner, Fingerprint(s.Key), refused)
	}
	return Signer{}, err
}

// refuses returns why the signer's line does not permit a signature, or "".
func (s Signer) refuses(namespace string, at time.Time) string {
	switch {
	case s.limited && !matchList(namespace, s.namespaces):
		return fmt.Sprintf("may not sign for %q", namespace)
	case !s.after.IsZero() && at.Before(s.after):
		return "is not valid before " + s.after.UTC().Format(time.RFC3339)
	case !s.before.IsZero() && at.After(s.before):
		return "is not valid after " + s.before.UTC().Format(time.RFC3339)
	}
	return ""
}

// parseLine reads `principals [options] type key [comment]`, where usable is
// false for a key that counts for nothing here.
func parseLine(line string) (signer Signer, usable bool, err error) {
	principals, rest := cutField(line)
	signer.Principals = strings.Trim(principals, `"`)
	if signer.Principals == "" {
		return Signer{}, false, fmt.Errorf("no principals in %.60q", line)
	}
	kind, after := cutField(rest)
	authority := false
	if !isKeyType(kind) {
		if authority, err = signer.options(kind); err != nil {
			return Signer{}, false, err
		}
		kind, after = cutField(after)
	}
	encoded, _ := cutField(after)
	if !isKeyType(kind) || encoded == "" {
		return Signer{}, false, fmt.Errorf("no public key in %.60q", line)
	}
	if kind != keyType || authority {
		return Signer{}, false, nil
	}
	blob, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return Signer{}, false, fmt.Errorf("the key is not base64: %w", err)
	}
	signer.Key, err = parseKey(blob)
	return signer, err == nil, err
}

// isKeyType tells a key's type from the options that may stand in its place,
// which hold a "=" or are words of their own.
func isKeyType(word string) bool {
	return strings.HasPrefix(word, "ssh-") || strings.HasPrefix(word, "ecdsa-") || strings.HasPrefix(word, "sk-")
}

// cutField cuts line at the first space or tab outside of quotes.
func cutField(line string) (field, rest string) {
	quoted := false
	for i, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ' ' || c == '\t'):
			return line[:i], strings.TrimLeft(line[i:], " \t")
		}
	}
	return line, ""
}

// options reads the second field. It fails for an option that it does not
// know, which might forbid what would be permitted without it.
func (s *Signer) options(field string) (authority bool, err error) {
	for field != "" {
		var option string
		option, field = cutOption(field)
		name, value, _ := strings.Cut(option, "=")
		value = strings.TrimSuffix(strings.TrimPrefix(value, `"`), `"`)
		switch strings.ToLower(name) {
		case "cert-authority":
			authority = true
		case "namespaces":
			s.namespaces, s.limited = value, true
		case "valid-after":
			s.after, err = parseTime(value)
		case "valid-before":
			s.before, err = parseTime(value)
		default:
			err = fmt.Errorf("unknown option %.40q", option)
		}
		if err != nil {
			return false, err
		}
	}
	return authority, nil
}

// cutOption cuts field at the first comma outside of quotes.
func cutOption(field string) (option, rest string) {
	quoted := false
	for i, c := range field {
		switch {
		case c == '"':
			quoted = !quoted
		case !quoted && c == ',':
			return field[:i], field[i+1:]
		}
	}
	return field, ""
}

// parseTime reads the forms of ssh-keygen(1), which are in the machine's zone
// unless a Z follows.
func parseTime(value string) (time.Time, error) {
	zone := time.Local
	digits, utc := strings.CutSuffix(value, "Z")
	if utc {
		zone = time.UTC
	}
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if len(digits) != len(layout) {
			continue
		}
		if t, err := time.ParseInLocation(layout, digits, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is no time of the form YYYYMMDD[HHMM[SS]][Z]", value)
}

// matchList reports whether name matches the list of patterns, by the rules of
// ssh_config(5), "PATTERNS": a negated pattern that matches forbids.
func matchList(name, patterns string) bool {
	matched := false
	for pattern := range strings.SplitSeq(patterns, ",") {
		pattern, negated := strings.CutPrefix(pattern, "!")
		if !matchPattern(name, pattern) {
			continue
		}
		if negated {
			return false
		}
		matched = true
	}
	return matched
}

// matchPattern is linear in both, times the length of the name: it goes back to
// the last star only.
func matchPattern(name, pattern string) bool {
	n, p, star, resume := 0, 0, -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			n++
			p++
		case star >= 0:
			resume++
			n, p = resume, star+1
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
