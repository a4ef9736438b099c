package ui_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/ui"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// stage is a display on a made-up terminal, in made-up time.
type stage struct {
	*ui.Progress
	screen  *vmtest.Screen
	columns int
	now     time.Time
}

func newStage(columns int) *stage {
	s := &stage{screen: vmtest.NewScreen(columns, ui.Width), columns: columns, now: time.Unix(1000, 0)}
	s.Progress = ui.NewProgress(s.screen, func() (int, int) { return s.columns, 24 }, func() time.Time { return s.now })
	return s
}

func (s *stage) resize(columns int) {
	s.columns = columns
	s.screen.Resize(columns)
}

// check demands that the screen has so many lines, none of them wrapped.
func (s *stage) check(t *testing.T, lines int) {
	t.Helper()
	text := s.screen.Text()
	if len(text) != lines || s.screen.Rows() != lines {
		t.Fatalf("%d columns: %d lines in %d rows, not %d:\n%s", s.columns, len(text), s.screen.Rows(), lines, strings.Join(text, "\n"))
	}
}

func TestProgress_fitsTheTerminal(t *testing.T) {
	t.Parallel()
	for _, columns := range []int{5, 40, 60, 80, 200} {
		for _, later := range []int{40, 60, 80, 200} {
			s := newStage(columns)
			a, b := s.Job("go1.22.5"), s.Job("go1.21.13")
			a.Phase("downloading")
			b.Phase("waiting for `vmgo install ./项目/下载/é̂é̂/go1.21.13.linux-amd64.tar.gz` in another terminal")
			for i := range 60 {
				if i == 30 {
					s.resize(later)
					s.Redraw()
				}
				s.now = s.now.Add(400 * time.Millisecond)
				a.Count(int64(i)*100_000, 70_000_000)
				s.check(t, 2)
			}
			if later == 200 && !strings.Contains(s.screen.Text()[0], "8% |█ ") {
				t.Errorf("no bar in %q", s.screen.Text()[0])
			}
			if !strings.Contains(s.screen.Text()[0], "8%") {
				t.Errorf("%d columns: no percentage in %q", later, s.screen.Text()[0])
			}
			a.End("installed")
			s.check(t, 2)
			s.Close()
			s.check(t, 1)
		}
	}
}

func TestProgress_moreJobsThanRows(t *testing.T) {
	t.Parallel()
	screen := vmtest.NewScreen(80, ui.Width)
	p := ui.NewProgress(screen, func() (int, int) { return 80, 4 }, time.Now)
	for i := range 9 {
		p.Job(fmt.Sprint("job", i)).Phase("downloading")
	}
	if n := screen.Rows(); n != 3 {
		t.Errorf("%d lines on a terminal of 4 rows", n)
	}
}

// The first number of a download that was resumed is no rate: it was 56 GB/s.
func TestProgress_rateIsMeasured(t *testing.T) {
	t.Parallel()
	s := newStage(200)
	job := s.Job("go1.22.5")
	job.Phase("downloading")
	for _, ms := range []int{0, 1, 150, 400, 900} {
		s.now = time.Unix(1000, int64(ms)*1_000_000)
		job.Count(50_000_000+int64(ms)*2000, 70_000_000)
		if text := s.screen.Text()[0]; strings.Contains(text, "/s") {
			t.Errorf("a rate after %d ms: %q", ms, text)
		}
	}
	s.now = time.Unix(1002, 0)
	job.Count(54_000_000, 70_000_000)
	if text := s.screen.Text()[0]; !strings.HasSuffix(text, "54.0 MB of 70.0 MB  2.0 MB/s  8s left") {
		t.Errorf("2 MB/s for two seconds: %q", text)
	}
}

func TestProgress_erasesInterrupt(t *testing.T) {
	t.Parallel()
	s := newStage(60)
	s.Job("go1.22.5").Phase("running")
	_, _ = io.WriteString(s.screen, "^C") // as the terminal shows the key
	s.Print("interrupted")
	if got := strings.Join(s.screen.Text(), "|"); got != "interrupted|go1.22.5: running" {
		t.Errorf("%q", got)
	}
}

func TestProgress_printStaysAboveMovingLines(t *testing.T) {
	t.Parallel()
	s := newStage(60)
	s.Job("go1.22.5").Phase("downloading")
	s.Print("a warning\x1b[2J")
	if got := strings.Join(s.screen.Text(), "|"); got != `a warning\x1b[2J|go1.22.5: downloading` {
		t.Errorf("%q", got)
	}
}

func TestWidth(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 0, "abc": 3, "项目 一": 7, "e\u0301": 1, "\x1b[31mred\x1b[0m": 3, "…": 1, "█": 1} {
		if got := ui.Width(text); got != want {
			t.Errorf("%q is %d wide, not %d", text, got, want)
		}
	}
	for _, tt := range []struct {
		text    string
		columns int
		want    string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"项目", 3, "项…"}, {"项目", 2, "…"}, {"e\u0301e\u0301e\u0301", 2, "e\u0301…"}, {"abc", 0, ""}} {
		if got := ui.Cut(tt.text, tt.columns); got != tt.want {
			t.Errorf("%q in %d columns: %q, not %q", tt.text, tt.columns, got, tt.want)
		}
	}
}

func TestFill(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		first, rest, text string
		columns           int
		want              string
	}{
		{"why: ", "  ", "one two three", 12, "why: one two\n  three\n"},
		{"why: ", "  ", "one two three", 11, "why: one\n  two three\n"},
		{"- ", "  ", "login    ~/bin/go  (other)", 20, "- login    ~/bin/go\n  (other)\n"},
		{"- ", "  ", "\x1b[31mone\x1b[0m two", 9, "- \x1b[31mone\x1b[0m two\n"},
		{"", "  ", "a-word-that-is-longer and", 10, "a-word-that-is-longer\n  and\n"},
		{"", "", "项目 项目", 8, "项目\n项目\n"},
		{"- ", "  ", "one two three", 0, "- one two three\n"},
		{"- ", "  ", "", 10, "- \n"},
	} {
		if got := ui.Fill(tt.first, tt.rest, tt.text, tt.columns); got != tt.want {
			t.Errorf("%q in %d columns: %q, not %q", tt.text, tt.columns, got, tt.want)
		}
	}
}

func TestTable_inColumns(t *testing.T) {
	t.Parallel()
	for columns, want := range map[int]string{
		0:  "policy  off  the machine's own policy of vmgo\nid      on\n",
		34: "policy  off  the machine's own\n             policy of vmgo\nid      on\n",
		30: "policy  off  the machine's own policy of vmgo\nid      on\n", // too narrow to help
	} {
		table := ui.Table{Columns: columns}
		table.Add("policy", "off", "the machine's own policy of vmgo")
		table.Add("id", "on", "")
		var out strings.Builder
		if err := table.Write(&out); err != nil || out.String() != want {
			t.Errorf("%d columns: %q (%v), not %q", columns, out.String(), err, want)
		}
	}
}
