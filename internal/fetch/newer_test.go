package fetch_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
)

// A server that does not begin to answer is given up after the patience that
// its asker has, wherever on the way the silence is.
func TestGetNewer_patience(t *testing.T) {
	t.Parallel()
	for _, silence := range []string{"connection", "answer"} {
		synctest.Test(t, func(t *testing.T) {
			s, _, client := timelessServer(t, 10, func(config *fetch.Config) {
				if silence == "connection" {
					config.Transport = blackHole(nil)
				}
			})
			fault(t, s, "/file", "silent")
			begin := time.Now()
			_, _, err := client.GetNewer(t.Context(), s.URL+"/file", 10, fetch.Validator{}, 4*time.Second)
			if took := time.Since(begin); diag.CodeOf(err) != diag.Network || errors.Is(err, context.Canceled) || took != 4*time.Second {
				t.Errorf("a silent %s: %v after %v", silence, err, took)
			}
			time.Sleep(time.Minute) // net/http lets the attempt to connect go on until its own limit
		})
	}
}

// An answer that has begun has the time it needs.
func TestGetNewer_slowAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, data, client := timelessServer(t, 10_000)
		fault(t, s, "/file", "slow=1") // 50 s
		got, _, err := client.GetNewer(t.Context(), s.URL+"/file", 10_000, fetch.Validator{}, time.Second)
		if err != nil || len(got) != len(data) {
			t.Error(len(got), err)
		}
	})
}
