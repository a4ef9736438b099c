package store

import (
	"sync"

	"github.com/vmgo/vmgo/internal/gover"
)

// manifestCache keeps the manifests that were read, so that the stages of a
// batch share one copy of each. Paths are kept once, as most releases have the
// same ones.
type manifestCache struct {
	mu        sync.Mutex
	byVersion map[gover.Version]*cachedManifest
	paths     map[string]string
}

type cachedManifest struct {
	mu       sync.Mutex
	sum      string // the digest that the receipt names
	manifest Manifest
}

// sharedManifest is [Store.Manifest] from the cache, unless the receipt has
// another manifest's digest by now. It must not be changed. One that cannot be read
// is empty: sharing is never worth a failure.
func (s *Store) sharedManifest(v gover.Version) Manifest {
	receipt, _ := s.Receipt(v) // without it, no manifest is the right one
	entry := s.cache.entry(v)
	entry.mu.Lock()
	defer entry.mu.Unlock()
	if entry.sum != receipt.ManifestSHA256 {
		entry.sum = receipt.ManifestSHA256
		entry.manifest, _ = s.manifest(v, receipt)
		s.cache.intern(entry.manifest)
	}
	return entry.manifest
}

func (c *manifestCache) entry(v gover.Version) *cachedManifest {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byVersion == nil {
		c.byVersion, c.paths = map[gover.Version]*cachedManifest{}, map[string]string{}
	}
	if c.byVersion[v] == nil {
		c.byVersion[v] = &cachedManifest{}
	}
	return c.byVersion[v]
}

// intern replaces the paths of m by the equal strings of other manifests.
func (c *manifestCache) intern(m Manifest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range m {
		path, known := c.paths[m[i].Path]
		if !known {
			path = m[i].Path
			c.paths[path] = path
		}
		m[i].Path = path
	}
}
