package pack

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/vmgo/vmgo/internal/smallfile"
)

// List returns the files beneath dir, as a manifest names them.
func List(dir string) ([]File, error) {
	var files []File
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f := File{Path: filepath.ToSlash(name), Mode: 0o644}
		if info, err := d.Info(); err == nil && info.Mode()&0o100 != 0 {
			f.Mode = 0o755
		}
		in, err := smallfile.Open(path)
		if err != nil {
			return err
		}
		defer in.Close()
		hash := sha256.New()
		f.Size, err = io.Copy(hash, in)
		f.SHA256 = hex.EncodeToString(hash.Sum(nil))
		files = append(files, f)
		return err
	})
	return files, err
}
