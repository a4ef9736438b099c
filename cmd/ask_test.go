package cmd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/project/seen"
)

func TestAsk_answers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"y\n": true, " YES \n": true, "yes": true, "\n": false, "": false, "yep\n": false, "n\n": false} {
		var stderr bytes.Buffer
		a := &app{host: host.Host{Stdin: strings.NewReader(text), Stderr: &stderr}}
		if got, err := a.ask(t.Context(), "Do it?"); got != want || err != nil || stderr.String() != "Do it? [y/N] " {
			t.Errorf("%q: %t, %v, %q", text, got, err, &stderr)
		}
	}
}

// The first Ctrl-C ends the question of upgrade, and no file is rewritten.
func TestUpgrade_questionEndsAtTheFirstInterrupt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pin := filepath.Join(dir, "p", ".go-version")
	if err := os.MkdirAll(filepath.Dir(pin), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pin, []byte("1.26.1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	seen.Record(filepath.Join(dir, "state"), filepath.Dir(pin))
	line, next := gover.Version{}, gover.Version{}
	for text, v := range map[string]*gover.Version{"1.26": &line, "1.26.8": &next} {
		parsed, err := gover.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		*v = parsed
	}
	stdin, keyboard := io.Pipe() // nobody types anything
	defer keyboard.Close()
	var stderr bytes.Buffer
	a := &app{
		host:   host.Host{Stdin: stdin, Stderr: &stderr, StdinTTY: true, StderrTTY: true},
		layout: dirs.Layout{State: filepath.Join(dir, "state")},
	}
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	err := a.movePins(ctx, false, map[gover.Version]gover.Version{line: next}, false)
	if !errors.Is(err, context.Canceled) || !strings.Contains(stderr.String(), "rewrite 1 .go-version file? [y/N]") {
		t.Errorf("error %v, stderr %q", err, &stderr)
	}
	if data, err := os.ReadFile(pin); err != nil || string(data) != "1.26.1\n" {
		t.Errorf("the pin is %q, %v", data, err)
	}
}
