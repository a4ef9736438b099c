package proxy

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/modpath"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/trust"
)

// record asks the database about a module. Its answers and tiles are cached and
// verified by package trust.
func (s *Server) record(ctx context.Context, module, version string) (trust.ModuleRecord, error) {
	return logged(s, func() (trust.ModuleRecord, error) { return s.config.Log.Module(ctx, module, version) })
}

// logged asks the database, unless it is known to be forked, and counts what it
// is caught at.
func logged[T any](s *Server, ask func() (T, error)) (T, error) {
	if err := s.verdicts.of(wholeLog, s.config.Now()); err != nil {
		var none T
		return none, err
	}
	answer, err := ask()
	switch diag.CodeOf(err) {
	case diag.LogForked:
		s.metrics.contradictions.Add(1)
		s.verdicts.keep(wholeLog, err, s.config.Now())
	case diag.ProofInvalid:
		s.metrics.contradictions.Add(1)
	}
	return answer, err
}

// serveSumDB serves the checksum database as a proxy does (go help goproxy,
// https://go.dev/design/25530-sumdb).
func (s *Server) serveSumDB(w http.ResponseWriter, r *http.Request, name string) {
	noteKind(w, kindSumDB)
	if s.config.Offline {
		s.serveSumDBFile(w, r, name)
		return
	}
	if s.config.Log == nil {
		http.NotFound(w, r)
		return
	}
	path, ours := strings.CutPrefix(name, "sumdb/"+s.config.Log.Name()+"/")
	if !ours {
		http.NotFound(w, r)
		return
	}
	data, err := s.sumdb(r.Context(), path)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	if strings.HasPrefix(path, "tile/") {
		w.Header().Set("Content-Type", "application/octet-stream")
	}
	_, _ = w.Write(data)
}

func (s *Server) sumdb(ctx context.Context, path string) ([]byte, error) {
	switch {
	case path == "supported":
		return nil, nil
	case path == "latest":
		return logged(s, func() ([]byte, error) { return s.config.Log.Latest(ctx) })
	case strings.HasPrefix(path, "tile/"):
		return logged(s, func() ([]byte, error) { return s.config.Log.Tile(ctx, path) })
	}
	module, version, err := parseLookup(path)
	if err != nil {
		return nil, &notFoundError{err.Error()}
	}
	if s.isDirect(module) || modpath.Match(s.config.NoSumDB, module) {
		return nil, &refusedError{module + " is private to this proxy: set GONOSUMDB for it (vmgo proxy env)"}
	}
	record, err := s.record(ctx, module, version)
	return record.Answer, err
}

func parseLookup(path string) (module, version string, err error) {
	escapedPath, escapedVersion, ok := strings.Cut(strings.TrimPrefix(path, "lookup/"), "@")
	if !ok || !strings.HasPrefix(path, "lookup/") {
		return "", "", errNoSuchPath
	}
	if module, err = modpath.UnescapePath(escapedPath); err != nil {
		return "", "", err
	}
	version, err = modpath.UnescapeVersion(escapedVersion)
	return module, version, err
}

// markSupported writes the empty file by which a directory says that it carries
// the database, for those who serve or read the cache as a plain tree.
func (s *Server) markSupported() error {
	dir := filepath.Join(s.config.Dir, "sumdb", filepath.FromSlash(s.config.Log.Name()))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return fsx.WriteFile(filepath.Join(dir, "supported"), nil, 0o644)
}

// serveSumDBFile serves a file of the database that a tree carries. Whoever asks
// checks it: that is what the database is made for.
func (s *Server) serveSumDBFile(w http.ResponseWriter, r *http.Request, name string) {
	data, err := s.readSumDBFile(name)
	if err != nil {
		s.fail(w, r, errOffline)
		return
	}
	_, _ = w.Write(data)
}

func (s *Server) readSumDBFile(name string) ([]byte, error) {
	path := filepath.FromSlash(name)
	if !filepath.IsLocal(path) {
		return nil, errNoSuchPath
	}
	return smallfile.Read(filepath.Join(s.config.Dir, path), smallfile.Usual)
}
