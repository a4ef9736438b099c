package trust

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/modpath"
)

// ModuleVersion names one version of a module.
type ModuleVersion struct{ Path, Version string }

// Snapshot is the part of the database that a machine without it needs: enough
// for a go command to look up some modules and to check the answers.
type Snapshot struct {
	// Head is the signed tree head in which every record is.
	Head []byte
	// Files are answers by their path: "latest", "lookup/MODULE@VERSION",
	// "tile/8/0/123.p/45". All answers have the same tree head, so that they
	// need not be compared.
	Files map[string][]byte
	// Records has the record of each module.
	Records map[ModuleVersion]ModuleRecord
}

// lookupsAtOnce is how many records are requested in parallel.
const lookupsAtOnce = 8

// Snapshot downloads the records of the modules and collects their
// proofs. since are signed tree heads that the machine may have seen, from
// which proofs lead to the new one; empty ones are none. Errors are those of
// [Log.Module].
func (l *Log) Snapshot(ctx context.Context, modules []ModuleVersion, since ...[]byte) (Snapshot, error) {
	snapshot := Snapshot{Files: map[string][]byte{}, Records: map[ModuleVersion]ModuleRecord{}}
	var (
		mu     sync.Mutex
		wg     sync.WaitGroup
		failed error
	)
	slots := make(chan struct{}, lookupsAtOnce)
	for _, m := range modules {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			mu.Lock()
			stop := failed != nil || ctx.Err() != nil
			mu.Unlock()
			if stop {
				return
			}
			record, err := l.Module(ctx, m.Path, m.Version)
			mu.Lock()
			defer mu.Unlock()
			if failed == nil {
				failed = err
			}
			snapshot.Records[m] = record
		})
	}
	wg.Wait()
	if err := errors.Join(ctx.Err(), failed); err != nil {
		return Snapshot{}, err
	}
	return settle(ctx, l, func(s *session) (Snapshot, error) { return snapshot, s.collect(&snapshot, since) })
}

// collect fills in the files of a snapshot whose records are known.
func (s *session) collect(snapshot *Snapshot, since [][]byte) error {
	if err := s.collectFiles(snapshot, since); err != nil {
		return s.explainModule("the modules of a snapshot", err)
	}
	return nil
}

func (s *session) collectFiles(snapshot *Snapshot, since [][]byte) error {
	older, newest, err := s.log.openHeads(since)
	if err != nil {
		return err
	}
	known, err := s.known()
	if err == nil && (known.N == 0 || known.N < newest) { // it could not be kept, or others have seen more
		known, err = s.advance()
	}
	if err == nil && known.N < newest {
		err = fmt.Errorf("its newest tree has %d records, and a tree head to start from has %d", known.N, newest)
	}
	if err != nil {
		return err
	}
	reader := &recorder{reader: (*tileReader)(s), files: snapshot.Files}
	hashes := tlog.TileHashReader(known.Tree, reader)
	for m, record := range snapshot.Records {
		id, text, _, err := tlog.ParseRecord(record.Answer)
		if err != nil {
			return err
		}
		// The go command's client and an inclusion proof read the same tiles.
		found, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, id)})
		if err != nil {
			return err
		}
		if found[0] != tlog.RecordHash(text) {
			return errors.New("the record is not in the tree")
		}
		path, version, err := modpath.Escape(m.Path, m.Version)
		if err != nil {
			return err
		}
		answer, err := tlog.FormatRecord(id, text)
		if err != nil {
			return err
		}
		snapshot.Files["lookup/"+path+"@"+version] = append(answer, known.note...)
	}
	snapshot.Head = []byte(known.note)
	snapshot.Files["latest"] = snapshot.Head
	for _, head := range older {
		if err := s.collectSince(known, head, reader); err != nil {
			return err
		}
	}
	return nil
}

// openHeads returns signed tree heads, and the number of records of the largest tree. Empty ones are left out.
func (l *Log) openHeads(signed [][]byte) (heads []head, newest int64, err error) {
	for _, text := range signed {
		if len(text) == 0 {
			continue
		}
		h, err := l.openHead(text)
		if err != nil {
			return nil, 0, err
		}
		heads, newest = append(heads, h), max(newest, h.N)
	}
	return heads, newest, nil
}

// collectSince reads the tiles that lead from an older tree to this one, and those of
// the older one, by which a go command checks the tree head that it remembers.
func (s *session) collectSince(known, older head, reader *recorder) error {
	if err := continues(older, known, tlog.TileHashReader(known.Tree, reader)); err != nil {
		return err
	}
	_, err := tlog.TileHashReader(older.Tree, reader).ReadHashes(nil)
	return err
}

// continues returns an error unless the older tree is the beginning of the newer
// one, whose hashes are given.
func continues(older, newer head, hashes tlog.HashReader) error {
	switch {
	case older.N > newer.N:
		return errors.New("the older tree head is the newer one")
	case older.N == 0:
		return nil
	}
	hash, err := tlog.TreeHash(older.N, hashes)
	if err == nil && hash != older.Hash {
		err = errors.New("the newer tree head does not continue the older one")
	}
	return err
}

// OneHistory returns an error unless two signed tree heads are of one history,
// which the tiles of the newer one have to show, and the newer of the two.
func (l *Log) OneHistory(ctx context.Context, one, other []byte) (newer []byte, err error) {
	return settle(ctx, l, func(s *session) ([]byte, error) {
		a, errA := l.openHead(one)
		b, errB := l.openHead(other)
		if err := errors.Join(errA, errB); err != nil {
			return nil, l.invalidModule("two tree heads", err)
		}
		if a.N > b.N {
			a, b = b, a
		}
		if err := continues(a, b, tlog.TileHashReader(b.Tree, (*tileReader)(s))); err != nil {
			return nil, s.explainModule("two tree heads", err)
		}
		return []byte(b.note), nil
	})
}

// recorder passes tiles on and remembers them by their path.
type recorder struct {
	reader tlog.TileReader
	files  map[string][]byte
}

// Height is that of the reader.
func (r *recorder) Height() int { return r.reader.Height() }

// ReadTiles is part of [tlog.TileReader].
func (r *recorder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data, err := r.reader.ReadTiles(tiles)
	if err == nil {
		for i, tile := range tiles {
			r.files[tile.Path()] = slices.Clone(data[i])
		}
	}
	return data, err
}

// SaveTiles does nothing: what is read is recorded.
func (r *recorder) SaveTiles([]tlog.Tile, [][]byte) {}

// Place returns where the database is in a tree of the shape of a GOPROXY:
// "sumdb/NAME".
func (l *Log) Place() string { return "sumdb/" + l.name }

// Check compares the hashes of the files of a module with its record. An empty
// one is not compared. The error is proof-invalid.
func (r ModuleRecord) Check(m ModuleVersion, zip, mod string) error {
	for _, pair := range [][3]string{{zip, r.Zip, "content"}, {mod, r.Mod, "go.mod"}} {
		if pair[0] != "" && pair[0] != pair[1] {
			return diag.New(diag.ProofInvalid, "the "+pair[2]+" of "+m.Path+"@"+m.Version+" has the hash "+pair[0]+
				", and the checksum database has "+pair[1])
		}
	}
	return nil
}

// HashModule returns the hash ("h1:...") that the log has for the zip of a
// module. Every name in it must begin with "PATH@VERSION/".
func HashModule(m ModuleVersion, r io.ReaderAt, size int64) (string, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return "", err
	}
	files := map[string]*zip.File{}
	names := make([]string, 0, len(z.File))
	for _, f := range z.File {
		if !strings.HasPrefix(f.Name, m.Path+"@"+m.Version+"/") {
			return "", errors.New("it has a file of something else: " + f.Name)
		}
		files[f.Name] = f
		names = append(names, f.Name)
	}
	return dirhash.Hash1(names, func(name string) (io.ReadCloser, error) { return files[name].Open() })
}
