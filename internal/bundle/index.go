package bundle

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/modpath"
)

// indexes returns the files of a proxy that list versions: @v/list, without
// versions that name a commit, and @latest, which a static tree needs as a file.
// info returns the .info of a module.
func indexes(modules []Module, info func(Module) ([]byte, error)) (map[string][]byte, error) {
	byPath := map[string][]Module{}
	for _, m := range modules {
		if m.Zip {
			byPath[m.Path] = append(byPath[m.Path], m)
		}
	}
	files := map[string][]byte{}
	for _, versions := range byPath {
		slices.SortFunc(versions, func(a, b Module) int { return modpath.Compare(a.Version, b.Version) })
		file, err := versions[0].file("")
		if err != nil {
			return nil, err
		}
		dir, _, _ := strings.Cut(file, "/@v/")
		var list []byte
		for _, m := range versions {
			if !modpath.IsPseudo(m.Version) {
				list = append(list, m.Version+"\n"...)
			}
		}
		files[dir+"/@v/list"] = list
		if versions[0].Path == gover.ToolchainModule {
			continue // none of its versions is the latest
		}
		if files[dir+"/@latest"], err = info(latestOf(versions)); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// latestOf returns the version that @latest means: the newest release, else the
// newest prerelease, else the newest commit. versions are sorted.
func latestOf(versions []Module) Module {
	kind := func(m Module) int {
		switch {
		case modpath.IsPseudo(m.Version):
			return 0
		case modpath.IsPrerelease(m.Version):
			return 1
		}
		return 2
	}
	return slices.MaxFunc(versions, func(a, b Module) int {
		return cmp.Or(kind(a)-kind(b), modpath.Compare(a.Version, b.Version))
	})
}

// verifyIndexes checks that the lists of versions are those of the modules.
func (b *Bundle) verifyIndexes(tree string) error {
	files, err := indexes(b.Manifest.Modules, func(m Module) ([]byte, error) {
		name, err := m.file(".info")
		if err != nil {
			return nil, err
		}
		return b.small(name, tree)
	})
	if err != nil {
		return err
	}
	for _, f := range b.Manifest.Files {
		if !strings.HasSuffix(f.Path, "/@v/list") && !strings.HasSuffix(f.Path, "/@latest") {
			continue
		}
		data, err := b.small(f.Path, tree)
		if err != nil {
			return err
		}
		if want, known := files[f.Path]; !known || !bytes.Equal(data, want) {
			return invalid(b.Name, "%s does not list the versions of the bundle", f.Path)
		}
	}
	return nil
}
