package install

import (
	"context"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/trust"
)

// logPatience is how long an install whose archive is proven otherwise waits
// for the checksum database when everything else is done.
const logPatience = 10 * time.Second

// lookup asks the log in the background. An error that is final stops
// everything at once. The answer is waited for as long as it takes, or no
// longer than asked.
func (tx *transaction) lookup(ctx context.Context, cancel context.CancelCauseFunc, final func(error) bool) func(wait time.Duration) (trust.Record, error) {
	var record trust.Record
	var err error
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		record, err = tx.in.Log.Lookup(ctx, tx.version, tx.in.Platform)
		if err != nil && final(err) {
			cancel(err)
		}
	}()
	return func(wait time.Duration) (trust.Record, error) {
		var late <-chan time.Time
		if wait > 0 {
			late = time.After(wait)
		}
		select {
		case <-answered:
			return record, err
		case <-late:
			return trust.Record{}, diag.New(diag.Network, "the checksum database did not answer in time", "vmgo verify --log "+tx.version.String())
		}
	}
}
