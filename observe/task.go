package observe

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"runtime/pprof"
	"runtime/trace"
	"strings"
)

// TraceField is the journal field, and the category in an execution trace, that
// holds the identifier of a piece of work. Profiles have it as the label trace_id.
const TraceField = "TRACE_ID"

const label = "trace_id"

type traceKey struct{}

// TraceID returns the identifier of the work that ctx belongs to, or "".
func TraceID(ctx context.Context) string {
	id, _ := ctx.Value(traceKey{}).(string)
	return id
}

// Do runs f as a piece of work, such as a request: a task of the execution trace,
// with the identifier in its log, in the labels of CPU profiles, and in what a
// logger with a [JournalHandler] writes with f's context. An empty id means a new one.
func Do(ctx context.Context, name, id string, f func(context.Context)) {
	if id == "" {
		id = newID()
	}
	ctx, task := trace.NewTask(context.WithValue(ctx, traceKey{}, id), name)
	defer task.End()
	trace.Log(ctx, TraceField, id)
	pprof.Do(ctx, pprof.Labels(label, id), func(ctx context.Context) {
		trace.WithRegion(ctx, name, func() { f(ctx) })
	})
}

// Handler has each request of an HTTP server be a piece of work. The identifier is
// that of the header traceparent (W3C Trace Context), else a new one.
func Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.Method + " " + r.URL.Path
		Do(r.Context(), name, parent(r.Header.Get("traceparent")), func(ctx context.Context) {
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	})
}

// parent returns the trace-id of a traceparent header: version-traceid-parentid-flags.
func parent(header string) string {
	parts := strings.Split(header, "-")
	if len(parts) < 4 || len(parts[1]) != 32 || strings.Trim(parts[1], "0123456789abcdef") != "" {
		return ""
	}
	return parts[1]
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}
