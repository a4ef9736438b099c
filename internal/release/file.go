package release

import (
	"context"
	"net/url"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
)

// File is the source that has one release: an official archive or a module
// zip that is already on this machine.
type File struct{ artifact Artifact }

// NewFile makes the source of the file at path, an absolute one, which must
// have the name that such files have. signatures are URLs that may have its
// detached signature, checksum its SHA-256 if another party than the file's knows it.
func NewFile(path, name, checksum string, signatures []string) (*File, error) {
	a, ok := ParseFileName(name)
	if !ok {
		return nil, diag.New(diag.Usage, name+" is not the name of an official archive or of a toolchain module",
			"vmgo help install   # names are like go1.22.5.linux-amd64.tar.gz or v0.0.1-go1.22.5.linux-amd64.zip")
	}
	a.Source, a.URLs, a.SHA256, a.Signatures = "file", []string{FileURL(path)}, checksum, signatures
	if a.Kind == Zip {
		a.SHA256, a.Signatures = "", nil
	}
	return &File{a}, nil
}

// FileURL returns a path as a URL.
func FileURL(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }

// ParseFileName reads version, platform and kind from the name of an official
// archive or of a module zip. What is none has no platform.
func ParseFileName(name string) (a Artifact, ok bool) {
	if module, isZip := strings.CutSuffix(name, ".zip"); isZip {
		a.Version, a.Platform, _ = gover.ParseModuleVersion(module)
		a.Kind, a.Module = Zip, module
		return a, a.Platform.IsPlain()
	}
	rest := strings.TrimSuffix(name, ".tar.gz")
	rest = strings.Replace(rest, ".linux-armv6l", ".linux-arm", 1)
	a.Version, a.Platform, _ = gover.ParseModuleVersion("v0.0.1-" + rest)
	a.Kind, a.Module = TarGz, gover.ModuleVersion(a.Version, a.Platform)
	return a, ArchiveName(a.Version, a.Platform) == name && a.Platform.IsPlain()
}

// Version is that of the one release.
func (f *File) Version() gover.Version { return f.artifact.Version }

// Name is "file".
func (f *File) Name() string { return "file" }

// Locate returns the file if it is of that release and platform.
func (f *File) Locate(_ context.Context, v gover.Version, p gover.Platform) (Artifact, error) {
	a := f.artifact
	switch {
	case a.Version != v:
		return Artifact{}, diag.New(diag.NoSuchRelease, a.URLs[0]+" is "+a.Version.Toolchain()+", not "+v.Toolchain())
	case a.Platform != p:
		return Artifact{}, diag.New(diag.UnsupportedPlatform, a.URLs[0]+" is for "+a.Platform.String()+", and this machine is "+p.String())
	}
	return a, nil
}
