package cmd

import (
	"os"
	"path/filepath"

	"github.com/vmgo/vmgo/internal/diag"
)

// enterImage makes /opt/go of the system beneath dir the only store. Links on the way
// are refused: on this machine they may lead out of the image.
func (a *app) enterImage(dir string) error {
	dir = a.host.Abs(dir)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return diag.New(diag.Usage, "--root names no directory: "+dir, "ls -ld "+diag.Word(dir))
	}
	store := dir
	for _, name := range []string{"opt", "go"} {
		store = filepath.Join(store, name)
		info, err := os.Lstat(store)
		if err == nil && !info.IsDir() {
			return diag.New(diag.StoreUnsafe, store+" is not a directory, and a link could lead out of the image", "ls -ld "+diag.Word(store))
		}
	}
	a.settings.Root = store
	return nil
}
