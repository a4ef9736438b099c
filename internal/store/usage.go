package store

import (
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/vmgo/vmgo/internal/gover"
)

// Usage is what a release takes on the disk.
type Usage struct {
	Files int
	Bytes int64 // sum of the sizes of its files
	// OwnBytes would be free after uninstalling it; SharedBytes belong to
	// other releases as well. They add up to Bytes, but for files that are
	// links to each other within the release, which count once.
	OwnBytes, SharedBytes int64
}

// Usage reads sizes and link counts of a release's files. It reads the tree and
// not the manifest, so that du agrees.
func (s *Store) Usage(v gover.Version) (Usage, error) {
	var u Usage
	type inode struct {
		size        int64
		links, seen uint64
	}
	shared := map[uint64]*inode{}
	err := filepath.WalkDir(s.GOROOT(v), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		var st syscall.Stat_t
		if err := syscall.Lstat(path, &st); err != nil {
			return err
		}
		u.Files++
		if shared[st.Ino] == nil {
			shared[st.Ino] = &inode{size: st.Size, links: uint64(st.Nlink)}
			u.Bytes += st.Size
		}
		shared[st.Ino].seen++
		return nil
	})
	for _, i := range shared {
		if i.seen == i.links {
			u.OwnBytes += i.size
		} else {
			u.SharedBytes += i.size
		}
	}
	return u, err
}
