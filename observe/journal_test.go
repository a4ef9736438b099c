package observe

import (
	"context"
	"encoding/binary"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// journald is a socket that takes entries as journald does.
type journald struct{ *net.UnixConn }

func newJournald(t *testing.T) (journald, *JournalHandler) {
	t.Helper()
	path := filepath.Join(socketDir(t), "j")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	h, err := newJournalHandler(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return journald{conn}, h
}

// entry reads an entry, or the file that has it.
func (j journald) entry(t *testing.T) map[string]string {
	t.Helper()
	buf, oob := make([]byte, 1<<20), make([]byte, 128)
	n, control, _, _, err := j.ReadMsgUnix(buf, oob)
	if err != nil {
		t.Fatal(err)
	}
	data := buf[:n]
	if control > 0 {
		messages, err := syscall.ParseSocketControlMessage(oob[:control])
		if err != nil {
			t.Fatal(err)
		}
		fds, err := syscall.ParseUnixRights(&messages[0])
		if err != nil {
			t.Fatal(err)
		}
		file := os.NewFile(uintptr(fds[0]), "entry")
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			t.Fatal(err)
		}
		data = make([]byte, info.Size())
		if _, err := file.ReadAt(data, 0); err != nil {
			t.Fatal(err)
		}
	}
	return decode(t, string(data))
}

func decode(t *testing.T, data string) map[string]string {
	t.Helper()
	fields := map[string]string{}
	for data != "" {
		line, rest, _ := strings.Cut(data, "\n")
		if name, value, ok := strings.Cut(line, "="); ok {
			fields[name], data = value, rest
			continue
		}
		n := binary.LittleEndian.Uint64([]byte(rest[:8]))
		fields[line], data = rest[8:8+n], rest[8+n+1:]
	}
	return fields
}

func TestJournalHandler_fields(t *testing.T) {
	j, h := newJournald(t)
	log := slog.New(h)
	log.Debug("not written")
	log.With("a", 1).WithGroup("http").With("method", "GET").Error("two\nlines", "status", 500, "priority", "0", slog.Group("in", "x-y", true), "9", "z")
	got := j.entry(t)
	for name, want := range map[string]string{
		"MESSAGE": "two\nlines", "PRIORITY": "3", "A": "1", "HTTP_METHOD": "GET", "HTTP_STATUS": "500", "HTTP_IN_X_Y": "true", "HTTP_9": "z", "HTTP_PRIORITY": "0",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if !strings.HasSuffix(got["CODE_FILE"], "journal_test.go") || got["TRACE_ID"] != "" {
		t.Errorf("%q", got)
	}
	log.Info("x", "message", "forged", "_uid", "0", "9", "digit", "", "empty")
	if got := j.entry(t); got["MESSAGE"] != "x" || got["ATTR_MESSAGE"] != "forged" || got["UID"] != "0" || got["ATTR_9"] != "digit" || got["ATTR_"] != "empty" {
		t.Errorf("%q", got)
	}
}

func TestJournalHandler_largeEntry(t *testing.T) {
	j, h := newJournald(t)
	long := strings.Repeat("x", 600_000)
	slog.New(h).Info(long)
	if got := j.entry(t); got["MESSAGE"] != long || got["PRIORITY"] != "6" {
		t.Errorf("%d bytes arrived", len(got["MESSAGE"]))
	}
}

func TestHandler_traceID(t *testing.T) {
	j, h := newJournald(t)
	service := Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { slog.New(h).InfoContext(r.Context(), "in") }))
	const id = "0af7651916cd43dd8448eb211c80319c"
	for header, want := range map[string]string{"00-" + id + "-b7ad6b7169203331-01": id, "00-zz-b7ad6b7169203331-01": "", "": ""} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("traceparent", header)
		service.ServeHTTP(httptest.NewRecorder(), r)
		got := j.entry(t)["TRACE_ID"]
		if want == "" && len(got) != 32 || want != "" && got != want {
			t.Errorf("%q: TRACE_ID is %q", header, got)
		}
	}
	Do(context.Background(), "work", "mine", func(ctx context.Context) {
		if TraceID(ctx) != "mine" {
			t.Errorf("TraceID is %q", TraceID(ctx))
		}
	})
}
