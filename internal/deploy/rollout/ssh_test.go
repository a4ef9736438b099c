package rollout

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/host"
)

// A host whose name begins with a dash is no option of ssh, in any of its commands.
func TestConnections_noHostIsAnOption(t *testing.T) {
	t.Parallel()
	const target = "-oProxyCommand=touch /tmp/x"
	var ran [][]string
	h := host.OS()
	h.Run = func(cmd *exec.Cmd) error {
		ran = append(ran, cmd.Args)
		return nil
	}
	c, err := Connect(h)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.ssh(context.Background(), target, "true", nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if len(ran) != 2 || !strings.Contains(strings.Join(ran[1], " "), "-O exit") {
		t.Fatalf("ran %q", ran)
	}
	for _, args := range ran {
		if at := slices.Index(args, target); at < 1 || args[at-1] != "--" {
			t.Errorf("%q", args)
		}
	}
}
