package bundle_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/vmtest"
)

// TestReal_closedNetwork bundles a public project by way of the user's own module
// proxy, and builds it where there is no network, with empty caches, GOSUMDB on
// and no go.sum. What comes out as go.sum is that of an online build.
func TestReal_closedNetwork(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs the network (-short)")
	}
	project, pkg := t.TempDir(), "."
	for name, text := range map[string]string{
		"go.mod": "module example.com/app\n\ngo 1.24\n\nrequire (\n\tgithub.com/spf13/cobra v1.8.1\n\tgithub.com/spf13/pflag v1.0.5 // indirect\n" +
			"\tgithub.com/inconshreveable/mousetrap v1.1.0 // indirect\n)\n",
		"main.go": "package main\n\nimport \"github.com/spf13/cobra\"\n\nfunc main() { _ = (&cobra.Command{}).Execute() }\n",
	} {
		if err := os.WriteFile(filepath.Join(project, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	closedNetwork(t, project, pkg)
}

// TestReal_closedNetworkLarge is the same with a program of 158 modules.
func TestReal_closedNetworkLarge(t *testing.T) {
	if os.Getenv("VMGO_LONG") != "1" {
		t.Skip("takes minutes: VMGO_LONG=1 or ./test.sh --long")
	}
	t.Parallel()
	// Only tests need that one, and not every proxy passes its record on.
	closedNetwork(t, vmtest.Checkout(t, "github.com/cli/cli/v2", "v2.60.0"), "./cmd/gh", "--without", "github.com/cli/go-internal")
}

// closedNetwork runs vmgo and go as a user does, on both sides.
func closedNetwork(t *testing.T, project, pkg string, flags ...string) {
	if out, err := exec.Command("unshare", "-rn", "true").CombinedOutput(); err != nil {
		t.Skipf("no namespace without a network can be made: %v %s", err, out)
	}
	vmtest.RealProxies(t)
	bin := t.TempDir()
	run(t, nil, "go", "build", "-o", bin, "github.com/vmgo/vmgo")
	root, err := goroot()
	if err != nil {
		t.Fatal(err)
	}
	tar := filepath.Join(t.TempDir(), "app.tar")
	run(t, env(t, bin, root, "GOPROXY="+goenv(t, "GOPROXY")), append([]string{"vmgo", "bundle", "create", "--go", "none", "--project", project, tar}, flags...)...)
	online := sum(t, env(t, bin, root, "GOPROXY="+goenv(t, "GOPROXY")), project, `go build -mod=mod -o /dev/null `+pkg)
	offline := sum(t, env(t, bin, root, "GOCACHE="+t.TempDir()), project, `eval "$(unshare -rn vmgo bundle install `+tar+`)" && unshare -rn go build -mod=mod -o /dev/null `+pkg)
	if !bytes.Equal(online, offline) || len(online) == 0 {
		t.Errorf("go.sum of the offline build:\n%s\nof the online build:\n%s", offline, online)
	}
}

func goenv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// env is a machine with empty caches and no settings, whose go is that of PATH.
func env(t *testing.T, bin, goroot string, more ...string) []string {
	home := vmtest.GoHome(t)
	return append([]string{
		"HOME=" + home, "PATH=" + bin + ":" + goroot + "/bin:/usr/bin:/bin", "GOFLAGS=-modcacherw", "GOTOOLCHAIN=local", "VMGO_VERSION=system",
		"GOCACHE=" + gocache(), "GOTELEMETRY=off", "TMPDIR=" + os.TempDir(),
	}, more...)
}

func run(t *testing.T, env []string, args ...string) {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	if env != nil {
		cmd = exec.Command("/usr/bin/env", append(append([]string{"-i"}, env...), args...)...)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
}

// sum runs a shell command in a copy of the project that has no go.sum, and returns
// the one that is there afterwards.
func sum(t *testing.T, env []string, project, command string) []byte {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(project)); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(filepath.Join(dir, "go.sum"))
	run(t, env, "sh", "-ec", "cd "+dir+"; "+command)
	data, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
