package audit

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/modpath"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/vulndb"
)

// maxModFile bounds go.mod, go.work and go.sum, in bytes. The go.sum of
// Kubernetes has 100 KB.
const maxModFile = 16 << 20

// ReadProject returns the modules of a directory with a go.mod, or those of each
// module that its go.work uses. The error is fs.ErrNotExist where there is neither.
func ReadProject(dir string) ([]Subject, error) {
	uses, err := workspace(dir)
	if err != nil {
		return nil, err
	}
	var list []Subject
	for _, use := range uses {
		s, err := readModule(use)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// workspace returns the directories that a go.work uses; dir itself without one.
func workspace(dir string) ([]string, error) {
	file := filepath.Join(dir, "go.work")
	data, err := smallfile.Read(file, maxModFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []string{dir}, nil
	case err != nil:
		return nil, err
	}
	work, err := modfile.ParseWork(file, data, nil)
	if err != nil {
		return nil, diag.Wrap(diag.BadVersionFile, err, file+" cannot be read", "cd "+diag.Word(dir)+" && go work edit -json")
	}
	var uses []string
	for _, use := range work.Use {
		uses = append(uses, modpath.Dir(dir, use.Path))
	}
	return uses, nil
}

func readModule(dir string) (Subject, error) {
	file := filepath.Join(dir, "go.mod")
	data, err := smallfile.Read(file, maxModFile)
	if err != nil {
		return Subject{}, err
	}
	mod, err := modfile.Parse(file, data, nil)
	if err != nil { // a line that a newer Go understands, or none does
		mod, err = modfile.ParseLax(file, data, nil)
	}
	if err != nil {
		return Subject{}, diag.Wrap(diag.BadVersionFile, err, file+" cannot be read", "go mod edit -json "+diag.Word(file))
	}
	s := Subject{Kind: Project, Path: dir}
	listed := map[string]bool{}
	for _, r := range mod.Require {
		listed[r.Mod.Path] = true
		s.Modules = append(s.Modules, replaced(mod, vulndb.Module{Path: r.Mod.Path, Version: r.Mod.Version}))
	}
	if complete(mod) {
		return s, nil
	}
	sums, err := newestSums(filepath.Join(dir, "go.sum"))
	if err != nil {
		return Subject{}, err
	}
	for _, m := range sums {
		if !listed[m.Path] {
			s.Modules = append(s.Modules, replaced(mod, m))
		}
	}
	return s, nil
}

// complete reports whether go.mod lists each module that builds need, as it does
// from Go 1.17 on.
func complete(mod *modfile.File) bool {
	return mod.Go != nil && modpath.Compare("v"+mod.Go.Version, "v1.17") >= 0
}

// replaced returns what a replace directive puts in the place of a module; a
// directory has no version, and so nothing is known of it.
func replaced(mod *modfile.File, m vulndb.Module) vulndb.Module {
	for _, r := range mod.Replace {
		if r.Old.Path == m.Path && (r.Old.Version == "" || r.Old.Version == m.Version) {
			return vulndb.Module{Path: r.New.Path, Version: r.New.Version}
		}
	}
	return m
}

// newestSums returns the newest version of each module whose content go.sum has:
// what the go command chose, unless the file has leftovers.
func newestSums(file string) ([]vulndb.Module, error) {
	data, err := smallfile.Read(file, maxModFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	newest := map[string]string{}
	var paths []string
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) != 3 || strings.HasSuffix(fields[1], "/go.mod") {
			continue
		}
		if newest[fields[0]] == "" {
			paths = append(paths, fields[0])
		}
		if modpath.Compare(fields[1], newest[fields[0]]) > 0 {
			newest[fields[0]] = fields[1]
		}
	}
	var list []vulndb.Module
	for _, path := range paths {
		list = append(list, vulndb.Module{Path: path, Version: newest[path]})
	}
	return list, nil
}
