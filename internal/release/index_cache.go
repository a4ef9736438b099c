package release

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// indexCache keeps answers of index servers: one file per base, a line of JSON about the
// answer and then the answer itself, so that the two never come apart. Nothing in it is
// trusted more than the server was. What cannot be read or written is ignored: a cache
// may fail silently.
type indexCache struct{ dir string }

type indexEntry struct {
	Base      string    `json:"base"`       // without credentials
	CheckedAt time.Time `json:"checked_at"` // when the server last said that this is current
	fetch.Validator
	body []byte
}

// maxKept bounds a kept list, in bytes: the time or the answer's head is added to the list.
const maxKept = 64 << 20

// unreachableFor is how long a server that did not answer is not asked again.
const unreachableFor = 10 * time.Minute

func (c indexCache) path(base, kind string) string {
	sum := sha256.Sum256([]byte(base))
	return filepath.Join(c.dir, "godev", hex.EncodeToString(sum[:8])+"."+kind)
}

// read returns the kept answer of a base, the zero entry if there is none.
func (c indexCache) read(base string) indexEntry {
	if c.dir == "" {
		return indexEntry{}
	}
	data, _ := smallfile.Read(c.path(base, "index"), maxKept)
	head, body, _ := bytes.Cut(data, []byte("\n"))
	var entry indexEntry
	if json.Unmarshal(head, &entry) != nil || entry.Base != fetch.Redact(base) {
		return indexEntry{}
	}
	entry.body = body
	return entry
}

func (c indexCache) write(base string, entry indexEntry) {
	entry.Base = fetch.Redact(base)
	head, err := json.Marshal(entry)
	if err != nil {
		return
	}
	c.put(c.path(base, "index"), append(append(head, '\n'), entry.body...))
	if c.dir != "" {
		_ = os.Remove(c.path(base, "unreachable"))
	}
}

func (c indexCache) put(path string, data []byte) {
	if c.dir == "" || fsx.MkdirAll(filepath.Dir(path), 0o755) != nil {
		return
	}
	_ = fsx.WriteFile(path, data, 0o644)
}

// unreachable reports whether, and since when, base is known not to answer.
func (c indexCache) unreachable(base string, now time.Time) (since time.Time, yes bool) {
	if c.dir == "" {
		return since, false
	}
	data, _ := smallfile.Read(c.path(base, "unreachable"), smallfile.Usual)
	if since.UnmarshalText(data) != nil {
		return since, false
	}
	age := now.Sub(since)
	return since, age >= 0 && age < unreachableFor
}

func (c indexCache) markUnreachable(base string, now time.Time) {
	text, err := now.UTC().MarshalText()
	if err == nil {
		c.put(c.path(base, "unreachable"), text)
	}
}
