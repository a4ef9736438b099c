package chrome

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/observe/capture"
	"github.com/vmgo/vmgo/internal/observe/exectrace"
	"github.com/vmgo/vmgo/internal/observe/journal"
)

func TestWrite_oneAxis(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	in := Input{
		Traces: []*exectrace.Trace{{
			Begin: begin, Nanos: 1e9, Names: []string{"main.work"}, Slices: []exectrace.Slice{{At: 2_000_500, For: 1500, Proc: 1, G: 7}},
			Tasks: []exectrace.Task{{Type: "GET /?token=x", TraceID: "abc", At: 1_000_000, For: 5_000_000, ID: 9}}, States: []exectrace.States{{Running: 1}},
		}},
		Journal:  []journal.Line{{Time: begin.Add(-time.Millisecond), Message: "before", TraceID: "abc"}, {Time: begin.Add(3 * time.Millisecond), Message: "served", Priority: 6}},
		Throttle: []capture.Throttle{{At: begin}, {At: begin.Add(100 * time.Millisecond), Sum: 50 * time.Millisecond}},
		Redact:   func(s string) string { return s[:5] },
	}
	var buf bytes.Buffer
	n, err := Write(&buf, in)
	if err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(&buf)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Zero   time.Time `json:"wall_clock_zero"`
		Events []event   `json:"traceEvents"`
	}
	if err := json.NewDecoder(zip).Decode(&file); err != nil || len(file.Events) != n {
		t.Fatalf("%d events of %d: %v", len(file.Events), n, err)
	}
	if !file.Zero.Equal(begin.Add(-time.Millisecond)) {
		t.Errorf("time 0 is %v", file.Zero)
	}
	want := map[string]float64{"before": 0, "served": 4000, "main.work": 3000.5, "GET /": 2000, "throttled": 101_000}
	for _, e := range file.Events {
		if at, ok := want[e.Name]; ok && e.Phase != "e" {
			if math.Abs(e.At-at) > 0.001 {
				t.Errorf("%s is at %v, want %v", e.Name, e.At, at)
			}
			delete(want, e.Name)
		}
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}
