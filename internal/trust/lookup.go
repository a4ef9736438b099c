package trust

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
)

// Record is the record of one release on one platform. A Record that exists was
// verified: the text is in the tree, and the tree is signed and
// continues every tree that this machine has seen.
type Record struct {
	Version  gover.Version
	Platform gover.Platform
	H1       string // "h1:...": see [Hash1]
	Log      string // name of the database
	ID       int64  // position in the log
	TreeSize int64  // size of the tree that the record was proved in
	TreeHead string // that tree's signed note
	Text     string // the record: lines in the form of go.sum
	// Proof can be kept and given to [Log.VerifyOffline] at any later time.
	Proof []byte
}

// Lookup asks the log for the record of v on p and checks it. The error is a
// *diag.Error: unproven if the log has no such record, network or offline if it
// could not be reached, proof-invalid if its answer is false, log-forked if it contradicts what it signed before.
func (l *Log) Lookup(ctx context.Context, v gover.Version, p gover.Platform) (Record, error) {
	return settle(ctx, l, func(s *session) (Record, error) { return s.lookup(v, p) })
}

// settle makes a lookup in a session of its own, and again without the cache
// if that may have been the reason for a false answer.
func settle[T any](ctx context.Context, l *Log, ask func(*session) (T, error)) (T, error) {
	s := newSession(ctx, l, false)
	answer, err := ask(s)
	if !s.doubtful(err) {
		return answer, err
	}
	var none T
	// Either the database is false, or our cache is. A fork is looked for before
	// anything else, because it is the gravest result; then everything is requested again.
	if report := l.findFork(s); report != "" {
		return none, l.forked(report)
	}
	if !s.cached {
		return none, err
	}
	return ask(newSession(ctx, l, true))
}

func (s *session) lookup(v gover.Version, p gover.Platform) (Record, error) {
	module := gover.ModuleVersion(v, p)
	lines, err := sumdb.NewClient(s).Lookup(gover.ToolchainModule, module)
	if err != nil {
		return Record{}, s.explain(v, err)
	}
	r := Record{Version: v, Platform: p, Log: s.log.name}
	if r.H1, err = onlyHash(lines, module); err != nil {
		return Record{}, s.log.invalid(v, err)
	}
	if err := s.prove(&r); err != nil {
		return Record{}, s.explain(v, err)
	}
	return r, nil
}

// doubtful reports whether a failed lookup may be due to a fork or to our cache:
// the proof is not valid, or a tile that it needs is not available.
func (s *session) doubtful(err error) bool {
	var t ticket
	switch diag.CodeOf(err) {
	case diag.ProofInvalid:
		return true
	case diag.Network:
		return errors.As(err, &t) && strings.HasPrefix(t.path, "/tile/") && fetch.Gone(t.err)
	}
	return false
}

// onlyHash finds the hash of the zip among the lines of a record.
func onlyHash(lines []string, module string) (string, error) {
	var found string
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[0] != gover.ToolchainModule || fields[1] != module {
			continue
		}
		if found != "" && found != fields[2] {
			return "", errors.New("the record has two hashes")
		}
		found = fields[2]
	}
	sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(found, "h1:"))
	switch {
	case found == "":
		return "", errors.New("the record is about something else")
	case err != nil || len(sum) != 32 || !strings.HasPrefix(found, "h1:"):
		return "", errors.New("the record has a hash of unknown kind")
	}
	return found, nil
}

// prove fills r with the record and the proof that it is in the newest tree.
// It reads the tiles that the client has just checked against the tree head.
func (s *session) prove(r *Record) error {
	id, text, _, err := tlog.ParseRecord(s.record)
	if err != nil {
		return err
	}
	tree, err := openTree(s.head, s.log.key)
	if err != nil {
		return err
	}
	hashes, err := tlog.ProveRecord(tree.N, id, tlog.TileHashReader(tree, (*tileReader)(s)))
	if err != nil {
		return err
	}
	r.ID, r.Text, r.TreeSize, r.TreeHead = id, string(text), tree.N, string(s.head)
	r.Proof = encodeProof(r, hashes)
	return nil
}

// openTree reads a signed tree head.
func openTree(signed []byte, key string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return tlog.Tree{}, err
	}
	n, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	return tlog.ParseTree([]byte(n.Text))
}

// tileReader reads tiles through a session, those first that went through it.
type tileReader session

// Height is that of the public database's tiles.
func (r *tileReader) Height() int { return tileHeight }

const tileHeight = 8

// ReadTiles reads each tile or, where a partial one has been completed since,
// the beginning of the full one.
func (r *tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		full := tile
		full.W = 1 << tile.H
		var err error
		if data[i], err = r.read(tile.Path()); err != nil {
			whole, _ := r.read(full.Path())
			if len(whole) != full.W*tlog.HashSize {
				return nil, err
			}
			data[i] = whole[:tile.W*tlog.HashSize]
		}
	}
	return data, nil
}

func (r *tileReader) read(path string) ([]byte, error) {
	s := (*session)(r)
	if data, ok := s.tiles[path]; ok {
		return data, nil
	}
	if data, err := s.ReadCache(s.log.name + "/" + path); err == nil {
		return data, nil
	}
	return s.ReadRemote("/" + path)
}

// SaveTiles does nothing: the client has saved what is needed again.
func (r *tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

// explain returns the user-facing error of a lookup that failed.
func (s *session) explain(v gover.Version, err error) error {
	l := s.log
	if s.security != "" {
		return l.forked(s.security)
	}
	t, ok := s.redeem(err)
	switch {
	case !ok:
		return l.invalid(v, err)
	case t.path == "":
		return l.ownFault(t)
	case fetch.Gone(t.err) && strings.HasPrefix(t.path, "/lookup/"):
		return diag.Wrap(diag.Unproven, t, "the checksum database "+l.name+" has no record of "+v.Toolchain())
	}
	code := diag.CodeOf(t.err)
	if code == diag.Failure {
		code = diag.Network
	}
	text, hints := l.unreachable(t, v.Toolchain())
	return diag.Wrap(code, t, text, slices.Concat(hints, l.localHints(t.path, v), diag.HintsOf(t.err))...)
}

// ownFault is the error of this machine's own disk.
func (l *Log) ownFault(t ticket) error {
	if told := (*diag.Error)(nil); errors.As(t.err, &told) {
		return told
	}
	code := diag.Failure
	if fsx.IsFull(t.err) {
		code = diag.DiskFull
	}
	return diag.Wrap(code, t, "the tree head of the checksum database "+l.name+" cannot be kept")
}

// unreachable says that an answer could not be fetched. A static copy of the database
// has the tiles that lead to its tree head from those that it was made for, no others.
func (l *Log) unreachable(t ticket, what string) (text string, hints []string) {
	if !fetch.Gone(t.err) || !strings.HasPrefix(t.path, "/tile/") {
		return "the checksum database " + l.name + " could not be reached for " + what, nil
	}
	return "what GOPROXY has of the checksum database " + l.name + " does not reach back to the tree head that this machine has seen, so " + what + " cannot be verified",
		[]string{
			"vmgo mirror sync --head latest DIR   # on the machine of a mirror, with a copy of " + l.stateFile("latest"),
			"vmgo bundle create --head latest FILE   # on the machine that makes a bundle, with the same copy",
		}
}

// localHints names the file of a file:// proxy that would have answered, and
// the way to do without it.
func (l *Log) localHints(path string, v gover.Version) []string {
	bases := l.localBases()
	if len(bases) == 0 {
		return nil
	}
	file, err := url.Parse(bases[0] + path)
	if err != nil {
		return nil
	}
	return []string{
		"ls -l " + diag.Word(file.Path) + "   # the file that the proxy lacks; it is in the download cache of a go command that looked it up",
		"vmgo install --proof receipt.json " + v.String() + "   # needs no database; on another machine it is .vmgo/receipts/" + v.String() + ".json of its store",
	}
}

func (l *Log) invalid(v gover.Version, err error) error {
	return diag.Wrap(diag.ProofInvalid, err, "the answer of the checksum database "+l.name+" about "+v.Toolchain()+" does not hold",
		"GOPROXY=direct vmgo install "+v.String()+"   # connects directly; do not use the release if this fails too")
}
