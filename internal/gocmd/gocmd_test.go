package gocmd_test

import (
	"testing"

	"github.com/vmgo/vmgo/internal/gocmd"
)

// What the go command prints when a server is at fault, and what only looks like it.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`Get "http://127.0.0.1:1/x/@v/list": dial tcp 127.0.0.1:1: connect: connection refused`: true,
		`go: module example.org/x: read "http://127.0.0.1:1/x/@v/list": unexpected EOF`:         true,
		`Get "http://127.0.0.1:1/x/@v/list": EOF`:                                               true,
		`net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x00garbage"`: true,
		`reading http://127.0.0.1:1/x/@v/list: 404 Not Found`:                                   false,
		`./main.go:3:1: syntax error: unexpected EOF, expecting }`:                              false,
		`go: example.org/x@v1.0.0: verifying module: checksum mismatch`:                         false,
	} {
		if gocmd.Unreachable(text) != want {
			t.Errorf("%s: not %t", text, want)
		}
	}
}
