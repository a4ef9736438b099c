package doctor_test

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/doctor"
	"github.com/vmgo/vmgo/internal/host/hosttest"
)

// deadTransport is a network on which every request ends with one error.
type deadTransport struct{ err error }

func (d deadTransport) RoundTrip(*http.Request) (*http.Response, error) { return nil, d.err }

// One failure of the network is one finding, with what follows from it beneath.
func TestRun_foldsConsequences(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshake is meant to fail
	server.StartTLS()
	t.Cleanup(server.Close)
	nobody, _ := url.Parse("http://127.0.0.1:1")
	for name, c := range map[string]struct {
		transport http.RoundTripper
		env       map[string]string
		cause     string
		says      string
	}{
		"unknown authority": {new(http.Transport), map[string]string{"GOPROXY": server.URL, "VMGO_GODEV": server.URL}, "distribution.ca", "Acme Co"},
		"dead proxy": {
			&http.Transport{Proxy: http.ProxyURL(nobody)},
			map[string]string{"HTTPS_PROXY": nobody.String(), "GOPROXY": "https://192.0.2.1"}, "network.proxies", "connection refused",
		},
		"no names": {
			deadTransport{&net.DNSError{Err: "no such host", Name: "other.test", IsNotFound: true}},
			map[string]string{"GOPROXY": "https://other.test"}, "network.dns", "other.test",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := hosttest.New(t, machineFiles(t, "ubuntu-24.04-kvm"))
			h.Transport = c.transport
			for name, value := range c.env {
				h.Env[name] = value
			}
			h.Env["VMGO_SOURCE"] = "godev"
			limits := unhurried
			limits.Request = 30 * time.Second
			m := machineWith(t, h, doctor.Options{Limits: limits})
			report := doctor.Run(t.Context(), m, pick(t, "network", "distribution.ca", "machine.clock-skew"))
			var bad []string
			for _, o := range report.Heads() {
				if o.Bad() {
					bad = append(bad, o.Check.ID)
				}
			}
			if !slices.Equal(bad, []string{c.cause}) || report.Count(doctor.Fail) != 1 {
				t.Errorf("findings %v, want %s alone", bad, c.cause)
			}
			var hence []string
			for _, o := range report.Consequences(c.cause) {
				hence = append(hence, o.Check.ID)
			}
			if want := []string{"network.goproxy", "network.index", "network.sumdb"}; !slices.Equal(hence, want) {
				t.Errorf("consequences %v, want %v", hence, want)
			}
			var text, page strings.Builder
			if err := errors.Join(report.Print(&text, false, 0, false), report.HTML(&page, time.Unix(0, 0))); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(text.String(), c.says) || !strings.Contains(text.String(), "hence network.sumdb: ") ||
				strings.Contains(text.String(), "✗ sumdb") || !strings.Contains(text.String(), "1 failure") {
				t.Errorf("the report:\n%s", text.String())
			}
			if strings.Contains(page.String(), `id="network.sumdb"`) || !strings.Contains(page.String(), "<code>network.sumdb</code>") {
				t.Error("the page has the consequence on its own")
			}
			for _, check := range report.Document().Checks {
				if folded := slices.Contains(hence, check.ID); folded != (check.Cause == c.cause && check.Status == doctor.Fail) {
					t.Errorf("%s has the cause %q", check.ID, check.Cause)
				}
			}
		})
	}
}

// What has several causes, or one that is not in the report, stands for itself.
func TestRun_foldsOnlyWhatIsExplained(t *testing.T) {
	t.Parallel()
	h := hosttest.New(t, machineFiles(t, "ubuntu-24.04-kvm"))
	h.Transport = deadTransport{&net.DNSError{Err: "no such host", Name: "proxy.test", IsNotFound: true}}
	report := examine(t, machineWith(t, h, doctor.Options{}), pick(t, "network.goproxy", "network.dns"))
	if heads := report.Heads(); len(heads) != 2 { // the name server answers: the cause is elsewhere
		t.Errorf("%d findings stand for themselves, want 2", len(heads))
	}
}

// A go that is too old for the module is one finding: the release that is missing.
func TestRun_foldsAnOldGo(t *testing.T) {
	t.Parallel()
	for _, said := range []string{
		"go: errors parsing go.mod: /home/ann/src/go.mod:3: invalid go version '1.99.4': must match format 1.23",
		"note: module requires Go 1.99",
		"vmgo: no go 1.99.4 or newer is installed, requested by /home/ann/src/go.mod:3 [not-installed]",
	} {
		h := hosttest.New(t, append(machineFiles(t, "ubuntu-24.04-kvm"),
			hosttest.File{Path: "/home/ann/src/go.mod", Data: []byte("module a\n\ngo 1.99.4\n")},
			hosttest.File{Path: "/machine", Data: []byte("dir /home/ann/src\nrun /usr/local/bin/go run * = 1 stderr:" + said + "\n")}))
		report := examine(t, machineWith(t, h, doctor.Options{}), pick(t, "toolchain.selected", "toolchain.build"))
		heads, hence := report.Heads(), report.Consequences("toolchain.selected")
		if len(heads) != 1 || len(hence) != 1 || !strings.Contains(heads[0].Fix, "vmgo install 1.99") {
			t.Errorf("%s: findings %+v, consequences %+v", said, heads, hence)
		}
	}
}
