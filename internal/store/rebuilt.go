package store

import "time"

// Rebuilt records that the binaries of a release were equal when it was built
// again from its own source.
type Rebuilt struct {
	With     string    `json:"with"` // the release that compiled it: "go1.24.13"
	GOROOT   string    `json:"goroot"`
	At       time.Time `json:"at"`
	Tree     string    `json:"tree"` // SHA-256 over the names and hashes of the tree that was compared
	Binaries int       `json:"binaries"`
}
