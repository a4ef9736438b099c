package host

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"
)

// Disk is what a short measurement says of a disk.
type Disk struct {
	Write  float64       // bytes a second, sync included
	Sync   time.Duration // median time to write and sync 4 KiB
	Sync95 time.Duration // 95 % of them took less
	Tries  int
}

// measureDisk writes at most 64 MiB and 200 small blocks beneath dir, within
// about two seconds, and removes them.
func measureDisk(ctx context.Context, dir string) (Disk, error) {
	throughput, err := writeSpeed(ctx, dir)
	if err != nil {
		return Disk{}, err
	}
	took, err := syncLatency(ctx, dir)
	if err != nil {
		return Disk{}, err
	}
	if len(took) == 0 {
		return Disk{}, errors.New("no write was finished in time")
	}
	slices.Sort(took)
	return Disk{Write: throughput, Sync: took[len(took)/2], Sync95: took[len(took)*95/100], Tries: len(took)}, nil
}

func writeSpeed(ctx context.Context, dir string) (bytesPerSecond float64, err error) {
	f, err := os.CreateTemp(dir, ".vmgo-bench-*")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	block := []byte(strings.Repeat("vmgo disk bench ", 1<<16)) // 1 MiB
	start, written := time.Now(), 0
	for written < 64<<20 && time.Since(start) < time.Second && ctx.Err() == nil {
		n, err := f.Write(block)
		if err != nil {
			return 0, err
		}
		written += n
	}
	if err := f.Sync(); err != nil {
		return 0, err
	}
	return float64(written) / time.Since(start).Seconds(), nil
}

func syncLatency(ctx context.Context, dir string) ([]time.Duration, error) {
	f, err := os.CreateTemp(dir, ".vmgo-bench-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	block := make([]byte, 4096)
	var took []time.Duration
	for start := time.Now(); len(took) < 200 && time.Since(start) < time.Second && ctx.Err() == nil; {
		one := time.Now()
		if _, err := f.Write(block); err != nil {
			return nil, err
		}
		if err := f.Sync(); err != nil {
			return nil, err
		}
		took = append(took, time.Since(one))
	}
	return took, nil
}
