package trust

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// session is the input and output of one lookup: it implements sumdb.ClientOps.
//
// It remembers what went through it, for three reasons. The database's client
// turns errors into text, so that a dead network looks like a false proof: each
// error gets a ticket, by which it is found again in that text. The tiles and
// the tree head that the client has checked make the proof that is kept. And
// whether something came from the cache decides whether a failure may be due to
// the cache.
type session struct {
	log   *Log
	ctx   context.Context
	fresh bool // don't read the cache

	mu       sync.Mutex
	tickets  []ticket
	security string            // what the client said about a fork
	record   []byte            // answer to /lookup/
	head     []byte            // newest signed tree head
	tiles    map[string][]byte // by path: "tile/8/0/123"
	cached   bool              // something came from the cache
	// recordCached says that the record did, and the tree head with it.
	recordCached bool
}

// ticket stands in for an error in the client's text.
type ticket struct {
	path string // of the remote request; empty: an error of our own disk
	err  error
	mark string
}

// Error returns the error's own text.
func (t ticket) Error() string { return t.err.Error() }

// Unwrap returns the error.
func (t ticket) Unwrap() error { return t.err }

// stub is what the client gets instead of the error.
type stub string

// Error returns the text to search for in the client's error.
func (s stub) Error() string { return string(s) }

func newSession(ctx context.Context, l *Log, fresh bool) *session {
	return &session{log: l, ctx: ctx, fresh: fresh, tiles: map[string][]byte{}}
}

func (s *session) issue(path string, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := ticket{path: path, err: err, mark: fmt.Sprintf("[ticket %d]", len(s.tickets))}
	s.tickets = append(s.tickets, t)
	return stub(t.mark)
}

// redeem finds the ticket in the client's error.
func (s *session) redeem(err error) (ticket, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tickets {
		if strings.Contains(err.Error(), t.mark) {
			return t, true
		}
	}
	return ticket{}, false
}

// ReadRemote reads from file:// proxies, or else from the database.
func (s *session) ReadRemote(path string) ([]byte, error) {
	base, err := s.log.URL(s.ctx)
	if data, found := s.log.readLocal(s.ctx, path); found {
		s.keep(strings.TrimPrefix(path, "/"), data)
		return data, nil
	}
	if err != nil {
		return nil, s.issue(path, err)
	}
	data, err := s.log.config.Getter.Get(s.ctx, base+path, maxAnswer)
	if err != nil {
		return nil, s.issue(path, err)
	}
	s.keep(strings.TrimPrefix(path, "/"), data)
	return data, nil
}

// keep remembers an answer by its path: "lookup/...", "latest" or "tile/...".
func (s *session) keep(path string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasPrefix(path, "lookup/") {
		s.record = data
		return
	}
	s.tiles[path] = data
}

// ReadConfig returns the key or the newest tree head that we know.
func (s *session) ReadConfig(file string) ([]byte, error) {
	if file == "key" {
		return []byte(s.log.key), nil
	}
	path := s.log.stateFile(latestName)
	data, err := smallfile.Read(path, smallfile.Usual)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, s.issue("", err)
	}
	if len(data) > 0 {
		if _, err := s.log.openHead(data); err != nil {
			return nil, s.issue("", damagedHead(path, s.log.name, err))
		}
	} else {
		data = s.sharedHead()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.head = data
	return data, nil
}

// damagedHead is reported, not repaired: an attacker who wants this machine
// to forget a history could damage the head as well as delete it.
func damagedHead(path, name string, err error) error {
	return diag.Wrap(diag.Failure, err, "the tree head that this machine keeps in "+path+" is not one that "+name+" signed",
		"mv "+diag.Word(path)+" "+diag.Word(path+".damaged")+"   # this forgets the history of the database that this machine has seen")
}

// WriteConfig replaces the tree head on disk, if it is still the old one.
func (s *session) WriteConfig(_ string, old, head []byte) error {
	err := s.replaceHead(old, head)
	if errors.Is(err, fs.ErrPermission) || fsx.IsReadOnly(err) {
		// What is proved now does not depend on it: the record is in the tree.
		s.log.tellUnkept(err)
		err = nil
	}
	if err == nil {
		s.shareHead(head)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.head = head
		return nil
	}
	if errors.Is(err, sumdb.ErrWriteConflict) {
		return sumdb.ErrWriteConflict // compared with == by the client
	}
	return s.issue("", err)
}

// sharedHead returns the tree head that others have seen, for a machine that has
// seen none: the tiles that they share belong to it.
func (s *session) sharedHead() []byte {
	if s.log.config.Shared == nil {
		return nil
	}
	data := s.log.config.Shared.Get(s.ctx, s.log.name+"/"+latestName)
	if _, err := s.log.openHead(data); err != nil {
		return nil
	}
	return data
}

// shareHead gives others a tree head that is newer than theirs.
func (s *session) shareHead(signed []byte) {
	if s.log.config.Shared == nil {
		return
	}
	seen, _ := s.log.openHead(signed) // what the database did not sign is the empty tree
	theirs, _ := s.log.openHead(s.sharedHead())
	if theirs.N < seen.N {
		s.log.config.Shared.Put(s.ctx, s.log.name+"/"+latestName, signed)
	}
}

// latestName is the file of the newest tree head.
const latestName = "latest"

// tellUnkept warns that this machine cannot record which history of the
// database it has seen.
func (l *Log) tellUnkept(err error) {
	if l.config.Warn == nil {
		return
	}
	l.unkept.Do(func() {
		l.config.Warn("cannot remember the newest tree head of " + l.name + ", which reveals a later fork: " + err.Error() +
			"; set XDG_STATE_HOME to a directory of your own")
	})
}

func (s *session) replaceHead(old, head []byte) (err error) {
	path := s.log.stateFile("latest")
	dir := filepath.Dir(path)
	if err := fsx.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	lock, err := fsx.Acquire(s.ctx, filepath.Join(dir, "lock"), fsx.LockOptions{Holder: fsx.Holder{What: "checksum database"}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	current, err := smallfile.Read(path, smallfile.Usual)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(current) > 0 && !bytes.Equal(current, old) {
		return sumdb.ErrWriteConflict
	}
	if err := fsx.WriteFile(path, head, 0o644); err != nil {
		return err
	}
	return fsx.SyncDir(dir)
}

// ReadCache returns a record or tile that was checked before. An empty file is
// what a crash can leave.
func (s *session) ReadCache(file string) ([]byte, error) {
	if s.fresh || s.log.config.CacheDir == "" {
		return nil, fs.ErrNotExist
	}
	data, _ := smallfile.Read(s.cacheFile(file), smallfile.Usual)
	if len(data) == 0 && s.log.config.Shared != nil { // or it cannot be read, which is as good as absent
		if data = s.log.config.Shared.Get(s.ctx, file); len(data) > 0 {
			s.writeFile(file, data)
		}
	}
	if len(data) == 0 {
		return nil, fs.ErrNotExist
	}
	s.keep(strings.TrimPrefix(file, s.log.name+"/"), data)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cached = true
	s.recordCached = s.recordCached || strings.Contains(file, "/lookup/")
	return data, nil
}

// WriteCache keeps what the client has checked. Nothing depends on it, so there
// is no error and no sync.
func (s *session) WriteCache(file string, data []byte) {
	if s.log.config.CacheDir == "" {
		return
	}
	s.writeFile(file, data)
	if s.log.config.Shared != nil {
		s.log.config.Shared.Put(s.ctx, file, data)
	}
}

func (s *session) writeFile(file string, data []byte) {
	path := s.cacheFile(file)
	if os.MkdirAll(filepath.Dir(path), 0o755) != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return
	}
	_, err = f.Write(data)
	if errors.Join(err, f.Close()) != nil || os.Rename(f.Name(), path) != nil {
		_ = os.Remove(f.Name())
	}
}

func (s *session) cacheFile(file string) string {
	return filepath.Join(s.log.config.CacheDir, "sumdb", filepath.FromSlash(file))
}

// Log is for messages that the client does not send at present.
func (s *session) Log(string) {}

// SecurityError takes the report of a fork: two tree heads, both signed by the
// database, that cannot be of one history, and the proof of that.
func (s *session) SecurityError(report string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.security = report
}
