package ui_test

import (
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/ui"
)

func TestTable_alignsColouredCells(t *testing.T) {
	t.Parallel()
	colour := ui.Palette(true)
	var table ui.Table
	table.Add("1.22.5", colour.Green("selected"), "x")
	table.Add("1.9", "é", "")
	var out strings.Builder
	if err := table.Write(&out); err != nil {
		t.Fatal(err)
	}
	want := "1.22.5  \x1b[32mselected\x1b[0m  x\n1.9     é\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestTable_foreignTextDrivesNoTerminal(t *testing.T) {
	t.Parallel()
	var table ui.Table
	table.Add(ui.Palette(true).Red("bad"), "/tmp/\x1b]0;title\x07\x1b[8mhidden\nforged", ui.Palette(true).Dim("/\x1b[2J"))
	var out strings.Builder
	if err := table.Write(&out); err != nil {
		t.Fatal(err)
	}
	want := "\x1b[31mbad\x1b[0m  /tmp/\\x1b]0;title\\x07\\x1b[8mhidden\\nforged  \x1b[2m/\\x1b[2J\x1b[0m\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestBytes_roundsToOneDigit(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 206293782: "206.3 MB", 999_960_000: "1.0 GB"} {
		if got := ui.Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestPalette_errorLeavesPlainTextAlone(t *testing.T) {
	t.Parallel()
	text := "vmgo: no such thing [failure]\nhint: vmgo help\n"
	if got := ui.Palette(false).Error(text); got != text {
		t.Errorf("plain: %q", got)
	}
	if got := ui.Palette(true).Error(text); !strings.Contains(got, "\x1b[31mvmgo:\x1b[0m no such thing") {
		t.Errorf("coloured: %q", got)
	}
}

func TestProgress_plainLines(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p := ui.NewProgress(&out, nil, time.Now)
	job := p.Job("go1.22.5")
	job.Phase("downloading")
	job.Count(1, 100)
	job.Phase("downloading")
	job.Phase("extracting")
	job.End("installed")
	job.Phase("late")
	p.Close()
	if want := "go1.22.5: downloading\ngo1.22.5: extracting\ngo1.22.5: installed\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestProgress_movingLinesShowBytesAndVanish(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	now := time.Unix(0, 0)
	p := ui.NewProgress(&out, func() (int, int) { return 80, 24 }, func() time.Time { now = now.Add(time.Second); return now })
	a, b := p.Job("a"), p.Job("b")
	a.Phase("downloading")
	b.Phase("downloading")
	a.Count(50_000_000, 100_000_000)
	if text := out.String(); !strings.Contains(text, "50%") || !strings.Contains(text, "MB") || !strings.Contains(text, "b: downloading") {
		t.Errorf("drawing lacks percentage, bytes or the other job: %q", text)
	}
	a.End("installed")
	b.End("failed")
	p.Close()
	if text := out.String(); !strings.HasSuffix(text, "\x1b[Jb: failed\n") {
		t.Errorf("moving lines stayed: %q", text)
	}
}
