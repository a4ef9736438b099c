package install_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/vmgo/vmgo/internal/vmtest/disks"
)

func storeOn(d *disks.Disk) string { return filepath.Join(d.Dir, "a store") }

// TestPowerFailure lets the power fail when the process enters each of the
// system calls that change names or make them durable, and once it has said
// that it is done.
func TestPowerFailure(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("strace is not installed")
	}
	proxy := fileProxy(t, subject, "1.22.4", "1.21.0")
	most := 8
	if testing.Short() {
		most = 0
	}
	for _, c := range crashCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			t.Run("done", func(t *testing.T) {
				d := disks.New(t, memDir(t))
				c.fill(t, d, proxy)
				if out, err := command(storeOn(d), proxy, c.verb, subject).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				found := d.AfterPowerFailure(t)
				present := checkWhole(t, storeOn(found))
				if slices.Contains(present, subject) == slices.Contains(c.never, subject) {
					t.Errorf("what was done is not there: %v", present)
				}
				c.check(t, storeOn(found), proxy)
			})
			for _, call := range []string{"renameat", "renameat2", "fsync", "syncfs", "symlinkat", "unlinkat"} {
				for n := 1; n <= most; n++ {
					over := false
					t.Run(fmt.Sprint(call, n), func(t *testing.T) {
						d := disks.New(t, memDir(t))
						c.fill(t, d, proxy)
						inner := command(storeOn(d), proxy, c.verb, subject)
						cmd := exec.Command(strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace="+call,
							"-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n), inner.Path)
						cmd.Env = append(inner.Env, "GOMAXPROCS=1")
						out, err := cmd.CombinedOutput()
						if err != nil && !killed(err) {
							t.Fatalf("%v: %s", err, out)
						}
						over = err == nil
						c.check(t, storeOn(d.AfterPowerFailure(t)), proxy)
					})
					if over {
						break // there are not so many
					}
				}
			}
		})
	}
}

// fill brings what a case finds installed onto the disk, for good.
func (c crashCase) fill(t *testing.T, d *disks.Disk, proxy string) {
	t.Helper()
	c.install(t, storeOn(d), proxy)
	if out, err := exec.Command("sync", "-f", d.Dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
