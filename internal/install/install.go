// Package install brings releases into a store. It is the one place where the
// parts of the main promise meet: a source says where the bytes are, package
// archive turns them into a tree that nobody sees, package trust reports whether
// the tree is what the Go project published, and only then package store gives
// it a name.
//
// One release is one transaction (transaction.go), and several releases are
// several: none of them stops or spoils another. A release comes from a module
// zip (zip.go), an official archive (targz.go) or a GOROOT (adopt.go), each of
// which ends in publish.go. What an error means for the next step is in
// verdict.go.
package install

import (
	"context"
	"sync"
	"time"

	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
)

// Source says where the file of a release is; package release has them.
type Source interface {
	Name() string
	Locate(ctx context.Context, v gover.Version, p gover.Platform) (release.Artifact, error)
}

// Log is the checksum database; *trust.Log is one.
type Log interface {
	Lookup(ctx context.Context, v gover.Version, p gover.Platform) (trust.Record, error)
}

// Fetcher is the network; *fetch.Client is one.
type Fetcher interface {
	GetNewer(ctx context.Context, url string, limit int64, have fetch.Validator, patience fetch.Patience) ([]byte, fetch.Validator, error)
	Open(ctx context.Context, req fetch.Request) (*fetch.Body, error)
	Ranges(ctx context.Context, url string) (*fetch.RangeReader, error)
}

// Installer has the parts that every install needs. Calls do not change it.
type Installer struct {
	Store   *store.Store
	Sources []Source // in the order in which they are to be tried
	Log     Log
	Keyring Keyring // for the signatures of official archives
	Fetcher Fetcher
	// Official is the base URL of the official server, which has the signature
	// of every signed release; "" asks only the servers that a source names.
	Official string
	Platform gover.Platform
	// CacheDir keeps unfinished downloads for resuming.
	CacheDir string
	// Jobs bounds the goroutines that inflate and hash.
	Jobs int
	// Parallel bounds the downloads that run side by side; 0 means 4.
	Parallel int
	// Times remembers the times of releases that Request.NotAfter refused.
	Times release.Times
	// Identity and version of this program, for locks and receipts.
	Identity    store.Identity
	VmgoVersion string
}

// Request says how one call installs. The zero value installs what is missing
// and reports no events.
type Request struct {
	// Reinstall replaces releases that are installed already.
	Reinstall bool
	// Full requires api, doc, misc and test too, and replaces a release that was
	// installed without them.
	Full bool
	// NotAfter has the releases that were chosen as the newest, each with the
	// latest time that its VERSION file may name; the zero time is none. The age
	// of others does not matter.
	NotAfter map[gover.Version]time.Time
	// Leave has files of a tree, by their slash-separated path, that Adopt does
	// not copy, since they do not belong to the release.
	Leave map[string]bool
	// Plan is the result of [Installer.Prepare] for the same releases: archives
	// that it opened are not opened again. The zero value is none.
	Plan Plan
	// NoWait returns store-busy where another process holds a lock.
	NoWait bool
	// Event is called for each step. It may be called from many goroutines, but
	// never twice at a time. It may be nil.
	Event func(Event)
	// Waiting is called with the holder of the lock that an install waits for. It
	// may be nil.
	Waiting func(v gover.Version, holder fsx.Holder)
}

// call is one call of Install, Plan or Adopt. Its transactions share it.
type call struct {
	in  *Installer
	req Request

	events  sync.Mutex // serialises Event and Waiting
	extract sync.Mutex // held by the release whose turn it is
}

// Result says how the install of one release ended.
type Result struct {
	Version gover.Version
	Kind    Kind          // Installed, Present or Failed
	GOROOT  string        // unless Failed
	Receipt store.Receipt // if Installed
	InPlace bool          // it was judged by a tree that stood in its place without a receipt
	Elapsed time.Duration
	Err     error // if Failed
}

// Install brings the releases into the store, several at a time, and returns how
// each ended, in the order of versions. A release that fails neither stops nor
// spoils another. When ctx ends, installs stop within a moment; what was
// downloaded is kept for the next attempt, and nothing else.
func (in *Installer) Install(ctx context.Context, versions []gover.Version, req Request) []Result {
	c := &call{in: in, req: req}
	results := make([]Result, len(versions))
	slots := make(chan struct{}, in.parallel())
	var wg sync.WaitGroup
	for i, v := range versions {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			tx := c.begin(v, len(versions) == 1)
			kind, err := tx.run(ctx, tx.fromSources)
			results[i] = tx.result(ctx, kind, err)
		})
	}
	wg.Wait()
	return results
}

func (in *Installer) parallel() int {
	if in.Parallel > 0 {
		return in.Parallel
	}
	return 4
}

func (in *Installer) now() time.Time {
	if in.Identity.Now == nil {
		return time.Now()
	}
	return in.Identity.Now()
}
