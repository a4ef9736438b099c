package proxy

import (
	"context"
	"net/http"
	"os"
	"strconv"
	"sync"
)

// flight is one fetch that everybody shares who asks for the file meanwhile. It
// goes on when they go away: the next one will ask for it again.
type flight struct {
	done    chan struct{} // closed at the end
	err     error         // valid then
	readers sync.WaitGroup

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each progress
	attempt *attempt      // nil until bytes arrive
	stages  []*os.File    // closed when nobody reads them any more
}

// attempt is the download from one upstream. When another takes its place, what
// was read of the first is worth nothing.
type attempt struct {
	stage          *os.File
	written, total int64 // total is -1 where the upstream does not say
}

// flights are those that are under way, by name.
type flights struct {
	running sync.WaitGroup

	mu  sync.Mutex
	all map[string]*flight
}

// join returns the flight of that name, begun by this call if there is none.
// Whoever joined leaves it by readers.Done.
func (f *flights) join(name string, work func(*flight) error) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known := f.all[name]; known != nil {
		known.readers.Add(1)
		return known
	}
	fl := &flight{done: make(chan struct{}), changed: make(chan struct{})}
	fl.readers.Add(1)
	f.all[name] = fl
	f.running.Add(1)
	go func() {
		defer f.running.Done()
		fl.err = work(fl)
		f.mu.Lock()
		delete(f.all, name)
		f.mu.Unlock()
		close(fl.done)
		fl.readers.Wait()
		for _, stage := range fl.stages {
			_ = stage.Close()
		}
	}()
	return fl
}

// wait returns the result of the flight, or of the context if that ends first.
func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// keep hands a stage to the flight, which closes it.
func (f *flight) keep(stage *os.File) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stages = append(f.stages, stage)
}

// progress announces how far an attempt is.
func (f *flight) progress(stage *os.File, written, total int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.attempt = &attempt{stage, written, total}
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *flight) now() (*attempt, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.attempt, f.changed
}

// holdBack is the end of a file, in bytes, that nobody gets before the whole was
// verified. A zip is useless without its end: its directory stands there.
const holdBack = 64 << 10

// stream writes a file while it arrives, and its end once it is verified. It
// returns false if nothing was written yet and the flight ended, so that its
// result is there to be served.
func (f *flight) stream(w http.ResponseWriter, r *http.Request) bool {
	var sent int64
	var from *os.File // the stage that the bytes sent came from
	header := func(total int64) {
		w.Header().Set("Content-Length", strconv.FormatInt(total, 10))
		w.WriteHeader(http.StatusOK)
	}
	for {
		at, changed := f.now()
		if at != nil && at.total > holdBack && (from == nil || from == at.stage) {
			if upTo := min(at.written, at.total-holdBack); upTo > sent {
				if sent == 0 {
					header(at.total)
				}
				from = at.stage
				n := copyAt(w, at.stage, sent, upTo)
				if sent += n; sent < upTo {
					panic(http.ErrAbortHandler) // the client is gone, or the stage
				}
			}
		}
		select {
		case <-f.done:
			if sent == 0 {
				return false
			}
			f.finish(w, from, sent)
			return true
		case <-changed:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
}

// finish writes the rest of what was verified. A connection that is cut tells the
// client that what it got is nothing.
func (f *flight) finish(w http.ResponseWriter, from *os.File, sent int64) {
	at, _ := f.now()
	if f.err != nil || at.stage != from || copyAt(w, at.stage, sent, at.total) != at.total-sent {
		panic(http.ErrAbortHandler)
	}
}

// copyAt writes the bytes of a file from one position to another and returns how
// many it wrote.
func copyAt(w http.ResponseWriter, file *os.File, from, to int64) (n int64) {
	buf := make([]byte, 32<<10)
	for from < to {
		got, err := file.ReadAt(buf[:min(int64(len(buf)), to-from)], from)
		if got == 0 {
			return n
		}
		wrote, writeErr := w.Write(buf[:got])
		n, from = n+int64(wrote), from+int64(wrote)
		if writeErr != nil || err != nil && from < to {
			return n
		}
	}
	if flusher, ok := w.(http.Flusher); ok {
		flusher.Flush()
	}
	return n
}
