package proxy

import (
	"encoding/json"
	"io"
	"path/filepath"
	"strings"

	"github.com/goproxy/goproxy"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/modpath"
)

// maxDirect is how many go commands fetch from repositories at a time.
const maxDirect = 4

// newDirect returns what fetches modules from their repositories: the go command,
// with the credentials that git and netrc have. Its clones stay in the cache.
func newDirect(config Config) goproxy.Fetcher {
	own := filepath.Join(config.Dir, ".direct")
	environment := append(config.Environment,
		"GOPROXY=direct", "GOPRIVATE=", "GONOPROXY=", "GONOSUMDB="+modpath.Join(config.Private, config.NoSumDB),
		"GOTOOLCHAIN=local", "GOWORK=off", "GOENV=off", "GOFLAGS=-modcacherw", "GOPATH="+own, "GOMODCACHE="+filepath.Join(own, "pkg/mod"))
	return &goproxy.GoFetcher{Env: environment, MaxDirectFetches: maxDirect, TempDir: filepath.Join(config.Dir, ".incoming")}
}

// isDirect reports whether a module is fetched from its repository only.
func (s *Server) isDirect(module string) bool { return modpath.Match(s.config.Private, module) }

// obtainDirect puts the three files of a version into the cache.
func (s *Server) obtainDirect(asked request) error {
	info, mod, zip, err := s.direct.Download(s.ctx, asked.module, asked.version)
	if err != nil {
		return explainDirect(asked.module, err)
	}
	defer info.Close()
	defer mod.Close()
	defer zip.Close()
	for _, file := range []struct {
		kind    kind
		content io.Reader
	}{{kindInfo, info}, {kindMod, mod}, {kindZip, zip}} {
		if err := s.storeDirect(asked.sibling(file.kind), file.content); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) storeDirect(asked request, content io.Reader) error {
	stage, err := s.store.Stage()
	if err != nil {
		return err
	}
	defer s.store.Discard(stage)
	if _, err := io.Copy(stage, content); err != nil {
		return err
	}
	if !s.isDirect(asked.module) {
		if err := s.verify(asked, stage); err != nil {
			return err
		}
	}
	return s.share(stage, asked.name)
}

// askDirect answers a list or query from the repository.
func (s *Server) askDirect(asked request) ([]byte, error) {
	if asked.kind == kindList {
		versions, err := s.direct.List(s.ctx, asked.module)
		if err != nil {
			return nil, explainDirect(asked.module, err)
		}
		return []byte(strings.Join(append(versions, ""), "\n")), nil
	}
	query := asked.version
	if asked.kind == kindLatest {
		query = "latest"
	}
	version, time, err := s.direct.Query(s.ctx, asked.module, query)
	if err != nil {
		return nil, explainDirect(asked.module, err)
	}
	return json.Marshal(moduleInfo{version, time.UTC()})
}

func explainDirect(module string, err error) error {
	return diag.Wrap(diag.Network, err, "cannot fetch "+module+" from its repository")
}
