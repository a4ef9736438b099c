package shims_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What is in a stamp's place and is none: another is made, there or elsewhere,
// and what a link there leads to stays as it is.
func TestStamps_areRegularFilesOfThatTime(t *testing.T) {
	t.Parallel()
	for kind, put := range map[string]func(t *testing.T, stamp, victim string){
		"another time": func(t *testing.T, stamp, _ string) { must(t, os.Chtimes(stamp, time.Unix(1, 0), time.Unix(1, 0))) },
		"directory": func(t *testing.T, stamp, _ string) {
			must(t, os.Remove(stamp))
			must(t, os.Mkdir(stamp, 0o700))
		},
		"link": func(t *testing.T, stamp, victim string) {
			must(t, os.Remove(stamp))
			must(t, os.Symlink(victim, stamp))
		},
		"dangling link": func(t *testing.T, stamp, victim string) {
			must(t, os.Remove(stamp))
			must(t, os.Symlink(victim+".none", stamp))
		},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			dir := m.pin("p", "1.22.5")
			m.answer(dir)
			stamps, err := filepath.Glob(m.root + "/run/vmgo/stamps/*")
			must(t, err)
			if len(stamps) != 1 {
				t.Fatalf("stamps %q", stamps)
			}
			victim := m.write(m.root+"/victim", "mine")
			must(t, os.Chtimes(victim, time.Unix(5, 0), time.Unix(5, 0)))
			put(t, stamps[0], victim)
			if kind != "another time" {
				must(t, exec.Command("touch", "-h", "-r", dir+"/.go-version", stamps[0]).Run())
			}
			text, stderr, _ := m.answer(dir)
			_, after, _ := strings.Cut(text, " -nt '")
			named, _, _ := strings.Cut(after, "'")
			got, err := os.Lstat(named)
			must(t, err)
			want, err := os.Lstat(dir + "/.go-version")
			must(t, err)
			if !got.Mode().IsRegular() || !got.ModTime().Equal(want.ModTime()) || stderr != "" {
				t.Errorf("the stamp %s: %v, said %q", named, got, stderr)
			}
			if info, err := os.Lstat(victim); err != nil || !info.ModTime().Equal(time.Unix(5, 0)) {
				t.Errorf("the file that a link leads to: %v, %v", info, err)
			}
			if _, err := os.Lstat(victim + ".none"); err == nil {
				t.Error("a file is made where a link leads")
			}
		})
	}
}
