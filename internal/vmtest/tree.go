package vmtest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vmgo/vmgo/internal/gover"
)

// WriteTree writes what the server has as a directory for GOPROXY=file://dir,
// the checksum database included.
func (s *Server) WriteTree(dir string) error {
	s.mu.Lock()
	modules := slices.Sorted(maps.Keys(s.chains))
	s.mu.Unlock()
	db := "/sumdb/" + LogName
	paths := []string{db + "/supported", "/" + gover.ToolchainModule + "/@v/list"}
	for _, module := range modules {
		if _, ok := s.get(db + "/lookup/" + gover.ToolchainModule + "@" + module); !ok {
			return fmt.Errorf("the log has no record of %s", module)
		}
	}
	for _, module := range modules { // again: each must carry a tree that has them all
		paths = append(paths, db+"/lookup/"+gover.ToolchainModule+"@"+module)
		for _, ext := range []string{".info", ".mod", ".zip"} {
			paths = append(paths, "/"+gover.ToolchainModule+"/@v/"+module+ext)
		}
	}
	size := int64(fillers + len(modules))
	for _, tile := range tlog.NewTiles(8, 0, size) {
		paths = append(paths, db+"/"+tile.Path())
	}
	for _, path := range paths {
		data, ok := s.get(path)
		if !ok {
			return fmt.Errorf("the server lacks %s", path)
		}
		file := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
