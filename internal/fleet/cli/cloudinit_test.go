package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/vmtest/hosts"
)

// site is what the image of a host says about cloud-init: user-data lies in
// /var/lib/cloud/seed, and network, ssh keys, root's login and locale stay as they are.
const site = `datasource_list: [NoCloud]
network: {config: disabled}
ssh_deletekeys: false
disable_root: false
preserve_hostname: true
locale: false
`

// TestCloudInit_host has cloud-init itself judge the user-data, and apply it as at
// the first boot of a host that has nothing; then its script runs again.
func TestCloudInit_host(t *testing.T) {
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip("hosts with cloud-init take minutes: VMGO_LONG=1, or ./test.sh --long")
	}
	for _, suite := range []string{"bookworm", "trixie"} {
		t.Run(suite, func(t *testing.T) { bootWithUserData(t, suite) })
	}
}

func bootWithUserData(t *testing.T, suite string) {
	b := newBench(t, hosts.UpWith(t, hosts.Options{Suite: suite, Packages: "cloud-init"}, 1))
	data, status := b.fleet(append([]string{"cloud-init", "--go", "1.22.5,1.22.6", "--default", "1.22.6", "--profile", "server",
		"--set", "GOPROXY=file:///srv/proxy", "--set", "GOSUMDB=" + b.proxy(1)}, b.tarball()...)...)
	if status != 0 {
		t.Fatal("no user-data")
	}
	seed := b.net.Path(1, "/var/lib/cloud/seed/nocloud")
	if err := os.MkdirAll(seed, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		seed + "/user-data": data, seed + "/meta-data": "instance-id: vm1\n", b.net.Path(1, "/etc/cloud/cloud.cfg.d/99_test.cfg"): site,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.net.SSH(t, 1, "cloud-init schema --config-file /var/lib/cloud/seed/nocloud/user-data"); !strings.Contains(got, "Valid") {
		t.Errorf("cloud-init says %q", got)
	}
	// The host has booted without user-data: its cloud-init is off until it is asked anew.
	b.net.SSH(t, 1, "rm -rf /run/cloud-init && systemctl daemon-reload && systemctl start cloud-init.target; cloud-init status --wait --long; cat /var/log/cloud-init-output.log")
	for _, again := range []string{"true", "sh -eu /var/lib/cloud/instance/scripts/runcmd"} {
		said := b.net.SSH(t, 1, again+" 2>&1; cat /var/log/cloud-init-output.log")
		got := b.net.SSH(t, 1, "cloud-init status; readlink /opt/go/default; cd / && go version; bash -lic 'echo $PROMPT_COMMAND' 2>/dev/null; vmgo harden status --json | grep -c '\"applied\"'; cat /etc/vmgo/env")
		if !strings.HasPrefix(got, "status: done\n1.22.6\ngo version go1.22.6") || !strings.Contains(got, "vmgo") || !strings.Contains(got, "\nGOPROXY=file:///srv/proxy\n") {
			t.Fatalf("the host says %q\n%s", got, said)
		}
	}
}

// tarball serves a release of vmgo to the hosts, and returns the flags that name it.
func (b *bench) tarball() []string {
	b.Helper()
	const name = "vmgo-0.0.1-linux-amd64.tar.gz"
	www := b.TempDir()
	pack := exec.Command("tar", "-czf", filepath.Join(www, name), "--transform", "s,^[.],vmgo-0.0.1/bin,", "-C", b.bin, ".")
	if out, err := pack.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(filepath.Join(www, name))
	if err != nil {
		b.Fatal(err)
	}
	sum := sha256.Sum256(data)
	server := b.net.Command("python3", "-m", "http.server", "8000", "--bind", "10.99.8.254", "--directory", www)
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait() // killed
	})
	return []string{"--tarball", "http://10.99.8.254:8000/" + name, "--checksum", "sha256:" + hex.EncodeToString(sum[:])}
}
