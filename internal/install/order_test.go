package install_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/install"
)

// TestInstall_syncsBeforeItPublishes reads the system calls of an install and a
// reinstall. What a release stands on must be durable before it can be seen; a
// journal that keeps the order of renames hides it where it is not.
func TestInstall_syncsBeforeItPublishes(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("strace is not installed")
	}
	proxy, dir := fileProxy(t, subject), filepath.Join(memDir(t), "store")
	const published = `"` + subject + `", RENAME_`
	for _, c := range []struct {
		verb  string
		order []string // pieces of calls, each after the one before
	}{
		{"install", []string{`/manifests>, "` + subject + `"`, "/manifests>)", `/receipts>, "` + subject + `.json"`, "/receipts>)", published + "NOREPLACE", "/store>)"}},
		{"reinstall", []string{`"swap"`, "/staging/", published + "EXCHANGE"}},
	} {
		trace := filepath.Join(t.TempDir(), "trace")
		inner := command(dir, proxy, c.verb, subject)
		cmd := exec.Command(strace, "-f", "-y", "-qq", "-o", trace, "-e", "trace=renameat,renameat2,fsync", inner.Path)
		cmd.Env = inner.Env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		text, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		rest := string(text)
		for _, piece := range c.order {
			call := "fsync("
			if strings.Contains(piece, `"`) {
				call = "renameat"
			}
			var found bool
			for line := range strings.Lines(rest) {
				rest = rest[len(line):]
				if found = strings.Contains(line, call) && strings.Contains(line, piece); found {
					break
				}
			}
			if !found {
				t.Errorf("%s: no %s…%s where it must be:\n%s", c.verb, call, piece, text)
				break
			}
		}
	}
}

// No release is as large as the archive that this proxy has.
func TestInstall_hugeArchive(t *testing.T) {
	t.Parallel()
	proxy := fileProxy(t, subject)
	u, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	zip := filepath.Join(u.Path, "golang.org", "toolchain", "@v", made(subject).Module()+".zip")
	if err := os.Truncate(zip, 1<<30+1); err != nil { // takes no room
		t.Fatal(err)
	}
	in, err := newInstaller(filepath.Join(memDir(t), "store"), proxy, honest{})
	if err != nil {
		t.Fatal(err)
	}
	r := in.Install(t.Context(), []gover.Version{version(t, subject)}, install.Request{})[0]
	if r.Kind != install.Failed || diag.CodeOf(r.Err) != diag.ArchiveUnsafe || !strings.Contains(r.Err.Error(), "larger than any release") {
		t.Errorf("%v: %v", r.Kind, r.Err)
	}
}
