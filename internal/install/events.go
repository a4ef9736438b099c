package install

import (
	"context"
	"sync"
	"time"

	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
)

// Kind is what an Event reports. The words are those of install --json.
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

// tell passes an event of the release on, with the time that has passed.
func (tx *transaction) tell(e Event) {
	if tx.req.Event == nil {
		return
	}
	e.Version, e.Elapsed = tx.version, tx.elapsed()
	tx.events.Lock()
	defer tx.events.Unlock()
	tx.req.Event(e)
}

func (tx *transaction) elapsed() time.Duration { return tx.in.now().Sub(tx.progress.begin) }

// wait returns how the release waits for locks.
func (tx *transaction) wait() store.Wait {
	w := store.Wait{No: tx.req.NoWait}
	if tx.req.Waiting != nil {
		w.Notice = func(h fsx.Holder) {
			tx.events.Lock()
			defer tx.events.Unlock()
			tx.req.Waiting(tx.version, h)
		}
	}
	return w
}

// result returns the result of a transaction, and reports its last event.
func (tx *transaction) result(ctx context.Context, kind Kind, err error) Result {
	r := Result{Version: tx.version, Kind: kind, GOROOT: tx.in.Store.GOROOT(tx.version), Receipt: tx.receipt, InPlace: tx.inPlace, Elapsed: tx.elapsed()}
	if err != nil {
		r.Kind, r.Err, r.GOROOT = Failed, interrupted(ctx, tx.version, err), ""
	}
	e := Event{Kind: r.Kind, Err: r.Err}
	if r.Kind == Installed {
		e.Source, e.URL = tx.receipt.Source, tx.receipt.URL
		e.Bytes, e.LinkedFiles, e.LinkedBytes = tx.receipt.Bytes, tx.receipt.LinkedFiles, tx.receipt.LinkedBytes
		e.Proofs, e.Warning = tx.proofs, tx.warning
	}
	tx.tell(e)
	return r
}

// progress thins out the events of a download or an extraction, of which there
// would be thousands.
type progress struct {
	begin  time.Time
	source string

	mu   sync.Mutex
	last time.Time
}

// every is the least time between two events of one release.
const every = 100 * time.Millisecond

// due reports whether an event is due; the last one always is.
func (p *progress) due(now time.Time, finished bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !finished && now.Sub(p.last) < every {
		return false
	}
	p.last = now
	return true
}

func (tx *transaction) report(kind Kind, done, total int64) {
	if tx.req.Event == nil || !tx.progress.due(tx.in.now(), total > 0 && done >= total) {
		return
	}
	tx.tell(Event{Kind: kind, Source: tx.progress.source, Bytes: done, Total: max(total, 0)})
}
