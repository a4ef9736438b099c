package store

import (
	"errors"
	"path/filepath"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/smallfile"
)

// maxVersionFile bounds a VERSION file, of which the releases need 40 bytes.
const maxVersionFile = 4 << 10

// NameOf returns the release in the VERSION file of a tree ("go1.22.5"): the first line of
// its VERSION file. That proves nothing, and others may have made the tree.
func NameOf(goroot string) (string, error) {
	return nameIn(smallfile.Read(filepath.Join(goroot, "VERSION"), maxVersionFile))
}

func nameIn(text []byte, err error) (string, error) {
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line), err
}

// madeIn returns the time of the line "time" of a VERSION file.
func madeIn(text []byte, err error) (time.Time, error) {
	if err != nil {
		return time.Time{}, err
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "time "); found {
			return time.Parse(time.RFC3339, strings.TrimSpace(value))
		}
	}
	return time.Time{}, errors.New("VERSION has no time")
}
