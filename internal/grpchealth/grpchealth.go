// Package grpchealth asks a gRPC server without TLS how it is (grpc.health.v1). The
// protocol is HTTP/2 with messages of five bytes of length and a protobuf; that
// is little enough to do without the gRPC library.
package grpchealth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Values of HealthCheckResponse.ServingStatus.
const (
	Unknown    = 0
	Serving    = 1
	NotServing = 2
)

// Answer is what a server said.
type Answer struct {
	Code   string // grpc-status: "0" is OK, "5" unknown service, "12" no health service
	Status byte   // if Code is "0"
}

// ErrNotGRPC means that the server speaks HTTP/2, and not gRPC.
var ErrNotGRPC = errors.New("no gRPC server")

// ErrTransport wraps the error of a connection.
var ErrTransport = errors.New("no HTTP/2 answer")

// Ask returns the health of the whole server at address, HOST:PORT. A transport
// that is not net/http's own is used as it is.
func Ask(ctx context.Context, transport http.RoundTripper, address string) (Answer, error) {
	empty := []byte{0, 0, 0, 0, 0} // not compressed, length 0: HealthCheckRequest{}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/grpc.health.v1.Health/Check", bytes.NewReader(empty))
	if err != nil {
		return Answer{}, err
	}
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("TE", "trailers")
	response, err := plainHTTP2(transport).RoundTrip(request)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrTransport, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrTransport, err)
	}
	answer := Answer{Code: response.Trailer.Get("Grpc-Status")}
	if answer.Code == "" {
		answer.Code = response.Header.Get("Grpc-Status")
	}
	if response.StatusCode != http.StatusOK || answer.Code == "" {
		return answer, fmt.Errorf("%w: status %d", ErrNotGRPC, response.StatusCode)
	}
	if answer.Code == "0" {
		answer.Status, err = status(body)
	}
	return answer, err
}

// status reads HealthCheckResponse: field 1, a varint.
func status(body []byte) (byte, error) {
	if len(body) < 5 || body[0] != 0 {
		return Unknown, errors.New("the health answer cannot be read")
	}
	if message := body[5:]; len(message) >= 2 && message[0] == 0x08 {
		return message[1], nil
	}
	return Unknown, nil // proto3 leaves out a zero
}

// plainHTTP2 is a transport that begins with HTTP/2 at once, as gRPC without
// TLS does.
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
