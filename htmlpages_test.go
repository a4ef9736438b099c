package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/doctor"
	"github.com/vmgo/vmgo/internal/harden"
	"github.com/vmgo/vmgo/internal/host"
)

// measured makes a page tell the one around it how wide it is, with everything unfolded,
// and what a click on its first button copies.
const measured = `<script>
addEventListener('load', () => {
  for (const fold of document.querySelectorAll('details')) fold.open = true
  const root = document.documentElement, button = document.querySelector('.fix button')
  button.click()
  parent.postMessage([innerWidth, root.scrollWidth > innerWidth ? 'overflows' : 'fits', document.querySelectorAll('.fix').length,
    document.querySelectorAll('.fix button').length, matchMedia('(prefers-color-scheme: dark)').matches, getComputedStyle(document.body).backgroundColor].join(' '), '*')
})
</script>`

// TestHTMLPages_inChromium looks at the pages of doctor and harden in a real browser, wide
// and as narrow as a phone, light and dark.
func TestHTMLPages_inChromium(t *testing.T) {
	t.Parallel()
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip("starts a browser eight times: set VMGO_LONG=1 (./test.sh --long)")
	}
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium")
	}
	for name, page := range map[string][]byte{"doctor": doctorPage(t), "harden": hardenPage(t)} {
		for _, width := range []int{1280, 390} {
			for scheme, ground := range []string{"true rgb(13, 17, 23)", "false rgb(255, 255, 255)"} {
				dir := t.TempDir()
				page := bytes.Replace(page, []byte("</body>"), []byte(measured+"</body>"), 1)
				frame := `<body><script>addEventListener('message', e => document.body.setAttribute('data-said', e.data))</script>` +
					`<iframe style="width:` + strconv.Itoa(width) + `px;height:800px;border:0" src="page.html"></iframe>`
				for file, data := range map[string][]byte{"page.html": page, "frame.html": []byte(frame)} {
					if err := os.WriteFile(filepath.Join(dir, file), data, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				out, err := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(), "--window-size=1400,900",
					"--blink-settings=preferredColorScheme="+strconv.Itoa(scheme), "--virtual-time-budget=20000", "--dump-dom", "file://"+dir+"/frame.html").Output()
				if err != nil {
					t.Fatal(err)
				}
				_, said, _ := strings.Cut(string(out), `data-said="`)
				said, _, _ = strings.Cut(said, `"`)
				fixes := strconv.Itoa(bytes.Count(page, []byte(`class="fix"`)))
				if want := strconv.Itoa(width) + " fits " + fixes + " " + fixes + " " + ground; said != want {
					t.Errorf("%s: the page says %q, want %q", name, said, want)
				}
			}
		}
	}
}

func doctorPage(t *testing.T) []byte {
	long := strings.Repeat("/a-directory-with-a-long-name", 12)
	var report doctor.Report
	for i, check := range doctor.Catalogue() {
		status := []doctor.Status{doctor.Fail, doctor.Warn, doctor.Info, doctor.OK, doctor.Skip}[i%5]
		report.Outcomes = append(report.Outcomes, doctor.Outcome{Check: check, Result: doctor.Result{
			Status: status, Summary: "what was found in " + long, Detail: "more about " + long, Fix: "chmod o-w " + long,
			Evidence: []doctor.Evidence{{Path: long, Value: long}},
		}})
	}
	var page bytes.Buffer
	if err := report.HTML(&page, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	return page.Bytes()
}

func hardenPage(t *testing.T) []byte {
	root := t.TempDir()
	for file, text := range map[string]string{
		"/etc/security/access.conf": "", "/usr/lib/systemd/systemd": "", "/etc/profile": "", "/opt/go/1.22.5/VERSION": "go1.22.5\n", "/var/lib/dpkg/status": "",
		"/etc/systemd/system/app.service": "[Service]\nExecStart=/" + strings.Repeat("a-directory-with-a-long-name/", 12) + "app\n",
	} {
		if err := os.MkdirAll(filepath.Dir(root+file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(root+file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m, err := harden.Image(host.OS(), root)
	if err != nil {
		t.Fatal(err)
	}
	service, err := harden.NewService(harden.Service{Name: "app", Memory: 1 << 30, Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	engine := &harden.Engine{Machine: m, Items: append(harden.Catalogue(), service.Items()...)}
	if _, err := engine.Apply(t.Context(), harden.Selection{Only: []string{"policy", "login-path", "service:app", "sandbox:app"}}, nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root+"/etc/profile.d/vmgo.sh", []byte("changed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	plan, err := engine.Plan(harden.Selection{Profile: harden.Dev})
	if err != nil {
		t.Fatal(err)
	}
	page, err := engine.Report(plan)
	if err != nil {
		t.Fatal(err)
	}
	return page
}
