package fetch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// answer is the response to one request. Reading it fails if the server sends
// less than a trickle within the stall timeout: nothing, or a byte now and then
// to keep the client waiting for ever. The time that its reader spends elsewhere
// doesn't count, so a slow disk is never taken for a dead network.
type answer struct {
	*http.Response
	ctx     context.Context
	cancel  context.CancelCauseFunc
	stall   time.Duration
	timer   *time.Timer
	stalled atomic.Bool
	got     int64         // bytes of the trickle that is being waited for
	left    time.Duration // how long it still may take
}

// trickle is what a working connection delivers within the stall timeout: 34 bytes
// a second are slower than any modem.
const trickle = 1 << 10

func newAnswer(ctx context.Context, cancel context.CancelCauseFunc, resp *http.Response, stall time.Duration) *answer {
	a := &answer{Response: resp, ctx: ctx, cancel: cancel, stall: stall, left: stall}
	a.timer = time.AfterFunc(stall, func() {
		a.stalled.Store(true)
		cancel(errStalled)
	})
	a.timer.Stop()
	return a
}

// Read reads from the body of the answer.
func (a *answer) Read(p []byte) (int, error) {
	begun := time.Now()
	a.timer.Reset(a.left)
	n, err := a.Body.Read(p)
	a.timer.Stop()
	if a.got += int64(n); a.got >= trickle {
		a.got, a.left = 0, a.stall
	} else {
		a.left = max(0, a.left-time.Since(begun))
	}
	if err != nil && err != io.EOF && a.stalled.Load() {
		err = errStalled
	}
	return n, err
}

// Close ends the request.
func (a *answer) Close() error {
	a.timer.Stop()
	a.cancel(nil)
	return a.Body.Close()
}

// contentRange returns the first and last position and the total of a 206
// answer; total is -1 if the server does not send it.
func (a *answer) contentRange() (first, last, total int64, err error) {
	text := a.Header.Get("Content-Range")
	span, size, ok := strings.Cut(strings.TrimPrefix(text, "bytes "), "/")
	from, to, ok2 := strings.Cut(span, "-")
	if !ok || !ok2 || !strings.HasPrefix(text, "bytes ") {
		return 0, 0, 0, fmt.Errorf("a partial answer with the range %q", text)
	}
	total = -1
	if size != "*" {
		if total, err = strconv.ParseInt(size, 10, 64); err != nil {
			return 0, 0, 0, fmt.Errorf("a partial answer with the range %q", text)
		}
	}
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	if err1 != nil || err2 != nil || first < 0 || last < first || total >= 0 && last >= total {
		return 0, 0, 0, fmt.Errorf("a partial answer with the range %q", text)
	}
	return first, last, total, nil
}

// validator is what If-Range may have: a strong ETag. A modification time
// would do by the letter, but not two writes within its second.
func (a *answer) validator() string {
	tag := a.Header.Get("ETag")
	if strings.HasPrefix(tag, "W/") {
		return ""
	}
	return tag
}

// readAll reads r whole, refusing more than limit bytes.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, &tooLargeError{limit}
	}
	return data, nil
}

// looksLikeHTML reports whether data begins as a page for a browser does. No text
// that vmgo asks for (JSON, signed notes, plain lists) starts with "<", so there is
// no need to know more about HTML. Tiles of the checksum database are hashes, of
// which one in 256 starts so: they are not text.
func looksLikeHTML(data []byte) bool {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	data = bytes.TrimLeft(data, " \t\r\n")
	if len(data) == 0 || data[0] != '<' {
		return false
	}
	return !slices.ContainsFunc(data[:min(len(data), 512)], func(c byte) bool { return c < ' ' && c != '\t' && c != '\r' && c != '\n' && c != '\f' })
}
