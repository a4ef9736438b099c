// Package install brings releases into a store. It is the one place where the
// parts of the main promise meet: a source says where the bytes are, package
// archive turns them into a tree that nobody sees, package trust reports whether
// the tree is what the Go project published, and only then package store gives
// it a name.
//
// One release is one transaction (transaction.go), and several releases are
// several: none of them stops or spoils another.
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

// Installer holds what installs have in common. Its fields are set once.
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
	// Reinstall replaces releases that are installed already.
	Reinstall bool
	// Full wants api, doc, misc and test too, and replaces a release that was
	// installed without them.
	Full bool
	// NotAfter has the releases that were chosen as the newest, each with the
	// latest time that its VERSION file may name; the zero time is none. The age
	// of others does not matter.
	NotAfter map[gover.Version]time.Time
	// Times remembers the times of releases that NotAfter refused.
	Times release.Times
	// Leave has files of a tree, by their slash-separated path, that Adopt leaves
	// behind, since they do not belong to the release.
	Leave map[string]bool
	// NoWait answers store-busy where another process is at it.
	NoWait bool
	// Identity and version of this program, for locks and receipts.
	Identity    store.Identity
	VmgoVersion string
	// Event is told what happens. It may be called from many goroutines, but
	// never twice at a time. It may be nil.
	Event func(Event)
	// Waiting is told for whom an install waits. It may be nil.
	Waiting func(v gover.Version, holder fsx.Holder)

	mu      sync.Mutex // serialises Event
	extract sync.Mutex // held by the release whose turn it is
	planned sync.Map   // URL -> *parked, of what Prepare opened
}

// Kind says what an Event reports. The words are those of install --json.
type Kind string

// What happens to a release, in this order.
const (
	Resolved  Kind = "resolved"  // it is known where to get it
	Download  Kind = "download"  // some of its bytes arrived
	Extract   Kind = "extract"   // some of its bytes were placed in the tree
	Verified  Kind = "verified"  // the proofs hold
	Installed Kind = "installed" // it is in the store
	Present   Kind = "present"   // it was in the store already
	Failed    Kind = "failed"    // it is not in the store, and Err says why
)

// Event is one step of an install. Fields that a kind has no use for are zero.
type Event struct {
	Kind        Kind
	Version     gover.Version
	Source      string // Resolved and later
	URL         string // Resolved: without credentials
	Bytes       int64  // Download, Extract: so far; Installed: of the tree
	Total       int64  // Download, Extract: in the end; 0 if that is not known
	Proofs      trust.Proofs
	LinkedFiles int
	LinkedBytes int64
	Elapsed     time.Duration
	Warning     string // Installed: what the release lacks, and why
	Err         error
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

// Install brings the releases into the store, several at a time, and says how
// each ended, in the order of versions. A release that fails neither stops nor
// spoils another. When ctx ends, installs stop within a moment; what was
// downloaded is kept for the next attempt, and nothing else.
func (in *Installer) Install(ctx context.Context, versions []gover.Version) []Result {
	results := make([]Result, len(versions))
	slots := make(chan struct{}, in.parallel())
	var wg sync.WaitGroup
	for i, v := range versions {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			results[i] = in.one(ctx, v, len(versions) == 1)
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

// one is the install of one release with its events.
func (in *Installer) one(ctx context.Context, v gover.Version, alone bool) Result {
	tx := &transaction{in: in, version: v, alone: alone, progress: progress{begin: in.now()}}
	kind, err := tx.run(ctx, tx.fromSources)
	return tx.result(ctx, kind, err)
}

// result makes the result of a transaction and tells of it.
func (tx *transaction) result(ctx context.Context, kind Kind, err error) Result {
	in, v := tx.in, tx.version
	r := Result{Version: v, Kind: kind, GOROOT: in.Store.GOROOT(v), Receipt: tx.receipt, InPlace: tx.inPlace, Elapsed: in.now().Sub(tx.progress.begin)}
	if err != nil {
		r.Kind, r.Err, r.GOROOT = Failed, interrupted(ctx, v, err), ""
	}
	e := Event{Kind: r.Kind, Version: v, Elapsed: r.Elapsed, Err: r.Err}
	if r.Kind == Installed {
		e.Source, e.URL = tx.receipt.Source, tx.receipt.URL
		e.Bytes, e.LinkedFiles, e.LinkedBytes = tx.receipt.Bytes, tx.receipt.LinkedFiles, tx.receipt.LinkedBytes
		e.Proofs, e.Warning = tx.proofs, tx.warning
	}
	in.tell(e)
	return r
}

func (in *Installer) tell(e Event) {
	if in.Event == nil {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.Event(e)
}

func (in *Installer) now() time.Time {
	if in.Identity.Now == nil {
		return time.Now()
	}
	return in.Identity.Now()
}

func (in *Installer) wait(v gover.Version) store.Wait {
	w := store.Wait{No: in.NoWait}
	if in.Waiting != nil {
		w.Notice = func(h fsx.Holder) {
			in.mu.Lock()
			defer in.mu.Unlock()
			in.Waiting(v, h)
		}
	}
	return w
}
