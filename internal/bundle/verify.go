package bundle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/trust"
)

// Verifier has what a bundle is compared with: this machine's settings and what
// it remembers.
type Verifier struct {
	// GOSUMDB is that of the machine: its key counts, not where it is asked.
	GOSUMDB string
	// StateDir keeps the newest signed tree head that this machine has seen.
	StateDir string
	// Private reports whether the settings of this machine say that a module is
	// in no public database.
	Private func(path string) bool
	// Tree is where the bundle that another one is a difference to was
	// installed; empty: there is none.
	Tree string
	// Online returns a file of the database, "tile/8/0/123", where the network
	// may be used; nil: it may not.
	Online func(ctx context.Context, file string) ([]byte, error)
	Warn   func(text string)
}

// Verify checks every module of an open bundle against the checksum database's
// records in it, and those against the database's key and what this machine has
// seen of its history. Errors are proof-invalid, unproven, log-forked and, where
// the bundle lacks a part of the log, network or offline.
func (b *Bundle) Verify(ctx context.Context, v Verifier) error {
	log, err := b.log(v)
	if err != nil {
		return err
	}
	if b.Manifest.Base != "" && v.Tree == "" {
		return diag.New(diag.Usage, b.Name+" is the difference to another bundle, which has to be installed first",
			"vmgo bundle install BASE && vmgo bundle install "+diag.Word(b.Name))
	}
	if err := b.verifyHead(ctx, log, v); err != nil {
		return err
	}
	verify := func(m *Module) error { return b.verifyModule(ctx, log, v, *m) }
	if err := each(ctx, runtime.GOMAXPROCS(0), b.Manifest.Modules, verify); err != nil {
		return err
	}
	return b.verifyIndexes(v.Tree)
}

// log makes the database as the bundle has it.
func (b *Bundle) log(v Verifier) (*trust.Log, error) {
	setting, err := goenv.ParseSumDB(v.GOSUMDB)
	if err != nil {
		return nil, diag.Wrap(diag.BadSetting, err, "GOSUMDB cannot be read", "go env GOSUMDB")
	}
	log, err := trust.NewLog(trust.LogConfig{
		GOSUMDB: setting.Key, Proxies: fetch.Proxies{{URL: within}}, Getter: database{b, v}, StateDir: v.StateDir, Warn: v.Warn,
	})
	if err != nil {
		return nil, err
	}
	if log.Name() != b.Manifest.Database {
		return nil, diag.New(diag.Unproven, b.Name+" has records of the checksum database "+b.Manifest.Database+", and GOSUMDB names "+log.Name(),
			"go env GOSUMDB")
	}
	return log, nil
}

// verifyHead checks that the bundle's newest tree head is of one history with
// that of the tree.
func (b *Bundle) verifyHead(ctx context.Context, log *trust.Log, v Verifier) error {
	latest := log.Place() + "/latest"
	head, err := b.small(latest, v.Tree)
	if err != nil {
		return err
	}
	if v.Tree == "" {
		return nil
	}
	installed, err := smallfile.Read(filepath.Join(v.Tree, latest), smallfile.Usual)
	if err != nil || bytes.Equal(installed, head) {
		return nil // of another database, or the same
	}
	if _, err = log.OneHistory(ctx, installed, head); diag.CodeOf(err) == diag.Network {
		return diag.Wrap(diag.Unproven, err, b.Name+" and what is installed in "+v.Tree+" are from different days, and nothing in either shows that the log is the same",
			"vmgo bundle create --base OLD ...   # on the other side: what was installed last", "vmgo bundle install --dir DIR "+diag.Word(b.Name))
	}
	return err
}

// verifyModule compares the files of a module with its record.
func (b *Bundle) verifyModule(ctx context.Context, log *trust.Log, v Verifier, m Module) error {
	var record trust.ModuleRecord
	switch {
	case !m.Private:
		var err error
		if record, err = log.Module(ctx, m.Path, m.Version); err != nil {
			return err
		}
	case !v.Private(m.Path):
		return diag.New(diag.Unproven, m.Path+"@"+m.Version+" in "+b.Name+" has no record, and the settings of this machine do not say that it is private",
			"export GONOSUMDB="+diag.Word(m.Path)+"   # beside what is set already")
	}
	mod, zip, err := b.hashes(v.Tree, m)
	if err != nil || m.Private {
		return err
	}
	return record.Check(m.id(), zip, mod)
}

// hashes returns the hashes of a module's files in go.sum's form; zip is empty
// where only its go.mod is there. Its .info has to be about the version.
func (b *Bundle) hashes(tree string, m Module) (mod, zip string, err error) {
	name, err := m.file(".mod")
	if err != nil {
		return "", "", err
	}
	data, err := b.small(name, tree)
	if err != nil {
		return "", "", err
	}
	if mod, err = trust.HashMod(data); err != nil || !m.Zip {
		return mod, "", err
	}
	base := strings.TrimSuffix(name, ".mod")
	info, err := b.small(base+".info", tree)
	if err != nil {
		return "", "", err
	}
	var about struct{ Version string }
	if err := json.Unmarshal(info, &about); err != nil || about.Version != m.Version {
		return "", "", invalid(b.Name, "%s.info is not about the version", base)
	}
	r, size, done, err := b.open(base+".zip", tree)
	if err != nil {
		return "", "", err
	}
	defer done()
	if zip, err = trust.HashModule(m.id(), r, size); err != nil {
		err = diag.Wrap(diag.ProofInvalid, err, "the content of "+m.Path+"@"+m.Version+" in "+b.Name+" is not what its record is about")
	}
	return mod, zip, err
}

// small returns the content of a file that is read at once.
func (b *Bundle) small(file, tree string) ([]byte, error) {
	r, size, done, err := b.open(file, tree)
	if err != nil {
		return nil, err
	}
	defer done()
	if size > maxSmall {
		return nil, invalid(b.Name, "%s has %d bytes", file, size)
	}
	data := make([]byte, size)
	_, err = r.ReadAt(data, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return data, err
}

// maxSmall bounds a go.mod, an .info or a part of the log, in bytes; it is the go
// command's limit for a go.mod.
const maxSmall = 16 << 20

// open returns a file of the bundle or, for a difference, of the tree that has
// the other bundle, where it must have the hash of the manifest.
func (b *Bundle) open(file, tree string) (r io.ReaderAt, size int64, done func(), err error) {
	if section, found := b.content(file); found {
		return section, section.Size(), func() {}, nil
	}
	f := b.Manifest.find(file)
	if f == nil || !f.InBase || tree == "" {
		return nil, 0, nil, invalid(b.Name, "%s is missing", file)
	}
	opened, err := smallfile.Open(filepath.Join(tree, filepath.FromSlash(file)))
	if err == nil {
		if sum, fault := sumOf(opened); fault != nil || sum != f.SHA256 {
			err = errors.Join(errors.New("it is another file"), fault, opened.Close())
		}
	}
	if err != nil && b.file == nil {
		return nil, 0, nil, b.damaged(file, err)
	}
	if err != nil {
		return nil, 0, nil, diag.Wrap(diag.BadBundle, err, b.Name+" is the difference to a bundle that is not the one in "+tree,
			"vmgo bundle install BASE && vmgo bundle install "+diag.Word(b.Name))
	}
	return opened, f.Size, func() { _ = opened.Close() }, nil
}

// sumOf returns the SHA-256 of a file in hexadecimal.
func sumOf(f *os.File) (string, error) {
	h := sha256.New()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	_, err := io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}

// within begins the URLs by which a log reads the database from a bundle.
const within = "bundle:"

// database answers a log's questions from a bundle. Tiles that lead to a tree
// head which only this machine has seen come from the tree, or from the network.
type database struct {
	b *Bundle
	v Verifier
}

// Get is part of [trust.Getter].
func (d database) Get(ctx context.Context, url string, limit int64) ([]byte, error) {
	file := strings.TrimPrefix(url, within+"/")
	if f := d.b.Manifest.find(file); f != nil && f.Size <= limit {
		return d.b.small(file, d.v.Tree)
	}
	part, inside := strings.CutPrefix(file, "sumdb/"+d.b.Manifest.Database+"/")
	if inside && strings.HasPrefix(part, "tile/") && checkPath(file) == nil {
		if d.v.Tree != "" {
			if data, err := smallfile.Read(filepath.Join(d.v.Tree, filepath.FromSlash(file)), limit); err == nil {
				return data, nil
			}
		}
		if d.v.Online != nil {
			return d.v.Online(ctx, part)
		}
	}
	return nil, diag.Wrap(diag.Network, &fetch.StatusError{Status: http.StatusNotFound}, d.b.Name+" does not have "+file)
}
