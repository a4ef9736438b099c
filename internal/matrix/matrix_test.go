package matrix_test

import (
	"context"
	"encoding/xml"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/matrix"
)

func runner(t *testing.T, jobs int) matrix.Runner {
	t.Helper()
	return matrix.Runner{Dir: t.TempDir(), Logs: t.TempDir(), Jobs: jobs, Run: (*exec.Cmd).Run, Now: time.Now}
}

// Each of two cases waits for the other one: they end only side by side.
func TestAll_runsSideBySide(t *testing.T) {
	t.Parallel()
	r := runner(t, 2)
	const meet = `mkfifo a b 2>/dev/null; if [ "$ME" = 1 ]; then echo x >a; read y <b; else read y <a; echo x >b; fi; echo "$ME"`
	if err := exec.Command("mkfifo", r.Dir+"/a", r.Dir+"/b").Run(); err != nil {
		t.Skip("no mkfifo: ", err)
	}
	var cases []matrix.Case
	for _, me := range []string{"1", "2"} {
		cases = append(cases, matrix.Case{Version: me, Program: "/bin/sh", Args: []string{"-c", meet}, Env: []string{"ME=" + me, "PATH=/usr/bin:/bin"}})
	}
	for i, result := range r.All(context.Background(), cases) {
		log, err := os.ReadFile(result.Log)
		if !result.OK || result.Version != cases[i].Version || string(log) != cases[i].Version+"\n" || err != nil {
			t.Errorf("%+v, %q, %v", result, log, err)
		}
	}
}

// An interrupt ends what the commands started, too, and what has not begun.
func TestAll_endsEverythingWhenInterrupted(t *testing.T) {
	t.Parallel()
	r := runner(t, 1)
	ctx, cancel := context.WithCancel(context.Background())
	ready, alive, gone := r.Dir+"/ready", r.Dir+"/alive", make(chan bool)
	if err := exec.Command("mkfifo", ready, alive).Run(); err != nil {
		t.Skip("no mkfifo: ", err)
	}
	go func() {
		_, _ = os.ReadFile(ready)
		cancel()
	}()
	go func() {
		_, _ = os.ReadFile(alive) // ends with the process that holds it
		close(gone)
	}()
	const stubborn = `{ echo x >ready; exec sleep 1000; } >alive & wait`
	results := r.All(ctx, []matrix.Case{
		{Version: "1", Program: "/bin/sh", Args: []string{"-c", stubborn}, Env: []string{"PATH=/usr/bin:/bin"}},
		{Version: "2", Program: "/bin/true"},
	})
	for _, result := range results {
		if result.OK || result.Error != "interrupted" || result.Status != -1 {
			t.Errorf("%+v", result)
		}
	}
	<-gone
}

func TestAll_saysWhatDoesNotStart(t *testing.T) {
	t.Parallel()
	r := runner(t, 1)
	if got := r.All(context.Background(), []matrix.Case{{Version: "1", Program: "/nonexistent"}}); got[0].OK || got[0].Status != -1 || got[0].Error == "" {
		t.Errorf("%+v", got)
	}
}

func TestJUnit_isXMLWhateverACommandPrints(t *testing.T) {
	t.Parallel()
	log := t.TempDir() + "/log"
	if err := os.WriteFile(log, []byte("\x1b[31m<a & \"b\"> \xff\x00\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	report := matrix.JUnit("go test -run '<x>'", []matrix.Result{{Version: "1.22.5", OK: true, Seconds: 1.5}, {Version: "1.21.13", Error: "exit status 1", Log: log}})
	var suite struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Cases    []struct {
			Name    string `xml:"name,attr"`
			Failure string `xml:"failure"`
		} `xml:"testcase"`
	}
	if err := xml.Unmarshal([]byte(report), &suite); err != nil {
		t.Fatalf("%v in %s", err, report)
	}
	if suite.Tests != 2 || suite.Failures != 1 || len(suite.Cases) != 2 || !strings.Contains(suite.Cases[1].Failure, `<a & "b">`) {
		t.Errorf("%+v", suite)
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	log := t.TempDir() + "/log"
	if err := os.WriteFile(log, []byte(strings.Repeat("x\n", 100000)+"y\nz"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := matrix.Tail(log, 2); got != "y\nz" {
		t.Errorf("%q", got)
	}
	if got := matrix.Tail(log+"/none", 2); got != "" {
		t.Errorf("%q", got)
	}
}
