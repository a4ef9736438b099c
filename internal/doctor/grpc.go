package doctor

import (
	"context"
	"errors"
	"strings"

	"github.com/vmgo/vmgo/internal/grpchealth"
)

// grpcHealth asks a gRPC server without TLS for its health.
func (m *Machine) grpcHealth(ctx context.Context, address string) (Status, string) {
	ctx, cancel := context.WithTimeout(ctx, m.Options.Limits.Request)
	defer cancel()
	answer, err := grpchealth.Ask(ctx, m.Transport, address)
	switch {
	case errors.Is(err, grpchealth.ErrTransport):
		return Fail, "no HTTP/2 answer: " + strings.TrimPrefix(m.netError(err), grpchealth.ErrTransport.Error()+": ")
	case err != nil:
		return Fail, err.Error()
	case answer.Code == "12":
		return Info, "the service speaks gRPC, but has no health service"
	case answer.Code == "5":
		return Warn, "the service speaks gRPC, but does not know the health of the whole server"
	case answer.Code != "0":
		return Fail, "gRPC status " + answer.Code
	case answer.Status == grpchealth.Serving:
		return OK, "SERVING"
	case answer.Status == grpchealth.NotServing:
		return Fail, "NOT_SERVING"
	}
	return Warn, "health unknown"
}
