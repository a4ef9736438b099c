package proxy

import (
	"sync"
	"time"
)

// verdicts remembers for a while what contradicts the checksum database, so that
// not every request proves it anew, and whoever asks again is told why the first
// answer was cut.
type verdicts struct {
	mu  sync.Mutex
	all map[string]verdict
}

type verdict struct {
	err   error
	until time.Time
}

const (
	// wholeLog is the name of the verdict on the database itself.
	wholeLog = ""
	// verdictLife is how long a verdict holds.
	verdictLife = time.Minute
	// maxVerdicts bounds the memory; when it is full, all is proved anew.
	maxVerdicts = 1000
)

// of returns the verdict on a file, nil if there is none.
func (v *verdicts) of(name string, now time.Time) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if known := v.all[name]; now.Before(known.until) {
		return known.err
	}
	return nil
}

func (v *verdicts) keep(name string, err error, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.all == nil || len(v.all) >= maxVerdicts {
		v.all = map[string]verdict{}
	}
	v.all[name] = verdict{err, now.Add(verdictLife)}
}
