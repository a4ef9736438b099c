package fetch_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/vmtest"
)

func TestGet_triesAgain(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"status=500*3", "status=503*3", "reset*3", "truncate=5*3", "stall=5*3", "busy=7*1"} {
		synctest.Test(t, func(t *testing.T) {
			var waited sleeper
			s, data, client := timelessServer(t, 100, func(config *fetch.Config) { config.Sleep = waited.sleep })
			fault(t, s, "/file", text)
			got, err := client.Get(t.Context(), s.URL+"/file", 1000)
			if err != nil || string(got) != string(data) {
				t.Errorf("%s: %d bytes, %v", text, len(got), err)
			}
			want := []time.Duration{400 * time.Millisecond, 800 * time.Millisecond, 1600 * time.Millisecond}
			if strings.HasPrefix(text, "busy") {
				want = []time.Duration{7 * time.Second}
			}
			if !slices.Equal(waited.pauses, want) {
				t.Errorf("%s: waited %v", text, waited.pauses)
			}
		})
	}
}

func TestGet_givesUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault    string
		requests int
		text     string
	}{
		{"status=500", 4, "500 Internal Server Error (made to fail)"},
		{"status=404", 1, "404 Not Found"},
		{"status=401", 1, "401"},
		{"busy=3600", 1, "try again in 1h0m0s"},
		{"html", 1, "a login page answered"},
		{"loop", 10, "more than 10 redirects"},
		{"truncate=5", 4, "EOF"},
		{"stall=5", 4, "stopped sending"},
		{"drip=5", 4, "stopped sending, or nearly so"},
		{"wrongsize=10", 4, "EOF"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, _, client := timelessServer(t, 100)
			fault(t, s, "/file", c.fault)
			_, err := client.Get(t.Context(), s.URL+"/file", 1000)
			wantCode(t, err, diag.Network, c.text)
			if got := s.Count("/file"); got != c.requests {
				t.Errorf("%s: %d requests", c.fault, got)
			}
		})
	}
}

func TestGet_jitter(t *testing.T) {
	t.Parallel()
	s, _ := fileServer(t, 100)
	fault(t, s, "/file", "status=500*1")
	var waited sleeper
	c := newClient(func(config *fetch.Config) {
		config.Sleep, config.Jitter = waited.sleep, func() float64 { return 0 }
	})
	if _, err := c.Get(t.Context(), s.URL+"/file", 1000); err != nil {
		t.Fatal(err)
	}
	if want := []time.Duration{200 * time.Millisecond}; !slices.Equal(waited.pauses, want) {
		t.Errorf("waited %v", waited.pauses)
	}
}

func TestGet_limit(t *testing.T) {
	t.Parallel()
	s, data := fileServer(t, 1000)
	c := newClient(nil)
	if got, err := c.Get(t.Context(), s.URL+"/file", 1000); err != nil || len(got) != len(data) {
		t.Error(len(got), err)
	}
	_, err := c.Get(t.Context(), s.URL+"/file", 999)
	wantCode(t, err, diag.Network, "more than the allowed 999 bytes")
}

func TestNotHere(t *testing.T) {
	t.Parallel()
	for status, want := range map[string][2]bool{
		"403": {true, false}, "404": {true, true}, "410": {true, true}, "401": {false, false}, "500": {false, false},
	} {
		s, _ := fileServer(t, 1)
		fault(t, s, "/file", "status="+status)
		_, err := newClient(nil).Get(t.Context(), s.URL+"/file", 10)
		if got := [2]bool{fetch.NotHere(err), fetch.Gone(err)}; got != want {
			t.Errorf("%s: %v", status, got)
		}
	}
	if fetch.NotHere(nil) || fetch.Gone(nil) {
		t.Error("no error is an absence")
	}
}

func TestGet_nobodyThere(t *testing.T) {
	t.Parallel()
	var waited sleeper
	c := newClient(func(config *fetch.Config) { config.Sleep = waited.sleep })
	_, err := c.Get(t.Context(), "http://127.0.0.1:1/x", 10)
	wantCode(t, err, diag.Network, "connection refused")
	if len(waited.pauses) > 0 || len(diag.HintsOf(err)) == 0 {
		t.Error(waited.pauses, diag.HintsOf(err))
	}
}

// Where packets vanish, every attempt costs the whole timeout: there are few.
func TestGet_blackHole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		begin := time.Now()
		client := newClient(func(config *fetch.Config) { config.Transport = blackHole(&dials) })
		_, err := client.Get(t.Context(), "http://example.invalid/x", 10)
		wantCode(t, err, diag.Network, "no connection with example.invalid:80 within 15s")
		if took := time.Since(begin); dials != 2 || took != 30*time.Second {
			t.Errorf("%d attempts in %v", dials, took)
		}
	})
}

// A silence before the answer has its limit, too.
func TestGet_noAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _, client := timelessServer(t, 100)
		fault(t, s, "/file", "silent")
		begin := time.Now()
		_, err := client.Get(t.Context(), s.URL+"/file", 1000)
		wantCode(t, err, diag.Network, "timeout awaiting response headers")
		if took := time.Since(begin); s.Count("/file") != 4 || took != 4*time.Minute {
			t.Errorf("%d requests in %v", s.Count("/file"), took)
		}
	})
}

func TestGet_interrupted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _, client := timelessServer(t, 100, func(config *fetch.Config) {
			config.Sleep = func(context.Context, time.Duration) error { t.Error("waited"); return nil }
		})
		fault(t, s, "/file", "stall=5")
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel) // in the middle of the answer
		_, err := client.Get(ctx, s.URL+"/file", 1000)
		wantCode(t, err, diag.Interrupted, "/file: interrupted")
	})
}

func TestGet_offline(t *testing.T) {
	t.Parallel()
	s, _ := fileServer(t, 100)
	c := newClient(func(config *fetch.Config) { config.Offline = true })
	_, err := c.Get(t.Context(), s.URL+"/file", 1000)
	wantCode(t, err, diag.Offline, "offline")
	if _, err = c.Stat(t.Context(), s.URL+"/file"); diag.CodeOf(err) != diag.Offline {
		t.Error(err)
	}
	if len(s.Requests()) > 0 {
		t.Error(s.Requests())
	}
	path := filepath.Join(t.TempDir(), "a b")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := c.Get(t.Context(), "file://"+strings.ReplaceAll(path, " ", "%20"), 10); err != nil || string(data) != "x" {
		t.Error(string(data), err)
	}
}

// https is left for http neither by a redirect nor by a chain of them.
func TestGet_downgrade(t *testing.T) {
	t.Parallel()
	s, data := fileServer(t, 100)
	cert := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(cert, s.CertPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	c := newClient(func(config *fetch.Config) { config.Env = map[string]string{"SSL_CERT_FILE": cert} })
	if got, err := c.Get(t.Context(), s.TLSURL+"/file", 1000); err != nil || string(got) != string(data) {
		t.Fatal(string(got), err)
	}
	fault(t, s, "/file", "downgrade")
	s.Forget()
	_, err := c.Get(t.Context(), s.TLSURL+"/file", 1000)
	wantCode(t, err, diag.Network, "from https to http")
	if n := s.Count("/file"); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestGet_certificates(t *testing.T) {
	t.Parallel()
	s, _ := fileServer(t, 100)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x.pem"), s.CertPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := newClient(nil).Get(t.Context(), s.TLSURL+"/file", 1000)
	wantCode(t, err, diag.Network, "certificate")
	if hints := diag.HintsOf(err); len(hints) != 1 || !strings.Contains(hints[0], "SSL_CERT_FILE") {
		t.Error(hints)
	}
	for env, ok := range map[string]bool{
		"SSL_CERT_DIR=" + dir: true, "SSL_CERT_FILE=" + dir + "/x.pem": true,
		"SSL_CERT_FILE=" + dir + "/none": false, "SSL_CERT_DIR=" + t.TempDir() + ":" + dir: true,
	} {
		name, value, _ := strings.Cut(env, "=")
		c := newClient(func(config *fetch.Config) { config.Env = map[string]string{name: value} })
		if _, err := c.Get(t.Context(), s.TLSURL+"/file", 1000); (err == nil) != ok {
			t.Errorf("%s: %v", env, err)
		}
		if _, err := c.Get(t.Context(), s.URL+"/file", 1000); err != nil {
			t.Errorf("%s: http needs no certificates: %v", env, err)
		}
	}
}

// The environment that counts is the one given, and loopback is never proxied.
func TestGet_proxyFromEnv(t *testing.T) {
	t.Parallel()
	s := vmtest.NewServer(t, vmtest.Options{})
	s.Serve("/x", []byte("through the proxy"))
	for env, ok := range map[string]bool{
		"HTTP_PROXY=" + s.URL: true, "http_proxy=" + s.URL: true, "HTTPS_PROXY=" + s.URL: false,
		"HTTP_PROXY=" + s.URL + " NO_PROXY=example.invalid": false,
		"HTTP_PROXY=" + s.URL + " no_proxy=.invalid":        false,
	} {
		vars := map[string]string{}
		for pair := range strings.FieldsSeq(env) {
			name, value, _ := strings.Cut(pair, "=")
			vars[name] = value
		}
		c := newClient(func(config *fetch.Config) { config.Env, config.Attempts = vars, 1 })
		data, err := c.Get(t.Context(), "http://example.invalid/x", 100)
		if (err == nil && string(data) == "through the proxy") != ok {
			t.Errorf("%s: %q %v", env, data, err)
		}
	}
}

func TestGet_credentials(t *testing.T) {
	t.Parallel()
	var seen []string
	record := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		auth, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.Header.Get("Authorization"), "Basic "))
		seen = append(seen, r.URL.Path+" "+string(auth))
	})
	s := httptest.NewTLSServer(record)
	defer s.Close()
	plain := httptest.NewServer(record)
	defer plain.Close()
	home := t.TempDir()
	netrc := "machine other login x password y\n# note\nmachine 127.0.0.1\n\tlogin me\n\tpassword secret\n"
	if err := os.WriteFile(filepath.Join(home, ".netrc"), []byte(netrc), 0o600); err != nil {
		t.Fatal(err)
	}
	transport := vmtest.Transport()
	transport.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig
	get := func(url string, env map[string]string) error {
		_, err := newClient(func(config *fetch.Config) { config.Env, config.Transport = env, transport }).Get(t.Context(), url, 100)
		return err
	}
	env := map[string]string{"HOME": home}
	for _, err := range []error{
		get(s.URL+"/netrc", env),
		get(plain.URL+"/plain", env),
		get(strings.Replace(s.URL, "//", "//you:word@", 1)+"/url", env),
		get(s.URL+"/off", map[string]string{"HOME": home, "GOAUTH": "off"}),
		get(s.URL+"/git", map[string]string{"HOME": home, "GOAUTH": "git dir; netrc"}),
		get(s.URL+"/named", map[string]string{"HOME": home, "NETRC": "/nonexistent"}),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	want := []string{"/netrc me:secret", "/plain ", "/url you:word", "/off ", "/git me:secret", "/named "}
	if !slices.Equal(seen, want) {
		t.Errorf("seen %q", seen)
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://user:pass@host/a@b?c=d": "https://***@host/a@b?c=d",
		"https://token@host":             "https://***@host",
		"https://a@b@host/x":             "https://***@host/x",
		"https://host/a@b":               "https://host/a@b",
		"file:///a/b":                    "file:///a/b",
		"nothing":                        "nothing",
		"https://user:pa/ss@host/x":      "https://***@host/x",
		"https://user:pa#ss@host/x":      "https://***@host/x",
		"https://log/lookup/m@v0.0.1":    "https://log/lookup/m@v0.0.1",
	} {
		if got := fetch.Redact(in); got != want {
			t.Errorf("%s gave %s", in, got)
		}
	}
	_, err := newClient(nil).Get(t.Context(), "http://user:pass@192.0.2.1/x?y", 10)
	if err == nil || strings.Contains(err.Error(), "pass") {
		t.Error(err)
	}
	for _, bad := range []string{"http://user:pass@host:bad/", "ftp://user:pass@host/", "://user:pass@host"} {
		if _, err := newClient(nil).Get(t.Context(), bad, 10); err == nil || strings.Contains(err.Error(), "pass@") {
			t.Error(err)
		}
	}
}
