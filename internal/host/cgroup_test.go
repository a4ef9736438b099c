package host

import (
	"fmt"
	"os"
	"testing"
)

func TestHost_ServiceOf(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for pid, line := range map[string]string{
		"1": "0::/system.slice/app.service", "2": "2:cpu:/x\n1:name=systemd:/user.slice/user-7.slice/user@7.service/app.slice/web.service/sub",
		"3": "0::/user.slice/session-1.scope", "4": "5:cpu:/system.slice/no.service",
	} {
		if err := os.MkdirAll(root+"/proc/"+pid, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(root+"/proc/"+pid+"/cgroup", []byte(line+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for pid, want := range map[string]string{"1": "app.service false", "2": "web.service true", "3": " false", "4": " false"} {
		name, user := (Host{Root: root}).ServiceOf(pid)
		if got := fmt.Sprint(name, " ", user); got != want {
			t.Errorf("%s: %q, want %q", pid, got, want)
		}
	}
}
