package doctor_test

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/doctor"
	"github.com/vmgo/vmgo/internal/host/hosttest"
)

// banner is a server that greets its callers, as SSH does.
func banner(t *testing.T, greeting string) net.Addr {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, greeting)
			_ = conn.Close()
		}
	}()
	return listener.Addr()
}

// What answers in another protocol is named, and no text of a library is shown.
func TestListen_otherProtocols(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	for _, c := range []struct {
		addr      net.Addr
		check     string
		says, fix string
	}{
		{grpcServer(t, 1, "0"), "network.listen", "speaks gRPC, not HTTP/1.1", "vmgo doctor --only network.grpc --grpc :"},
		{banner(t, "SSH-2.0-OpenSSH_9.2\r\n"), "network.listen", "speaks SSH", "ss -ltnp"},
		{banner(t, "\x15\x03\x01\x00\x02\x02\x16"), "network.listen", "speaks TLS", "curl -kI https://127.0.0.1:"},
		{banner(t, "\x00\x00\x00\x04\x00\x00\x00\x00\x00"), "network.listen", "speaks HTTP/2 without TLS", "curl --http2-prior-knowledge"},
		{banner(t, ""), "network.listen", "does not answer with HTTP", "ss -ltnp"},
		{web.Listener.Addr(), "network.grpc", "speaks HTTP/1.1 (status 404), not gRPC", "vmgo doctor --only network.listen --listen :"},
		{secure.Listener.Addr(), "network.grpc", "speaks HTTP/1.1 or TLS", "--listen :"},
	} {
		port := c.addr.(*net.TCPAddr).Port
		files := append(machineFiles(t, "ubuntu-24.04-kvm"), hosttest.File{Path: "/proc/net/tcp", Data: fmt.Appendf(nil,
			"  sl  local_address rem_address   st\n 0: 0100007F:%04X 00000000:0000 0A 0:0 0:0 0 1000 0 30001 1\n", port)})
		h := hosttest.New(t, files)
		h.Transport = http.DefaultTransport
		address := fmt.Sprintf("127.0.0.1:%d", port)
		m := machineWith(t, h, doctor.Options{Listen: address, GRPC: address, Limits: unhurried})
		o := doctor.Run(t.Context(), m, pick(t, c.check)).Outcomes[0]
		text := textOf(o)
		if o.Status != doctor.Fail || !strings.Contains(text, c.says) || !strings.Contains(o.Fix, c.fix) {
			t.Errorf("%s: %s\n%s\nfix: %s", c.says, o.Status, text, o.Fix)
		}
		for _, internal := range []string{"malformed", "net/http", "http2:", `\x`} {
			if strings.Contains(text, internal) {
				t.Errorf("%s: shows %q\n%s", c.says, internal, text)
			}
		}
	}
}
