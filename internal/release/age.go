package release

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// maxInfo bounds a .info file, in bytes; those of toolchains have about 100.
const maxInfo = 64 << 10

// Made returns when a release was made, according to the .info file of its module.
// The proxy can choose that time: nobody signs it. It is the zero time where no proxy has
// one, or it names none.
func (g *GoProxy) Made(ctx context.Context, v gover.Version, p gover.Platform) (time.Time, error) {
	var info struct{ Time time.Time }
	err := g.try(func(base string) error {
		url := base + "/@v/" + gover.ModuleVersion(v, p) + ".info"
		data, err := g.fetcher.Get(ctx, url, maxInfo)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(data, &info); err != nil {
			return diag.Wrap(diag.Network, err, url+" is not a .info file")
		}
		return nil
	})
	return info.Time, err
}

// Times remembers when releases were made, in a file of the cache directory. A
// time never changes once it is known. It fails silently.
type Times struct{ path string }

// OpenTimes returns what the cache directory dir remembers; "" remembers nothing.
func OpenTimes(dir string) Times {
	if dir == "" {
		return Times{}
	}
	return Times{filepath.Join(dir, "release-times")}
}

// Get returns when the release was made.
func (t Times) Get(v gover.Version) (time.Time, bool) {
	made, known := t.read()[v.String()]
	return made, known
}

// Keep remembers when the release was made.
func (t Times) Keep(v gover.Version, made time.Time) {
	if t.path == "" || fsx.MkdirAll(filepath.Dir(t.path), 0o755) != nil {
		return
	}
	all := t.read()
	all[v.String()] = made
	var text bytes.Buffer
	for version, made := range all {
		text.WriteString(version + " " + made.UTC().Format(time.RFC3339) + "\n")
	}
	_ = fsx.WriteFile(t.path, text.Bytes(), 0o644)
}

func (t Times) read() map[string]time.Time {
	all := map[string]time.Time{}
	data, _ := smallfile.Read(t.path, smallfile.Usual)
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		version, text, _ := strings.Cut(lines.Text(), " ")
		if made, err := time.Parse(time.RFC3339, text); err == nil {
			all[version] = made
		}
	}
	return all
}
