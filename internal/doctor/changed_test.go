package doctor_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/doctor"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/host/hosttest"
	"github.com/vmgo/vmgo/internal/ui"
)

const lastRunFile = "/home/ann/.local/state/vmgo/doctor-last.json"

// graded is a report of a check with a grade for each id.
func graded(grades ...any) (r doctor.Report) {
	for i := 0; i < len(grades); i += 2 {
		r.Outcomes = append(r.Outcomes, doctor.Outcome{
			Check:  doctor.Check{ID: "hook." + grades[i].(string), Group: doctor.Hook},
			Result: doctor.Result{Status: grades[i+1].(doctor.Status), Summary: grades[i].(string) + "!"},
		})
	}
	return r
}

// annsHost is the common machine, on which ann's files are those of the user who runs
// the test, with more files.
func annsHost(t *testing.T, files ...hosttest.File) host.Host {
	t.Helper()
	h := hosttest.New(t, append(machineFiles(t, "ubuntu-24.04-kvm"), files...))
	if err := os.MkdirAll(h.Path("/home/ann/.local/state/vmgo"), 0o755); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestCompared(t *testing.T) {
	t.Parallel()
	h := annsHost(t)
	m := machineWith(t, h, doctor.Options{})
	first := m.Compared(graded("a", doctor.Warn, "b", doctor.OK, "c", doctor.Warn, "d", doctor.Info, "e", doctor.Fail))
	if first.Changed != nil {
		t.Fatalf("the first run compares: %+v", first.Changed)
	}
	began := h.Now().UTC().Format(time.RFC3339)
	h.Now = func() time.Time { return time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) }
	m = machineWith(t, h, doctor.Options{})
	second := m.Compared(graded("a", doctor.OK, "b", doctor.Fail, "c", doctor.Fail, "d", doctor.Info, "e", doctor.Skip))
	var out strings.Builder
	if err := second.Print(&out, ui.Palette(false), 0, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"b!  (new)", "c!  (new)", "d!\n", "since " + began + ": 2 new, 1 gone (hook.a)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %q:\n%s", want, out.String())
		}
	}
	if doc := second.Document(); doc.Changed == nil || strings.Join(doc.Changed.New, " ") != "hook.b hook.c" || strings.Join(doc.Changed.Gone, " ") != "hook.a" {
		t.Errorf("the document has %+v", doc.Changed)
	}
	// What was skipped is as it was before, so e is no news when it is seen again.
	third := m.Compared(graded("b", doctor.Fail, "c", doctor.Warn, "d", doctor.Info, "e", doctor.Fail))
	if got := third.Changed.String(); got != "nothing has changed since 2027-01-01T00:00:00Z" {
		t.Error(got)
	}
}

// Where the state cannot or may not be written there is no record, and what cannot be
// read is not compared with.
func TestCompared_withoutARecord(t *testing.T) {
	t.Parallel()
	finding := graded("a", doctor.Warn)
	for name, prepare := range map[string]func(h *host.Host){
		"of another user": func(h *host.Host) { h.UID = 0 },
		"no directory": func(h *host.Host) {
			_ = os.RemoveAll(h.Path("/home/ann/.local"))
			_ = os.WriteFile(h.Path("/home/ann/.local"), nil, 0o644)
		},
	} {
		h := annsHost(t)
		prepare(&h)
		m := machineWith(t, h, doctor.Options{})
		_ = m.Compared(finding)
		if r := m.Compared(finding); r.Changed != nil || h.Exists(lastRunFile) {
			t.Errorf("%s: %+v", name, r.Changed)
		}
	}
	for text, kept := range map[string]bool{"{": false, `{"format":2,"time":"x"}`: true, "": false} {
		h := annsHost(t)
		if err := os.WriteFile(h.Path(lastRunFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := machineWith(t, h, doctor.Options{}).Compared(finding); r.Changed != nil || (h.Text(lastRunFile) == text) != kept {
			t.Errorf("%q: %+v, then %q", text, r.Changed, h.Text(lastRunFile))
		}
	}
}
