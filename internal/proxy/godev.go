package proxy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Names of the indexes in the cache: of the current releases, and of all.
const (
	indexCurrent = "dl/index.json"
	indexAll     = "dl/index-all.json"
)

// maxArchive is the largest archive of go.dev that is taken, in bytes.
const maxArchive = 1 << 30

// serveGoDev serves what go.dev/dl does for programs: the index as JSON, archives
// and their signatures.
func (s *Server) serveGoDev(w http.ResponseWriter, r *http.Request, file string) {
	noteKind(w, kindGoDev)
	switch {
	case file == "" && r.URL.Query().Get("mode") == "json":
		s.serveIndex(w, r)
	case regexp.MustCompile(`^go[0-9][A-Za-z0-9._-]*\.(tar\.gz|zip)(\.asc)?$`).MatchString(file):
		s.serveArchive(w, r, file)
	default:
		http.Error(w, "not found: ask for ?mode=json or for an archive of its index", http.StatusNotFound)
	}
}

func (s *Server) serveIndex(w http.ResponseWriter, r *http.Request) {
	name := indexCurrent
	if r.URL.Query().Get("include") == "all" {
		name = indexAll
	}
	a, err := s.index(r.Context(), name)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if a.stale != nil {
		noteHit(w, stale)
		s.metrics.stale.Add(1)
	}
	w.Header().Set("Content-Type", "application/json")
	http.ServeContent(w, r, "", a.time, bytes.NewReader(a.data))
}

// index returns an index of go.dev, the last one known where go.dev is out of
// reach.
func (s *Server) index(ctx context.Context, name string) (answer, error) {
	return s.answer(ctx, request{kind: kindGoDev, name: name}, func() error { return s.fetchIndex(name) })
}

func (s *Server) fetchIndex(name string) error {
	query := "/?mode=json"
	if name == indexAll {
		query += "&include=all"
	}
	return s.fromGoDev(func(base string) error {
		data, err := s.config.Client.Get(s.ctx, base+query, release.MaxIndex)
		if err != nil {
			return err
		}
		if _, err := decodeIndex(data); err != nil {
			return diag.Wrap(diag.Network, err, "the index of "+fetch.Redact(base)+" cannot be read")
		}
		return s.keepAnswer(name, data)
	})
}

// fromGoDev asks one base URL after the other until one does.
func (s *Server) fromGoDev(ask func(base string) error) error {
	err := error(&notFoundError{"this proxy has no source of archives: start it with --godev"})
	for _, base := range s.config.GoDev {
		s.metrics.fetches.Add(1)
		if err = ask(strings.TrimRight(base, "/")); err == nil {
			return nil
		}
	}
	return err
}

// decodeIndex returns the SHA-256 of each archive of an index.
func decodeIndex(data []byte) (map[string]string, error) {
	var releases []struct {
		Files []struct {
			Filename, SHA256 string
		}
	}
	if err := json.Unmarshal(data, &releases); err != nil {
		return nil, err
	}
	sums := map[string]string{}
	for _, release := range releases {
		for _, file := range release.Files {
			sums[file.Filename] = file.SHA256
		}
	}
	return sums, nil
}

func (s *Server) serveArchive(w http.ResponseWriter, r *http.Request, file string) {
	asked := request{kind: kindGoDev, name: "dl/" + file}
	s.serveFile(w, r, asked, func() *flight {
		return s.flights.join(asked.name, func(fl *flight) error { return s.fetchArchive(fl, file) })
	})
}

// fetchArchive brings an archive that has the hash of the index. A signature has
// none: it proves itself.
func (s *Server) fetchArchive(fl *flight, file string) error {
	if found, err := s.fromBucket(fl, "dl/"+file); found || err != nil {
		return err
	}
	want := ""
	if !strings.HasSuffix(file, ".asc") {
		a, err := s.index(s.ctx, indexAll)
		if err != nil {
			return err
		}
		sums, err := decodeIndex(a.data)
		if err != nil {
			return err
		}
		if want = sums[file]; want == "" {
			return &notFoundError{"the index of go.dev has no " + file}
		}
	}
	return s.fromGoDev(func(base string) error {
		stage, err := s.receive(fl, base+"/"+url.PathEscape(file), maxArchive)
		if err != nil {
			return err
		}
		defer os.Remove(stage.Name())
		if err := s.checkArchive(stage, file, want); err != nil {
			return err
		}
		return s.share(stage, "dl/"+file)
	})
}

func (s *Server) checkArchive(stage *os.File, file, want string) error {
	if want == "" {
		data, err := smallfile.Read(stage.Name(), smallfile.Usual)
		if err == nil && !bytes.Contains(data, []byte("BEGIN PGP SIGNATURE")) {
			err = errors.New("it is not a signature")
		}
		if err != nil {
			return diag.Wrap(diag.Network, err, "the upstream's answer to "+file+" cannot be used")
		}
		return nil
	}
	if _, err := stage.Seek(0, io.SeekStart); err != nil {
		return err
	}
	h := sha256.New()
	if _, err := io.Copy(h, stage); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		s.metrics.contradictions.Add(1)
		return diag.New(diag.ChecksumMismatch, file+" has the SHA-256 "+got+", and the index says "+want)
	}
	return nil
}
