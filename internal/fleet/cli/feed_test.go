package cli

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/vmtest"
	"github.com/vmgo/vmgo/internal/vmtest/hosts"
)

const (
	feedHosts   = 10 // real ones
	feedClients = 10 // on each of them, in the simulation of a hundred
	feedFirst   = "1.26.7"
	feedNext    = "1.26.8"
)

// TestFeed measures, for docs/fleet.md, one machine that feeds others: ten hosts install
// a real release from vmgo proxy, then upgrade it from a mirror with patches that nginx
// serves. What one client requested is then sent by a hundred at once, ten on each host.
func TestFeed(t *testing.T) {
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip("ten hosts that install a real release take minutes: VMGO_LONG=1, or ./test.sh --long")
	}
	upstream := vmtest.RealProxies(t)[0].URL
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("there is no nginx")
	}
	b := newBench(t, hosts.Up(t, feedHosts), "./cmd/vmgo-proxy")
	home, cache, mirror := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "mirror")
	vmgo := func(goproxy string, words ...string) {
		t.Helper()
		cmd := exec.Command(filepath.Join(b.bin, "vmgo"), words...)
		cmd.Env = append(os.Environ(), "GOPROXY="+goproxy, "HOME="+home, "VMGO_ROOT="+filepath.Join(home, "go"), "XDG_CACHE_HOME=", "XDG_STATE_HOME=", "XDG_CONFIG_HOME=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("vmgo %q: %v\n%s", words, err, out)
		}
	}
	for i := 1; i <= feedHosts; i++ {
		b.copy(filepath.Join(b.bin, "vmgo"), b.net.Path(i, "/usr/local/bin/vmgo"), 0o755)
	}

	filled := b.serve(exec.Command(filepath.Join(b.bin, "vmgo-proxy"), "serve", "--listen", "127.0.0.1:0", "--dir", cache, "--upstream", upstream))
	relay := newRelay(t, filled)
	vmgo(relay.URL, "install", feedFirst)
	proxy := b.net.Command(filepath.Join(b.bin, "vmgo-proxy"), "serve", "--listen", "10.99.8.254:0", "--offline", "--quiet", "--dir", cache)
	b.feed("vmgo proxy", feedFirst, proxy, b.serve(proxy), relay.requests)

	// The hosts have seen the tree head that the proxy has, which is this user's, too.
	heads, _ := filepath.Glob(filepath.Join(home, ".local/state/vmgo/sumdb/*/latest"))
	vmgo(upstream, "mirror", "sync", "--go", feedFirst+","+feedNext, "--patches", "--no-archives", "--head", strings.Join(heads, ","), mirror)
	relay = newRelay(t, "file://"+filepath.Join(mirror, "public"))
	vmgo(relay.URL, "install", feedNext)
	server := b.net.Command(nginx, "-e", "stderr", "-c", b.nginx(filepath.Join(mirror, "public")))
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	b.kill(server)
	b.net.SSH(t, 1, "curl -sS --retry 100 --retry-connrefused --retry-delay 1 -o /dev/null http://10.99.8.254:8001/")
	if each := b.feed("mirror with patches", feedNext, server, "http://10.99.8.254:8001", relay.requests); each > 5<<20 {
		t.Errorf("an upgrade by patches took %d bytes", each)
	}
}

// feed has each host install a release from a server, then a hundred clients repeat the
// requests of one. It returns the bytes that a host was sent.
func (b *bench) feed(name, version string, server *exec.Cmd, from string, requests []request) (each int) {
	b.Helper()
	sent, cpu, start := b.sent(), b.cpu(server), time.Now()
	b.everywhere("GOPROXY=" + from + " VMGO_SOURCE=goproxy vmgo install " + version)
	each = (b.sent() - sent) / feedHosts
	b.Logf("%s: %d hosts install Go %s: %d bytes to each in %d requests, %.2f CPU s of the server in all, %.1f s", name, feedHosts, version,
		each, len(requests), b.cpu(server)-cpu, time.Since(start).Seconds())
	var list strings.Builder
	for i, r := range requests {
		if i > 0 {
			list.WriteString("next\n")
		}
		fmt.Fprintf(&list, "url = %q\noutput = /dev/null\nsilent\nshow-error\n", from+r.path)
		if r.window != "" {
			fmt.Fprintf(&list, "range = %s\n", r.window)
		}
	}
	for i := 1; i <= feedHosts; i++ {
		if err := os.WriteFile(b.net.Path(i, "/root/requests"), []byte(list.String()), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	sent, cpu, start = b.sent(), b.cpu(server), time.Now()
	b.everywhere(fmt.Sprintf("for i in $(seq %d); do curl -K /root/requests & pids=\"$pids $!\"; done; for p in $pids; do wait $p || exit 1; done", feedClients))
	b.Logf("%s: %d clients at once: %d bytes to each, %.2f CPU s of the server in all, %.1f s, %s", name, feedHosts*feedClients,
		(b.sent()-sent)/feedHosts/feedClients, b.cpu(server)-cpu, time.Since(start).Seconds(), b.peak(server))
	return each
}

// everywhere runs a command on all hosts at the same time.
func (b *bench) everywhere(command string) {
	b.Helper()
	var wg sync.WaitGroup
	for i := 1; i <= feedHosts; i++ {
		wg.Go(func() {
			if out, err := b.net.Command("ssh", "vm"+strconv.Itoa(i), command).CombinedOutput(); err != nil {
				b.Errorf("host %d: %v\n%s", i, err, out)
			}
		})
	}
	wg.Wait()
}

// request is what a client requests: a path, and a range if it wants a part of a file.
type request struct{ path, window string }

// relay passes requests on and keeps those that had an answer.
type relay struct {
	*httptest.Server
	mu       sync.Mutex
	requests []request
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{}
	var next http.Handler = httputil.NewSingleHostReverseProxy(target)
	if target.Scheme == "file" {
		next = http.FileServer(http.Dir(target.Path))
	}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		r.requests = append(r.requests, request{q.URL.EscapedPath(), strings.TrimPrefix(q.Header.Get("Range"), "bytes=")})
		r.mu.Unlock()
		next.ServeHTTP(w, q)
	}))
	t.Cleanup(r.Close)
	return r
}

// nginx writes the configuration of a server in the hosts' network and returns its name.
func (b *bench) nginx(root string) string {
	b.Helper()
	dir := b.TempDir()
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, vmtest.NginxConfig(dir, "10.99.8.254:8001", root, "master_process off; user root;"), 0o600); err != nil {
		b.Fatal(err)
	}
	return config
}

// serve starts vmgo-proxy and returns its address.
func (b *bench) serve(cmd *exec.Cmd) string {
	b.Helper()
	said, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.kill(cmd)
	lines := bufio.NewReader(said)
	line, err := lines.ReadString('\n')
	_, address, found := strings.Cut(strings.TrimSpace(line), "serving at ")
	if !found {
		b.Fatalf("vmgo-proxy says %q, %v", line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	return address
}

// kill ends a program with the test.
func (b *bench) kill(cmd *exec.Cmd) {
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
}

// sent is what the hosts have got over the network, in bytes.
func (b *bench) sent() (bytes int) {
	b.Helper()
	out, err := b.net.Command("cat", "/proc/self/net/dev").Output()
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		name, counts, _ := strings.Cut(strings.TrimSpace(line), ":")
		if fields := strings.Fields(counts); name == "br0" && len(fields) > 8 {
			bytes, _ = strconv.Atoi(fields[8])
		}
	}
	return bytes
}

// cpu is the processor time that a program has used, in seconds.
func (b *bench) cpu(cmd *exec.Cmd) float64 {
	b.Helper()
	data := b.proc(cmd, "stat")
	fields := strings.Fields(data[strings.LastIndexByte(data, ')'):])
	user, _ := strconv.Atoi(fields[12])
	system, _ := strconv.Atoi(fields[13])
	return float64(user+system) / 100 // USER_HZ
}

// peak is the most memory that a program has had.
func (b *bench) peak(cmd *exec.Cmd) string {
	b.Helper()
	_, after, _ := strings.Cut(b.proc(cmd, "status"), "VmHWM:")
	line, _, _ := strings.Cut(after, "\n")
	return "peak " + strings.TrimSpace(line)
}

func (b *bench) proc(cmd *exec.Cmd, name string) string {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", cmd.Process.Pid, name))
	if err != nil {
		b.Fatal(err)
	}
	return string(data)
}
