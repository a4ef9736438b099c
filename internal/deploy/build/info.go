package build

import (
	"context"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/deploy/pack"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/libc"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Info is what a package says about its build: the content of [pack.BuildFile].
type Info struct {
	Toolchain string            `json:"toolchain"`
	Proofs    json.RawMessage   `json:"proofs,omitempty"` // of the toolchain, from its receipt
	Commit    string            `json:"commit,omitempty"`
	Main      string            `json:"main,omitempty"`
	Modules   []Module          `json:"modules"`
	Settings  map[string]string `json:"settings,omitempty"`
	Needs     libc.Needs        `json:"needs"` // of the C library
}

// Module is a module that was linked, with its hash of the checksum database.
type Module struct {
	Path    string `json:"path"`
	Version string `json:"version"`
	Sum     string `json:"sum,omitempty"`
}

// describeBuild writes build information and SBOM, as the program has them.
func (b Builder) describeBuild(ctx context.Context, dir string, tool toolchain) error {
	info := Info{Toolchain: tool.Version, Proofs: tool.Proofs, Modules: []Module{}, Settings: map[string]string{}}
	if out, err := b.Host.Ask(ctx, host.Command{Args: []string{"git", "rev-parse", "HEAD"}, Dir: b.Project}); err == nil && out.Status == 0 {
		info.Commit = strings.TrimSpace(out.Stdout)
	}
	if err := info.read(filepath.Join(dir, "bin", b.Config.Name)); err != nil {
		return err
	}
	data, err := json.MarshalIndent(info, "", " ")
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, pack.BuildFile), data); err != nil {
		return err
	}
	if data, err = json.MarshalIndent(info.sbom(b.Config.Name), "", " "); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, pack.SBOMFile), data)
}

// read takes what the go command left in a program; another program has nothing.
func (i *Info) read(program string) error {
	file, err := smallfile.Open(program)
	if err != nil {
		return err
	}
	defer file.Close()
	if e, err := elf.NewFile(file); err == nil {
		i.Needs = libc.Of(e)
	}
	built, err := buildinfo.Read(file)
	if err != nil {
		return nil
	}
	if i.Toolchain == "" {
		i.Toolchain = strings.TrimPrefix(built.GoVersion, "go")
	}
	i.Main = built.Path
	for _, m := range built.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		i.Modules = append(i.Modules, Module{m.Path, m.Version, m.Sum})
	}
	for _, s := range built.Settings {
		i.Settings[s.Key] = s.Value
	}
	return nil
}

// sbom returns the linked modules as CycloneDX 1.5.
func (i *Info) sbom(name string) map[string]any {
	components := []map[string]any{}
	for _, m := range append([]Module{{Path: "std", Version: "go" + i.Toolchain}}, i.Modules...) {
		component := map[string]any{
			"type": "library", "name": m.Path, "version": m.Version, "purl": "pkg:golang/" + m.Path + "@" + m.Version,
		}
		if m.Sum != "" {
			component["properties"] = []map[string]string{{"name": "go:h1", "value": m.Sum}}
		}
		components = append(components, component)
	}
	return map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
		"metadata":   map[string]any{"component": map[string]any{"type": "application", "name": name, "bom-ref": i.Main}},
		"components": components,
	}
}
