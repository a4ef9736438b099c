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
// its asker has, wherever on the way the silence is; without any patience given,
// it has as long as every server.
func TestGetNewer_patience(t *testing.T) {
	t.Parallel()
	patience := fetch.Patience{Connection: 6 * time.Second, Answer: 12 * time.Second}
	for _, c := range []struct {
		silence  string
		patience fetch.Patience
		want     time.Duration
	}{
		{"connection", patience, 6 * time.Second},
		{"answer", patience, 12 * time.Second},
		{"connection", fetch.Patience{}, 2 * 15 * time.Second},
		{"answer", fetch.Patience{}, 4 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, _, client := timelessServer(t, 10, func(config *fetch.Config) {
				if c.silence == "connection" {
					config.Transport = blackHole(nil)
				}
			})
			fault(t, s, "/file", "silent")
			begin := time.Now()
			_, _, err := client.GetNewer(t.Context(), s.URL+"/file", 10, fetch.Validator{}, c.patience)
			if took := time.Since(begin); diag.CodeOf(err) != diag.Network || errors.Is(err, context.Canceled) || took != c.want {
				t.Errorf("no %s: %v after %v", c.silence, err, took)
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
		got, _, err := client.GetNewer(t.Context(), s.URL+"/file", 10_000, fetch.Validator{}, fetch.Patience{Connection: time.Second, Answer: time.Second})
		if err != nil || len(got) != len(data) {
			t.Error(len(got), err)
		}
	})
}
