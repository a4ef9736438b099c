package rollout

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/vmgo/vmgo/internal/deploy/build"
	"github.com/vmgo/vmgo/internal/deploy/config"
	"github.com/vmgo/vmgo/internal/host"
)

// TestApply_buildsForEachHost asks hosts of three architectures, one of which has
// no release yet.
func TestApply_buildsForEachHost(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	const ssh = `#!/bin/sh
for word; do
	case $word in
	small) machine=aarch64 arch=arm64 ;;
	large) machine=x86_64 arch=amd64 ;;
	old) machine=i686 arch=386 ;;
	esac
done
case $word in
*uname*) echo $machine ;;
*) echo "{\"result\":{\"arch\":\"$arch\"}}" ;;
esac
`
	if err := os.WriteFile(filepath.Join(bin, "ssh"), []byte(ssh), 0o755); err != nil {
		t.Fatal(err)
	}
	h := host.OS()
	h.Env = map[string]string{"PATH": bin}
	connections, err := Connect(h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connections.Close() })
	var mu sync.Mutex
	var built []string
	r := Rollout{Host: h, Connections: connections, Config: config.Config{Name: "app", Rollout: config.Rollout{Parallel: 3, MaxFailures: 9}},
		Say: func(string, string) {},
		Package: func(_ context.Context, arch string) (build.Package, error) {
			mu.Lock()
			defer mu.Unlock()
			built = append(built, arch)
			return build.Package{}, errors.New("enough")
		}}
	for _, one := range []func(context.Context, string) HostResult{r.Apply, r.Plan} {
		built = nil
		_, _ = r.Run(t.Context(), []string{"small", "large", "old"}, one) // each fails by Package
		slices.Sort(built)
		if !slices.Equal(built, []string{"386", "amd64", "arm64"}) {
			t.Errorf("built for %q", built)
		}
	}
}
