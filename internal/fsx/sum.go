package fsx

import (
	"crypto/sha256"
	"encoding/hex"
	"io"

	"github.com/vmgo/vmgo/internal/smallfile"
)

// Sum returns the SHA-256 of a regular file in hexadecimal.
func Sum(path string) (string, error) {
	f, err := smallfile.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
