package doctor

import (
	"context"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
)

func setuidCheck() Check {
	return Check{
		ID: "security.setuid", Group: Security, Weight: 9,
		Title:  "whether a program of Go or vmgo runs with the rights of another user",
		Why:    "go runs programs that its caller names, so whoever may run a setuid go has the rights of its owner",
		Source: "setuid and setgid bits and security.capability of bin and pkg/tool of each Go on PATH and in the stores, of vmgo and its shims; chmod(1), capabilities(7)",
		Run:    runSetuid,
	}
}

func runSetuid(ctx context.Context, m *Machine) Result {
	r := ok("none has setuid or setgid bits or capabilities")
	programs := m.ownPrograms()
	if len(programs) == 0 {
		return skip("there is no program of Go or vmgo to look at")
	}
	for _, p := range programs {
		if ctx.Err() != nil {
			break
		}
		r = m.judgePrivileges(r, p)
	}
	return r
}

// ownPrograms returns the programs of each Go on PATH and in the stores, vmgo and its
// shims, with every link followed.
func (m *Machine) ownPrograms() (all []string) {
	paths := []string{m.Options.Vmgo, filepath.Join(filepath.Dir(m.Options.Vmgo), "vmgo-shim")}
	var roots []string
	for _, g := range m.Gos() {
		paths = append(paths, g.Real, filepath.Join(filepath.Dir(g.Path), "gofmt"))
		roots = append(roots, g.GOROOT)
	}
	for _, rel := range m.Releases() {
		roots = append(roots, rel.GOROOT)
	}
	for _, root := range roots {
		if root != "" {
			paths = append(paths, m.within(root+"/bin")...)
			for _, tools := range m.within(root + "/pkg/tool") {
				paths = append(paths, m.within(tools)...)
			}
		}
	}
	for _, p := range paths {
		if real, err := m.RealPath(p); err == nil && m.IsProgram(real) {
			all = append(all, real)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// within returns the paths of what is in a directory.
func (m *Machine) within(dir string) (all []string) {
	for _, entry := range m.ReadDir(dir) {
		all = append(all, filepath.Join(dir, entry.Name()))
	}
	return all
}

// judgePrivileges adds a program that runs with the rights of others.
func (m *Machine) judgePrivileges(r Result, path string) Result {
	info, err := m.Stat(path)
	if err != nil {
		return r
	}
	mode := info.Mode()
	uid, gid := m.Owner(path)
	sudo := m.sudoFor(path)
	add := func(format string, args ...any) {
		r.worse(Fail)
		r.Summary = "a program of Go or vmgo runs with the rights of another user"
		r = r.at(path, 0, format, args...)
	}
	if mode&fs.ModeSetuid != 0 {
		add("mode %04o: whoever runs it has the rights of %s", modeBits(mode), m.nameOf(uid))
	}
	if mode&fs.ModeSetgid != 0 {
		add("mode %04o: whoever runs it has the rights of group %d", modeBits(mode), gid)
	}
	if mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
		r = r.fixWith("%schmod u-s,g-s %s", sudo, diag.Word(path)).
			safely(Edit{Path: path, Mode: modeWithout(mode, fs.ModeSetuid|fs.ModeSetgid)})
	}
	if m.hasCapability(path) {
		add("security.capability: whoever runs it has some rights of root")
		r = r.fixWith("sudo setcap -r %s", diag.Word(path))
	}
	return r
}

// hasCapability reports whether a file has capabilities of its own, see capabilities(7).
func (m *Machine) hasCapability(path string) bool {
	f, err := m.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	names, _ := fsx.Attributes(f) // a file system without attributes has no capabilities
	return slices.Contains(names, "security.capability")
}
