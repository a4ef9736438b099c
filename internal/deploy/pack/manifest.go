// Package pack is the package that vmgo deploy brings to a host, and the archive of
// logs that it makes there: a tar with checksums.json first, which names every file
// with its mode and SHA-256, its signature next, and then the files.
package pack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/deploy/config"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/libc"
)

// Names of what every package has.
const (
	ManifestFile  = "checksums.json"
	SignatureFile = "checksums.json.sig"
	ConfigFile    = ".vmgo/deploy.json"
	BuildFile     = ".vmgo/build.json"
	SBOMFile      = ".vmgo/sbom.cdx.json"
)

// Namespaces are what signatures are made for (ssh-keygen -Y sign -n): one of an
// archive of logs is none of a package.
const (
	Namespace     = "vmgo-deploy"
	LogsNamespace = "vmgo-deploy-logs"
)

const (
	format      = 1
	maxManifest = 16 << 20
	maxFile     = 4 << 30
	maxFiles    = 100_000
)

// File is one file of a package.
type File struct {
	Path   string `json:"path"`
	Mode   uint32 `json:"mode"` // 0644 or 0755
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// Manifest is the content of checksums.json.
type Manifest struct {
	Format  int    `json:"format"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Arch    string `json:"arch,omitempty"` // as GOARCH
	Logs    *Logs  `json:"logs,omitempty"` // of an archive of logs; nil: a package
	Files   []File `json:"files"`
}

// Logs says what an archive of logs has.
type Logs struct {
	Host  string    `json:"host"`
	From  time.Time `json:"from"` // of the first journal entry
	Until time.Time `json:"until"`
	Lines int       `json:"lines"` // of the journal
}

// Encode returns the manifest as it is signed.
func (m Manifest) Encode() ([]byte, error) {
	slices.SortFunc(m.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	data, err := json.MarshalIndent(m, "", " ")
	return append(data, '\n'), err
}

// ID returns the name of the release that a manifest describes: its version and
// the beginning of its digest, so that other content has another name.
func ID(m Manifest, encoded []byte) string {
	sum := sha256.Sum256(encoded)
	return m.Version + "-" + hex.EncodeToString(sum[:5])
}

// ValidID reports whether a word can be the name of a release.
func ValidID(id string) bool {
	ok, _ := regexp.MatchString(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,100}-[0-9a-f]{10}$`, id)
	return ok
}

// Decode reads the manifest of a package and refuses what no honest one has.
func Decode(data []byte) (Manifest, error) {
	m, err := decode(data)
	if err != nil {
		return m, err
	}
	if !ValidID(ID(m, data)) {
		return m, unsafe("no usable version")
	}
	for _, needed := range []string{ConfigFile, "bin/" + m.Name} {
		if m.Logs != nil || !slices.ContainsFunc(m.Files, func(f File) bool { return f.Path == needed }) {
			return m, unsafe("no " + needed)
		}
	}
	return m, nil
}

// DecodeLogs is Decode for an archive of logs.
func DecodeLogs(data []byte) (Manifest, error) {
	m, err := decode(data)
	if err == nil && m.Logs == nil {
		err = unsafe("no logs: it is that of a package")
	}
	return m, err
}

func unsafe(what string) error { return diag.New(diag.ArchiveUnsafe, ManifestFile+" has "+what) }

func decode(data []byte) (Manifest, error) {
	var m Manifest
	if err := fsx.Decode(ManifestFile, data, format, &m); diag.CodeOf(err) == diag.NewerFormat {
		return m, err
	} else if err != nil {
		return m, diag.Wrap(diag.ArchiveUnsafe, err, ManifestFile+" cannot be read")
	}
	if !config.ValidName(m.Name) {
		return m, unsafe("no usable name")
	}
	if len(m.Files) > maxFiles {
		return m, unsafe("too many files")
	}
	seen := map[string]bool{}
	for _, f := range m.Files {
		if f.Path == "" || path.IsAbs(f.Path) || path.Clean(f.Path) != f.Path || f.Path == ".." || strings.HasPrefix(f.Path, "../") ||
			strings.ContainsAny(f.Path, "\x00\n\\") || f.Path == ManifestFile || f.Path == SignatureFile {
			return m, unsafe(fmt.Sprintf("the path %q", f.Path))
		}
		if seen[f.Path] {
			return m, unsafe(fmt.Sprintf("the path %q twice", f.Path))
		}
		seen[f.Path] = true
		if f.Mode != 0o644 && f.Mode != 0o755 || f.Size < 0 || f.Size > maxFile || len(f.SHA256) != 64 {
			return m, unsafe(fmt.Sprintf("a mode, size or hash for %q that cannot be", f.Path))
		}
	}
	return m, nil
}

// DecodeNeeds reads what the program needs of the C library, from [BuildFile].
func DecodeNeeds(data []byte) (libc.Needs, error) {
	var info struct {
		Needs libc.Needs `json:"needs"`
	}
	err := json.Unmarshal(data, &info)
	return info.Needs, err
}

// DecodeConfig reads the configuration that lies in a package.
func DecodeConfig(data []byte) (config.Config, error) {
	var c config.Config
	err := json.Unmarshal(data, &c)
	return c, err
}
