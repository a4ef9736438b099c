package release

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/vmgo/vmgo/internal/gover"
)

// Index is the list of releases as in go.dev/dl?mode=json&include=all,
// reduced to what can be installed.
type Index struct {
	Releases []IndexRelease // in the order of the answer: newest first
	// Skipped counts, by reason, the rows that were left out. The real index
	// has several hundred of them: files of old releases without a SHA-256, a
	// pseudo release, misspelt platforms. They are not a fault of the server.
	Skipped map[string]int
}

// IndexRelease is one release with its archives.
type IndexRelease struct {
	Version  gover.Version
	Stable   bool
	Archives []IndexArchive
}

// IndexArchive is one archive. Its name has been checked to be the one that
// the release and platform must have, so it can stand in a URL or a path.
type IndexArchive struct {
	Name     string
	Platform gover.Platform
	SHA256   string // 64 lower-case hexadecimal digits
	Size     int64  // 0 where the index does not know
}

// Why rows are left out.
const (
	skipUnreadable = "unreadable"
	skipVersion    = "version that cannot be parsed"
	skipDuplicate  = "duplicate"
	skipName       = "name that does not fit the release"
	skipMacOS      = "archive for one release of macOS"
	skipChecksum   = "no checksum"
)

// bootstrapRelease is not a release: the index lists the archives of the compiler
// that builds Go 1.5 and later from source under this name.
const bootstrapRelease = "go1"

// maxIndexReleases bounds what one answer may make us remember. In 2026 there
// are 340.
const maxIndexReleases = 20_000

// DecodeIndex reads the JSON of the index. A row that cannot be used is
// counted and left out; only an answer that is not an index is an error.
func DecodeIndex(data []byte) (*Index, error) {
	var rows []json.RawMessage
	if err := json.Unmarshal(data, &rows); err != nil {
		return nil, fmt.Errorf("the answer is not an index of releases: %w", err)
	}
	if len(rows) > maxIndexReleases {
		return nil, fmt.Errorf("the answer lists %d releases", len(rows))
	}
	index := &Index{Skipped: map[string]int{}}
	seen := map[gover.Version]bool{}
	for _, row := range rows {
		release, reason := index.release(row)
		if seen[release.Version] {
			reason = skipDuplicate
		}
		if reason != "" {
			index.Skipped[reason]++
			continue
		}
		seen[release.Version] = true
		index.Releases = append(index.Releases, release)
	}
	return index, nil
}

func (x *Index) release(row json.RawMessage) (r IndexRelease, skip string) {
	var raw struct {
		Version string
		Stable  bool
		Files   []json.RawMessage
	}
	if err := json.Unmarshal(row, &raw); err != nil {
		return r, skipUnreadable
	}
	version, _ := gover.Parse(raw.Version)
	if version.Toolchain() != raw.Version || !version.IsRelease() || raw.Version == bootstrapRelease {
		return r, skipVersion
	}
	r = IndexRelease{Version: version, Stable: raw.Stable}
	for _, file := range raw.Files {
		archive, kind, skip := indexArchive(file, version)
		switch {
		case skip == "" && kind != "archive":
			continue // sources and installers are fine, just not for us
		case r.has(archive):
			skip = skipDuplicate
		}
		if skip != "" {
			x.Skipped[skip]++
			continue
		}
		r.Archives = append(r.Archives, archive)
	}
	return r, ""
}

func (r IndexRelease) has(a IndexArchive) bool {
	_, ok := r.Archive(a.Platform)
	return ok
}

// Archive finds the archive for p.
func (r IndexRelease) Archive(p gover.Platform) (IndexArchive, bool) {
	for _, a := range r.Archives {
		if a.Platform == p {
			return a, true
		}
	}
	return IndexArchive{}, false
}

// Release finds the row of a version.
func (x *Index) Release(v gover.Version) (IndexRelease, bool) {
	for _, r := range x.Releases {
		if r.Version == v {
			return r, true
		}
	}
	return IndexRelease{}, false
}

func indexArchive(file json.RawMessage, v gover.Version) (a IndexArchive, kind, skip string) {
	var raw struct {
		Filename, OS, Arch, Version, SHA256, Kind string
		Size                                      int64
	}
	if err := json.Unmarshal(file, &raw); err != nil {
		return a, "", skipUnreadable
	}
	if raw.Kind != "archive" {
		return a, raw.Kind, ""
	}
	if raw.OS == "darwin" && strings.Contains(raw.Filename, "-osx10.") {
		return a, raw.Kind, skipMacOS
	}
	// A row must not lead to the archive of another release or platform: its
	// name is compared with the one that we would have made.
	goarch, ok := archFromFile(raw.OS, raw.Arch)
	p := gover.Platform{OS: raw.OS, Arch: goarch}
	if !ok || raw.Version != v.Toolchain() || raw.Filename != ArchiveName(v, p) {
		return a, raw.Kind, skipName
	}
	if sum, err := hex.DecodeString(raw.SHA256); err != nil || len(sum) != 32 || strings.ToLower(raw.SHA256) != raw.SHA256 {
		return a, raw.Kind, skipChecksum
	}
	return IndexArchive{raw.Filename, p, raw.SHA256, max(raw.Size, 0)}, raw.Kind, ""
}

// ArchiveName is the file name of the official archive of v for p:
// go1.22.5.linux-armv6l.tar.gz for GOARCH=arm on Linux.
func ArchiveName(v gover.Version, p gover.Platform) string {
	ext := ".tar.gz"
	if p.OS == "windows" {
		ext = ".zip"
	}
	return v.Toolchain() + "." + p.ArchiveName() + ext
}

// archFromFile turns the architecture of a file name into GOARCH. Only names
// of lower-case letters and digits pass, so that nothing else gets into paths.
func archFromFile(goos, arch string) (string, bool) {
	if p := (gover.Platform{OS: goos, Arch: arch}); !p.IsPlain() {
		return "", false
	}
	if goos == "linux" {
		switch arch {
		case "armv6l":
			return "arm", true
		case "arm", "arm6": // misspelt: no archive has such a name
			return "", false
		}
	}
	return arch, true
}
