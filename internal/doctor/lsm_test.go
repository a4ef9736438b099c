package doctor_test

import (
	"os"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/doctor"
	"github.com/vmgo/vmgo/internal/host/hosttest"
)

// auditd's log is 8 MB by default, and others grow larger: what is at their end
// counts, with the line where the whole was read.
func TestLSM_longLogs(t *testing.T) {
	t.Parallel()
	const denial = `type=AVC msg=audit(1795420801.1:90): avc:  denied  { execute } for  pid=811 comm="go" path="/opt/go/1.26.11/bin/go"` + "\n"
	line := strings.Repeat("x", 1<<20-1) + "\n"
	for _, c := range []struct {
		megabytes int
		want      string
	}{{9, "audit.log:10  type=AVC"}, {40, "audit.log  type=AVC"}} {
		h := hosttest.New(t, machineFiles(t, "centos-stream-9-kvm"))
		if err := os.MkdirAll(h.Path("/var/log/audit"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(h.Path("/var/log/audit/audit.log"), []byte(strings.Repeat(line, c.megabytes)+denial), 0o600); err != nil {
			t.Fatal(err)
		}
		o := examine(t, machineWith(t, h, doctor.Options{Offline: true}), pick(t, "security.lsm")).Outcomes[0]
		if o.Status != doctor.Warn || !strings.Contains(textOf(o), c.want) {
			t.Errorf("%d MB: %s\n%s", c.megabytes, o.Status, textOf(o))
		}
	}
}
