package main_test

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// closedNetwork is a network namespace in which nothing is reached but the module
// proxy of this machine, at url.
type closedNetwork struct {
	path string // of the namespace
	url  string
}

func newClosedNetwork(t *testing.T) closedNetwork {
	t.Helper()
	upstream, _, _ := strings.Cut(strings.ReplaceAll(proxyOrSkip(t), "|", ","), ",")
	made, done := make(chan net.Listener), make(chan struct{})
	var network closedNetwork
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the namespace
		defer close(made)
		if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
			t.Error(err)
			return
		}
		if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
			return
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Error(err)
			return
		}
		network.path = fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), syscall.Gettid())
		made <- listener
		<-done
	}()
	listener, ok := <-made
	if !ok {
		t.FailNow()
	}
	network.url = "http://" + listener.Addr().String()
	server := &http.Server{Handler: passOn(upstream)}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		close(done)
	})
	return network
}

// passOn answers with what a server has, redirects followed.
func passOn(upstream string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		request, err := http.NewRequestWithContext(r.Context(), r.Method, upstream+r.URL.RequestURI(), nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for _, name := range []string{"Range", "If-Range"} {
			if value := r.Header.Get(name); value != "" {
				request.Header.Set(name, value)
			}
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		maps.Copy(w.Header(), answer.Header)
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, answer.Body)
	}
}
