package store

import (
	"sync"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/gover"
)

// Neighbours has the files of the releases nearest to one, according to their
// manifests. It serves to plan an install, before there is a stage.
type Neighbours struct {
	store *Store
	has   func() map[placeKey]bool
}

// Neighbours begins to read the manifests of the releases nearest to v.
func (s *Store) Neighbours(v gover.Version) *Neighbours {
	has := sync.OnceValue(func() map[placeKey]bool {
		places := map[placeKey]bool{}
		for _, r := range s.nearest(v, neighbours) {
			for i := range r.manifest {
				places[placeOf(r.manifest[i])] = true
			}
		}
		return places
	})
	go has()
	return &Neighbours{s, has}
}

// Has reports whether the file need not come from the archive, because a
// neighbour seems to have it.
func (n *Neighbours) Has(file archive.File) bool { return n.has()[placeOf(file)] }

// Room returns a disk-full error if there is no room for files, not counting those
// that a neighbour seems to have.
func (n *Neighbours) Room(files []archive.File) error {
	var need Need
	for i := range files {
		if !n.store.linked || !n.Has(files[i]) {
			need.Disk += blocks(files[i].Size)
			need.Inodes++
		}
	}
	return n.store.room(need)
}
