package drain

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// TestServe_answersWhatItAccepted sends a request on connections that were
// accepted, idle or silent, when the server is told to stop.
func TestServe_answersWhatItAccepted(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	states := make(chan http.ConnState, 100)
	server := &http.Server{
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }),
		ConnState: func(_ net.Conn, s http.ConnState) { states <- s },
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, server, time.Hour, listener) }()

	var conns []net.Conn
	for range 5 {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
		if s := <-states; s != http.StateNew {
			t.Fatal(s)
		}
	}
	ask(t, conns[0])
	for s := range states { // the first one is idle now
		if s == http.StateIdle {
			break
		}
	}
	stop()
	if s := <-states; s != http.StateClosed { // keep-alive is over
		t.Errorf("the idle connection is %v", s)
	}
	for i, conn := range conns[1:] {
		select {
		case err := <-served:
			t.Fatalf("it ends before connection %d has an answer: %v", i, err)
		default:
		}
		ask(t, conn)
	}
	if err := <-served; err != nil && !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		t.Error("the socket is still open")
	}
}

func ask(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal("no answer: ", err)
	}
	if body, err := io.ReadAll(response.Body); string(body) != "hello" {
		t.Errorf("%q, %v", body, err)
	}
}

// TestServe_grace ends although a connection says nothing.
func TestServe_grace(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan http.ConnState, 9)
	server := &http.Server{ConnState: func(_ net.Conn, s http.ConnState) { accepted <- s }}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, server, time.Millisecond, listener) }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	<-accepted
	stop()
	if err := <-served; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it ends with %v", err)
	}
}

// TestServe_listenerFails returns what a listener says.
func TestServe_listenerFails(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := Serve(t.Context(), &http.Server{}, time.Hour, listener); !errors.Is(err, net.ErrClosed) {
		t.Errorf("it ends with %v", err)
	}
	if _, err := Sockets("x"); err == nil {
		t.Error("sockets without LISTEN_FDS")
	}
}
