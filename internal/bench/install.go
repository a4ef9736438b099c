//go:build bench

package main

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// install compares vmgo with Go's own switching, both from one file:// proxy,
// and with what a careful person types, from a loopback server. Each run
// writes to a new directory; none is deleted before the end.
func (b *bench) install() error {
	if err := b.installed(); err != nil { // warms the page cache and the state of the log
		return err
	}
	zip := b.path("modcache/cache/download/golang.org/toolchain/@v", b.module(release)[len("golang.org/toolchain@"):]+".zip")
	sum, err := output("sha256sum", zip)
	if err != nil {
		return err
	}
	sum = sum[:64]
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, zip) }))
	}()
	fresh := func(kind string, round int) string { return b.path("install", kind, strconv.Itoa(round)) }
	settled := func(cmd *exec.Cmd, dir string) (sample, error) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return sample{}, err
		}
		syscall.Sync()
		return timed(cmd)
	}
	list := []contender{
		{"curl, sha256sum -c, unzip", func(round int) (sample, error) {
			dir := fresh("plain", round)
			cmd := b.command("sh", "-ec", fmt.Sprintf(
				`cd %s; curl -fsSo go.zip http://%s/; echo "%s  go.zip" | sha256sum -c --quiet; unzip -q go.zip`, dir, listener.Addr(), sum))
			return settled(cmd, dir)
		}},
		{"GOTOOLCHAIN=go" + release + " go version", func(round int) (sample, error) {
			dir := fresh("gotoolchain", round)
			cmd := b.command(b.goroot+"/bin/go", "version")
			cmd.Env = append(cmd.Env, "GOTOOLCHAIN=go"+release, "GOMODCACHE="+dir, "GOFLAGS=-modcacherw",
				"GOPROXY=file://"+b.path("modcache/cache/download"), "GONOSUMDB=*", "GOPATH="+b.path("gopath"))
			return settled(cmd, dir)
		}},
	}
	list = append(list, contender{"vmgo install " + release, func(round int) (sample, error) {
		dir := fresh("vmgo", round)
		cmd := b.command(b.path("bin/vmgo"), "install", release)
		cmd.Env = append(cmd.Env, "VMGO_ROOT="+dir)
		return settled(cmd, dir)
	}})
	return compare("install of "+release, cmp.Or(b.runs, 9), time.Second, list)
}
