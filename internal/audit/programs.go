package audit

import (
	"debug/buildinfo"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/vulndb"
)

// ErrNotGo reports that a file is no program that Go built.
var ErrNotGo = errors.New("not a program built by Go, or one without its list of modules")

// ReadProgram returns what a program says of itself. The error is [ErrNotGo]
// for every other file.
func ReadProgram(path string) (Subject, error) {
	f, err := smallfile.Open(path)
	if err != nil {
		return Subject{}, err
	}
	defer f.Close()
	return readProgram(f, path)
}

func readProgram(f io.ReaderAt, path string) (Subject, error) {
	info, err := buildinfo.Read(f)
	if err != nil {
		return Subject{}, ErrNotGo
	}
	return subjectOf(info, path), nil
}

func subjectOf(info *debug.BuildInfo, path string) Subject {
	s := Subject{Kind: Program, Path: path, Package: info.Path, Main: moduleOf(&info.Main)}
	name, _, _ := strings.Cut(info.GoVersion, " ")
	if v, err := gover.Parse(strings.TrimPrefix(name, "go")); err == nil && strings.HasPrefix(name, "go") {
		s.Go = v
	}
	s.Modules = append(s.Modules, vulndb.Module{Path: vulndb.Std, Version: StdVersion(s.Go)})
	if s.Main.Path != "" {
		s.Modules = append(s.Modules, s.Main)
	}
	for _, m := range info.Deps {
		s.Modules = append(s.Modules, moduleOf(m))
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "GOOS":
			s.OS = setting.Value
		case "GOARCH":
			s.Arch = setting.Value
		}
	}
	return s
}

func moduleOf(m *debug.Module) vulndb.Module {
	if m.Replace != nil {
		m = m.Replace
	}
	return vulndb.Module{Path: m.Path, Version: m.Version}
}

// isToolchain reports whether a program belongs to a release itself, such as go
// and gofmt: it is audited with that.
func isToolchain(s Subject) bool { return s.Main.Path == "" && strings.HasPrefix(s.Package, "cmd/") }

// Programs collects programs, each once, by the file that links lead to.
type Programs struct {
	// Skip has directories whose programs belong to something else that is looked
	// at: GOROOTs.
	Skip []string

	list []Subject
	seen map[string]int // real path -> place in list, -1: no program of Go
	gos  map[string]bool
}

// Dir looks at the programs of a directory, not below it. A directory that is
// not there has none.
func (p *Programs) Dir(dir string, mark func(*Subject)) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			_ = p.File(path, mark)
		}
	}
}

// File looks at one file. The error is [ErrNotGo] if Go did not build it.
func (p *Programs) File(path string, mark func(*Subject)) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	return p.add(real, func() (Subject, error) {
		s, err := ReadProgram(real)
		s.Path = path
		return s, err
	}, mark)
}

func (p *Programs) add(real string, read func() (Subject, error), mark func(*Subject)) error {
	if p.seen == nil {
		p.seen, p.gos = map[string]int{}, map[string]bool{}
	}
	i, known := p.seen[real]
	if !known {
		i = -1
		s, err := read()
		switch {
		case err != nil && !errors.Is(err, ErrNotGo):
			return err
		case err == nil && isToolchain(s):
			if goroot := filepath.Dir(filepath.Dir(real)); filepath.Base(real) == "go" && !slices.Contains(p.Skip, goroot) {
				p.gos[goroot] = true
			}
		case err == nil && !p.skipped(real):
			s.Real = real
			i, p.list = len(p.list), append(p.list, s)
		}
		p.seen[real] = i
	}
	if i < 0 {
		return ErrNotGo
	}
	if mark != nil {
		mark(&p.list[i])
	}
	return nil
}

func (p *Programs) skipped(real string) bool {
	return slices.ContainsFunc(p.Skip, func(dir string) bool { return strings.HasPrefix(real, dir+"/") })
}

// Running looks at what runs as a service of systemd on this machine, as far as
// the user may see that. The file may have been replaced since it started.
func (p *Programs) Running(h host.Host) {
	for _, entry := range h.ReadDir("/proc") {
		pid := entry.Name()
		if pid[0] < '0' || pid[0] > '9' {
			continue
		}
		unit, _ := h.ServiceOf(pid)
		exe := h.LinkText("/proc/" + pid + "/exe")
		if unit == "" || exe == "" || strings.HasPrefix(unit, "user@") { // the manager itself
			continue
		}
		read := func() (Subject, error) {
			f, err := h.Open("/proc/" + pid + "/exe")
			if err != nil {
				return Subject{}, err
			}
			defer f.Close()
			return readProgram(f, exe)
		}
		_ = p.add(exe, read, func(s *Subject) {
			if !slices.Contains(s.Units, unit) {
				s.Units = append(s.Units, unit)
			}
		})
	}
}

// List returns the programs, in the order of their paths.
func (p *Programs) List() []Subject {
	list := slices.Clone(p.list)
	slices.SortStableFunc(list, func(a, b Subject) int { return strings.Compare(a.Path, b.Path) })
	return list
}

// GOROOTs returns the trees of go commands that were found and are not among
// Skip.
func (p *Programs) GOROOTs() []string {
	var list []string
	for goroot := range p.gos {
		list = append(list, goroot)
	}
	slices.Sort(list)
	return list
}
