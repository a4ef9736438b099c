//go:build bench

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// sample is what one run cost.
type sample struct {
	wall, cpu time.Duration
	peak      int64 // bytes of memory of the largest process
	disk      int64 // bytes added, where that is measured
}

// contender is one line of a table. Its run is called once a round; round -1
// warms up and does not count.
type contender struct {
	name string
	run  func(round int) (sample, error)
}

// compare runs all contenders in turn, A B C A B C, and prints the table. The
// ratio is the median of the ratios within a round, so that what slows the
// machine for a while slows both sides of it.
func compare(title string, runs int, unit time.Duration, all []contender) error {
	samples, err := inTurn(-1, runs, all)
	if err != nil {
		return err
	}
	symbol := map[time.Duration]string{time.Microsecond: "µs", time.Millisecond: "ms", time.Second: "s"}[unit]
	fmt.Printf("\n### %s (%d runs in turn)\n\n", title, runs)
	fmt.Printf("| | wall %[1]s: median (min-max) | over the first | x the first | cpu %[1]s |\n|---|---|---|---|---|\n", symbol)
	first := samples[0]
	for i, c := range all {
		var walls, cpus, ratios []float64
		for n, s := range samples[i] {
			walls = append(walls, float64(s.wall)/float64(unit))
			cpus = append(cpus, float64(s.cpu)/float64(unit))
			ratios = append(ratios, float64(s.wall)/float64(first[n].wall))
		}
		over := median(walls) - float64(medianWall(first))/float64(unit)
		cpu := "-"
		if m := median(cpus); m > 0 {
			cpu = fmt.Sprintf("%.2f", m)
		}
		fmt.Printf("| %s | %.2f (%.2f-%.2f) | %+.2f | %.2f | %s |\n", c.name, median(walls), slices.Min(walls), slices.Max(walls), over, median(ratios), cpu)
	}
	return nil
}

// inTurn runs all contenders in turn. Rounds below 0 do not count.
func inTurn(first, runs int, all []contender) ([][]sample, error) {
	samples := make([][]sample, len(all))
	for round := first; round < runs; round++ {
		for i, c := range all {
			s, err := c.run(round)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			if round >= 0 {
				samples[i] = append(samples[i], s)
			}
		}
	}
	return samples, nil
}

// storeTable prints what installs cost.
func storeTable(title string, runs int, all []contender, samples [][]sample) {
	fmt.Printf("\n### %s (%d runs in turn)\n\n", title, runs)
	fmt.Print("| | wall s: median (min-max) | x the first | user+sys s | peak MB | disk MB |\n|---|---|---|---|---|---|\n")
	for i, c := range all {
		var walls, ratios, cpus, peaks, disks []float64
		for n, s := range samples[i] {
			walls = append(walls, s.wall.Seconds())
			ratios = append(ratios, float64(s.wall)/float64(samples[0][n].wall))
			cpus = append(cpus, s.cpu.Seconds())
			peaks = append(peaks, float64(s.peak)/1e6)
			disks = append(disks, float64(s.disk)/1e6)
		}
		fmt.Printf("| %s | %.2f (%.2f-%.2f) | %.2f | %.2f | %.1f | %.1f |\n", c.name,
			median(walls), slices.Min(walls), slices.Max(walls), median(ratios), median(cpus), median(peaks), median(disks))
	}
}

// diskUse is what du says of a directory: each file once, however many names
// it has, by the blocks that it takes.
func diskUse(dir string) (int64, error) {
	type inode struct{ dev, ino uint64 }
	seen := map[inode]bool{}
	var bytes int64
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		var st syscall.Stat_t
		if err == nil {
			err = syscall.Lstat(path, &st)
		}
		if id := (inode{uint64(st.Dev), st.Ino}); err == nil && !seen[id] {
			seen[id] = true
			bytes += st.Blocks * 512
		}
		return err
	})
	return bytes, err
}

func medianWall(samples []sample) time.Duration {
	var walls []float64
	for _, s := range samples {
		walls = append(walls, float64(s.wall))
	}
	return time.Duration(median(walls))
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// timed runs a command as a whole process, its output to nowhere.
func timed(cmd *exec.Cmd) (sample, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return sample{}, fmt.Errorf("%v: %w\n%s", cmd.Args, err, &stderr)
	}
	s := sample{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.peak = usage.Maxrss * 1024
	}
	return s, nil
}

// apart is timed by a small process between this one and the command: the peak
// of a process is never less than that of its parent, and this one has seen
// whole releases.
func apart(cmd *exec.Cmd) (sample, error) {
	self, err := os.Executable()
	if err != nil {
		return sample{}, err
	}
	between := exec.Command(self, append([]string{launchWord, cmd.Path}, cmd.Args[1:]...)...)
	between.Env, between.Dir, between.Stderr = cmd.Env, cmd.Dir, os.Stderr
	out, err := between.Output()
	if err != nil {
		return sample{}, fmt.Errorf("%v: %w", cmd.Args, err)
	}
	var s sample
	_, err = fmt.Sscan(string(out), &s.wall, &s.cpu, &s.peak)
	return s, err
}

// launchWord as the first argument makes this program the one between.
const launchWord = "launch"

// launch runs a command and says what it cost.
func launch(args []string) error {
	s, err := timed(exec.Command(args[0], args[1:]...))
	if err == nil {
		_, err = fmt.Println(int64(s.wall), int64(s.cpu), s.peak)
	}
	return err
}
