package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/settings"
)

// GoDevConfig describes the servers of the source godev.
type GoDevConfig struct {
	// Bases serve the index (BASE/?mode=json&include=all) and the archives;
	// the first that answers is used.
	Bases []string
	// Mirrors serve archives only. They are asked before the bases for the
	// bytes, and never for a hash.
	Mirrors []string
	// CacheDir keeps the index between runs; "" keeps nothing.
	CacheDir string
	Now      func() time.Time
	// Offline forbids the network: what the cache has is used, however old.
	Offline bool
	// Insist makes the source try bases again that could not be reached a
	// moment ago, because there is no other source.
	Insist bool
}

// IndexFetcher is what the source needs of the network; *fetch.Client is one.
type IndexFetcher interface {
	// GetNewer downloads a document unless it is the one that have describes.
	GetNewer(ctx context.Context, url string, limit int64, have fetch.Validator, patience fetch.Patience) ([]byte, fetch.Validator, error)
}

// GoDev is the source of official archives: the index of go.dev/dl and what it
// lists. Its methods may be called from many goroutines.
type GoDev struct {
	fetcher IndexFetcher
	config  GoDevConfig
	cache   indexCache

	mu    sync.Mutex
	index *Index // nil until loaded
	at    time.Time
	why   error // why an old copy had to do
}

const (
	// MaxIndex bounds an index, in bytes. The answer was 1.9 MB in 2026.
	MaxIndex = 32 << 20
	// fresh is how long the index counts as current; the server itself
	// computes it once an hour.
	fresh = time.Hour
	// renewable is the age from which a copy is asked for again because a
	// release is missing in it.
	renewable = time.Minute
	// connectPatience and answerPatience are the limits of an index server that
	// is not needed. A name server that is down costs five seconds.
	connectPatience = 6 * time.Second
	answerPatience  = 12 * time.Second
)

// NewGoDev makes the source.
func NewGoDev(fetcher IndexFetcher, config GoDevConfig) *GoDev {
	config.Bases, config.Mirrors = trimmed(config.Bases), trimmed(config.Mirrors)
	if config.Now == nil {
		config.Now = time.Now
	}
	return &GoDev{fetcher: fetcher, config: config, cache: indexCache{dir: config.CacheDir}}
}

func trimmed(urls []string) []string {
	var list []string
	for _, url := range urls {
		list = append(list, strings.TrimRight(url, "/"))
	}
	return list
}

// Name is [settings.SourceGodev].
func (g *GoDev) Name() string { return settings.SourceGodev }

// Versions lists what the index has archives of.
func (g *GoDev) Versions(ctx context.Context) ([]Listed, error) {
	index, err := g.load(ctx, fresh)
	if err != nil {
		return nil, err
	}
	return index.listed(g.Name()), nil
}

func (x *Index) listed(source string) []Listed {
	var list []Listed
	for _, r := range x.Releases {
		if len(r.Archives) == 0 {
			continue
		}
		l := Listed{Version: r.Version, Sources: []string{source}}
		for _, a := range r.Archives {
			l.Platforms = append(l.Platforms, a.Platform)
		}
		list = append(list, l)
	}
	return merge(list)
}

// Locate finds the official archive of v for p. If no index is available but a
// mirror is set, the archive is located without a checksum: the signature
// and the checksum database must verify it then, as they do anyway.
func (g *GoDev) Locate(ctx context.Context, v gover.Version, p gover.Platform) (Artifact, error) {
	a := Artifact{
		Version: v, Platform: p, Kind: TarGz, Source: g.Name(), Module: gover.ModuleVersion(v, p),
	}
	if p.OS == "windows" {
		return Artifact{}, diag.New(diag.UnsupportedPlatform, "vmgo does not unpack the archives for Windows")
	}
	name := ArchiveName(v, p)
	index, err := g.load(ctx, fresh)
	if err == nil {
		if _, ok := index.find(v, p); !ok {
			index, err = g.load(ctx, renewable)
		}
	}
	if err != nil {
		if len(g.config.Mirrors) > 0 && diag.CodeOf(err) == diag.Network {
			a.serve(g.config.Mirrors, name) // the bases would only keep us waiting once more
			return a, nil
		}
		return Artifact{}, err
	}
	row, ok := index.find(v, p)
	if !ok {
		return Artifact{}, Missing(index.listed(g.Name()), v, p, errNotListed)
	}
	a.SHA256, a.Size = row.SHA256, row.Size
	a.serve(slices.Concat(g.config.Mirrors, g.config.Bases), name)
	return a, nil
}

// serve sets the servers that have the file and, beside it, its signature.
func (a *Artifact) serve(bases []string, name string) {
	for _, base := range bases {
		if url := base + "/" + name; !slices.Contains(a.URLs, url) {
			a.URLs = append(a.URLs, url)
			a.Signatures = append(a.Signatures, signatureURL(url))
		}
	}
}

var errNotListed = errors.New("the index of go.dev does not list it")

func (x *Index) find(v gover.Version, p gover.Platform) (IndexArchive, bool) {
	r, _ := x.Release(v)
	return r.Archive(p)
}

// Notes returns, in sentences for stderr, what the user should know about the
// answers so far: an index that is old, and why.
func (g *GoDev) Notes() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.index == nil {
		return nil
	}
	age := g.config.Now().Sub(g.at)
	if g.why == nil && (age < fresh || !g.config.Offline) {
		return nil
	}
	note := "the list of go.dev is " + ageText(age) + " old"
	if g.why != nil {
		note += ": " + g.why.Error()
	}
	return []string{note}
}

// Skipped counts, by reason, the rows of the index that were left out.
func (g *GoDev) Skipped() map[string]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.index == nil {
		return nil
	}
	return g.index.Skipped
}

func ago(age time.Duration) string {
	if age < 5*time.Second {
		return "a moment ago"
	}
	return ageText(age) + " ago"
}

func ageText(age time.Duration) string {
	switch {
	case age < 2*time.Minute:
		return fmt.Sprintf("%d seconds", max(0, int(age.Seconds())))
	case age < 2*time.Hour:
		return fmt.Sprintf("%d minutes", int(age.Minutes()))
	case age < 48*time.Hour:
		return fmt.Sprintf("%d hours", int(age.Hours()))
	}
	return fmt.Sprintf("%d days", int(age.Hours()/24))
}

// load returns the index: that of this process, of the cache, or of the first
// base that answers, whichever is no older than maxAge; an older copy if no base answers.
func (g *GoDev) load(ctx context.Context, maxAge time.Duration) (*Index, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.index == nil {
		g.index, g.at = g.fromCache()
	}
	if g.index != nil && (g.config.Offline || g.isYounger(maxAge) || g.why != nil) {
		return g.index, nil
	}
	if g.config.Offline {
		return nil, diag.New(diag.Offline, "the list of go.dev is not in the cache, and vmgo works offline (VMGO_OFFLINE)", "unset VMGO_OFFLINE")
	}
	err := g.refresh(ctx)
	if err != nil && g.index != nil && !errors.Is(ctx.Err(), context.Canceled) {
		g.why = err
		return g.index, nil
	}
	return g.index, err
}

// patience returns how long a base may take to answer: not long if there is
// a copy to use instead.
func (g *GoDev) patience(base string) fetch.Patience {
	last := base == g.config.Bases[len(g.config.Bases)-1]
	if g.config.Insist && g.index == nil && len(g.config.Mirrors) == 0 && last {
		return fetch.Patience{}
	}
	return fetch.Patience{Connection: connectPatience, Answer: answerPatience}
}

func (g *GoDev) isYounger(maxAge time.Duration) bool {
	age := g.config.Now().Sub(g.at)
	return age >= 0 && age < maxAge // a copy from the future is as good as none
}

// fromCache returns the newest copy that any base left.
func (g *GoDev) fromCache() (index *Index, at time.Time) {
	for _, base := range g.config.Bases {
		entry := g.cache.read(base)
		if !entry.CheckedAt.After(at) {
			continue
		}
		if decoded, err := DecodeIndex(entry.body); err == nil {
			index, at = decoded, entry.CheckedAt
		}
	}
	return index, at
}

// refresh requests the index from the bases in order.
func (g *GoDev) refresh(ctx context.Context) error {
	var failed []error
	now := g.config.Now()
	for _, base := range g.config.Bases {
		if since, ok := g.cache.unreachable(base, now); ok && !g.config.Insist {
			failed = append(failed, diag.New(diag.Network,
				fetch.Redact(base)+" could not be reached "+ago(now.Sub(since)), "vmgo list-remote --source godev"))
			continue
		}
		index, err := g.ask(ctx, base, now)
		if err == nil {
			g.index, g.at, g.why = index, now, nil
			return nil
		}
		failed = append(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	if len(failed) == 1 && ctx.Err() != nil {
		return failed[0]
	}
	return diag.Wrap(diag.Network, diag.Several(failed), "cannot get the list of official archives",
		"vmgo config -w VMGO_GODEV=https://golang.google.cn/dl   # another address of the same server; more in docs/mirrors.md")
}

// ask returns the index of one base: the copy in the cache while that is current.
func (g *GoDev) ask(ctx context.Context, base string, now time.Time) (*Index, error) {
	entry := g.cache.read(base)
	index, err := DecodeIndex(entry.body)
	if err != nil {
		entry = indexEntry{} // what is damaged is not current
	}
	data, validator, err := g.fetcher.GetNewer(ctx, indexURL(base), MaxIndex, entry.Validator, g.patience(base))
	switch {
	case index != nil && errors.Is(err, fetch.ErrNotModified):
		g.cache.write(base, indexEntry{CheckedAt: now, Validator: entry.Validator, body: entry.body})
		return index, nil
	case err != nil:
		var status *fetch.StatusError
		if ctx.Err() == nil && !errors.As(err, &status) {
			g.cache.markUnreachable(base, now)
		}
		return nil, err
	}
	if index, err = DecodeIndex(data); err != nil {
		return nil, diag.Wrap(diag.Network, err, "cannot read the list of releases at "+fetch.Redact(base))
	}
	g.cache.write(base, indexEntry{CheckedAt: now, Validator: validator, body: data})
	return index, nil
}

func indexURL(base string) string { return base + "/?mode=json&include=all" }
