package fetch

import (
	"net/http"
	"testing"
)

func TestAnswer_contentRange(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][3]int64{"bytes 0-9/10": {0, 9, 10}, "bytes 3-3/10": {3, 3, 10}, "bytes 2-9/*": {2, 9, -1}} {
		a := &answer{Response: &http.Response{Header: http.Header{"Content-Range": {text}}}}
		if first, last, total, err := a.contentRange(); err != nil || [3]int64{first, last, total} != want {
			t.Errorf("%q: %d-%d of %d, %v", text, first, last, total, err)
		}
	}
	for _, text := range []string{
		"", "0-9/10", "bytes 0-9", "bytes 09/10", "bytes 0-9/", "bytes 0-9/x", "bytes x-9/10", "bytes 0-x/10", "bytes -1-9/10", "bytes 5-4/10",
		"bytes 0-10/10", "bytes 0-0/0",
	} {
		a := &answer{Response: &http.Response{Header: http.Header{"Content-Range": {text}}}}
		if first, last, total, err := a.contentRange(); err == nil {
			t.Errorf("%q: %d-%d of %d", text, first, last, total)
		}
	}
}
