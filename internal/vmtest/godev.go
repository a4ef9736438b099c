package vmtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/vmgo/vmgo/internal/gover"
)

// goDev is what a Server has of go.dev and dl.google.com, in their true form:
// /dl/?mode=json is the index, /dl/NAME redirects to /go/NAME, where files,
// their .sha256 and the signatures of tar.gz files are, and whatever else is
// beneath /dl/ answers with a page of HTML and status 200.
type goDev struct {
	mu       sync.Mutex
	signers  *signers
	archives map[string][]byte // made so far, by file name
	replaced map[string][]byte // by file name; nothing signs these
}

// redirected are the names that go.dev hands on to dl.google.com; the
// expression is the one of that server.
var redirected = regexp.MustCompile(`^go[0-9a-z.]+\.[0-9a-z.-]+\.(tar\.gz|tar\.gz\.asc|pkg|msi|zip)$`)

const page = "<!DOCTYPE html>\n<html lang=\"en\"><head><title>All releases - The Go Programming Language</title></head></html>\n"

func (s *Server) serveGoDev(w http.ResponseWriter, r *http.Request) bool {
	switch dir, name := path.Split(r.URL.Path); {
	case dir == "/dl/" && name == "" && r.URL.Query().Get("mode") == "json":
		index := s.Index(r.URL.Query().Get("include") == "all")
		sum := sha256.Sum256(index)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(index))
	case dir == "/dl/" && redirected.MatchString(name):
		http.Redirect(w, r, "/go/"+name, http.StatusFound)
	case dir == "/dl/":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(page))
	case dir == "/go/":
		s.serveArchive(w, r, name)
	default:
		return false
	}
	return true
}

// serveArchive is dl.google.com. A file given by [Server.Serve] comes first.
func (s *Server) serveArchive(w http.ResponseWriter, r *http.Request, name string) {
	data, ok := s.content("/go/" + name)
	if !ok {
		data, ok = s.archiveFile(name)
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

func (s *Server) archiveFile(name string) ([]byte, bool) {
	base, signature := strings.CutSuffix(name, ".asc")
	base, checksum := strings.CutSuffix(base, ".sha256")
	data, signed, ok := s.archive(base)
	switch {
	case !ok:
		return nil, false
	case checksum:
		sum := sha256.Sum256(data)
		return []byte(hex.EncodeToString(sum[:])), true
	case signature:
		if !signed {
			return nil, false
		}
		asc, err := s.Sign(data, "good")
		return asc, err == nil
	}
	return data, true
}

// archive returns an archive by its file name, and whether it gets signed.
func (s *Server) archive(name string) (data []byte, signed, ok bool) {
	for _, t := range s.toolchains() {
		if t.ArchiveName() != name {
			continue
		}
		s.godev.mu.Lock()
		defer s.godev.mu.Unlock()
		if data, ok := s.godev.replaced[name]; ok {
			return data, false, true
		}
		if s.godev.archives[name] == nil {
			if s.godev.archives == nil {
				s.godev.archives = map[string][]byte{}
			}
			t.Variant = "" // that is the zip's
			s.godev.archives[name] = t.TarGz()
		}
		return s.godev.archives[name], true, true
	}
	return nil, false, false
}

// Archive puts another file in the place of a release's archive. The index has
// its checksum, and nobody signs it.
func (s *Server) Archive(version string, data []byte) error {
	v, err := gover.Parse(version)
	if err != nil {
		return err
	}
	s.godev.mu.Lock()
	defer s.godev.mu.Unlock()
	if s.godev.replaced == nil {
		s.godev.replaced = map[string][]byte{}
	}
	s.godev.replaced[Toolchain{Version: v.String()}.ArchiveName()] = data
	return nil
}

func (s *Server) toolchains() []Toolchain {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.Collect(maps.Values(s.chains))
	slices.SortFunc(list, func(a, b Toolchain) int {
		if c := b.version().Compare(a.version()); c != 0 {
			return c
		}
		return strings.Compare(a.Module(), b.Module())
	})
	return list
}

type indexFile struct {
	Filename string `json:"filename"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	Version  string `json:"version"`
	SHA256   string `json:"sha256"`
	Size     int    `json:"size"`
	Kind     string `json:"kind"`
}

type indexRelease struct {
	Version string      `json:"version"`
	Stable  bool        `json:"stable"`
	Files   []indexFile `json:"files"`
}

// Index is the answer to ?mode=json. The whole one ends with the quirks that
// the real one has.
func (s *Server) Index(all bool) []byte {
	list := []indexRelease{}
	for _, t := range s.toolchains() {
		name := t.version().Toolchain()
		if !all && t.version().IsPrerelease() {
			continue
		}
		if len(list) == 0 || list[len(list)-1].Version != name {
			list = append(list, indexRelease{Version: name, Stable: !t.version().IsPrerelease(), Files: []indexFile{
				{name + ".src.tar.gz", "", "", name, strings.Repeat("0", 64), 1, "source"},
			}})
		}
		data, _, _ := s.archive(t.ArchiveName())
		sum := sha256.Sum256(data)
		_, arch, _ := strings.Cut(t.platform().ArchiveName(), "-")
		last := &list[len(list)-1]
		last.Files = append(last.Files, indexFile{t.ArchiveName(), t.platform().OS, arch, name, hex.EncodeToString(sum[:]), len(data), "archive"})
	}
	if all {
		list = append(list,
			indexRelease{"go1.9.2rc2", false, []indexFile{{"go1.9.2rc2.linux-amd64.tar.gz", "linux", "amd64", "go1.9.2rc2", strings.Repeat("1", 64), 1, "archive"}}},
			indexRelease{"go1.4.2", true, []indexFile{{"go1.4.2.linux-amd64.tar.gz", "linux", "amd64", "go1.4.2", "", 0, "archive"}}},
			indexRelease{"go1", true, []indexFile{{"go1.4-bootstrap-20170531.tar.gz", "4", "bootstrap", "go1", strings.Repeat("2", 64), 1, "archive"}}})
	}
	text, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		panic("vmtest: " + err.Error())
	}
	return append(text, '\n')
}

// startGoDev points the settings of a script at the server.
func startGoDev(ts *testscript.TestScript, server *Server, name string) {
	server.Index(true) // makes the archives now: nobody waits long for an index
	keyring, err := server.Keyring()
	ts.Check(err)
	suffix := ""
	if name != "" {
		suffix = "_" + name
	}
	file := ts.MkAbs("keyring" + suffix + ".gpg")
	ts.Check(os.WriteFile(file, keyring, 0o644))
	ts.Setenv("VMTEST_GODEV"+suffix, server.URL+"/dl")
	if name == "" {
		ts.Setenv("VMGO_GODEV", server.URL+"/dl")
		ts.Setenv("VMGO_KEYRING", file)
	}
}
