package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// framed is one side of a connection of the language server protocol or the
// debug adapter protocol: JSON, each message after a header with its length.
type framed struct {
	t        *testing.T
	in       *textproto.Reader
	out      io.Writer
	received []message // what nobody has awaited yet
	expired  atomic.Bool
}

// message has the fields of both protocols that the tests look at.
type message struct {
	// The language server protocol.
	ID     any
	Method string
	Result json.RawMessage
	Error  json.RawMessage
	// The debug adapter protocol.
	Type, Event, Command, Message string
	Success                       bool
	RequestSeq                    int `json:"request_seq"`
	Body                          json.RawMessage
}

// newFramed returns a connection that is ended, by the function end, after
// minutes without an answer: that only ends what has failed.
func newFramed(t *testing.T, in io.Reader, out io.Writer, end func()) *framed {
	f := &framed{t: t, in: textproto.NewReader(bufio.NewReader(in)), out: out}
	timer := time.AfterFunc(5*time.Minute, func() {
		f.expired.Store(true)
		end()
	})
	t.Cleanup(func() { timer.Stop() })
	return f
}

func (f *framed) send(body any) {
	f.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(f.out, "Content-Length: %d\r\n\r\n%s", len(data), data); err != nil {
		f.t.Fatal(err)
	}
}

// await returns the first message that fits, of those from before or to come.
func (f *framed) await(what string, fits func(message) bool) message {
	f.t.Helper()
	for i, m := range f.received {
		if fits(m) {
			f.received = append(f.received[:i:i], f.received[i+1:]...)
			return m
		}
	}
	for {
		m, err := f.read()
		if err != nil {
			f.t.Fatalf("awaiting %s (time is up: %v): %v; received %+v", what, f.expired.Load(), err, f.received)
		}
		if fits(m) {
			return m
		}
		f.received = append(f.received, m)
	}
}

func (f *framed) read() (m message, err error) {
	header, err := f.in.ReadMIMEHeader()
	if err != nil {
		return m, err
	}
	length, err := strconv.Atoi(header.Get("Content-Length"))
	if err != nil {
		return m, err
	}
	data := make([]byte, length)
	if _, err = io.ReadFull(f.in.R, data); err != nil {
		return m, err
	}
	return m, json.Unmarshal(data, &m)
}

// decode reads a part of a message.
func decode[T any](t *testing.T, data json.RawMessage) (v T) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return v
}
