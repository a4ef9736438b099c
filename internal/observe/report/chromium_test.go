package report

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/observe/profiles"
)

// probe uses the page as somebody would, and writes down what it shows.
const probe = `<script>
addEventListener("error", e => document.body.dataset.failed = e.message);
const probing = setInterval(() => {
  if (!document.body.dataset.ready) return;
  clearInterval(probing);
  const say = (name, text) => document.body.setAttribute("data-" + name, text);
  say("lines", $("log").children.length);
  $("log").querySelector("button").click();
  say("moment", $("moment").textContent);
  $("search").value = "churn"; $("search").oninput({ target: $("search") });
  say("found", $("found").textContent);
  $("find").value = "order served"; $("find").oninput();
  for (const b of document.querySelectorAll("[data-zoom], #reset, #tabs button")) b.click();
  for (const c of document.querySelectorAll("canvas")) {
    const r = c.getBoundingClientRect(), at = { bubbles: true, clientX: r.x + 200, clientY: r.y + 30, pointerId: 1 };
    for (const type of ["mousemove", "click", "dblclick"]) c.dispatchEvent(new MouseEvent(type, at));
    c.dispatchEvent(new WheelEvent("wheel", { ...at, deltaY: -1, cancelable: true }));
    c.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
    say(c.id, c.getContext("2d").getImageData(0, 0, c.width, c.height).data.some(x => x) ? "drawn" : "empty");
  }
  say("wide", document.documentElement.scrollWidth > innerWidth ? "overflows" : "fits");
  say("done", "yes");
}, 20);
</script>`

// TestPage_inChromium opens a page in the real browser, wide and narrow.
func TestPage_inChromium(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a browser takes long (-short)")
	}
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium")
	}
	cpu, err := profiles.FromPerf(strings.NewReader(strings.Repeat("x\n 1 main.churn\n 2 main.main\n\n", 3)+"x\n 3 main.idle\n"), 100, 1)
	if err != nil {
		t.Fatal(err)
	}
	line := busy(1, 50)
	work := map[string]int64{line.Journal[0].TraceID: 20_000_000}
	page := written(t, Page{Title: "app", Timeline: &line, Work: work, Flames: []Flame{{ID: "cpu", Title: "CPU", Profile: cpu, Value: "cpu"}}})
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, bytes.Replace(page, []byte("</body>"), []byte(probe+"</body>"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, size := range []string{"1280,900", "390,844"} {
		cmd := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(), "--window-size="+size, "--virtual-time-budget=20000", "--dump-dom", "file://"+file)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", size, err)
		}
		body := string(out[max(bytes.Index(out, []byte("<body")), 0):])
		body = body[:max(strings.Index(body, ">"), 0)]
		for _, want := range []string{`data-done="yes"`, `data-lines="100"`, `data-time="drawn"`, `data-flame="drawn"`, `data-found="75.0 % matched"`, `data-wide="fits"`, "task of", "CPU samples of this work: 20.0 ms", "40 × Waiting (select)", "P0 runs goroutine"} {
			if !strings.Contains(body, want) {
				t.Errorf("at %s the page does not have %s:\n%s", size, want, body)
			}
		}
	}
}
