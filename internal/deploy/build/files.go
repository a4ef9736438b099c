package build

import (
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

// gather copies the files that the configuration names into dir. Where nothing is
// built, the one that is called like the service is the program.
func (b Builder) gather(dir string) error {
	wanted := b.Config.Files
	if b.Config.Degrade.Page != "" {
		wanted = append(wanted[:len(wanted):len(wanted)], b.Config.Degrade.Page)
	}
	done := map[string]bool{}
	program := b.Config.Build != ""
	for _, pattern := range wanted {
		names, err := b.matches(path.Clean(pattern))
		if err != nil {
			return err
		}
		if len(names) == 0 {
			return diag.New(diag.BadSetting, "files: nothing in "+b.Project+" matches "+diag.Word(pattern), "ls "+diag.Word(b.Project))
		}
		for name, mode := range names {
			to := name
			if !program && path.Base(name) == b.Config.Name {
				to, program = "bin/"+b.Config.Name, true
			}
			if done[to] {
				continue
			}
			done[to] = true
			if err := copyFile(filepath.Join(b.Project, name), filepath.Join(dir, to), mode); err != nil {
				return err
			}
		}
	}
	if !program {
		return diag.New(diag.BadSetting, "files: none is called "+b.Config.Name+", which would be the program", "vmgo deploy init --stdout")
	}
	return nil
}

// matches returns the regular files of the project that match a pattern, with
// their modes. ** stands for any number of directories; .git and packages are
// never matched by a pattern with a star.
func (b Builder) matches(pattern string) (map[string]fs.FileMode, error) {
	names := map[string]fs.FileMode{}
	project, err := filepath.EvalSymlinks(b.Project) // WalkDir follows no link, not even the first
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(project, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == ".git" {
			return filepath.SkipDir
		}
		name, err := filepath.Rel(project, file)
		if err != nil || !d.Type().IsRegular() || !match(strings.Split(pattern, "/"), strings.Split(filepath.ToSlash(name), "/")) {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		names[filepath.ToSlash(name)] = 0o644 | info.Mode()&0o100/0o100*0o111
		return nil
	})
	return names, err
}

func match(pattern, name []string) bool {
	if len(pattern) == 0 {
		return len(name) == 0
	}
	if pattern[0] == "**" {
		for i := range len(name) + 1 {
			if match(pattern[1:], name[i:]) {
				return true
			}
		}
		// a/** means everything beneath a
		return len(pattern) == 1 && len(name) > 0
	}
	if len(name) == 0 {
		return false
	}
	ok, err := path.Match(pattern[0], name[0])
	return err == nil && ok && match(pattern[1:], name[1:])
}
