package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/grpchealth"
)

// protocol is what a server speaks, as its first bytes show.
type protocol string

const (
	http2    protocol = "HTTP/2"
	tlsBytes protocol = "TLS"
	sshText  protocol = "SSH"
)

// spoken returns what a server speaks that net/http could not understand; empty if
// that is not known. net/http quotes the first line of the answer in its error.
func spoken(err error) protocol {
	_, quoted, found := strings.Cut(err.Error(), "malformed HTTP response ")
	first, quoteErr := strconv.Unquote(quoted)
	switch {
	case !found || quoteErr != nil:
		return ""
	case strings.HasPrefix(first, "SSH-"): // RFC 4253, section 4.2
		return sshText
	case len(first) > 1 && first[0] == 0x15 && first[1] == 3: // an alert, RFC 8446, section 5.1
		return tlsBytes
	case len(first) > 3 && first[3] == 4: // a frame of settings, RFC 9113, section 4.1
		return http2
	}
	return ""
}

// otherProtocol says what listens where no HTTP/1.1 answer came.
func (m *Machine) otherProtocol(ctx context.Context, r Result, address string, err error) Result {
	r.worse(Fail)
	r.Fix = ""
	_, port, _ := net.SplitHostPort(address)
	// A gRPC server may end the connection before its first bytes are read.
	if answer, err := m.askHealth(ctx, address); err == nil || answer.Code != "" {
		r.Summary = "port " + port + " speaks gRPC, not HTTP/1.1"
		return r.fixWith("vmgo doctor --only network.grpc --grpc :%s", port)
	}
	switch spoken(err) {
	case http2:
		r.Summary = "port " + port + " speaks HTTP/2 without TLS, not HTTP/1.1"
		return r.fixWith("curl --http2-prior-knowledge -I %s", diag.Word("http://"+address+"/"))
	case tlsBytes:
		r.Summary = "port " + port + " speaks TLS, not plain HTTP"
		return r.fixWith("curl -kI %s", diag.Word("https://"+address+"/"))
	case sshText:
		r.Summary = "port " + port + " speaks SSH, not HTTP"
		return r.fixWith("ss -ltnp 'sport = :%s'", port)
	}
	text := m.netError(err)
	if strings.Contains(text, "malformed HTTP") {
		text = "its answer is not HTTP"
	}
	r.Summary = "the service listens, but does not answer with HTTP"
	return r.at(address, 0, "%s", text).fixWith("ss -ltnp 'sport = :%s'", port)
}

// judgeGRPC adds the health of a gRPC server, or what speaks there instead.
func (m *Machine) judgeGRPC(ctx context.Context, r Result, address string) Result {
	answer, err := m.askHealth(ctx, address)
	status, text := judgeHealth(answer)
	if err != nil {
		status, text = Fail, m.netError(err)
	}
	if errors.Is(err, grpchealth.ErrTransport) {
		r.Fix = ""
		_, port, _ := net.SplitHostPort(address)
		if page, err := m.getHere(ctx, "http://"+address+"/"); err == nil {
			r = r.fixWith("vmgo doctor --only network.listen --listen :%s", port)
			text = fmt.Sprintf("port %s speaks HTTP/1.1 (status %d), not gRPC", port, page.status)
			if page.status == http.StatusBadRequest {
				text = "port " + port + " speaks HTTP/1.1 or TLS, not gRPC without TLS"
			}
		} else {
			r = r.fixWith("ss -ltnp 'sport = :%s'", port)
			text = "port " + port + " gives no HTTP/2 answer"
		}
	}
	r.worse(status)
	if status != OK {
		r.Summary = text
	}
	return r.at(address, 0, "%s", text)
}

// askHealth asks a gRPC server without TLS how it is.
func (m *Machine) askHealth(ctx context.Context, address string) (grpchealth.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, m.Options.Limits.Request)
	defer cancel()
	return grpchealth.Ask(ctx, m.Transport, address)
}

// judgeHealth grades what a gRPC server says of itself.
func judgeHealth(answer grpchealth.Answer) (Status, string) {
	switch {
	case answer.Code == "12":
		return Info, "the service speaks gRPC, but has no health service"
	case answer.Code == "5":
		return Warn, "the service speaks gRPC, but does not know the health of the whole server"
	case answer.Code != "0":
		return Fail, "the health service answers with gRPC status " + answer.Code
	case answer.Status == grpchealth.Serving:
		return OK, "the gRPC service reports SERVING"
	case answer.Status == grpchealth.NotServing:
		return Fail, "the gRPC service reports NOT_SERVING"
	}
	return Warn, "the gRPC service reports no known health"
}
