package main

import (
	"errors"
	"os"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

// plant starts the fault of that name.
func plant(fault string) error {
	switch fault {
	case "":
		return nil
	case "lock":
		contendedLock()
	case "leak":
		go leakGoroutines()
	case "gc":
		pressCollector()
	case "spin":
		spin()
	case "syscall":
		return blockInSyscalls()
	default:
		return errors.New("there is no fault " + fault)
	}
	return nil
}

// inventory is a lock that everybody wants and that is held for long.
type inventory struct {
	mu    sync.Mutex
	stock int
}

func (i *inventory) reserve() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.stock++
	time.Sleep(5 * time.Millisecond) // a slow call while the lock is held
}

func contendedLock() {
	shared := &inventory{}
	for range 16 {
		go func() {
			for {
				shared.reserve()
			}
		}()
	}
}

// leakGoroutines starts goroutines that wait for an answer that never comes.
func leakGoroutines() {
	for {
		for range 20 {
			go waitForAnswer(make(chan int))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func waitForAnswer(answer chan int) { <-answer }

// pressCollector keeps a live heap just below the memory limit and allocates.
func pressCollector() {
	const live = 48 << 20
	debug.SetMemoryLimit(live + 6<<20)
	cache := make([][]*[64]byte, 0, 64)
	for range live >> 20 {
		page := make([]*[64]byte, 0, 1<<20/64)
		for range 1 << 20 / 64 {
			page = append(page, new([64]byte))
		}
		cache = append(cache, page)
	}
	go func() {
		for i := 0; ; i++ {
			for j := range cache[i%len(cache)] {
				cache[i%len(cache)][j] = new([64]byte)
			}
			time.Sleep(time.Millisecond)
		}
	}()
}

// spin uses two processors without a pause: what a CPU quota throttles.
func spin() {
	for range 2 {
		go func() {
			for n := uint64(1); ; n = churn(n) {
			}
		}()
	}
}

//go:noinline
func churn(n uint64) uint64 {
	for range 1000 {
		n ^= n << 13
		n ^= n >> 7
		n ^= n << 17
	}
	return n
}

// blockInSyscalls waits for a file lock, over and over, as on a slow network share.
func blockInSyscalls() error {
	holder, err := os.CreateTemp("", "observe-sample-")
	if err != nil {
		return err
	}
	waiter, err := os.OpenFile(holder.Name(), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	_ = os.Remove(holder.Name())
	if err := syscall.Flock(int(holder.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	go func() {
		for {
			time.Sleep(300 * time.Millisecond)
			_ = syscall.Flock(int(holder.Fd()), syscall.LOCK_UN)
			_ = syscall.Flock(int(holder.Fd()), syscall.LOCK_EX)
		}
	}()
	go func() {
		for {
			waitForFileLock(int(waiter.Fd()))
		}
	}()
	return nil
}

func waitForFileLock(fd int) {
	if syscall.Flock(fd, syscall.LOCK_EX) == nil {
		_ = syscall.Flock(fd, syscall.LOCK_UN)
	}
}
