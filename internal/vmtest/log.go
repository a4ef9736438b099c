package vmtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"

	"github.com/vmgo/vmgo/internal/gover"
)

// LogMode is how the checksum database of a Server behaves.
type LogMode string

const (
	// LogGood is an honest log.
	LogGood LogMode = "good"
	// LogWrongKey signs with a key that is not the log's.
	LogWrongKey LogMode = "wrongkey"
	// LogForked is another history under the right key.
	LogForked LogMode = "forked"
	// LogLying returns a false hash for every toolchain, as a proxy in the
	// middle could, with the honest tree beneath.
	LogLying LogMode = "lying"
	// LogSwapped answers with the true record of another release.
	LogSwapped LogMode = "swapped"
	// LogMissing has no record of toolchains.
	LogMissing LogMode = "missing"
	// LogDown answers 500 to everything but /supported.
	LogDown LogMode = "down"
	// LogUnsupported is a proxy that doesn't carry the database: 404.
	LogUnsupported LogMode = "unsupported"
)

// LogModes lists all of them.
func LogModes() []LogMode {
	return []LogMode{LogGood, LogWrongKey, LogForked, LogLying, LogSwapped, LogMissing, LogDown, LogUnsupported}
}

// LogName is the name of every made-up database. It resolves nowhere.
const LogName = "sum.vmtest.invalid"

// fillers are the records of a history before any toolchain: more than one tile
// of 256, so that proofs have some height.
const fillers = 300

// checksumLog is a signed log in memory, with a second history and a second key
// for the dishonest modes.
type checksumLog struct {
	key                     string // verifier key
	good, forked, otherSign *sumdb.TestServer
	h1                      func(module string) (string, bool)
	sums                    func(path, version string) ([2]string, bool)

	mu   sync.Mutex
	mode LogMode
}

func newChecksumLog(h1 func(module string) (string, bool), sums func(path, version string) ([2]string, bool)) (*checksumLog, error) {
	signer, key, err := note.GenerateKey(rand.Reader, LogName)
	if err != nil {
		return nil, err
	}
	stranger, _, err := note.GenerateKey(rand.Reader, LogName)
	if err != nil {
		return nil, err
	}
	l := &checksumLog{key: key, h1: h1, sums: sums, mode: LogGood}
	l.good = sumdb.NewTestServer(signer, l.record)
	l.forked = sumdb.NewTestServer(signer, l.record)
	l.otherSign = sumdb.NewTestServer(stranger, l.record)
	for server, history := range map[*sumdb.TestServer]string{l.good: "a", l.forked: "b", l.otherSign: "a"} {
		for i := range fillers {
			m := module.Version{Path: "example.com/" + history, Version: fmt.Sprintf("v1.0.%d", i)}
			if _, err := server.Lookup(context.Background(), m); err != nil {
				return nil, err
			}
		}
	}
	return l, nil
}

// Grow adds 300 records of modules to the checksum database, more than a tile has:
// what was at the end of its tree is in other tiles than the end from now on. Each call
// takes another path.
func (s *Server) Grow(path string) error {
	for i := range 300 {
		if _, err := s.log.good.Lookup(context.Background(), module.Version{Path: path, Version: fmt.Sprintf("v1.0.%d", i)}); err != nil {
			return err
		}
	}
	return nil
}

// record is what the log takes in for a module.
func (l *checksumLog) record(path, version string) ([]byte, error) {
	if known, ok := l.sums(path, version); ok {
		return fmt.Appendf(nil, "%s %s %s\n%s %s/go.mod %s\n", path, version, known[0], path, version, known[1]), nil
	}
	h1 := "h1:bGPFVnJdFiyIwYvKx4ka5mTM4Kqn5nGsCdPQgLW1k0c="
	if path == gover.ToolchainModule {
		var ok bool
		if h1, ok = l.h1(version); !ok {
			return nil, fs.ErrNotExist
		}
	}
	return fmt.Appendf(nil, "%s %s %s\n%s %s/go.mod h1:8wlg68NqwW7eMnI1aABk/C2pDYXj8mrMY4TyRfiLeS0=\n", path, version, h1, path, version), nil
}

func (l *checksumLog) setMode(mode LogMode) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mode = mode
}

var toolchainHash = regexp.MustCompile(`(golang\.org/toolchain \S+ h1:)\S+`)

// ServeHTTP answers paths that begin with /supported, /lookup, /latest or /tile.
func (l *checksumLog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	mode := l.mode
	l.mu.Unlock()
	ops := l.good
	switch mode {
	case LogUnsupported:
		http.NotFound(w, r)
		return
	case LogForked:
		ops = l.forked
	case LogWrongKey:
		ops = l.otherSign
	}
	toolchain := strings.HasPrefix(r.URL.Path, "/lookup/"+gover.ToolchainModule+"@")
	switch {
	case r.URL.Path == "/supported":
		return
	case mode == LogDown:
		http.Error(w, "down", http.StatusInternalServerError)
	case mode == LogMissing && toolchain:
		http.NotFound(w, r)
	case mode == LogSwapped && toolchain:
		other := r.Clone(r.Context())
		other.URL.Path = "/lookup/example.com/a@v1.0.7"
		sumdb.NewServer(ops).ServeHTTP(w, other)
	case mode == LogLying && toolchain:
		rec := httptest.NewRecorder()
		sumdb.NewServer(ops).ServeHTTP(rec, r)
		lie := toolchainHash.ReplaceAllString(rec.Body.String(), "${1}AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
		w.WriteHeader(rec.Code)
		_, _ = w.Write([]byte(lie))
	default:
		serveLog(ops, w, r)
	}
}

// serveLog answers 404 for tiles of a tree that is larger than the log; the
// library's test server panics.
func serveLog(ops sumdb.ServerOps, w http.ResponseWriter, r *http.Request) {
	defer func() {
		if recover() != nil {
			http.NotFound(w, r)
		}
	}()
	sumdb.NewServer(ops).ServeHTTP(w, r)
}
