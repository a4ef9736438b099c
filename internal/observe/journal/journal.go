// Package journal reads the export of `journalctl -o json`.
package journal

import (
	"bufio"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Line is an entry of the journal.
type Line struct {
	Time     time.Time         `json:"time"`
	Priority int               `json:"priority"` // syslog's: 3 error, 4 warning, 6 info
	Message  string            `json:"message"`
	TraceID  string            `json:"trace_id,omitempty"`
	Place    string            `json:"place,omitempty"` // file:line, where the program says
	Fields   map[string]string `json:"fields,omitempty"`
}

// MaxLines bounds how many entries are kept.
const MaxLines = 20_000

// maxMessage bounds the text of one entry, in bytes.
const maxMessage = 2000

// Read reads entries, in order. It passes over what is no entry, and reports how many
// entries beyond MaxLines it left out.
func Read(r io.Reader) (lines []Line, dropped int) {
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		text, err := in.ReadBytes('\n')
		var raw map[string]json.RawMessage
		if json.Unmarshal(text, &raw) == nil {
			if line, ok := entry(raw); ok {
				if len(lines) < MaxLines {
					lines = append(lines, line)
				} else {
					dropped++
				}
			}
		}
		if err != nil {
			break
		}
	}
	slices.SortStableFunc(lines, func(a, b Line) int { return a.Time.Compare(b.Time) })
	return lines, dropped
}

func entry(raw map[string]json.RawMessage) (Line, bool) {
	micros, err := strconv.ParseInt(value(raw["__REALTIME_TIMESTAMP"]), 10, 64)
	if err != nil {
		return Line{}, false
	}
	line := Line{Time: time.UnixMicro(micros), Priority: 6, Message: value(raw["MESSAGE"]), TraceID: value(raw["TRACE_ID"])}
	// When the program sent it is nearer to what it was about than when journald took it.
	if sent, err := strconv.ParseInt(value(raw["_SOURCE_REALTIME_TIMESTAMP"]), 10, 64); err == nil {
		line.Time = time.UnixMicro(sent)
	}
	if n, err := strconv.Atoi(value(raw["PRIORITY"])); err == nil {
		line.Priority = n
	}
	if file := value(raw["CODE_FILE"]); file != "" {
		line.Place = file + ":" + value(raw["CODE_LINE"])
	}
	for name, v := range raw {
		if own(name) {
			if line.Fields == nil {
				line.Fields = map[string]string{}
			}
			line.Fields[name] = value(v)
		}
	}
	return line, true
}

// own reports whether a field is the program's, not journald's or syslog's.
func own(name string) bool {
	switch name {
	case "MESSAGE", "PRIORITY", "TRACE_ID", "INVOCATION_ID", "MESSAGE_ID", "UNIT", "TID":
		return false
	}
	return !strings.HasPrefix(name, "_") && !strings.HasPrefix(name, "SYSLOG_") && !strings.HasPrefix(name, "CODE_")
}

// value returns the text of a field: a string, a list of bytes where it is no UTF-8,
// the first of several.
func value(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return cut(text)
	}
	var numbers []byte
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		return ""
	}
	for _, item := range list {
		n, err := strconv.Atoi(string(item))
		if err != nil || n < 0 || n > 255 {
			return value(list[0])
		}
		numbers = append(numbers, byte(n))
	}
	return cut(strings.ToValidUTF8(string(numbers), "\uFFFD"))
}

func cut(text string) string {
	if len(text) > maxMessage {
		return strings.ToValidUTF8(text[:maxMessage], "") + " …"
	}
	return text
}
