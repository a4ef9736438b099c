package host_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/host"
)

// stuck is what [TestInterrupts_second] starts: a program that reports the
// first interrupt and then hangs, as one does that opens a dead network drive.
const stuck = "VMGO_TEST_STUCK"

func TestInterrupts_second(t *testing.T) {
	t.Parallel()
	if os.Getenv(stuck) != "" {
		ctx, stop := host.OS().Interrupts(context.Background())
		defer stop()
		os.Stdout.WriteString("ready\n")
		<-ctx.Done()
		os.Stdout.WriteString("stopping\n")
		select {}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestInterrupts_second$")
	cmd.Env = append(os.Environ(), stuck+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	defer func() { <-ended }()
	lines := bufio.NewReader(out)
	for _, want := range []string{"ready\n", "stopping\n"} {
		if got, err := lines.ReadString('\n'); got != want || err != nil {
			t.Errorf("the program says %q (%v), not %q", got, err, want)
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
	}
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	// The handler goes a moment after the context has ended, so that it takes
	// a third signal if it was quicker.
	for deadline := time.Now().Add(time.Minute); ; {
		select {
		case <-ended:
			if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGINT {
				t.Errorf("it ended with %v", cmd.ProcessState)
			}
			return
		case <-time.After(20 * time.Millisecond):
			_ = cmd.Process.Signal(os.Interrupt)
		}
		if time.Now().After(deadline) {
			t.Error("a second interrupt does not end the program")
			_ = cmd.Process.Kill()
			return
		}
	}
}
