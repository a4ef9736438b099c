package release

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"sync"
	"time"

	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// listCache keeps the last list of versions of the proxies, for when they
// can't be reached: a line with the time, then the list. It fails silently.
type listCache struct {
	path string
	now  func() time.Time

	mu   sync.Mutex
	note string
}

// WithCache returns the source with a cache for its list beneath dir. A list is
// still asked for each time; the kept one serves where that fails.
func (g *GoProxy) WithCache(dir string, now func() time.Time) *GoProxy {
	if dir == "" {
		return g
	}
	h := sha256.New()
	for _, proxy := range g.proxies {
		_, _ = h.Write([]byte(g.base(proxy) + "\n"))
	}
	name := hex.EncodeToString(h.Sum(nil)[:8]) + ".list"
	return &GoProxy{fetcher: g.fetcher, proxies: g.proxies, direct: g.direct,
		cache: &listCache{path: filepath.Join(dir, "goproxy", name), now: now}}
}

// Notes returns, in sentences for stderr, what the user should know about the
// answers so far: a list that is old, and why.
func (g *GoProxy) Notes() []string {
	if g.cache == nil {
		return nil
	}
	g.cache.mu.Lock()
	defer g.cache.mu.Unlock()
	if g.cache.note == "" {
		return nil
	}
	return []string{g.cache.note}
}

// instead returns the kept list in place of one that is not available.
func (g *GoProxy) instead(err error) ([]Listed, bool) {
	data, at, ok := g.cache.read()
	if !ok {
		return nil, false
	}
	g.cache.mu.Lock()
	defer g.cache.mu.Unlock()
	g.cache.note = "the list of the module proxy is " + ageText(g.cache.now().Sub(at)) + " old: " + err.Error()
	return parseList(string(data), g.Name()), true
}

func (c *listCache) read() (list []byte, at time.Time, ok bool) {
	if c == nil {
		return nil, at, false
	}
	data, _ := smallfile.Read(c.path, maxKept)
	head, list, found := bytes.Cut(data, []byte("\n"))
	if !found || at.UnmarshalText(head) != nil {
		return nil, at, false
	}
	return list, at, true
}

func (c *listCache) write(list []byte) {
	if c == nil {
		return
	}
	head, err := c.now().UTC().MarshalText()
	if err != nil || fsx.MkdirAll(filepath.Dir(c.path), 0o755) != nil {
		return
	}
	_ = fsx.WriteFile(c.path, append(append(head, '\n'), list...), 0o644)
}
