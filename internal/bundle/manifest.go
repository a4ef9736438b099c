// Package bundle packs what a machine without a network needs to install Go
// releases and to build projects, with the proofs: releases, modules, the
// records and tiles of the checksum database. What is packed was verified, and
// what is installed is verified again, so that nothing has to be switched off on
// the other side.
//
// A bundle is a plain tar: first [ManifestName], then files in the shape of a
// GOPROXY, sorted by path, with fixed times and owners. The same content gives
// the same bytes. Unpacked it is a proxy for file:// URLs.
package bundle

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/modpath"
	"github.com/vmgo/vmgo/internal/trust"
)

// ManifestName is the first file of a bundle, and the record of what a tree has.
const ManifestName = "vmgo-bundle.json"

// format is the number of the manifest's format.
const format = 1

// maxManifest bounds a manifest, in bytes. One of 10,000 files has 2 MB.
const maxManifest = 64 << 20

// Manifest says what a bundle has.
type Manifest struct {
	Format   int       `json:"format"`
	Releases []Release `json:"releases"`
	Projects []string  `json:"projects"` // module paths
	Tools    []Tool    `json:"tools"`
	Modules  []Module  `json:"modules"`
	Programs []string  `json:"programs"` // paths of vmgo's own programs in the bundle
	Database string    `json:"database"` // name of the checksum database
	// Base is the SHA-256 of the manifest of the bundle that this one is a
	// difference to; empty: none.
	Base  string `json:"base,omitempty"`
	Files []File `json:"files"` // sorted by path
}

// Release is a Go release for a platform.
type Release struct {
	Version  string `json:"version"`
	Platform string `json:"platform"` // "linux-amd64"
}

// Tool is a program that can be built from the modules.
type Tool struct {
	Name    string `json:"name"`
	Package string `json:"package"`
	Version string `json:"version"`
}

// Module is a version of a module. Without Zip, only its go.mod is there.
type Module struct {
	Path    string `json:"path"`
	Version string `json:"version"`
	Zip     bool   `json:"zip"`
	// Private modules have no record in the checksum database.
	Private bool `json:"private,omitempty"`
}

func (m Module) id() trust.ModuleVersion {
	return trust.ModuleVersion{Path: m.Path, Version: m.Version}
}

// file returns where a file of the module is in a proxy; ext is ".zip".
func (m Module) file(ext string) (string, error) {
	p, v, err := modpath.Escape(m.Path, m.Version)
	return p + "/@v/" + v + ext, err
}

// File is a file of a bundle.
type File struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// InBase reports that the bundle which this one is a difference to has it.
	InBase bool `json:"in_base,omitempty"`
}

// invalid makes the error of a file that is no bundle, or not the whole of one.
func invalid(name, format string, args ...any) error {
	return diag.New(diag.BadBundle, name+" is not a whole bundle: "+fmt.Sprintf(format, args...),
		"sha256sum "+diag.Word(name)+"   # compare it with that of the original, and copy it again")
}

// encode returns the manifest as it is written.
func (m Manifest) encode() ([]byte, error) {
	data, err := json.MarshalIndent(m, "", " ")
	return append(data, '\n'), err
}

// decode reads a manifest and checks that it makes sense by itself.
func decode(name string, data []byte) (Manifest, error) {
	var head struct {
		Format int `json:"format"`
	}
	var m Manifest
	if err := json.Unmarshal(data, &head); err != nil {
		return m, invalid(name, "the manifest is not JSON: %v", err)
	}
	if head.Format > format {
		return m, diag.New(diag.NewerFormat, name+" was made by a newer vmgo", "vmgo self update")
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil || head.Format != format {
		return m, invalid(name, "the manifest cannot be read: %v", err)
	}
	return m, m.check(name)
}

func (m Manifest) check(name string) error {
	for i, f := range m.Files {
		if err := checkPath(f.Path); err != nil {
			return diag.Wrap(diag.ArchiveUnsafe, err, name+" has a file that no bundle has", "rm "+diag.Word(name))
		}
		if i > 0 && m.Files[i-1].Path >= f.Path {
			return invalid(name, "the files of the manifest are not sorted")
		}
		if f.Size < 0 || len(f.SHA256) != 64 || f.InBase && m.Base == "" {
			return invalid(name, "the manifest says nothing of use about %s", f.Path)
		}
	}
	return m.checkModules(name)
}

// checkModules compares the modules with the files: none may have a file more or
// less.
func (m Manifest) checkModules(name string) error {
	belongs := map[string]bool{}
	for _, module := range m.Modules {
		if !modpath.IsExact(module.Path, module.Version) {
			return invalid(name, "%s@%s is no version of a module", module.Path, module.Version)
		}
		needed := []string{".mod"}
		if module.Zip {
			needed = append(needed, ".info", ".zip")
		}
		for _, ext := range append(needed, ".info") {
			file, err := module.file(ext)
			if err != nil {
				return invalid(name, "%v", err)
			}
			belongs[file] = true
			if slices.Contains(needed, ext) && m.find(file) == nil {
				return invalid(name, "%s is missing", file)
			}
		}
	}
	for _, f := range m.Files {
		_, base, inModule := strings.Cut(f.Path, "/@v/")
		if inModule && base != "list" && !belongs[f.Path] {
			return invalid(name, "%s belongs to no module of the manifest", f.Path)
		}
		if !inModule && !knownPlace(f.Path, m.Database) {
			return invalid(name, "%s belongs to nothing in the manifest", f.Path)
		}
	}
	return m.checkReleases(name)
}

// knownPlace reports whether a file that is no version of a module may be in a
// bundle.
func knownPlace(file, database string) bool {
	return strings.HasPrefix(file, "sumdb/"+database+"/") || strings.HasPrefix(file, programsDir) || path.Base(file) == "@latest"
}

// checkReleases compares the releases with the modules.
func (m Manifest) checkReleases(name string) error {
	if !slices.Equal(m.Releases, releasesOf(m.Modules)) {
		return invalid(name, "the releases of the manifest are not those of its files")
	}
	return nil
}

// releasesOf returns the Go releases among the modules, newest first.
func releasesOf(modules []Module) []Release {
	found := []Release{}
	versions := map[Release]gover.Version{}
	for _, m := range modules {
		if v, p, ok := gover.ParseModuleVersion(m.Version); ok && m.Path == gover.ToolchainModule && m.Zip {
			r := Release{v.String(), p.String()}
			versions[r] = v
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b Release) int {
		return cmp.Or(versions[b].Compare(versions[a]), cmp.Compare(a.Platform, b.Platform))
	})
	return found
}

// find returns the file of that path, nil if there is none.
func (m Manifest) find(file string) *File {
	i, found := slices.BinarySearchFunc(m.Files, file, func(f File, p string) int { return cmp.Compare(f.Path, p) })
	if !found {
		return nil
	}
	return &m.Files[i]
}

// checkPath returns an error for a path that leads out of a tree, or that no
// proxy would have.
func checkPath(file string) error {
	bad := !filepath.IsLocal(file) || path.Clean(file) != file || file == ManifestName
	for element := range strings.SplitSeq(file, "/") {
		bad = bad || strings.HasPrefix(element, ".") || len(element) > 250
	}
	for _, r := range file {
		bad = bad || r < ' ' || r == 0x7f || r == '\\'
	}
	if bad || len(file) > 1024 {
		return errors.New("the path " + fmt.Sprintf("%.200q", file))
	}
	return nil
}
