package rollout

import (
	"context"
	"testing"

	"github.com/vmgo/vmgo/internal/deploy/onhost"
)

// TestRun_names why the first host that failed does not have the release.
func TestRun_names(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ result, want string }{
		{onhost.Failed, "vm1 cannot take the release: there is no systemd"},
		{onhost.RolledBack, "a release was not healthy and was rolled back"},
	} {
		r := Rollout{}
		r.Config.Rollout.Parallel = 1
		results, err := r.Run(t.Context(), []string{"vm1", "vm2"}, func(_ context.Context, host string) HostResult {
			return HostResult{Host: host, Result: onhost.Result{Result: c.result, Reason: "there is no systemd"}}
		})
		if err == nil || err.Error() != c.want || results[1].Result.Result != NotReached {
			t.Errorf("%s: %v, %+v", c.result, err, results)
		}
	}
}
