package main_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// On a machine without Go: the real toolchain through GOPROXY, checked against
// the checksum of the script, builds the real programs.
func TestInstaller_real(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: no download of a Go release")
	}
	list, err := exec.Command("go", "env", "GOPROXY").Output()
	if err != nil {
		t.Fatal(err)
	}
	proxies := strings.TrimSpace(string(list))
	first, _, _ := strings.Cut(strings.ReplaceAll(proxies, "|", ","), ",")
	client := http.Client{Timeout: time.Minute}
	answer, err := client.Get(first + "/golang.org/toolchain/@v/list")
	if err != nil {
		t.Skipf("GOPROXY does not answer: %v", err)
	}
	answer.Body.Close()

	in := newInstaller(t, "dash")
	script, err := os.ReadFile("install.sh")
	if err != nil {
		t.Fatal(err)
	}
	script = bytes.ReplaceAll(script, []byte("/usr/local/go/bin:/opt/go/default/bin"), nil) // this machine's own
	in.write(filepath.Join(in.checkout, "install.sh"), string(script))
	if err := os.Remove(filepath.Join(in.checkout, "go.mod")); err != nil {
		t.Fatal(err)
	}
	if in.home, err = os.Getwd(); err != nil { // a checkout, too
		t.Fatal(err)
	}
	prefix := filepath.Join(t.TempDir(), "prefix")
	in.env = append(in.env, "HOME="+t.TempDir(), "GOPROXY="+proxies)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "CURL_CA_BUNDLE"} {
		if value := os.Getenv(name); value != "" {
			in.env = append(in.env, name+"="+value)
		}
	}
	_, stderr := in.run(0, "--programs-only", "--prefix", prefix)
	wants(t, stderr, "check its SHA-256", "build vmgo and vmgo-shim")
	for _, name := range []string{"vmgo", "vmgo-shim"} {
		text, err := exec.Command("go", "version", "-m", filepath.Join(prefix, "bin", name)).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		wants(t, string(text), "CGO_ENABLED=0", "-trimpath=true")
	}
}
