package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/vmtest"
	"github.com/vmgo/vmgo/internal/vmtest/hosts"
)

// TestAuditTimer_host has the systemd of a host run the monthly audit: by its timer, then again. The
// first finds something, which fails the service; the second finds nothing new.
func TestAuditTimer_host(t *testing.T) {
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip("a host takes minutes: VMGO_LONG=1, or ./test.sh --long")
	}
	b := newBench(t, hosts.Up(t, 1))
	server := vmtest.NewServer(t, vmtest.Options{Toolchains: []vmtest.Toolchain{{Version: "1.22.5"}}})
	server.AddModule(vmtest.Module{Path: "golang.org/x/vulndb", Version: "v0.0.0-20240601000000-000000000001", Files: map[string]string{
		"data/osv/GO-2024-0001.json": `{"id":"GO-2024-0001","summary":"A hole","affected":[{"package":{"name":"stdlib"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.22.6"}]}]}]}`,
	}})
	if err := server.WriteTree(b.net.Path(1, "/srv/proxy")); err != nil {
		t.Fatal(err)
	}
	b.copy(b.bin+"/vmgo", b.net.Path(1, "/usr/local/bin/vmgo"), 0o755)
	b.net.SSH(t, 1, "mkdir -p /etc/vmgo && printf 'GOPROXY=file:///srv/proxy\\nGOSUMDB=%s\\n' '"+server.GOSUMDB()+"' >/etc/vmgo/env && vmgo install 1.22.5 && vmgo audit --timer --out /etc/systemd/system")
	// The last run was long ago, as on a machine that was off: the timer is due at once.
	b.net.SSH(t, 1, `mkdir -p /etc/systemd/system/vmgo-audit.timer.d /var/lib/systemd/timers && printf '[Timer]\nRandomizedDelaySec=0\n' >/etc/systemd/system/vmgo-audit.timer.d/now.conf
		touch -d '2 months ago' /var/lib/systemd/timers/stamp-vmgo-audit.timer && systemd-analyze verify vmgo-audit.service vmgo-audit.timer && systemctl daemon-reload && systemctl enable --now vmgo-audit.timer`)
	b.net.SSH(t, 1, `for i in $(seq 600); do systemctl is-failed -q vmgo-audit.service && exit; sleep 0.2; done; systemctl status --no-pager vmgo-audit.timer vmgo-audit.service; exit 1`)
	journal := b.net.SSH(t, 1, "journalctl --no-pager -o cat -u vmgo-audit.service")
	if !strings.Contains(journal, "GO-2024-0001") || !strings.Contains(journal, "vmgo upgrade") {
		t.Errorf("the journal has\n%s", journal)
	}
	if got := b.net.SSH(t, 1, "systemctl is-failed vmgo-audit.service; systemctl start vmgo-audit.service && systemctl is-failed vmgo-audit.service || true"); got != "failed\ninactive\n" {
		t.Errorf("systemd says %q", got)
	}
}
