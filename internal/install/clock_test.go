package install_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/store"
)

// TestInstall_clockJumps: a machine may wake up in 1970, and a clock may be set
// by years while an install runs. Nothing is decided by what time it is.
func TestInstall_clockJumps(t *testing.T) {
	times := []time.Time{time.Unix(0, 0), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)}
	w := newWorld(t, made("1.22.4"), made("1.22.5"), made("1.21.0"))
	for i, v := range []string{"1.22.4", "1.22.5", "1.21.0"} {
		// The clock jumps back and forth between any two looks at it.
		var looks atomic.Int64
		looks.Store(int64(i))
		w.in.Identity.Now = func() time.Time { return times[int(looks.Add(1))%len(times)] }
		w.in.Store = store.Open(w.dir, store.Options{Identity: w.in.Identity})
		if r := w.must(v); r.Receipt.LinkedFiles == 0 && i == 1 {
			t.Error("nothing was shared with what an earlier time brought")
		}
		r, err := w.in.Store.Receipt(version(t, v))
		if err != nil || r.InstalledAt.IsZero() {
			t.Errorf("%s: receipt of %v, %v", v, r.InstalledAt, err)
		}
	}
	if present := checkWhole(t, w.dir); len(present) != 3 {
		t.Errorf("present: %v", present)
	}
	checkClean(t, w.dir)
	if faults, err := w.in.Store.Check(t.Context(), store.Wait{}); err != nil || len(faults) > 0 {
		t.Errorf("%v, %v", faults, err)
	}
}

// TestStore_locksAndStagesOfAnotherTime: what is held stays held, and what is
// alive is not swept, however far away the clock of the other process is.
func TestStore_locksAndStagesOfAnotherTime(t *testing.T) {
	t.Parallel()
	dir, v := memDir(t)+"/store", version(t, "1.22.5")
	at := func(year int) *store.Store {
		now := func() time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }
		return store.Open(dir, store.Options{Identity: store.Identity{PID: 4711, What: "vmgo install", Now: now}})
	}
	for _, years := range [][2]int{{1970, 2100}, {2100, 1970}} {
		lock, err := at(years[0]).LockRelease(t.Context(), v, store.Wait{})
		if err != nil {
			t.Fatal(err)
		}
		stage, err := at(years[0]).NewStage(t.Context(), v, store.Wait{})
		if err != nil {
			t.Fatal(err)
		}
		other := at(years[1])
		if _, err := other.LockRelease(t.Context(), v, store.Wait{No: true}); diag.CodeOf(err) != diag.StoreBusy {
			t.Errorf("%d took the lock of %d: %v", years[1], years[0], err)
		}
		if err := other.Sweep(t.Context(), store.Wait{}); err != nil {
			t.Error(err)
		}
		if faults, err := other.Check(t.Context(), store.Wait{}); err != nil || len(faults) > 0 {
			t.Errorf("%v, %v", faults, err)
		}
		if err := stage.Close(); err != nil {
			t.Errorf("the stage of %d was swept in %d: %v", years[0], years[1], err)
		}
		if err := lock.Release(); err != nil {
			t.Error(err)
		}
	}
}
