package trust

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/goenv"
)

// Getter fetches small answers; *fetch.Client is one.
type Getter interface {
	// Get returns the answer to a GET, of limit bytes at most.
	Get(ctx context.Context, url string, limit int64) ([]byte, error)
}

// Shared is a cache of records, tiles and the newest tree head ("NAME/latest")
// outside of this machine.
type Shared interface {
	Get(ctx context.Context, file string) []byte
	Put(ctx context.Context, file string, data []byte)
}

// LogConfig describes which checksum database to use and how to reach it.
type LogConfig struct {
	// GOSUMDB is "name", "key", "name url" or "key url", as for the go command.
	// Empty and "off" mean the public one: toolchains are always checked.
	GOSUMDB string
	// Proxies are those of GOPROXY, which may serve the database as well.
	Proxies fetch.Proxies
	Getter  Getter
	// StateDir keeps the newest signed tree head, by which a fork is noticed,
	// and the evidence if there is one. Without it a fork is not noticed.
	StateDir string
	// CacheDir keeps records and tiles; empty: none are kept.
	CacheDir string
	// Shared has records and tiles that others have checked, and gets ours; may be
	// nil. What comes from it is checked like an answer of the database.
	Shared Shared
	Now    func() time.Time
	// Warn is called once if the newest tree head cannot be kept; may be nil.
	Warn func(text string)
}

// Log is the Go checksum database. It is safe for concurrent use, also by
// several processes with the same directories.
type Log struct {
	config LogConfig
	name   string
	key    string
	direct string // where the database is reached without a proxy
	fixed  string // the URL that GOSUMDB names, if any

	unkept sync.Once // Warn

	mu    sync.Mutex
	base  string   // the URL in use, once it is known
	local []string // directories of file:// proxies that may have a part of the database
}

// publicName and publicKey are those of the database that the Go project runs.
const (
	publicName = goenv.DefaultSumDB
	publicKey  = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
)

// maxAnswer bounds every answer of the database; the largest are tiles of 8 KiB.
const maxAnswer = 1 << 20

// NewLog reads GOSUMDB. It touches neither network nor disk.
func NewLog(config LogConfig) (*Log, error) {
	setting, err := goenv.ParseSumDB(config.GOSUMDB)
	if err != nil {
		return nil, badGOSUMDB(err.Error(), nil)
	}
	l := &Log{config: config, key: setting.Key, fixed: setting.URL}
	if setting.Off || l.key == publicName {
		l.key = publicKey
	}
	verifier, err := note.NewVerifier(l.key)
	if err != nil {
		return nil, badGOSUMDB("names a database whose key is unknown", err)
	}
	l.name = verifier.Name()
	if l.direct, err = directURL(l.name); err != nil {
		return nil, badGOSUMDB("has a name that is not host[/path]", err)
	}
	if u, err := url.Parse(l.fixed); l.fixed != "" && (err != nil || u.Scheme == "") {
		return nil, badGOSUMDB("has a second field that is not a URL", nil)
	}
	return l, nil
}

func badGOSUMDB(what string, err error) error {
	return diag.Wrap(diag.BadSetting, err, "GOSUMDB "+what, "unset GOSUMDB; go env -u GOSUMDB")
}

// directURL returns the address of a database of that name. The name also becomes part
// of paths on disk, so nothing but a plain host and path will do.
func directURL(name string) (string, error) {
	u, err := url.Parse("https://" + name)
	if err != nil {
		return "", err
	}
	plain := url.URL{Scheme: "https", Host: u.Host, Path: u.Path}
	if *u != plain || !filepath.IsLocal(filepath.FromSlash(name)) || filepath.ToSlash(filepath.Clean(name)) != name {
		return "", errors.New(name)
	}
	return u.String(), nil
}

// Name is the database's name, "sum.golang.org" for the public one.
func (l *Log) Name() string { return l.name }

// URL returns where the database is reached. Proxies are used as the go command uses
// them: the first that serves the database is used and no other way; one that does not
// (404, 410) is skipped; any other error makes the database unavailable unless GOPROXY
// has a pipe there.
func (l *Log) URL(ctx context.Context) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.base != "" {
		return l.base, nil
	}
	if l.fixed != "" {
		l.base = l.fixed
		return l.base, nil
	}
	direct := len(l.config.Proxies) == 0
	l.local = nil
	err := l.config.Proxies.Try(missing, func(proxy goenv.Proxy) error {
		if proxy.Direct || proxy.Off {
			direct = true
			return nil
		}
		base := proxy.URL + "/sumdb/" + l.name
		if strings.HasPrefix(base, "file:") {
			l.local = append(l.local, base)
		}
		if _, err := l.config.Getter.Get(ctx, base+"/supported", maxAnswer); err != nil {
			return err
		}
		l.base = base
		return nil
	})
	switch {
	case l.base != "":
	case direct, missing(err):
		l.base = l.direct
	default:
		return "", err
	}
	return l.base, nil
}

func missing(err error) bool { return fetch.Gone(err) }

// readLocal returns what a file:// proxy has at a path of the database. Such a
// proxy need not be a complete copy: the download cache of the go
// command, for instance, has the records and tiles that it has looked up.
func (l *Log) readLocal(ctx context.Context, path string) (data []byte, found bool) {
	for _, base := range l.localBases() {
		if data, err := l.config.Getter.Get(ctx, base+path, maxAnswer); err == nil {
			return data, true
		}
	}
	return nil, false
}

func (l *Log) localBases() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.local
}

func (l *Log) stateFile(name string) string {
	return filepath.Join(l.config.StateDir, "sumdb", filepath.FromSlash(l.name), name)
}
