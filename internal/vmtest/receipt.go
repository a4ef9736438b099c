package vmtest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/vmgo/vmgo/internal/store/installed"
)

// PutReceipt makes a made-up tree in a store an installed release: it writes a
// receipt with nothing but the version.
func PutReceipt(goroot string) error {
	store, name := filepath.Split(goroot)
	version, ok := installed.VersionOf(name)
	if !ok {
		return fmt.Errorf("%s is not named like a release", goroot)
	}
	text, err := json.Marshal(map[string]string{"version": name})
	if err != nil {
		return err
	}
	path := installed.Receipt(store, version)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}
