package cli_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vmgo/vmgo/internal/vmtest"
	"github.com/vmgo/vmgo/internal/vmtest/hosts"
)

const (
	hostProxy = "http://10.99.8.1:8080"
	smallZip  = "/example.com/small/@v/v1.0.0.zip"
	largeZip  = "/example.com/large/@v/v1.0.0.zip"
)

// TestUnit_host installs the unit on a booted host. The socket starts the service,
// which runs in the sandbox, knows its clients by network and token, and loses no
// request while it is restarted, nor its cache.
func TestUnit_host(t *testing.T) {
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip("hosts take minutes: VMGO_LONG=1, or ./test.sh --long")
	}
	net := hosts.Up(t, 2)
	server := vmtest.NewServer(t, vmtest.Options{MissingStatus: http.StatusNotFound})
	small := vmtest.Module{Path: "example.com/small", Version: "v1.0.0", Size: 100 << 10}
	large := vmtest.Module{Path: "example.com/large", Version: "v1.0.0", Size: 32 << 20} // more than socket buffers hold
	server.AddModule(small)
	server.AddModule(large)
	if err := server.WriteTree(net.Path(1, "/srv/proxy")); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", net.Path(1, "/usr/local/bin/"), "github.com/vmgo/vmgo", "github.com/vmgo/vmgo/cmd/vmgo-proxy")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	net.SSH(t, 1, `mkdir -p /etc/vmgo && echo 'GOSUMDB=`+server.GOSUMDB()+`' >/etc/vmgo/env && umask 077 && echo secret >/etc/vmgo/proxy-token
		systemd-run -q --unit=upstream vmgo-proxy serve --offline --quiet --dir /srv/proxy --listen 127.0.0.1:9000
		vmgo proxy unit --listen 8080 --upstream http://127.0.0.1:9000 --allow-from 10.99.8.1,10.99.8.254,127.0.0.1 --token-file /etc/vmgo/proxy-token --out /etc/systemd/system
		systemd-analyze verify vmgo-proxy.service vmgo-proxy.socket && systemctl daemon-reload && systemctl enable -q --now vmgo-proxy.socket`)

	t.Cleanup(func() {
		if t.Failed() {
			t.Log(net.SSH(t, 1, "journalctl --no-pager -o short-monotonic -n 60 -u 'vmgo-proxy.*' -u upstream"))
		}
	})
	if got := net.SSH(t, 1, "systemctl is-active vmgo-proxy.service || true"); got != "inactive\n" {
		t.Errorf("before the first client the service is %q", got)
	}
	status := func(host int, words string) string {
		return net.SSH(t, host, "curl -s -o /dev/null -w '%{http_code}' --max-time 120 "+words+" "+hostProxy+smallZip)
	}
	if none, wrong, right, other := status(1, ""), status(1, "-u any:wrong"), status(1, "-u any:secret"), status(2, "-u any:secret"); none != "401" || wrong != "401" || right != "200" || other != "403" {
		t.Errorf("without a token: %s, with a wrong one: %s, with the right one: %s, from another network: %s", none, wrong, right, other)
	}
	judgeSandbox(t, net)

	load := startLoad(t, net, large.Zip(), small.Zip())
	before := mainPID(t, net)
	net.SSH(t, 1, `systemctl restart --no-block vmgo-proxy.service && until [ "$(systemctl is-active vmgo-proxy.service)" = deactivating ]; do :; done`)
	load.say("finish")
	load.expect("whole")
	net.SSH(t, 1, `until [ "$(systemctl is-active vmgo-proxy.service)" = active ]; do :; done; for i in 1 2 3; do systemctl restart vmgo-proxy.service; done`)
	if err := load.input.Close(); err != nil {
		t.Fatal(err)
	}
	load.expect("0 of ")
	if after := mainPID(t, net); after == before {
		t.Error("the service was never restarted")
	}

	// What a killed service had cached, the next one has.
	net.SSH(t, 1, "systemctl stop upstream.service && systemctl kill -s KILL vmgo-proxy.service")
	if got := status(1, "-u any:secret"); got != "200" {
		t.Errorf("after a kill, without upstream: %s", got)
	}
}

func mainPID(t *testing.T, net *hosts.Net) string {
	return strings.TrimSpace(net.SSH(t, 1, "systemctl show -P MainPID vmgo-proxy.service"))
}

// judgeSandbox looks at what the kernel holds the process to.
func judgeSandbox(t *testing.T, net *hosts.Net) {
	t.Helper()
	pid := mainPID(t, net)
	got := net.SSH(t, 1, `grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/`+pid+`/status | tr -d '\t'; [ $(stat -c %u /proc/`+pid+`) -ge 61184 ] && echo dynamic
		nsenter -t `+pid+` -m -- sh -c 'touch /etc/x || touch /usr/x || ls /root/.ssh' 2>&1 | grep -oE 'Read-only|No such|denied'; ls /var/cache/vmgo-proxy/example.com`)
	if want := "CapEff:0000000000000000\nNoNewPrivs:1\nSeccomp:2\ndynamic\nRead-only\nRead-only\nNo such\nsmall\n"; got != want {
		t.Errorf("the process has %q, not %q", got, want)
	}
	t.Log(net.SSH(t, 1, "systemd-analyze security --no-pager vmgo-proxy.service | tail -n 1"))
}

// loader is a process in the network of the hosts that asks the proxy again and again.
type loader struct {
	t     *testing.T
	input io.WriteCloser
	lines *bufio.Scanner
}

// startLoad returns when a large answer has begun to arrive.
func startLoad(t *testing.T, net *hosts.Net, large, small []byte) *loader {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := net.Command(self)
	cmd.Env = append(cmd.Env, "VMTEST_LOAD="+hostProxy, "VMTEST_SUMS="+hash(large)+" "+hash(small))
	cmd.Stderr = os.Stderr
	l := &loader{t: t}
	if l.input, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	l.lines = bufio.NewScanner(output)
	l.expect("begun")
	return l
}

func (l *loader) say(line string) {
	l.t.Helper()
	if _, err := io.WriteString(l.input, line+"\n"); err != nil {
		l.t.Fatal(err)
	}
}

func (l *loader) expect(prefix string) {
	l.t.Helper()
	if !l.lines.Scan() || !strings.HasPrefix(l.lines.Text(), prefix) {
		l.t.Fatalf("the clients say %q, not %q", l.lines.Text(), prefix)
	}
	l.t.Log("clients: ", l.lines.Text())
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// loadMain is what a loader runs: one slow client of a large file, and, until the
// input ends, clients of a small one, half of them with a new connection each time.
func loadMain(url, sums string) {
	large, small, _ := strings.Cut(sums, " ")
	slow, err := askFor(http.DefaultTransport, url+largeZip)
	if err != nil {
		fmt.Println(err)
		return
	}
	head := make([]byte, 64<<10)
	if _, err := io.ReadFull(slow, head); err != nil {
		fmt.Println(err)
		return
	}
	var asked, failed atomic.Int64
	var clients sync.WaitGroup
	ended := make(chan struct{})
	for i := range 8 {
		transport := &http.Transport{DisableKeepAlives: i%2 == 0}
		clients.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
				}
				asked.Add(1)
				if err := askWhole(transport, url+smallZip, small); err != nil {
					failed.Add(1)
					fmt.Fprintln(os.Stderr, err)
				}
			}
		})
	}
	fmt.Println("begun")
	input := bufio.NewScanner(os.Stdin)
	input.Scan()
	rest, err := io.ReadAll(slow)
	if got := hash(append(head, rest...)); err != nil || got != large {
		fmt.Println("cut after", len(rest), "bytes", err)
	} else {
		fmt.Println("whole")
	}
	input.Scan()
	close(ended)
	clients.Wait()
	fmt.Println(failed.Load(), "of", asked.Load(), "requests failed")
}

func askFor(transport http.RoundTripper, url string) (io.ReadCloser, error) {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.SetBasicAuth("any", "secret")
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, errors.Join(errors.New(filepath.Base(url)+": "+response.Status), response.Body.Close())
	}
	return response.Body, nil
}

func askWhole(transport http.RoundTripper, url, sum string) error {
	body, err := askFor(transport, url)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(body)
	if err == nil && hash(data) != sum {
		err = errors.New("wrong bytes")
	}
	return errors.Join(err, body.Close())
}
