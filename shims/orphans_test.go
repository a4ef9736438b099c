package shims_test

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTerminal_endsWithAKilledTest kills a test that has a shell which does not mind
// that its terminal is gone.
func TestTerminal_endsWithAKilledTest(t *testing.T) {
	const inside = "VMGO_TEST_ORPHAN"
	if os.Getenv(inside) != "" {
		s := newMachine(t).startCommand("sh", []string{"sh", "-c", "trap '' HUP; echo ready; while :; do sleep 1; done"})
		for !strings.Contains(s.output(), "ready") {
			time.Sleep(time.Millisecond)
		}
		os.Stdout.WriteString("\nshell " + strconv.Itoa(s.cmd.Process.Pid) + "\n")
		select {}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestTerminal_endsWithAKilledTest$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"=1", "TMPDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	pid, lines := 0, bufio.NewScanner(out)
	for pid == 0 && lines.Scan() {
		if word, found := strings.CutPrefix(lines.Text(), "shell "); found {
			pid, err = strconv.Atoi(word)
			must(t, err)
		}
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait() // killed
	if pid == 0 {
		t.Fatal("the test inside started no shell")
	}
	for limit := time.Now().Add(2 * time.Minute); syscall.Kill(pid, 0) == nil && !zombie(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatal("the shell outlives its test")
		}
	}
}

// zombie reports whether a process has ended and nobody has asked for its status.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || strings.Contains(string(stat), ") Z ")
}
