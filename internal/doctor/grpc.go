package doctor

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
)

// grpcHealth asks a gRPC server without TLS how it is (grpc.health.v1). The
// protocol is HTTP/2 with messages of five bytes of length and a protobuf; that
// is little enough to do without the gRPC library.
func (m *Machine) grpcHealth(ctx context.Context, address string) (Status, string) {
	ctx, cancel := context.WithTimeout(ctx, m.Options.Limits.Request)
	defer cancel()
	url := "http://" + address + "/grpc.health.v1.Health/Check"
	empty := []byte{0, 0, 0, 0, 0} // not compressed, length 0: HealthCheckRequest{}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(empty))
	if err != nil {
		return Fail, err.Error()
	}
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("TE", "trailers")
	response, err := plainHTTP2(m.Transport).RoundTrip(request)
	if err != nil {
		return Fail, "no HTTP/2 answer: " + m.netError(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return Fail, "no whole answer: " + m.netError(err)
	}
	code := response.Trailer.Get("Grpc-Status")
	if code == "" {
		code = response.Header.Get("Grpc-Status")
	}
	switch {
	case response.StatusCode != http.StatusOK || code == "":
		return Fail, fmt.Sprintf("no gRPC server: status %d", response.StatusCode)
	case code == "12":
		return Info, "it speaks gRPC, but has no health service"
	case code == "5":
		return Warn, "it speaks gRPC, but does not know the health of the whole server"
	case code != "0":
		return Fail, "gRPC status " + code
	}
	return servingStatus(body)
}

// servingStatus reads HealthCheckResponse: field 1, a varint.
func servingStatus(body []byte) (Status, string) {
	if len(body) < 5 || body[0] != 0 {
		return Fail, "the health answer cannot be read"
	}
	message := body[5:]
	value := byte(0) // proto3 leaves out a zero
	if len(message) >= 2 && message[0] == 0x08 {
		value = message[1]
	}
	switch value {
	case 1:
		return OK, "SERVING"
	case 2:
		return Fail, "NOT_SERVING"
	}
	return Warn, "health unknown"
}

// plainHTTP2 is a transport that begins with HTTP/2 at once, as gRPC without
// TLS does. A transport that is not net/http's own is used as it is.
func plainHTTP2(transport http.RoundTripper) http.RoundTripper {
	t, ok := transport.(*http.Transport)
	if !ok {
		return transport
	}
	t = t.Clone()
	t.Proxy = nil
	t.Protocols = new(http.Protocols)
	t.Protocols.SetUnencryptedHTTP2(true)
	return t
}
