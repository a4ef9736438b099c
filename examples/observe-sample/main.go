// Observe-sample is a small service to try `vmgo observe` on: it answers requests, or
// makes them itself, and with -fault it has one of the troubles that the report names.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/vmgo/vmgo/observe"
)

func main() {
	listen := flag.String("listen", "", "serve HTTP on this address, such as 127.0.0.1:8080")
	socket := flag.String("observe", "", "serve profiles on a unix socket at this path, where systemd passes none")
	rate := flag.Int("rate", 0, "make this many requests per second, by itself")
	fault := flag.String("fault", "", "plant a fault: lock, leak, gc, spin, syscall")
	flag.Parse()
	if err := run(*listen, *socket, *rate, *fault); err != nil {
		slog.Error("the service stops", "error", err)
		os.Exit(1)
	}
}

func run(listen, socket string, rate int, fault string) error {
	if handler, err := observe.NewJournalHandler(nil); err == nil && os.Getenv("JOURNAL_STREAM") != "" {
		slog.SetDefault(slog.New(handler))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := serveObserve(socket)
	if err != nil {
		return err
	}
	if server != nil {
		defer server.Close()
	}
	if err := plant(fault); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /order/{id}", order)
	service := observe.Handler(mux)
	if rate > 0 {
		go requests(ctx, service, rate)
	}
	if listen == "" {
		fmt.Println("ready")
		<-ctx.Done()
		return nil
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Println("ready", l.Addr())
	web := &http.Server{Handler: service, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = web.Shutdown(context.Background()) })
	if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// serveObserve serves where systemd or the flag says; nowhere else.
func serveObserve(socket string) (*observe.Server, error) {
	server, err := observe.Start(observe.Options{})
	if errors.Is(err, observe.ErrNoSocket) {
		if socket == "" {
			return nil, nil
		}
		return observe.Listen(socket, observe.Options{})
	}
	return server, err
}

// order is what the service is for: a receipt that takes some hashing.
func order(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	sum := sha256.Sum256([]byte(r.PathValue("id")))
	for range 50 {
		sum = sha256.Sum256(sum[:])
	}
	w.Header().Set("Content-Type", "application/json")
	err := json.NewEncoder(w).Encode(map[string]string{"order": r.PathValue("id"), "receipt": hex.EncodeToString(sum[:])})
	slog.InfoContext(r.Context(), "order served", "order", r.PathValue("id"), "took", time.Since(start), "error", err)
}

// requests is a client within the service, for demonstrations without a network.
func requests(ctx context.Context, service http.Handler, rate int) {
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		go func() {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("/order/%d", i), nil)
			if err == nil {
				service.ServeHTTP(discard{header: http.Header{}}, r)
			}
		}()
	}
}

// discard is a response that nobody reads.
type discard struct {
	io.Writer
	header http.Header
}

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}
