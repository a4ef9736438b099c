// Package archive turns the archives that Go releases come in into a tree of
// files, in one pass: each file is inflated in memory, checked, hashed, and
// handed to a [Sink] that writes it or links it to an identical one.
//
// An archive is an untrusted thing until the digests of all its files were
// compared with what is known of the release. So everything that an honest
// release never has (links, devices, absolute names, "..", names that differ
// by case only, bombs, bytes that belong to no file) is refused with
// archive-unsafe, and nothing is ever written outside the sink's tree.
package archive

import (
	"crypto/sha256"
	"io"
	"io/fs"

	"github.com/vmgo/vmgo/internal/diag"
)

// File is one regular file of a release.
type File struct {
	Path   string      // beneath GOROOT, "/"-separated; go.mod, never _go.mod
	Mode   fs.FileMode // 0755 or 0644, by the rule of the release
	Size   int64
	CRC32  uint32 // IEEE
	SHA256 [sha256.Size]byte
}

// A Sink receives the files of an archive. Its methods may be called from many
// goroutines.
type Sink interface {
	// Mkdir makes one directory. Each is asked for once, parents first, and
	// before any file within it; "." is there from the start.
	Mkdir(path string) error
	// Enter opens a directory that Mkdir made, to put files into it.
	Enter(path string) (Dir, error)
}

// A Dir receives the files of one directory, from one goroutine.
type Dir interface {
	// Put stores a file whose contents were hashed. content is only valid
	// during the call.
	Put(file File, content []byte) error
	// Create begins a file that is too large to be held in memory.
	Create(file File) (Writer, error)
	// Reuse stores a file without its contents, if the sink has a file
	// elsewhere that, read and hashed again, has this path, mode, size and
	// CRC-32; it then answers its SHA-256. Whether it is the right file is
	// decided later, by the digests of the whole tree.
	Reuse(file File) (sum [sha256.Size]byte, ok bool, err error)
	// Close ends the use of the directory.
	Close() error
}

// A Writer receives the contents of one file in pieces.
type Writer interface {
	io.Writer
	// Commit says that the contents are complete, and their digest.
	Commit(sum [sha256.Size]byte) error
	// Close ends the use of the writer. A file without Commit is of no use.
	Close() error
}

// Limits bound what an archive may ask for.
type Limits struct {
	Files int   // number of files
	File  int64 // bytes of one file
	Total int64 // bytes of all files
	Ratio int64 // bytes made from each byte of the archive, over the whole
}

// DefaultLimits leave several times the room that the largest release needs
// (15,700 files, 232 MB, the largest file 30 MB, inflated to 3.4 times its
// compressed size).
func DefaultLimits() Limits {
	return Limits{Files: 100_000, File: 256 << 20, Total: 2 << 30, Ratio: 40}
}

// Options say how an archive is extracted.
type Options struct {
	Limits   Limits            // of a stream; a zip was given its own when it was opened
	Jobs     int               // goroutines that inflate; 0: one
	Reuse    bool              // ask the sink for files it may have, before inflating them
	InOrder  bool              // take members in the order of the archive, for one that is still arriving
	Progress func(bytes int64) // told of bytes placed in the tree; may be nil
}

func refuse(msg string) error {
	return diag.New(diag.ArchiveUnsafe, msg)
}
