package store

import (
	"os"

	"github.com/vmgo/vmgo/internal/archive"
)

// index knows the contents of a store's releases.
type index struct{}

func (x *index) find(file archive.File) (string, bool) { return "", false }

func (x *index) open(path string, file archive.File) (*os.File, error) { return os.Open(path) }
