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
	modules, records, paths := slices.Sorted(maps.Keys(s.chains)), slices.Sorted(maps.Keys(s.sums)), slices.Sorted(maps.Keys(s.files))
	s.mu.Unlock()
	db := "/sumdb/" + LogName
	paths = append(paths, db+"/supported", "/"+gover.ToolchainModule+"/@v/list")
	for _, module := range modules {
		records = append(records, gover.ToolchainModule+"@"+module)
		for _, ext := range []string{".info", ".mod", ".zip"} {
			paths = append(paths, "/"+gover.ToolchainModule+"/@v/"+module+ext)
		}
	}
	for _, record := range records {
		if _, ok := s.get(db + "/lookup/" + record); !ok {
			return fmt.Errorf("the log has no record of %s", record)
		}
	}
	for _, record := range records { // again: each must carry a tree that has them all
		paths = append(paths, db+"/lookup/"+record)
	}
	size := int64(fillers + len(records))
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
