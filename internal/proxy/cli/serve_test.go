package cli_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/proxy/cli"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// TestMain makes this test binary serve as vmgo-proxy, or as its clients.
func TestMain(m *testing.M) {
	if url := os.Getenv("VMTEST_LOAD"); url != "" {
		loadMain(url, os.Getenv("VMTEST_SUMS"))
		return
	}
	if os.Getenv("VMTEST_PROXY") != "" {
		h := host.OS()
		h.Transport = vmtest.Transport()
		os.Exit(cli.Main(h))
	}
	os.Exit(m.Run())
}

// process is a running vmgo-proxy.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	url  string
	done chan error
}

// start starts vmgo-proxy serve and waits for its address. prepare may change the
// command.
func start(t *testing.T, environment []string, prepare func(*exec.Cmd), args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// A shell names the process that systemd would: LISTEN_PID is its own number.
	cmd := exec.Command("sh", append([]string{"-c", `LISTEN_PID=$$ exec "$@"`, "sh", self, "serve", "--scrub", "0", "--dir", t.TempDir()}, args...)...)
	cmd.Env = append([]string{"VMTEST_PROXY=1", "HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "GOENV=off"}, environment...)
	if prepare != nil {
		prepare(cmd)
	}
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: cmd, done: make(chan error, 1)}
	lines := bufio.NewReader(stderr)
	line, err := lines.ReadString('\n')
	_, p.url, _ = strings.Cut(strings.TrimSpace(line), "serving at ")
	if err != nil || p.url == "" {
		t.Fatalf("%q: %v", line, err)
	}
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, lines)
		p.done <- cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended // it may write to its directories until then
	})
	return p
}

// end waits for the process, which was told to stop.
func (p *process) end() {
	p.t.Helper()
	if err := <-p.done; err != nil {
		p.t.Errorf("vmgo-proxy ended with %v", err)
	}
}

func TestServe_answersUnderWayFinish(t *testing.T) {
	t.Parallel()
	module := vmtest.Module{Path: "example.com/lib", Version: "v1.0.0", Size: 1 << 20}
	data, rest := module.Zip(), make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", big.NewInt(int64(len(data))).String())
		_, _ = w.Write(data[:len(data)/2])
		w.(http.Flusher).Flush()
		<-rest
		_, _ = w.Write(data[len(data)/2:])
	}))
	defer upstream.Close()
	p := start(t, []string{"GOSUMDB=off"}, nil, "--listen", "127.0.0.1:0", "--upstream", upstream.URL)
	resp, err := http.Get(p.url + "/example.com/lib/@v/v1.0.0.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for { // until the proxy listens no more
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			break
		}
		conn.Close()
	}
	close(rest)
	if got, err := io.ReadAll(resp.Body); err != nil || len(got) != len(data) {
		t.Errorf("%d of %d bytes: %v", len(got), len(data), err)
	}
	p.end()
}

func TestServe_socketOfSystemdAndReadiness(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	notify := filepath.Join(t.TempDir(), "notify")
	said, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: notify, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	p := start(t, []string{"LISTEN_FDS=1", "NOTIFY_SOCKET=" + notify}, func(cmd *exec.Cmd) {
		file, err := listener.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		cmd.ExtraFiles = []*os.File{file}
	}, "--upstream", "off", "--listen", "127.0.0.1:1")
	if p.url != "http://"+listener.Addr().String() {
		t.Errorf("serving at %s, not at %s", p.url, listener.Addr())
	}
	text := make([]byte, 100)
	if n, err := said.Read(text); err != nil || string(text[:n]) != "READY=1" {
		t.Errorf("systemd was told %q: %v", text[:n], err)
	}
	resp, err := http.Get(p.url + "/readyz")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", resp, err)
	}
	resp.Body.Close()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	p.end()
}

func TestServe_httpsWithToken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	makeCertificate(t, dir)
	write(t, dir+"/token", "secret\n")
	upstream := vmtest.NewServer(t, vmtest.Options{MissingStatus: http.StatusNotFound})
	upstream.AddModule(vmtest.Module{Path: "example.com/lib", Version: "v1.0.0"})
	p := start(t, []string{"GOSUMDB=" + upstream.GOSUMDB()}, nil, "--listen", "127.0.0.1:0", "--upstream", upstream.URL,
		"--tls-cert", dir+"/cert.pem", "--tls-key", dir+"/key.pem", "--token-file", dir+"/token", "--allow-from", "127.0.0.0/8")
	client := func(password string) (string, error) {
		home := vmtest.GoHome(t)
		write(t, home+"/.netrc", "machine "+strings.TrimPrefix(p.url, "https://")+" login anybody password "+password+"\n")
		write(t, home+"/go.mod", "module main\n\ngo 1.21\n")
		cmd := exec.Command("go", "get", "example.com/lib@latest")
		cmd.Dir, cmd.Env = home, []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "GOENV=off", "GOTOOLCHAIN=local", "GOFLAGS=-modcacherw",
			"GOPROXY=" + p.url, "GOSUMDB=" + upstream.GOSUMDB(), "SSL_CERT_FILE=" + dir + "/cert.pem"}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := client("secret"); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := client("wrong"); err == nil || !strings.Contains(out, "401 Unauthorized") {
		t.Errorf("%v: %s", err, out)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// makeCertificate writes cert.pem and key.pem of 127.0.0.1.
func makeCertificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	write(t, dir+"/key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

func TestUnit_systemdTakesIt(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze here")
	}
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/token", "secret\n")
	cmd := exec.Command(self, "unit", "--listen", "8080", "--out", dir, "--min-age", "7d", "--token-file", dir+"/token",
		"--scrub", "48h", "--quiet", "--upstream", "https://a.invalid|https://b.invalid/a%20b,direct")
	cmd.Env = []string{"VMTEST_PROXY=1", "HOME=" + dir, "GOENV=off"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	service, err := os.ReadFile(dir + "/vmgo-proxy.service")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"--token-file %d/token-file", "LoadCredential=token-file:" + dir + "/token", "https://a.invalid|https://b.invalid/a%%20b,direct", "ProtectSystem=strict", " --min-age 7d ", " --scrub 48h0m0s ", " --quiet "} {
		if !strings.Contains(string(service), want) {
			t.Errorf("the service lacks %s:\n%s", want, service)
		}
	}
	out, err := exec.Command(analyze, "verify", dir+"/vmgo-proxy.socket", dir+"/vmgo-proxy.service").CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "vmgo-proxy") {
			t.Errorf("systemd-analyze verify: %s", line)
		}
	}
	if err != nil && strings.Contains(string(out), "vmgo-proxy") {
		t.Error(err)
	}
}
