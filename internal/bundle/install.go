package bundle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// stagePrefix begins the names of directories that an install works in.
const stagePrefix = ".new-"

// Installed returns the manifest of a tree that bundles were installed into. The
// error is fs.ErrNotExist where there is none.
func Installed(dir string) (Manifest, error) {
	path := filepath.Join(dir, ManifestName)
	data, err := smallfile.Read(path, maxManifest)
	if err != nil {
		return Manifest{}, err
	}
	return decode(path, data)
}

// GoSettings returns the settings by which a go command uses a tree of modules: its
// URL is file:// or that of a server.
func (m Manifest) GoSettings(url string) []goenv.Setting {
	// A go command with a single file:// proxy does not check the toolchains that
	// it switches to, so that it must not switch by itself.
	list := []goenv.Setting{{Name: "GOPROXY", Value: url}, {Name: "GOTOOLCHAIN", Value: "local"}}
	if slices.ContainsFunc(m.Modules, func(m Module) bool { return m.Private }) {
		// GOPRIVATE makes go look for them in their repositories otherwise.
		list = append(list, goenv.Setting{Name: "GONOPROXY", Value: "none"})
	}
	return list
}

// Install verifies a bundle and adds its files to the tree dir, from where a
// go command reads them as file://. Nothing of it is to be seen in the tree
// before everything was verified and written; a crash leaves files that are
// whole, and a directory that the next install removes. Errors are those of
// [Bundle.Verify], disk-full and failure. v.Tree is ignored.
func (b *Bundle) Install(ctx context.Context, dir string, v Verifier, lock fsx.LockOptions) (Manifest, error) {
	if err := fsx.MkdirAll(dir, 0o755); err != nil {
		return Manifest{}, diag.Wrap(diag.Failure, err, "cannot make the directory "+dir, "vmgo bundle install --dir DIR "+diag.Word(b.Name))
	}
	held, err := fsx.Acquire(ctx, filepath.Join(dir, ".lock"), lock)
	if err != nil {
		return Manifest{}, diag.Wrap(diag.Failure, err, "cannot write in "+dir, "vmgo bundle install --dir DIR "+diag.Word(b.Name))
	}
	merged, err := b.install(ctx, dir, v)
	return merged, errors.Join(err, held.Release())
}

func (b *Bundle) install(ctx context.Context, dir string, v Verifier) (Manifest, error) {
	before, err := Installed(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return before, err
	}
	v.Tree = ""
	if err == nil {
		v.Tree = dir
	}
	if v.Tree != "" && before.Database != b.Manifest.Database {
		return before, diag.New(diag.Usage, dir+" has modules with records of "+before.Database+", not of "+b.Manifest.Database,
			"vmgo bundle install --dir DIR "+diag.Word(b.Name))
	}
	if err := b.Verify(ctx, v); err != nil {
		return before, err
	}
	if err := removeStages(dir); err != nil {
		return before, err
	}
	stage, err := os.MkdirTemp(dir, stagePrefix)
	if err != nil {
		return before, diag.Wrap(diag.Failure, err, "cannot write in "+dir)
	}
	defer func() { _ = fsx.RemoveAll(dir, filepath.Base(stage)) }()
	merged, err := b.stage(ctx, stage, dir, before, v)
	if fsx.IsFull(err) {
		err = diag.Wrap(diag.DiskFull, err, "no room for "+b.Name+" in "+dir, "df -h "+diag.Word(dir))
	}
	if err != nil {
		return before, err
	}
	return merged, publish(stage, dir)
}

func removeStages(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), stagePrefix) {
			err = errors.Join(err, fsx.RemoveAll(dir, entry.Name()))
		}
	}
	return err
}

// stage writes what the tree lacks into a directory beside it, with the lists
// of versions and the manifest of both together, and makes it durable.
func (b *Bundle) stage(ctx context.Context, stage, dir string, before Manifest, v Verifier) (Manifest, error) {
	merged := merge(before, b.Manifest)
	fresh, err := b.joined(ctx, dir, merged, v)
	if err != nil {
		return before, err
	}
	files := map[string]File{}
	for _, f := range before.Files {
		files[f.Path] = f
	}
	for _, f := range b.Manifest.Files {
		if err := ctx.Err(); err != nil {
			return before, err
		}
		f.InBase = false
		files[f.Path] = f
		_, joined := fresh[f.Path]
		if _, ours := b.content(f.Path); !ours || joined || has(dir, f) {
			continue
		}
		if err := b.extract(stage, f); err != nil {
			return before, err
		}
	}
	for name, data := range fresh {
		if err := writeInto(stage, name, data); err != nil {
			return before, err
		}
		files[name] = fileOf(name, data)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		merged.Files = append(merged.Files, files[name])
	}
	data, err := merged.encode()
	if err != nil {
		return before, err
	}
	return merged, errors.Join(writeInto(stage, ManifestName, data), syncFS(stage))
}

// joined returns the files whose content is that of the tree and the bundle
// together: the lists of versions, and the newest tree head.
func (b *Bundle) joined(ctx context.Context, dir string, merged Manifest, v Verifier) (map[string][]byte, error) {
	files, err := indexes(merged.Modules, func(m Module) ([]byte, error) {
		name, err := m.file(".info")
		if err != nil {
			return nil, err
		}
		if data, err := b.small(name, v.Tree); err == nil {
			return data, nil
		}
		return smallfile.Read(filepath.Join(dir, filepath.FromSlash(name)), maxSmall)
	})
	if err != nil {
		return nil, err
	}
	return files, b.newerHead(ctx, files, v)
}

// newerHead adds the newest tree head of both to what is written: an older
// bundle may be installed after a newer one.
func (b *Bundle) newerHead(ctx context.Context, files map[string][]byte, v Verifier) error {
	name := "sumdb/" + b.Manifest.Database + "/latest"
	if v.Tree == "" {
		return nil
	}
	installed, err := smallfile.Read(filepath.Join(v.Tree, filepath.FromSlash(name)), smallfile.Usual)
	if err != nil {
		return nil
	}
	ours, err := b.small(name, v.Tree)
	if err != nil {
		return err
	}
	log, err := b.log(v)
	if err != nil {
		return err
	}
	files[name], err = log.OneHistory(ctx, installed, ours)
	return err
}

// has reports whether the tree has this very file.
func has(dir string, f File) bool {
	opened, err := smallfile.Open(filepath.Join(dir, filepath.FromSlash(f.Path)))
	if err != nil {
		return false
	}
	defer opened.Close()
	sum, err := sumOf(opened)
	return err == nil && sum == f.SHA256
}

// extract writes a file, and compares once more: the bundle may have changed
// since it was opened.
func (b *Bundle) extract(stage string, f File) error {
	section, _ := b.content(f.Path)
	out, err := createIn(stage, f.Path)
	if err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, h), section)
	if err == nil && hex.EncodeToString(h.Sum(nil)) != f.SHA256 {
		err = diag.New(diag.ChecksumMismatch, b.Name+" changed while it was read")
	}
	return errors.Join(err, out.Close())
}

func createIn(stage, name string) (*os.File, error) {
	path := filepath.Join(stage, filepath.FromSlash(name))
	if err := fsx.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	mode := modeOf(name)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, err
	}
	return f, f.Chmod(mode) // whatever the umask
}

func writeInto(stage, name string, data []byte) error {
	f, err := createIn(stage, name)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

func fileOf(name string, data []byte) File {
	sum := sha256.Sum256(data)
	return File{Path: name, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
}

func syncFS(dir string) error {
	d, err := fsx.OpenDirectory(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.SyncFS(), d.Close())
}

// merge returns the manifest of a tree that has both, without its files. What
// only the older has stays.
func merge(older, newer Manifest) Manifest {
	m := Manifest{Format: format, Database: newer.Database}
	m.Projects = union(older.Projects, newer.Projects)
	m.Programs = union(older.Programs, newer.Programs)
	m.Tools = unionFunc(older.Tools, newer.Tools, func(t Tool) string { return t.Package + "@" + t.Version })
	m.Modules = unionFunc(older.Modules, newer.Modules, func(m Module) string { return m.Path + "@" + m.Version })
	for i := range m.Modules {
		same := func(other Module) bool { return other.id() == m.Modules[i].id() && other.Zip }
		m.Modules[i].Zip = slices.ContainsFunc(older.Modules, same) || slices.ContainsFunc(newer.Modules, same)
	}
	m.Releases = releasesOf(m.Modules)
	return m
}

func union(a, b []string) []string { return unionFunc(a, b, func(s string) string { return s }) }

// unionFunc returns what is in either, once each, sorted by its key.
func unionFunc[T any](a, b []T, key func(T) string) []T {
	byKey := map[string]T{}
	for _, item := range append(slices.Clone(a), b...) {
		byKey[key(item)] = item
	}
	out := []T{}
	for _, k := range slices.Sorted(maps.Keys(byKey)) {
		out = append(out, byKey[k])
	}
	return out
}

// publish moves the staged files into the tree: those of the log first, then the
// modules, then what lists them, the manifest last.
func publish(stage, dir string) error {
	var names []string
	err := filepath.WalkDir(stage, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, strings.TrimPrefix(path, stage+"/"))
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	for _, name := range names {
		to := filepath.Join(dir, name)
		if err := fsx.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(stage, name), to); err != nil {
			return err
		}
	}
	return syncFS(dir)
}

func rank(name string) int {
	switch {
	case name == ManifestName:
		return 3
	case strings.HasSuffix(name, "/list"), strings.HasSuffix(name, "/@latest"):
		return 2
	case strings.HasPrefix(name, "sumdb/"):
		return 0
	}
	return 1
}
