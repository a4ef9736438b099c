package install

import (
	"sync"
	"time"
)

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

// due reports whether to tell, which is always so at the end.
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
	now := tx.in.now()
	if tx.in.Event == nil || !tx.progress.due(now, total > 0 && done >= total) {
		return
	}
	tx.in.tell(Event{Kind: kind, Version: tx.version, Source: tx.progress.source, Bytes: done, Total: max(total, 0), Elapsed: now.Sub(tx.progress.begin)})
}
