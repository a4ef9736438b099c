package observe

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// journalSocket is where journald takes datagrams of its native protocol:
// https://systemd.io/JOURNAL_NATIVE_PROTOCOL
const journalSocket = "/run/systemd/journal/socket"

// JournalHandler is a slog handler that writes to journald's native protocol, one
// field for each attribute, and TRACE_ID for work begun by [Do].
type JournalHandler struct {
	conn   *net.UnixConn
	level  slog.Leveler
	prefix string // groups, each followed by _
	fields []byte // attributes of With, encoded
}

// NewJournalHandler returns a handler for records of at least that level; nil means
// Info. It fails where there is no journald: log to stderr there.
func NewJournalHandler(level slog.Leveler) (*JournalHandler, error) {
	return newJournalHandler(journalSocket, level)
}

func newJournalHandler(socket string, level slog.Leveler) (*JournalHandler, error) {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	if level == nil {
		level = slog.LevelInfo
	}
	return &JournalHandler{conn: conn, level: level}, nil
}

// Enabled is part of [slog.Handler].
func (h *JournalHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

// WithAttrs is part of [slog.Handler].
func (h *JournalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	buf := bytes.NewBuffer(bytes.Clone(h.fields))
	for _, a := range attrs {
		appendAttr(buf, h.prefix, a)
	}
	next.fields = buf.Bytes()
	return &next
}

// WithGroup is part of [slog.Handler].
func (h *JournalHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	next := *h
	next.prefix += name + "_"
	return &next
}

// Handle is part of [slog.Handler].
func (h *JournalHandler) Handle(ctx context.Context, r slog.Record) error {
	var buf bytes.Buffer
	appendField(&buf, "MESSAGE", r.Message)
	appendField(&buf, "PRIORITY", priority(r.Level))
	if id := TraceID(ctx); id != "" {
		appendField(&buf, TraceField, id)
	}
	if r.PC != 0 {
		frame, _ := runtime.CallersFrames([]uintptr{r.PC}).Next()
		appendField(&buf, "CODE_FILE", frame.File)
		appendField(&buf, "CODE_LINE", strconv.Itoa(frame.Line))
		appendField(&buf, "CODE_FUNC", frame.Function)
	}
	buf.Write(h.fields)
	r.Attrs(func(a slog.Attr) bool {
		appendAttr(&buf, h.prefix, a)
		return true
	})
	return h.send(buf.Bytes())
}

// priority is the syslog level of a slog level.
func priority(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "3"
	case l >= slog.LevelWarn:
		return "4"
	case l >= slog.LevelInfo:
		return "6"
	}
	return "7"
}

func appendAttr(buf *bytes.Buffer, prefix string, a slog.Attr) {
	value := a.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "_"
		}
		for _, inner := range value.Group() {
			appendAttr(buf, prefix, inner)
		}
		return
	}
	if a.Equal(slog.Attr{}) {
		return
	}
	appendField(buf, fieldName(prefix+a.Key), value.String())
}

// reserved are fields that a handler writes itself: an attribute of such a name is
// written with ATTR_ before it, so that no attribute forges them.
func reserved(name string) bool {
	switch name {
	case "MESSAGE", "PRIORITY", "MESSAGE_ID", "ERRNO":
		return true
	}
	return strings.HasPrefix(name, "CODE_") || strings.HasPrefix(name, "SYSLOG_")
}

// fieldName is a name that journald accepts: upper-case letters, digits and _, no
// digit or _ first, at most 64 characters.
func fieldName(key string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, key)
	name = strings.TrimLeft(name, "_")
	if name == "" || name[0] >= '0' && name[0] <= '9' || reserved(name) {
		name = "ATTR_" + name
	}
	return name[:min(len(name), 64)]
}

// appendField encodes a field: NAME=value, or with a length where the value has
// line breaks.
func appendField(buf *bytes.Buffer, name, value string) {
	if !strings.Contains(value, "\n") {
		buf.WriteString(name + "=" + value + "\n")
		return
	}
	buf.WriteString(name + "\n")
	_ = binary.Write(buf, binary.LittleEndian, uint64(len(value)))
	buf.WriteString(value + "\n")
}

// send writes a datagram, or where it is too large the descriptor of a file in
// memory that has it.
func (h *JournalHandler) send(data []byte) error {
	_, err := h.conn.Write(data)
	if !errors.Is(err, syscall.EMSGSIZE) && !errors.Is(err, syscall.ENOBUFS) {
		return err
	}
	file, err := os.CreateTemp("/dev/shm", "journal.*")
	if err != nil {
		return err
	}
	defer file.Close()
	if err := os.Remove(file.Name()); err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return err
	}
	raw, err := h.conn.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	err = raw.Write(func(fd uintptr) bool {
		sent = syscall.Sendmsg(int(fd), nil, syscall.UnixRights(int(file.Fd())), nil, 0)
		return sent != syscall.EAGAIN
	})
	return errors.Join(err, sent)
}
