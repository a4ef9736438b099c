// Package release lists what exists: which Go releases there are, and where
// a file of one release for one platform can be downloaded. It verifies nothing: package trust does.
package release

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
)

// Listed is a release in the list of a source.
type Listed struct {
	Version gover.Version
	// Platforms that the source has it for, in the order of their names.
	Platforms []gover.Platform
	// Sources that name it.
	Sources []string
}

// Has reports whether the release is listed for p.
func (l Listed) Has(p gover.Platform) bool { return slices.Contains(l.Platforms, p) }

// Kind is the format of an Artifact.
type Kind string

const (
	// Zip is a module zip of golang.org/toolchain.
	Zip Kind = "zip"
	// TarGz is an official archive.
	TarGz Kind = "tar.gz"
)

// Artifact is the file to download for a release on a platform.
type Artifact struct {
	Version  gover.Version
	Platform gover.Platform
	Kind     Kind
	Source   string // name of the source: "goproxy", "godev"
	// URLs serve the same file and are tried in this order.
	URLs []string
	// Module is the version of golang.org/toolchain under which the checksum
	// database has the content: "v0.0.1-go1.22.5.linux-amd64".
	Module string
	Size   int64 // 0: not known
	// SHA256 is that of the file, in hexadecimal, as the index has it; empty
	// without an index.
	SHA256 string
	// Signatures are URLs of the detached OpenPGP signature; none for a Zip.
	Signatures []string
}

// Lister is a source of releases.
type Lister interface {
	// Name is how settings and receipts call the source.
	Name() string
	// Versions lists what the source has, newest first. The list need not be
	// complete.
	Versions(ctx context.Context) ([]Listed, error)
}

// Merge asks all sources at once and returns one list, newest first. A source
// that fails is left out; its error is among the second result. The third is
// set only if no source answered.
func Merge(ctx context.Context, sources ...Lister) (list []Listed, failed []error, err error) {
	lists, errs := make([][]Listed, len(sources)), make([]error, len(sources))
	var wg sync.WaitGroup
	for i, source := range sources {
		wg.Go(func() { lists[i], errs[i] = source.Versions(ctx) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) == len(sources) && len(failed) > 0 {
		return nil, failed, diag.Several(failed)
	}
	return merge(lists...), failed, nil
}

// merge unites lists by version, newest first.
func merge(lists ...[]Listed) []Listed {
	byVersion := map[gover.Version]*Listed{}
	for _, list := range lists {
		for _, item := range list {
			l := byVersion[item.Version]
			if l == nil {
				l = &Listed{Version: item.Version}
				byVersion[item.Version] = l
			}
			l.Platforms = append(l.Platforms, item.Platforms...)
			l.Sources = append(l.Sources, item.Sources...)
		}
	}
	merged := make([]Listed, 0, len(byVersion))
	for _, l := range byVersion {
		slices.SortFunc(l.Platforms, comparePlatforms)
		l.Platforms = slices.Compact(l.Platforms)
		l.Sources = unique(l.Sources)
		merged = append(merged, *l)
	}
	slices.SortFunc(merged, func(a, b Listed) int { return b.Version.Compare(a.Version) })
	return merged
}

func comparePlatforms(a, b gover.Platform) int { return strings.Compare(a.String(), b.String()) }

// unique drops repetitions and keeps the order.
func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
