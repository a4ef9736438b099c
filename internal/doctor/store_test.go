package doctor_test

import (
	"os"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/doctor"
	"github.com/vmgo/vmgo/internal/host/hosttest"
)

// A store that may not be read gets the command that lets it be read, not a list of it.
func TestStore_unreadable(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root reads every directory")
	}
	for owner, want := range map[string]string{"0": "chmod go+rx /opt/go", "1000": "chmod u+rwx /opt/go"} {
		h := hosttest.New(t, append(machineFiles(t, "ubuntu-24.04-kvm"), hosttest.File{Path: "/machine", Data: []byte("mode 0100 /opt/go\nowner " + owner + " /opt/go\n")}))
		t.Cleanup(func() { _ = os.Chmod(h.Path("/opt/go"), 0o755) })
		o := examine(t, machineWith(t, h, doctor.Options{}), pick(t, "security.store")).Outcomes[0]
		if o.Status != doctor.Fail || !strings.Contains(o.Fix, want) {
			t.Errorf("owner %s: %s\n%s\nfix: %s", owner, o.Status, textOf(o), o.Fix)
		}
	}
}
