package vulndb

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// The snapshot is a zip of the entries as the module has them, and one member
// with what [Database] needs of all of them.
const (
	snapshotName   = "vulndb.zip"
	indexName      = "index.json"
	snapshotFormat = 1
)

// Limits, in bytes. The module had 25 MB in November 2026 and its entries 9 MB.
const (
	maxModule   = 512 << 20
	maxSnapshot = 256 << 20
	maxEntry    = 4 << 20
)

type snapshotIndex struct {
	Format int `json:"format"`
	*Database
}

// Kept returns the database that was fetched last into the directory dir. The
// error is fs.ErrNotExist where there is none.
func Kept(dir string) (*Database, error) {
	file := filepath.Join(dir, snapshotName)
	r, closer, err := openZip(file)
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	data, err := member(r, indexName, maxSnapshot)
	if err != nil {
		return nil, damaged(file, err)
	}
	index := snapshotIndex{Database: &Database{}}
	if err := fsx.Decode(file, data, snapshotFormat, &index); err != nil {
		return nil, err
	}
	index.path = file
	index.Database.index()
	return index.Database, nil
}

func damaged(file string, err error) error {
	return diag.Wrap(diag.Failure, err, file+" is damaged", "rm "+diag.Word(file)+"   # vmgo audit fetches it again")
}

func openZip(file string) (*zip.Reader, io.Closer, error) {
	f, err := smallfile.Open(file)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil {
		var r *zip.Reader
		if r, err = zip.NewReader(f, info.Size()); err == nil {
			return r, f, nil
		}
	}
	return nil, nil, errors.Join(damaged(file, err), f.Close())
}

func member(r *zip.Reader, name string, limit int64) ([]byte, error) {
	f, err := r.Open(name)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	n, err := io.Copy(&buf, io.LimitReader(f, limit+1))
	if err == nil && n > limit {
		err = errors.New(name + " is too large")
	}
	return buf.Bytes(), errors.Join(err, f.Close())
}

// keep writes the snapshot of a module zip whose hash is known to be good.
func keep(module, dir, version, h1 string, now time.Time) error {
	r, closer, err := openZip(module)
	if err != nil {
		return err
	}
	defer closer.Close()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	db := &Database{Version: version, H1: h1, FetchedAt: now.UTC().Truncate(time.Second)}
	prefix := ModulePath + "@" + version + "/data/osv/"
	for _, f := range r.File {
		name, found := strings.CutPrefix(f.Name, prefix)
		if !found || path.Ext(name) != ".json" || strings.Contains(name, "/") {
			continue
		}
		data, err := member(r, f.Name, maxEntry)
		if err != nil {
			return err
		}
		e := &Entry{}
		if err := json.Unmarshal(data, e); err != nil || e.ID+".json" != name {
			return diag.Wrap(diag.Failure, err, "the vulnerability database has an entry that cannot be read: "+name)
		}
		db.Entries = append(db.Entries, e)
		if err := add(w, name, data); err != nil {
			return err
		}
	}
	if len(db.Entries) == 0 {
		return diag.New(diag.Failure, ModulePath+"@"+version+" has no entries where they are expected, in data/osv")
	}
	slices.SortFunc(db.Entries, func(a, b *Entry) int { return strings.Compare(a.ID, b.ID) })
	index, err := json.Marshal(snapshotIndex{snapshotFormat, db})
	if err != nil {
		return err
	}
	if err := errors.Join(add(w, indexName, index), w.Close()); err != nil {
		return err
	}
	return fsx.WriteFile(filepath.Join(dir, snapshotName), out.Bytes(), 0o644)
}

func add(w *zip.Writer, name string, data []byte) error {
	f, err := w.Create(name)
	if err == nil {
		_, err = f.Write(data)
	}
	return err
}

// WriteV1 writes the entries with these identifiers to the directory dir, as a
// database of the form that govulncheck reads ("v1", go.dev/doc/security/vuln/database).
func (d *Database) WriteV1(dir string, ids []string) error {
	type vuln struct {
		ID       string    `json:"id"`
		Modified time.Time `json:"modified"`
	}
	type module struct {
		Path  string `json:"path"`
		Vulns []vuln `json:"vulns"`
	}
	r, closer, err := openZip(d.path)
	if err != nil {
		return err
	}
	defer closer.Close()
	if err := errors.Join(fsx.MkdirAll(filepath.Join(dir, "ID"), 0o755), fsx.MkdirAll(filepath.Join(dir, "index"), 0o755)); err != nil {
		return err
	}
	modules := []module{}
	for _, e := range d.Entries {
		if !slices.Contains(ids, e.ID) {
			continue
		}
		data, err := member(r, e.ID+".json", maxEntry)
		if err == nil {
			err = fsx.WriteFile(filepath.Join(dir, "ID", e.ID+".json"), data, 0o644)
		}
		if err != nil {
			return err
		}
		for _, path := range e.modules() {
			i := slices.IndexFunc(modules, func(m module) bool { return m.Path == path })
			if i < 0 {
				i, modules = len(modules), append(modules, module{Path: path})
			}
			modules[i].Vulns = append(modules[i].Vulns, vuln{ID: e.ID})
		}
	}
	for name, content := range map[string]any{"db.json": map[string]any{"modified": d.FetchedAt}, "modules.json": modules} {
		data, err := json.Marshal(content)
		if err == nil {
			err = fsx.WriteFile(filepath.Join(dir, "index", name), data, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// modules lists the modules that an entry is about, each once.
func (e *Entry) modules() []string {
	var paths []string
	for i := range e.Affected {
		if path := e.Affected[i].Package.Name; !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// isAbsent reports whether there is no snapshot yet.
func isAbsent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
