package report

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/observe/exectrace"
	"github.com/vmgo/vmgo/internal/observe/findings"
	"github.com/vmgo/vmgo/internal/observe/journal"
)

// busy is a capture of a server with so many requests per second, each with a task, a
// region, five runs of goroutines and two log lines.
func busy(seconds, rate int) Timeline {
	random := rand.New(rand.NewPCG(1, 2))
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	t := &exectrace.Trace{Begin: begin, Nanos: int64(seconds) * 1e9, Procs: 4, Names: []string{"main.serve", "net/http.(*conn).serve", "runtime.gcBgMarkWorker"}}
	line := Timeline{Began: begin, Ended: begin.Add(time.Duration(seconds) * time.Second), Traces: []*exectrace.Trace{t}}
	for i := range seconds * rate {
		at := int64(i)*1e9/int64(rate) + random.Int64N(500_000)
		id := fmt.Sprintf("%032x", random.Uint64())
		t.Tasks = append(t.Tasks, exectrace.Task{Type: "GET /order/" + fmt.Sprint(i%50), TraceID: id, At: at, For: random.Int64N(20_000_000)})
		t.Regions = append(t.Regions, exectrace.Region{Type: "query", G: int64(i), At: at, For: random.Int64N(9_000_000)})
		for range 5 {
			t.Slices = append(t.Slices, exectrace.Slice{At: at + random.Int64N(2_000_000), For: random.Int64N(300_000), Proc: int32(i % 4), Name: int32(i % 3), G: int64(i)})
		}
		for range 2 {
			line.Journal = append(line.Journal, journal.Line{Time: t.Wall(at), Priority: 6, Message: "order served", TraceID: id, Fields: map[string]string{"ORDER": fmt.Sprint(i), "TOOK": "1.2ms"}})
			t.Moments = append(t.Moments, exectrace.Moment{Running: []exectrace.Slice{{G: int64(i)}}, Groups: []exectrace.Group{{State: "Waiting", Reason: "select", Name: 1, Count: 40}}})
		}
	}
	for i := range 1000 {
		t.States = append(t.States, exectrace.States{Running: i % 4, Waiting: 30 + i%9})
	}
	return line
}

func written(t *testing.T, p Page) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := Write(&buf, p); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// drawn unpacks what the scripts of a page draw.
func drawn(t *testing.T, page []byte) (names []string, line timeData) {
	t.Helper()
	match := regexp.MustCompile(`<script id="data" type="text/plain">([A-Za-z0-9+/=]+)</script>`).FindSubmatch(page)
	if match == nil {
		t.Fatal("the page has no data")
	}
	packed, err := base64.StdEncoding.DecodeString(string(match[1]))
	if err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Names []string
		Time  timeData
	}
	if err := json.NewDecoder(zip).Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all.Names, all.Time
}

func TestWrite_busyServerIsSmall(t *testing.T) {
	t.Parallel()
	const most = 3 << 20
	line := busy(5, 700)
	page := written(t, Page{Title: "app", Timeline: &line})
	if len(page) > most {
		t.Errorf("5 s of 700 requests/s are %d bytes", len(page))
	}
	_, d := drawn(t, page)
	if len(d.Lines) != maxLines || len(d.Tasks) != 3500 || d.Procs != 4 || len(d.Cells) == 0 {
		t.Errorf("%d lines, %d tasks, %d Ps, %d cells", len(d.Lines), len(d.Tasks), d.Procs, len(d.Cells))
	}
	if text := strings.Join(d.Thinned, "\n"); !strings.Contains(text, "3000 log lines") || !strings.Contains(text, "drawn together") {
		t.Errorf("it says of what was thinned: %s", text)
	}
	// The busy time of cells and runs together is that of the trace, within 1 %.
	var got, want float64
	for _, s := range line.Traces[0].Slices {
		want += float64(s.For)
	}
	for _, l := range d.Long {
		got += l[1].(float64) * 1000
	}
	for _, c := range d.Cells {
		got += c[4].(float64) / 100 * c[1].(float64) * 1000
	}
	if got < 0.5*want || got > 1.1*want {
		t.Errorf("the page shows %.0f ns of %.0f", got, want)
	}
	line = busy(60, 700)
	if page := written(t, Page{Title: "app", Timeline: &line}); len(page) > most {
		t.Errorf("60 s are %d bytes", len(page))
	}
}

func TestWrite_hostileTextStaysText(t *testing.T) {
	t.Parallel()
	const evil = `</script><script>alert(1)</script><img src=x onerror=alert(1)>`
	line := busy(1, 2)
	line.Journal[0].Message, line.Journal[0].Fields = evil, map[string]string{"EVIL": evil}
	line.Traces[0].Tasks[0].Type = evil
	page := written(t, Page{
		Title: evil, Lead: evil, Facts: [][2]string{{evil, evil}}, Notes: []string{evil}, Timeline: &line,
		Findings: []findings.Finding{{ID: "x", Rank: 1, Summary: evil, Evidence: []string{evil}, Advice: evil}},
		Changes:  []Change{{Word: "new", Summary: evil, Before: evil, After: evil}},
	})
	if bytes.Contains(page, []byte("<script>alert")) || bytes.Contains(page, []byte("<img")) {
		t.Error("text of others is markup in the page")
	}
	names, d := drawn(t, page)
	if d.Lines[0][2] != evil || !strings.Contains(strings.Join(names, "\n"), evil) {
		t.Error("the text is not in the data")
	}
	for _, script := range []string{script, flameScript} {
		if strings.Contains(script, "innerHTML") || strings.Contains(script, "insertAdjacentHTML") {
			t.Error("a script makes markup of text")
		}
	}
}

func TestThinLines_keepsTheGravest(t *testing.T) {
	t.Parallel()
	var lines []journal.Line
	for i := range 1000 {
		lines = append(lines, journal.Line{Priority: 6, Fields: map[string]string{"TOOK": "1ms"}})
		if i == 500 {
			lines[i].Priority = 3
		}
		if i == 777 {
			lines[i].Fields["TOOK"] = "9s"
		}
	}
	kept := fmt.Sprint(thinLines(lines, 100))
	if !strings.Contains(kept, " 500 ") || !strings.Contains(kept, " 777 ") || len(thinLines(lines, 100)) != 100 {
		t.Errorf("kept %s", kept)
	}
}

// A task with an error stays, whatever is logged of it later.
func TestThinTasks_keepsTheGravest(t *testing.T) {
	t.Parallel()
	d := timeData{}
	for i := range maxTasks + 1 {
		d.Tasks = append(d.Tasks, []any{int64(i), int64(i + 1), 0, strconv.Itoa(i)})
	}
	d.thinTasks([]journal.Line{{TraceID: "0", Priority: 3}, {TraceID: "0", Priority: 6}})
	if len(d.Tasks) != maxTasks || d.Tasks[0][3] != "0" {
		t.Errorf("%d tasks, the first is %v", len(d.Tasks), d.Tasks[0])
	}
}
