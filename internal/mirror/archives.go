package mirror

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/trust"
)

// archivesDir has the official archives, in a tree as in the cache.
const archivesDir = "dl"

// indexNames are those of the index, so that a web server answers BASE/?mode=json with
// it: one of them is what it takes for a directory.
func indexNames() []string { return []string{"index.html", "index.json"} }

// maxArchive bounds an archive, in bytes.
const maxArchive = 1 << 30

// Keyring judges signatures; *trust.Keyring is one.
type Keyring interface {
	Verify(s *trust.Signature, h hash.Hash, now time.Time) (trust.Signer, error)
}

// indexRow is a release in the index of go.dev/dl.
type indexRow struct {
	Version string      `json:"version"`
	Stable  bool        `json:"stable"`
	Files   []indexFile `json:"files"`
}

type indexFile struct {
	Filename string `json:"filename"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	Version  string `json:"version"`
	SHA256   string `json:"sha256"`
	Size     int64  `json:"size"`
	Kind     string `json:"kind"`
}

// placeArchives adds the official archives of the releases as far as there are any,
// with signatures and an index that lists them.
func (m *Mirror) placeArchives(ctx context.Context, stage string, releases []Release) error {
	if m.Archives == nil {
		return nil
	}
	var rows []indexRow
	before, _ := archives(m.tree())
	for _, r := range releases {
		file, err := m.archive(ctx, r, before[r])
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case unavailable(err):
			m.Say("no official archive of " + r.String() + ": " + err.Error())
			continue
		case err != nil:
			return err
		}
		if err := m.placeArchive(stage, file.Filename); err != nil {
			return err
		}
		if len(rows) == 0 || rows[len(rows)-1].Version != file.Version {
			rows = append(rows, indexRow{Version: file.Version, Stable: !r.Version.IsPrerelease()})
		}
		last := &rows[len(rows)-1]
		last.Files = append(last.Files, file)
	}
	if len(rows) == 0 {
		return nil
	}
	data, err := json.MarshalIndent(rows, "", " ")
	for _, name := range indexNames() {
		err = errors.Join(err, fsx.WriteFile(filepath.Join(stage, archivesDir, name), append(data, '\n'), 0o644))
	}
	return err
}

// unavailable reports whether an archive is missing for a reason that a mirror can live
// with: a failed check is none.
func unavailable(err error) bool {
	switch diag.CodeOf(err) {
	case diag.Network, diag.Offline, diag.NoSuchRelease, diag.UnsupportedPlatform:
		return err != nil
	}
	return false
}

// placeArchive links an archive, and its signature if there is one.
func (m *Mirror) placeArchive(stage, name string) error {
	if err := fsx.MkdirAll(filepath.Join(stage, archivesDir), 0o755); err != nil {
		return err
	}
	for _, file := range []string{name, name + ".asc"} {
		err := os.Link(m.kept(file), filepath.Join(stage, archivesDir, file))
		if err != nil && (file == name || !errors.Is(err, os.ErrNotExist)) {
			return err
		}
	}
	return nil
}

// kept returns where the cache has an archive.
func (m *Mirror) kept(name string) string {
	return filepath.Join(m.Dir, cacheDir, archivesDir, name)
}

// archive brings the verified archive of a release into the cache. before is what the
// mirror's last index has about it, which is enough if no other index is available.
func (m *Mirror) archive(ctx context.Context, r Release, before indexFile) (indexFile, error) {
	a, err := m.Archives.Locate(ctx, r.Version, r.Platform)
	if a.SHA256 == "" && (err == nil || unavailable(err)) && before.SHA256 != "" {
		a, err = release.Artifact{SHA256: before.SHA256}, nil
	}
	if err != nil {
		return indexFile{}, err
	}
	system, arch, _ := strings.Cut(r.Platform.ArchiveName(), "-")
	file := indexFile{Filename: release.ArchiveName(r.Version, r.Platform), OS: system, Arch: arch,
		Version: r.Version.Toolchain(), SHA256: a.SHA256, Kind: "archive"}
	if a.SHA256 == "" {
		return file, diag.New(diag.NoSuchRelease, "no index has its checksum")
	}
	record, err := m.Creator.Log.Lookup(ctx, r.Version, r.Platform)
	if err != nil {
		return file, err
	}
	check := func() (err error) {
		file.Size, err = m.checkArchive(ctx, m.kept(file.Filename), r, a.SHA256, record.H1)
		return err
	}
	if _, err := os.Lstat(m.kept(file.Filename)); err == nil && check() == nil {
		return file, nil
	}
	if err := m.fetchArchive(ctx, a, file.Filename); err != nil {
		return file, err
	}
	if err := check(); err != nil {
		return file, errors.Join(err, os.Remove(m.kept(file.Filename)))
	}
	return file, nil
}

// fetchArchive downloads an archive and its signature from the first server that has
// them. A release without a signature is proven by the checksum database alone.
func (m *Mirror) fetchArchive(ctx context.Context, a release.Artifact, name string) error {
	if err := fsx.MkdirAll(filepath.Dir(m.kept(name)), 0o755); err != nil {
		return err
	}
	err := error(diag.New(diag.Network, "no server has "+name))
	for _, url := range a.URLs {
		if err = m.Creator.Download(ctx, fetch.Request{URL: url, Limit: maxArchive}, m.kept(name)); !unavailable(err) {
			break
		}
	}
	if err != nil {
		return err
	}
	for _, url := range a.Signatures {
		err := m.Creator.Download(ctx, fetch.Request{URL: url, Limit: trust.MaxSignatureSize}, m.kept(name)+".asc")
		if !unavailable(err) {
			return err
		}
	}
	return nil
}

// checkArchive compares an archive with the checksum of the index, with the record of
// the checksum database and, where there is one, with its signature, and returns
// its size.
func (m *Mirror) checkArchive(ctx context.Context, path string, r Release, sum, h1 string) (int64, error) {
	f, err := smallfile.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	whole := sha256.New()
	signature, signed, err := m.signature(path)
	if err != nil {
		return 0, err
	}
	stream := io.TeeReader(f, io.MultiWriter(whole, signed))
	files, err := archive.ExtractTarGz(ctx, stream, nowhere{}, archive.Options{Limits: archive.DefaultLimits()})
	if _, rest := io.Copy(io.Discard, stream); rest != nil {
		return 0, rest
	}
	if got := hex.EncodeToString(whole.Sum(nil)); got != sum {
		return 0, diag.New(diag.ChecksumMismatch, path+" has the SHA-256 "+got+", and the index says "+sum)
	}
	if err != nil {
		return 0, err
	}
	if signature != nil {
		if _, err := m.Keyring.Verify(signature, signed, m.Now()); err != nil {
			return 0, diag.Wrap(diag.SignatureInvalid, err, path)
		}
	}
	got, err := trust.HashFiles(r.Version, r.Platform, files)
	if err == nil && got != h1 {
		err = diag.New(diag.ProofInvalid, path+" has the hash "+got+", and the checksum database has "+h1+" for "+r.String())
	}
	return info.Size(), err
}

// signature reads the signature beside an archive; nil: there is none.
func (m *Mirror) signature(path string) (*trust.Signature, hash.Hash, error) {
	data, err := smallfile.Read(path+".asc", trust.MaxSignatureSize)
	if errors.Is(err, os.ErrNotExist) {
		return nil, sha256.New(), nil
	}
	if err != nil {
		return nil, nil, err
	}
	s, err := trust.ParseSignature(data)
	if err != nil {
		return nil, nil, diag.Wrap(diag.SignatureInvalid, err, path+".asc cannot be read")
	}
	return s, s.NewHash(), nil
}

// nowhere is an [archive.Sink] that keeps nothing.
type nowhere struct{}

func (nowhere) Mkdir(string) error                          { return nil }
func (nowhere) Enter(string) (archive.Dir, error)           { return nowhere{}, nil }
func (nowhere) Put(archive.File, []byte) error              { return nil }
func (nowhere) Write(p []byte) (int, error)                 { return len(p), nil }
func (nowhere) Commit([sha256.Size]byte) error              { return nil }
func (nowhere) Close() error                                { return nil }
func (nowhere) Create(archive.File) (archive.Writer, error) { return nowhere{}, nil }
func (nowhere) Reuse(archive.File) (sum [sha256.Size]byte, ok bool, err error) {
	return sum, false, nil
}

// archives lists the official archives that a tree has by its index.
func archives(tree string) (map[Release]indexFile, error) {
	data, err := smallfile.Read(filepath.Join(tree, archivesDir, "index.json"), release.MaxIndex)
	if err != nil {
		return nil, err
	}
	index, err := release.DecodeIndex(data)
	if err != nil {
		return nil, err
	}
	list := map[Release]indexFile{}
	for _, row := range index.Releases {
		for _, a := range row.Archives {
			list[Release{row.Version, a.Platform}] = indexFile{Filename: a.Name, SHA256: a.SHA256, Size: a.Size}
		}
	}
	return list, nil
}
