package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// work is a directory in which a release is built: go has the copy of its tree,
// begun records what was copied, and exists only once everything was.
type work struct {
	dir  string
	lock *fsx.Lock // nil for a scratch directory
}

// openWork opens the directory of a release, if one is kept between runs, else a scratch
// directory.
func (v *Verifier) openWork(ctx context.Context, t Target) (*work, error) {
	if v.NotesDir == "" {
		dir, err := os.MkdirTemp(v.TempDir, "vmgo-rebuild-")
		return &work{dir: dir}, err
	}
	dir := filepath.Join(v.NotesDir, rebuildPrefix+t.Version.String())
	if err := fsx.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := fsx.Acquire(ctx, LockOf(dir), fsx.LockOptions{NoWait: true})
	var held *fsx.HeldError
	if errors.As(err, &held) {
		return nil, diag.Wrap(diag.StoreBusy, err, t.Version.Toolchain()+" is being built in "+dir+" by another process")
	}
	return &work{dir: dir, lock: lock}, err
}

// close removes the directory, unless it is kept for the next run.
func (w *work) close(keep bool) error {
	var err error
	if !keep || w.lock == nil {
		err = fsx.RemoveAll(filepath.Dir(w.dir), filepath.Base(w.dir))
	}
	if w.lock != nil {
		err = errors.Join(err, w.lock.Release())
	}
	return err
}

func (w *work) in(name string) string { return filepath.Join(w.dir, name) }

func (w *work) goroot() string { return w.in("go") }

// clear empties the directory.
func (w *work) clear() error {
	return errors.Join(fsx.RemoveAll(filepath.Dir(w.dir), filepath.Base(w.dir)), fsx.MkdirAll(w.dir, 0o700))
}

// prepare copies the tree without its binaries, unless an earlier run did so for the same tree and
// the same bootstrap. Of what that run compiled only the build cache is kept, whose entries go by their contents.
func (w *work) prepare(ctx context.Context, t Target, tree *Tree, boot Bootstrap) (resumed bool, err error) {
	want := tree.key() + " " + boot.Version.String() + " " + boot.GOROOT + "\n"
	begun, err := smallfile.Read(w.in("begun"), smallfile.Usual)
	if resumed = err == nil && string(begun) == want; !resumed {
		if err := errors.Join(w.clear(), noRoom(w.dir, nil), w.copy(ctx, t, tree)); err != nil {
			return false, err
		}
		if err := fsx.WriteFile(w.in("begun"), []byte(want), 0o600); err != nil {
			return false, err
		}
	}
	for _, name := range []string{"home", "tmp", "go/bin", "go/pkg/tool", "go/pkg/bootstrap", "go/pkg/obj/go-bootstrap"} {
		dir := w.in(name)
		if err := fsx.RemoveAll(filepath.Dir(dir), filepath.Base(dir)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return false, err
		}
	}
	return resumed, errors.Join(os.Mkdir(w.in("home"), 0o700), os.Mkdir(w.in("tmp"), 0o700))
}

// copy writes what a build reads. Each file must be what it was when the tree was read.
func (w *work) copy(ctx context.Context, t Target, tree *Tree) error {
	root, err := os.OpenRoot(t.GOROOT)
	if err != nil {
		return err
	}
	defer root.Close()
	made, buf := map[string]bool{}, make([]byte, 256<<10)
	for i := range tree.Files {
		f := &tree.Files[i]
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if isBinary(f.Path) || !covered(f.Path) {
			continue
		}
		to := filepath.Join(w.goroot(), filepath.FromSlash(f.Path))
		if dir := path.Dir(f.Path); !made[dir] {
			if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
				return err
			}
			made[dir] = true
		}
		if err := copyFile(root, f, to, buf); fsx.IsFull(err) {
			return noRoom(w.dir, err)
		} else if err != nil {
			return err
		}
	}
	return nil
}

func copyFile(root *os.Root, f *TreeFile, to string, buf []byte) (err error) {
	in, err := openRegular(root, f.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.Mode.Perm()|0o600)
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(out, sum)}, struct{ io.Reader }{in}, buf)
	if err = errors.Join(err, out.Close()); err == nil && !bytes.Equal(sum.Sum(nil), f.SHA256[:]) {
		err = changed(f.Path)
	}
	return err
}

// build does what make.bash does: the bootstrap compiles cmd/dist, which makes everything
// else. A release sets the flags of releases by itself (cmd/dist/build.go, toolenv).
func (w *work) build(ctx context.Context, v *Verifier, t Target, boot Bootstrap, resumed bool) error {
	src := filepath.Join(w.goroot(), "src")
	dist := filepath.Join(src, "cmd", "dist", "dist")
	compile := groupCommand(ctx, filepath.Join(boot.GOROOT, "bin", "go"), "build", "-o", dist, "./cmd/dist")
	compile.Env = append(w.environment(v, t, boot), "GOROOT="+boot.GOROOT, "GO111MODULE=off")
	args := []string{"bootstrap", "-no-banner"}
	if !resumed {
		args = append(args, "-a")
	}
	bootstrap := groupCommand(ctx, dist, args...)
	bootstrap.Env = append(w.environment(v, t, boot), "GOROOT="+w.goroot())
	for _, cmd := range []*exec.Cmd{compile, bootstrap} {
		cmd.Dir = src
		said := &steps{tell: v.Progress}
		cmd.Stdout, cmd.Stderr = said, said
		if err := v.Run(cmd); err != nil && strings.Contains(said.last, "no space left on device") {
			return noRoom(w.dir, err)
		} else if err != nil {
			return diag.Wrap(diag.Failure, err, t.Version.Toolchain()+" cannot be built by "+boot.Version.Toolchain()+" of "+boot.GOROOT+": "+said.last)
		}
	}
	return nil
}

// environment returns that of a build: no user's settings, and no network. What is not set has the
// default that the published binaries have built in, such as CC and CGO_ENABLED.
func (w *work) environment(v *Verifier, t Target, boot Bootstrap) []string {
	env := []string{
		"PATH=" + v.Path, "LC_ALL=C", "HOME=" + w.in("home"), "TMPDIR=" + w.in("tmp"), "GOROOT_BOOTSTRAP=" + boot.GOROOT,
		"GOENV=off", "GOFLAGS=", "GOTOOLCHAIN=local", "GOPROXY=off", "GOSUMDB=off", "GOTELEMETRY=off", "GOWORK=off",
		"GOCACHE=" + w.in("go/pkg/obj/go-build"), "GOMAXPROCS=" + strconv.Itoa(max(1, v.Jobs)),
	}
	if t.Platform.Arch == "arm" {
		env = append(env, "GOARM=6") // as for the published archives, linux-armv6l
	}
	return env
}

// steps reads what a build prints.
type steps struct {
	tell func(string) // of each step; may be nil
	last string
	rest []byte
}

// Write takes output in pieces.
func (s *steps) Write(p []byte) (int, error) {
	s.rest = append(s.rest, p...)
	for {
		line, rest, whole := bytes.Cut(s.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		s.rest = rest
		if text := strings.TrimSpace(string(line)); text != "" {
			s.last = text
			if s.tell != nil && strings.HasPrefix(text, "Building ") {
				s.tell("  " + text)
			}
		}
	}
}
