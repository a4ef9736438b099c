// Package packaging has the keys that may sign a release of vmgo. Beside it are
// the files of which releases are made.
package packaging

import _ "embed"

//go:embed release-keys
var releaseKeys string

// ReleaseKeys returns the lines of the file release-keys, the format of which is
// that of an allowed signers file of ssh-keygen(1).
func ReleaseKeys() []byte { return []byte(releaseKeys) }
