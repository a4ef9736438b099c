//go:build bench

package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"time"
)

// sample is what one run cost.
type sample struct {
	wall, cpu time.Duration
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
	samples := make([][]sample, len(all))
	for round := -1; round < runs; round++ {
		for i, c := range all {
			s, err := c.run(round)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if round >= 0 {
				samples[i] = append(samples[i], s)
			}
		}
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
	return sample{wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}, nil
}
