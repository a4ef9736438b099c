package release

import (
	"context"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/settings"
)

// Source lists releases and locates their files.
type Source interface {
	Lister
	// Notes returns what the user should know about the lists that were given.
	Notes() []string
	// Locate returns the file of a release.
	Locate(ctx context.Context, v gover.Version, p gover.Platform) (Artifact, error)
}

// Known is a source that settings can name, and what its files are like.
type Known struct {
	Name string
	// Full reports that its archives have api, doc, misc and test too.
	Full bool
	// Proofs are what verifies its files, in words.
	Proofs []string
	open   func(Config) (Source, error)
}

// Config is what a source may need to be opened.
type Config struct {
	Client interface {
		Fetcher
		IndexFetcher
	}
	// Proxies reads GOPROXY. It is called only for a source that needs it.
	Proxies  func() (fetch.Proxies, error)
	CacheDir string
	Now      func() time.Time
	Offline  bool
	// Bases and Mirrors are those of [GoDevConfig].
	Bases, Mirrors []string
	only           bool // there is no other source to turn to
}

// Catalogue lists the known sources, the default order first.
func Catalogue() []Known {
	return []Known{
		{Name: settings.SourceGoproxy, Proofs: []string{"checksum database"}, open: openGoProxy},
		{Name: settings.SourceGodev, Full: true, Proofs: []string{"SHA-256", "OpenPGP", "checksum database"}, open: openGoDev},
	}
}

// Open opens the sources of these names, in that order.
func Open(names []string, c Config) ([]Source, error) {
	c.only = len(names) == 1
	var opened []Source
	for _, name := range names {
		source, err := open(strings.TrimSpace(name), c)
		if err != nil {
			return nil, err
		}
		opened = append(opened, source)
	}
	return opened, nil
}

func open(name string, c Config) (Source, error) {
	for _, known := range Catalogue() {
		if known.Name == name {
			return known.open(c)
		}
	}
	return nil, diag.New(diag.Usage, "unknown source "+name, "vmgo help install")
}

// FullNames lists the sources whose archives have everything.
func FullNames() []string {
	var names []string
	for _, known := range Catalogue() {
		if known.Full {
			names = append(names, known.Name)
		}
	}
	return names
}

func openGoProxy(c Config) (Source, error) {
	proxies, err := c.Proxies()
	if err != nil {
		return nil, err
	}
	return NewGoProxy(c.Client, proxies).WithCache(c.CacheDir, c.Now), nil
}

func openGoDev(c Config) (Source, error) {
	return NewGoDev(c.Client, GoDevConfig{
		Bases: c.Bases, Mirrors: c.Mirrors, CacheDir: c.CacheDir, Now: c.Now, Offline: c.Offline, Insist: c.only,
	}), nil
}
