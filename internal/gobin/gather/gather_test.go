package gather

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/fsx"
)

// project is a bin with two programs that move and one that has a namesake.
type project struct {
	dir, bin string
	move     Programs
}

func newProject(t *testing.T) project {
	t.Helper()
	dir := t.TempDir()
	p := project{dir: dir, bin: dir + "/project/bin"}
	p.write(t, "project/bin/tool", "project/bin/linux_arm64/tool", "project/bin/same", "go/bin/same")
	p.move.Link = dir + "/gobin"
	for _, name := range []string{"tool", "linux_arm64/tool"} {
		sum, err := fsx.Sum(filepath.Join(p.bin, name))
		if err != nil {
			t.Fatal(err)
		}
		p.move.Moves = append(p.move.Moves, Move{From: filepath.Join(p.bin, name), To: dir + "/go/bin/" + name, Sum: sum})
	}
	return p
}

func (p project) write(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(p.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(name), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
}

// tree lists files with their contents, and links.
func (p project) tree(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		rest := strings.TrimPrefix(path, p.dir)
		switch {
		case err != nil || d.IsDir():
			return err
		case d.Type()&fs.ModeSymlink != 0:
			to, err := os.Readlink(path)
			fmt.Fprintf(&out, "%s -> %s\n", rest, strings.TrimPrefix(to, p.dir))
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&out, "%s %s\n", rest, data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func (p project) wantState(t *testing.T, want State) {
	t.Helper()
	if got := p.move.State(p.bin); got != want {
		t.Errorf("the state is %d, want %d:\n%s", got, want, p.tree(t))
	}
}

const gathered = `/go/bin/linux_arm64/tool project/bin/linux_arm64/tool
/go/bin/same go/bin/same
/go/bin/tool project/bin/tool
/gobin -> /go/bin
/project/bin -> /gobin
/project/bin.before/same project/bin/same
`

func TestPrograms_thereAndBack(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	before := p.tree(t)
	p.wantState(t, Apart)
	if err := p.move.Apply(p.bin); err != nil {
		t.Fatal(err)
	}
	p.wantState(t, Gathered)
	if got := p.tree(t); got != gathered {
		t.Errorf("gathered:\n%s", got)
	}
	if err := errors.Join(p.move.Unchanged(), p.move.Undo(p.bin)); err != nil {
		t.Fatal(err)
	}
	p.wantState(t, Apart)
	if err := os.Remove(p.move.Link); err != nil { // the record of the directory that was chosen stays
		t.Fatal(err)
	}
	if got := p.tree(t); got != before {
		t.Errorf("after undo:\n%s\nbefore:\n%s", got, before)
	}
}

// What an interruption leaves, both verbs end.
func TestPrograms_interrupted(t *testing.T) {
	t.Parallel()
	steps := []func(p project) error{
		func(p project) error { return os.Link(p.move.Moves[0].From, p.move.Moves[0].To) },
		func(p project) error { return os.Remove(p.move.Moves[0].From) },
		func(p project) error {
			return errors.Join(os.MkdirAll(p.dir+"/go/bin/linux_arm64", 0o755), os.Rename(p.move.Moves[1].From, p.move.Moves[1].To))
		},
		func(p project) error { return os.Symlink(p.dir+"/go/bin", p.move.Link) },
		func(p project) error { return os.Rename(p.bin, p.bin+Before) },
	}
	for n := 1; n <= len(steps); n++ {
		for _, undo := range []bool{false, true} {
			p := newProject(t)
			before := p.tree(t)
			for _, step := range steps[:n] {
				if err := step(p); err != nil {
					t.Fatal(err)
				}
			}
			if n > 1 { // before, everything is still where it was
				p.wantState(t, Partly)
			}
			verb, want := p.move.Apply, Gathered
			if undo {
				verb, want = p.move.Undo, Apart
			}
			if err := verb(p.bin); err != nil {
				t.Fatalf("after step %d: %v", n, err)
			}
			p.wantState(t, want)
			_ = os.Remove(p.move.Link) // made from step 4 on
			got := p.tree(t)
			if undo && got != before {
				t.Errorf("undo after step %d:\n%s", n, got)
			}
			if !undo && got != strings.Replace(gathered, "/gobin -> /go/bin\n", "", 1) {
				t.Errorf("applied again after step %d:\n%s", n, got)
			}
		}
	}
}

// Nothing of anybody else's is replaced.
func TestPrograms_replacesNothing(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.write(t, "project/bin.before/mine")
	if err := p.move.Apply(p.bin); err == nil || !strings.Contains(err.Error(), "bin.before is in the way") {
		t.Errorf("with a bin.before: %v", err)
	}
	p = newProject(t)
	if err := errors.Join(os.Remove(p.bin+"/tool"), p.move.Apply(p.bin)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a program: %v", err)
	}
	p = newProject(t)
	if err := p.move.Apply(p.bin); err != nil {
		t.Fatal(err)
	}
	p.write(t, "go/bin/tool")
	if err := p.move.Unchanged(); err == nil || !strings.Contains(err.Error(), "go/bin/tool was changed since") {
		t.Errorf("a program that was built again: %v", err)
	}
}

// Between file systems a program is copied.
func TestMoveNew_toAnotherFileSystem(t *testing.T) {
	t.Parallel()
	shm, err := os.MkdirTemp("/dev/shm", "vmgo-gather-")
	if err != nil {
		t.Skip("there is no second file system: ", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(shm) })
	dir, err := os.MkdirTemp("/var/tmp", "vmgo-gather-")
	if err != nil {
		t.Skip("there is no second file system: ", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.WriteFile(shm+"/tool", []byte("tool"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := moveNew(shm+"/tool", dir+"/tool"); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(dir + "/tool")
	if _, gone := os.Lstat(shm + "/tool"); string(data) != "tool" || err != nil || !errors.Is(gone, fs.ErrNotExist) {
		t.Errorf("%q, %v; the first one: %v", data, err, gone)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("beside it: %v", files)
	}
	if err := errors.Join(os.WriteFile(shm+"/tool", []byte("other"), 0o700), moveNew(shm+"/tool", dir+"/tool")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("onto another one: %v", err)
	}
}
