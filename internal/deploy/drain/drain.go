// Package drain serves HTTP on sockets of systemd, and stops without losing a
// request. http.Server.Shutdown alone loses some: a connection that was accepted,
// and whose request has not been read when Shutdown begins, is closed without an
// answer (conn.serve in net/http/server.go of Go 1.26).
//
// The file uses nothing but the standard library: copy it into your program.
package drain

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

// Sockets returns the listeners that systemd handed over (sd_listen_fds(3)). count
// is the value of LISTEN_FDS.
func Sockets(count string) ([]net.Listener, error) {
	n, err := strconv.Atoi(count)
	if err != nil || n < 1 {
		return nil, errors.New("systemd handed over no socket (LISTEN_FDS)")
	}
	listeners := make([]net.Listener, n)
	for i := range listeners {
		file := os.NewFile(uintptr(3+i), "socket")
		if listeners[i], err = net.FileListener(file); err != nil {
			return nil, fmt.Errorf("socket %d of systemd: %w", i, err)
		}
		if err := file.Close(); err != nil {
			return nil, err
		}
	}
	return listeners, nil
}

// Serve serves until ctx ends, or a listener fails. Then it accepts nothing more:
// connections wait in the sockets, which systemd holds open. It answers what it
// has accepted, within grace, and returns. Give the server a ReadHeaderTimeout, or
// a connection without a request holds it up for all of grace.
func Serve(ctx context.Context, server *http.Server, grace time.Duration, listeners ...net.Listener) error {
	open := connections{busy: map[net.Conn]bool{}, changed: make(chan struct{}, 1), next: server.ConnState}
	server.ConnState = open.track
	ended := make(chan error, len(listeners))
	for _, listener := range listeners {
		go func() { ended <- server.Serve(listener) }()
	}
	serving := len(listeners)
	var failure error
	select {
	case <-ctx.Done():
	case failure = <-ended:
		serving--
	}
	for _, listener := range listeners {
		failure = errors.Join(failure, ignoreClosed(listener.Close()))
	}
	for range serving {
		<-ended // from here on every accepted connection is in open
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	server.SetKeepAlivesEnabled(false) // closes idle connections; answers say Connection: close
	open.wait(ctx)
	return errors.Join(failure, server.Shutdown(ctx))
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// connections are those that wait for an answer, or whose request is not read yet.
type connections struct {
	mu      sync.Mutex
	busy    map[net.Conn]bool
	changed chan struct{}
	next    func(net.Conn, http.ConnState)
}

func (c *connections) track(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	if state == http.StateNew || state == http.StateActive {
		c.busy[conn] = true
	} else {
		delete(c.busy, conn)
	}
	c.mu.Unlock()
	select {
	case c.changed <- struct{}{}:
	default:
	}
	if c.next != nil {
		c.next(conn, state)
	}
}

// wait returns when none is left, or ctx has ended.
func (c *connections) wait(ctx context.Context) {
	for {
		c.mu.Lock()
		left := len(c.busy)
		c.mu.Unlock()
		if left == 0 {
			return
		}
		select {
		case <-c.changed:
		case <-ctx.Done():
			return
		}
	}
}
