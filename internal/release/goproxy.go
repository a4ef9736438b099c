package release

import (
	"context"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/settings"
)

// Fetcher is what a source needs of the network; *fetch.Client is one.
type Fetcher interface {
	// Get returns the answer to a GET, of limit bytes at most.
	Get(ctx context.Context, url string, limit int64) ([]byte, error)
	// Stat returns whether a file exists, and its size; 0
	// if unknown.
	Stat(ctx context.Context, url string) (size int64, err error)
}

// DirectProxy is what GOPROXY=direct means for golang.org/toolchain: the
// module proxy that the module's own home page names.
const DirectProxy = "https://go.dev/dl/mod"

// GoProxy is the source that reads golang.org/toolchain from the user's module
// proxies. The zip that it locates has the contents of the official archive
// except api, doc, misc and test.
type GoProxy struct {
	fetcher Fetcher
	proxies fetch.Proxies
	direct  string
	cache   *listCache // nil: none
}

// NewGoProxy makes the source from GOPROXY as [fetch.ParseProxies] read it.
func NewGoProxy(fetcher Fetcher, proxies fetch.Proxies) *GoProxy {
	return &GoProxy{fetcher: fetcher, proxies: proxies, direct: DirectProxy}
}

// WithDirect returns the source with another server for the entry "direct".
func (g *GoProxy) WithDirect(url string) *GoProxy {
	return &GoProxy{fetcher: g.fetcher, proxies: g.proxies, direct: strings.TrimRight(url, "/"), cache: g.cache}
}

// Name is [settings.SourceGoproxy].
func (g *GoProxy) Name() string { return settings.SourceGoproxy }

// maxList bounds a list of versions; the whole history of Go takes 150 KB.
const maxList = 16 << 20

// Versions returns the list of the first proxy that has one or, if none can be
// reached, its last one; see [GoProxy.Notes].
func (g *GoProxy) Versions(ctx context.Context) ([]Listed, error) {
	var list []Listed
	err := g.try(func(base string) error {
		data, err := g.fetcher.Get(ctx, base+"/@v/list", maxList)
		if err == nil {
			list = parseList(string(data), g.Name())
			g.cache.write(data)
		}
		return err
	})
	if code := diag.CodeOf(err); code == diag.Network || code == diag.Offline {
		if kept, ok := g.instead(err); ok {
			return kept, nil
		}
	}
	if fetch.NotHere(err) {
		return nil, diag.Wrap(diag.Network, err, "no module proxy of GOPROXY has "+gover.ToolchainModule,
			"vmgo list-remote --source godev")
	}
	return list, err
}

// parseList reads the answer to @v/list. Lines that no vmgo can install
// (other modules' forms, go1.9.2rc2) are left out.
func parseList(text, source string) []Listed {
	var list []Listed
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if v, p, _ := gover.ParseModuleVersion(fields[0]); v.IsRelease() {
			list = append(list, Listed{Version: v, Platforms: []gover.Platform{p}, Sources: []string{source}})
		}
	}
	return merge(list)
}

// try calls ask with the module's base URL on each proxy, in the order and by
// the rules of GOPROXY.
func (g *GoProxy) try(ask func(base string) error) error {
	return g.proxies.Try(fetch.NotHere, func(proxy goenv.Proxy) error {
		if proxy.Off {
			return errOff()
		}
		return ask(g.base(proxy))
	})
}

func (g *GoProxy) base(proxy goenv.Proxy) string {
	if proxy.Direct {
		return g.direct + "/" + gover.ToolchainModule
	}
	return proxy.URL + "/" + gover.ToolchainModule
}

func errOff() error {
	return diag.New(diag.Offline, "GOPROXY=off forbids module downloads", "go env -u GOPROXY", "vmgo install --source godev VERSION")
}

// Locate finds the module zip of v for p. An exact version is requested even if no list
// has it, since lists are often incomplete, and the zip itself is requested, since .info
// and .zip come and go independently.
func (g *GoProxy) Locate(ctx context.Context, v gover.Version, p gover.Platform) (Artifact, error) {
	module := gover.ModuleVersion(v, p)
	a := Artifact{Version: v, Platform: p, Kind: Zip, Source: g.Name(), Module: module}
	absent := false
	err := g.try(func(base string) error {
		url := base + "/@v/" + module + ".zip"
		size, err := g.fetcher.Stat(ctx, url)
		if err == nil {
			a.URLs, a.Size = []string{url}, size
		}
		absent = absent || fetch.NotHere(err)
		return err
	})
	switch {
	case err == nil:
		a.URLs = append(a.URLs, g.fallbacks(a.URLs[0], module)...)
		return a, nil
	case fetch.NotHere(err):
		return Artifact{}, g.missing(ctx, v, p, err)
	case absent:
		return Artifact{}, diag.Wrap(diag.CodeOf(err), err, v.Toolchain()+" for "+p.String()+
			" is not on any proxy of GOPROXY that answered", "vmgo list-remote "+v.Lang().String())
	}
	return Artifact{}, err
}

// fallbacks returns the URLs to use if the download from the first fails:
// the later proxies as far as the pipes of GOPROXY reach.
func (g *GoProxy) fallbacks(first, module string) []string {
	var urls []string
	found := false
	for _, proxy := range g.proxies {
		if proxy.Off {
			break
		}
		url := g.base(proxy) + "/@v/" + module + ".zip"
		if found {
			urls = append(urls, url)
		}
		found = found || url == first
		if found && !proxy.AnyError {
			break
		}
	}
	return urls
}

// missing explains why no proxy has v for p, with what is there instead.
func (g *GoProxy) missing(ctx context.Context, v gover.Version, p gover.Platform, cause error) error {
	list, _ := g.Versions(ctx) // the absence is what matters here
	return Missing(list, v, p, cause)
}

// Missing returns the error for a release that a source does not have, from what
// the source lists: another platform's only, or others near to it.
func Missing(list []Listed, v gover.Version, p gover.Platform, cause error) error {
	var near []Listed
	for _, l := range list {
		if l.Version == v && !l.Has(p) {
			return diag.Wrap(diag.UnsupportedPlatform, cause, v.Toolchain()+" is not available for "+p.String()+
				" (only for "+platformNames(l.Platforms)+")", "vmgo install --source godev "+v.String())
		}
		if l.Version != v && l.Has(p) {
			near = append(near, l)
		}
	}
	hints := []string{"vmgo list-remote " + v.Lang().String()}
	if names := nearest(near, v, 3); len(names) > 0 {
		hints = append([]string{"vmgo install " + names[0]}, hints...)
	}
	return diag.Wrap(diag.NoSuchRelease, cause, "there is no release "+v.Toolchain()+" for "+p.String(), hints...)
}

func platformNames(list []gover.Platform) string {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.String()
	}
	return strings.Join(names, ", ")
}

// nearest returns up to n versions of the list that are around v in the order
// of versions, those of the same minor before others.
func nearest(list []Listed, v gover.Version, n int) []string {
	sorted := slices.Clone(list)
	position := slices.IndexFunc(sorted, func(l Listed) bool { return l.Version.Compare(v) < 0 })
	if position < 0 {
		position = len(sorted)
	}
	distance := func(i int) int {
		d := position - i // newer ones stand before position
		if d <= 0 {
			d = 1 - d
		}
		if sorted[i].Version.Lang() != v.Lang() {
			d += len(sorted)
		}
		return d
	}
	order := make([]int, len(sorted))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return distance(a) - distance(b) })
	var names []string
	for _, i := range order[:min(n, len(order))] {
		names = append(names, sorted[i].Version.String())
	}
	return names
}
