package trust

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
)

// ModuleRecord is the record of one version of a module. One that exists was
// verified like a [Record].
type ModuleRecord struct {
	Zip, Mod string // "h1:...": hashes of the module's zip and go.mod
	Answer   []byte // the database's whole answer to the lookup, with a tree head
}

// Module asks the log for the record of a module and checks it. Errors are those
// of [Log.Lookup].
func (l *Log) Module(ctx context.Context, path, version string) (ModuleRecord, error) {
	return settle(ctx, l, func(s *session) (ModuleRecord, error) { return s.module(path, version) })
}

func (s *session) module(path, version string) (ModuleRecord, error) {
	what := path + "@" + version
	if _, err := sumdb.NewClient(s).Lookup(path, version); err != nil {
		return ModuleRecord{}, s.explainModule(what, err)
	}
	_, text, _, err := tlog.ParseRecord(s.record)
	if err != nil {
		return ModuleRecord{}, s.log.invalidModule(what, err)
	}
	r := ModuleRecord{Answer: s.record}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) != 3 || fields[0] != path || !strings.HasPrefix(fields[2], "h1:"):
		case fields[1] == version:
			r.Zip = fields[2]
		case fields[1] == version+"/go.mod":
			r.Mod = fields[2]
		}
	}
	if r.Zip == "" || r.Mod == "" {
		return ModuleRecord{}, s.log.invalidModule(what, errors.New("the record is about something else"))
	}
	return r, nil
}

// Tile returns a tile of the database by its path, "tile/8/0/123" or
// "tile/8/0/123.p/45", verified to belong to the signed tree. While the database
// is out of reach, a shared one is returned as others have written it. Errors are
// those of [Log.Lookup]; a path that is no tile of hashes is unproven.
func (l *Log) Tile(ctx context.Context, path string) ([]byte, error) {
	tile, err := tlog.ParseTilePath(path)
	if err != nil || tile.H != tileHeight || tile.L < 0 {
		return nil, diag.New(diag.Unproven, "the checksum database "+l.name+" has no tile of hashes "+path)
	}
	return settle(ctx, l, func(s *session) ([]byte, error) { return s.tile(tile) })
}

func (s *session) tile(tile tlog.Tile) ([]byte, error) {
	kept, _ := s.ReadCache(s.log.name + "/" + tile.Path())
	whole := len(kept) == tile.W*tlog.HashSize
	if whole && s.log.config.Shared == nil {
		return kept, nil
	}
	data, err := s.checkedTile(tile) // others may have written what is kept
	if whole && diag.CodeOf(err) == diag.Network {
		return kept, nil
	}
	return data, err
}

// checkedTile returns a tile of the known tree or, if that is too small, of the newest one.
func (s *session) checkedTile(tile tlog.Tile) ([]byte, error) {
	known, err := s.known()
	if err == nil && width(tile, known.N) < tile.W {
		known, err = s.advance()
	}
	if err != nil {
		return nil, s.explainModule(tile.Path(), err)
	}
	whole := tile
	if whole.W = width(tile, known.N); whole.W < tile.W {
		return nil, diag.New(diag.Unproven, "the checksum database "+s.log.name+" has no tile "+tile.Path()+" yet")
	}
	read := recorder{reader: (*tileReader)(s), files: map[string][]byte{}}
	index := tlog.StoredHashIndex(tile.L*tile.H, tile.N<<tile.H)
	if _, err := tlog.TileHashReader(known.Tree, &read).ReadHashes([]int64{index}); err != nil {
		return nil, s.explainModule(tile.Path(), err)
	}
	data := read.files[whole.Path()][:tile.W*tlog.HashSize]
	read.files[tile.Path()] = data
	for path, checked := range read.files {
		file := s.log.name + "/" + path
		if kept, _ := s.ReadCache(file); !bytes.Equal(kept, checked) {
			s.WriteCache(file, checked)
		}
	}
	return data, nil
}

// width returns how many hashes a tile has in a tree of n records.
func width(tile tlog.Tile, n int64) int {
	hashes := n >> (tile.L * tile.H)
	if tile.N > hashes>>tile.H { // tile.N<<tile.H may be too large
		return 0
	}
	return int(min(hashes-tile.N<<tile.H, 1<<tile.H))
}

// Latest returns the newest signed tree head, one that continues all those that
// this machine has seen. If the database is out of reach, it is the last of those.
func (l *Log) Latest(ctx context.Context) ([]byte, error) {
	return settle(ctx, l, func(s *session) ([]byte, error) {
		latest, err := s.advance()
		if err == nil {
			return []byte(latest.note), nil
		}
		err = s.explainModule("latest", err)
		if known, _ := s.known(); diag.CodeOf(err) == diag.Network && known.N > 0 {
			return []byte(known.note), nil
		}
		return nil, err
	})
}

// known returns the newest tree head that this machine has seen, the empty tree
// if there is none.
func (s *session) known() (head, error) {
	data, err := s.ReadConfig("latest")
	if len(data) == 0 {
		return head{}, err
	}
	return s.log.openHead(data)
}

// advance downloads the database's newest tree head and keeps it if it continues the
// known one.
func (s *session) advance() (head, error) {
	known, err := s.known()
	if err != nil {
		return head{}, err
	}
	signed, err := s.ReadRemote("/latest")
	if err != nil {
		return head{}, err
	}
	seen, err := s.log.openHead(signed)
	if err != nil {
		return head{}, err
	}
	older, newer := known, seen
	if seen.N < known.N {
		older, newer = seen, known
	}
	if err := continues(older, newer, tlog.TileHashReader(newer.Tree, (*tileReader)(s))); err != nil {
		return head{}, err
	}
	if seen.N <= known.N {
		return known, nil
	}
	err = s.WriteConfig("latest", []byte(known.note), []byte(seen.note))
	if err != nil && !errors.Is(err, sumdb.ErrWriteConflict) {
		return head{}, err
	}
	return seen, nil
}

// explainModule returns the user-facing error of a lookup of a module or a
// part of the log.
func (s *session) explainModule(what string, err error) error {
	l := s.log
	if s.security != "" {
		return l.forked(s.security)
	}
	t, ok := s.redeem(err)
	switch {
	case !ok:
		return l.invalidModule(what, err)
	case t.path == "":
		return l.ownFault(t)
	case fetch.Gone(t.err) && strings.HasPrefix(t.path, "/lookup/"):
		return diag.Wrap(diag.Unproven, t, "the checksum database "+l.name+" has no record of "+what)
	}
	code := diag.CodeOf(t.err)
	if code == diag.Failure {
		code = diag.Network
	}
	text, hints := l.unreachable(t, what)
	return diag.Wrap(code, t, text, hints...)
}

func (l *Log) invalidModule(what string, err error) error {
	return diag.Wrap(diag.ProofInvalid, err, "the answer of the checksum database "+l.name+" about "+what+" does not hold")
}

// HashZip returns the hash ("h1:...") that the log has for the module zip in a
// file.
func HashZip(file string) (string, error) { return dirhash.HashZip(file, dirhash.Hash1) }

// HashMod returns the hash ("h1:...") that the log has for the content of a
// go.mod.
func HashMod(data []byte) (string, error) {
	return dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	})
}
