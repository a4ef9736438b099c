package gobin_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/gobin"
)

func user(t *testing.T) gobin.User {
	t.Helper()
	home := t.TempDir()
	return gobin.User{Data: home + "/data", Home: home, UID: os.Getuid()}
}

func read(t *testing.T, link string) string {
	t.Helper()
	target, err := os.Readlink(link)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func TestFind_choosesOnceAndRecords(t *testing.T) {
	t.Parallel()
	u := user(t)
	u.GOPATH = u.Home + "/w:/other"
	first, err := gobin.Find(u)
	if err != nil || first.Dir != u.Home+"/w/bin" {
		t.Fatalf("%+v, %v", first, err)
	}
	for _, project := range []string{"/gopath/a", "/gopath/b"} {
		if err := first.Link(u.Data + project); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(u.Data+project+"/bin/tool", nil, 0o755); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(u.Home + "/w/bin/tool"); err != nil {
		t.Error(err)
	}
	u.GOPATH = "" // go env -u GOPATH: what is installed stays where it is
	if again, err := gobin.Find(u); err != nil || again.Dir != first.Dir {
		t.Errorf("%+v, %v", again, err)
	}
	if err := os.RemoveAll(u.Home + "/w"); err != nil {
		t.Fatal(err)
	}
	if err := first.Link(u.Data + "/gopath/a"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(u.Data + "/gopath/a/bin/."); err != nil {
		t.Errorf("the directory is not made again: %v", err)
	}
}

func TestFind_takesGoAtHomeWithoutGOPATH(t *testing.T) {
	t.Parallel()
	u := user(t)
	if p, err := gobin.Find(u); err != nil || p.Dir != u.Home+"/go/bin" {
		t.Errorf("%+v, %v", p, err)
	}
	u.Home = ""
	if p, err := gobin.Find(u); err != nil || p.Dir != "" {
		t.Errorf("without a home: %+v, %v", p, err)
	}
	if _, err := os.Lstat(u.Data); err == nil {
		t.Error("looking wrote something")
	}
}

func TestFind_refuses(t *testing.T) {
	t.Parallel()
	for want, arrange := range map[string]func(u *gobin.User) error{
		"cannot be on PATH": func(u *gobin.User) error { u.Home, u.GOPATH = "/a:b", ""; return nil },
		"is in the data":    func(u *gobin.User) error { u.GOPATH = u.Data + "/gopath/x"; return nil },
		"too many levels":   func(u *gobin.User) error { return os.Symlink(u.Home+"/go", u.Home+"/go") },
		"bin is not a direct": func(u *gobin.User) error {
			return errors.Join(os.Mkdir(u.Home+"/go", 0o755), os.WriteFile(u.Home+"/go/bin", nil, 0o644))
		},
		"cannot use":                    func(u *gobin.User) error { return os.WriteFile(u.Home+"/w", nil, 0o644) },
		"is not a link":                 func(u *gobin.User) error { return os.MkdirAll(gobin.Record(u.Data), 0o755) },
		"another user":                  func(u *gobin.User) error { u.UID = 0; return os.Chown(u.Home, 4242, 4242) },
		"cannot be written":             func(u *gobin.User) error { u.GOPATH = "/proc"; return nil },
		"data directory of vmgo, which": func(u *gobin.User) error { u.GOPATH = u.Data; return nil },
	} {
		u := user(t)
		if want == "cannot use" {
			u.GOPATH = u.Home + "/w/deeper"
		}
		if strings.HasPrefix(want, "another") && os.Getuid() != 0 || want == "cannot be written" && os.Getuid() == 0 {
			continue // made by root only; root may write everywhere
		}
		if err := arrange(&u); err != nil {
			t.Fatal(err)
		}
		if p, err := gobin.Find(u); err == nil || !strings.Contains(err.Error(), want) || p.Dir != "" {
			t.Errorf("%s: %+v, %v", want, p, err)
		}
	}
}

func TestLink_leavesWhatIsThere(t *testing.T) {
	t.Parallel()
	u := user(t)
	gopath := u.Data + "/gopath/a"
	if gobin.OwnBin(u.Data, gopath) {
		t.Error("nothing counts as something")
	}
	if err := os.MkdirAll(gopath+"/bin", 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := gobin.Find(u)
	if err != nil || p.Link(gopath) != nil || !gobin.OwnBin(u.Data, gopath) {
		t.Errorf("a directory is replaced: %v", err)
	}
	if err := gobin.Unlink(u.Data, gopath); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(gopath + "/bin"); err != nil {
		t.Error("Unlink removes a directory")
	}
	other := u.Data + "/gopath/b"
	if err := p.Link(other); err != nil || gobin.OwnBin(u.Data, other) || read(t, other+"/bin") != gobin.Record(u.Data) {
		t.Errorf("%v", err)
	}
	if err := gobin.Unlink(u.Data, other); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(filepath.Join(other, "bin")); err == nil {
		t.Error("the link stays")
	}
}
