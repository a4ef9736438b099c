package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestScale deploys a hundred times: ten services to ten hosts, one batch of ten hosts after the
// other. It measures for docs/deploy.md whether a batch takes as long as the one before.
func TestScale(t *testing.T) {
	long(t, "a hundred deploys")
	const many = 10
	b := newBench(t, many)
	file := filepath.Join(b.project, "vmgo-deploy.toml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := 1; i <= many; i++ {
		names = append(names, fmt.Sprint("vm", i))
	}
	b.trust(names...)
	var took []string
	for batch := range many {
		config := strings.NewReplacer(`name = "app"`, fmt.Sprintf(`name = "app%d"`, batch), "8080", fmt.Sprint(8080+batch)).Replace(string(text))
		b.write(file, config+"[rollout]\ncanary = 0\nparallel = 10\n")
		begin := time.Now()
		for _, r := range b.apply(0, names...) {
			if r.Result.Result != "deployed" {
				t.Fatalf("%+v", r)
			}
		}
		took = append(took, fmt.Sprintf("%.1f", time.Since(begin).Seconds()))
	}
	t.Logf("batches of %d hosts, in seconds: %s", many, strings.Join(took, " "))
}
