//go:build bench

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The load of one run: as many connections as a busy build server opens.
const (
	proxyConnections = 16
	manyConnections  = 1000
	mostMemory       = 256 << 20 // with manyConnections
	zipSize          = 2_190_000 // of golang.org/x/tools, about
	zipRequests      = 600
	modLines         = 60 // a go.mod of 3 kB
	modRequests      = 6000
)

// server is a web server under measurement, with its worker processes.
type server struct {
	name, url string
	cmd       *exec.Cmd
}

// proxy compares warm hits of vmgo-proxy with nginx, on the same files, and
// reports the memory that many connections at once take.
func (b *bench) proxy() error {
	tree := filepath.Join(b.dir, "tree")
	versions := filepath.Join(tree, "example.com/lib/@v")
	if err := os.MkdirAll(versions, 0o755); err != nil {
		return err
	}
	mod := "module example.com/lib\n\ngo 1.24\n\nrequire (\n" + strings.Repeat("\tgithub.com/example/some-module v1.2.3 // indirect\n", modLines) + ")\n"
	zip := make([]byte, zipSize)
	_, _ = rand.NewChaCha8([32]byte{}).Read(zip)
	if err := errors.Join(os.WriteFile(versions+"/v1.0.0.zip", zip, 0o644), os.WriteFile(versions+"/v1.0.0.mod", []byte(mod), 0o644)); err != nil {
		return err
	}
	ours, err := b.startProxy(tree)
	if err != nil {
		return err
	}
	defer ours.stop()
	theirs, err := b.startNginx(tree)
	if err != nil {
		return err
	}
	defer theirs.stop()
	runs := b.runs
	if runs == 0 {
		runs = 7
	}
	for _, load := range []struct {
		file     string
		requests int
	}{{"v1.0.0.zip", zipRequests}, {"v1.0.0.mod", modRequests}} {
		var all []contender
		for _, s := range []*server{theirs, ours} {
			all = append(all, contender{s.name, func(int) (sample, error) { return s.load("/example.com/lib/@v/"+load.file, load.requests) }})
		}
		if err := compare(fmt.Sprintf("%d warm %s, %d connections; cpu is the server's", load.requests, load.file, proxyConnections), runs, time.Millisecond, all); err != nil {
			return err
		}
	}
	return ours.many("/example.com/lib/@v/v1.0.0.zip")
}

func (b *bench) startProxy(tree string) (*server, error) {
	program := filepath.Join(b.dir, "vmgo-proxy")
	build := exec.Command("go", "build", "-o", program, "./cmd/vmgo-proxy")
	build.Dir, build.Stderr = b.repo, os.Stderr
	if err := build.Run(); err != nil {
		return nil, err
	}
	cmd := exec.Command(program, "serve", "--quiet", "--offline", "--scrub", "0", "--dir", tree, "--listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "GOSUMDB=off")
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stderr).ReadString('\n')
	_, url, _ := strings.Cut(strings.TrimSpace(line), "serving at ")
	return &server{"vmgo-proxy", url, cmd}, err
}

func (b *bench) startNginx(tree string) (*server, error) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx"
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String()
	listener.Close()
	config := fmt.Sprintf(`daemon off;
pid %[1]s/nginx.pid;
error_log stderr;
worker_processes auto;
events { worker_connections 2048; }
http { access_log off; sendfile on; keepalive_requests 1000000; server { listen %[2]s; root %[3]s; } }
`, b.dir, address, tree)
	if os.Getuid() == 0 {
		config = "user root;\n" + config
	}
	path := filepath.Join(b.dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(config), 0o644); err != nil {
		return nil, err
	}
	cmd := exec.Command(program, "-p", b.dir, "-c", path)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w: apt-get install nginx-light", err)
	}
	for range 200 {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return &server{"nginx", "http://" + address, cmd}, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil, errors.New("nginx does not listen")
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait()
}

// load sends requests and returns the CPU time that the server spent on them.
func (s *server) load(path string, requests int) (sample, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: proxyConnections, DisableCompression: true}}
	defer client.CloseIdleConnections()
	before, err := s.cpu()
	if err != nil {
		return sample{}, err
	}
	begun := time.Now()
	failures := make(chan error, proxyConnections)
	for range proxyConnections {
		go func() {
			for range requests / proxyConnections {
				if err := fetch(client, s.url+path); err != nil {
					failures <- err
					return
				}
			}
			failures <- nil
		}()
	}
	for range proxyConnections {
		err = errors.Join(err, <-failures)
	}
	wall := time.Since(begun)
	after, cpuErr := s.cpu()
	return sample{wall: wall, cpu: after - before}, errors.Join(err, cpuErr)
}

func fetch(client *http.Client, url string) error {
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// cpu is the time that the server and its workers have spent.
func (s *server) cpu() (time.Duration, error) {
	const ticks = 100 // sysconf(_SC_CLK_TCK) on Linux
	pids := []int{s.cmd.Process.Pid}
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", s.cmd.Process.Pid))
	for field := range strings.FieldsSeq(string(children)) {
		pid, _ := strconv.Atoi(field)
		pids = append(pids, pid)
	}
	var total time.Duration
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, err
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		user, _ := strconv.Atoi(fields[11])
		system, _ := strconv.Atoi(fields[12])
		total += time.Duration(user+system) * time.Second / ticks
	}
	return total, nil
}

// many opens many connections that all ask for a file and read nothing at first,
// and prints the most memory that the server ever had. More than mostMemory is an
// error.
func (s *server) many(path string) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err == nil {
		limit.Cur = limit.Max
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var ready, done sync.WaitGroup
	failures := make(chan error, manyConnections)
	start := make(chan struct{})
	for range manyConnections {
		ready.Add(1)
		done.Go(func() {
			resp, err := client.Get(s.url + path)
			ready.Done()
			if err == nil {
				<-start
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			failures <- err
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	for range manyConnections {
		if err := <-failures; err != nil {
			return err
		}
	}
	peak, err := s.peak()
	if err != nil {
		return err
	}
	fmt.Printf("\n%s: peak memory with %d connections that ask for %d bytes each: %d kB\n", s.name, manyConnections, zipSize, peak>>10)
	if peak > mostMemory {
		return fmt.Errorf("%s: peak memory of more than %d bytes", s.name, mostMemory)
	}
	return nil
}

// peak is the most memory that the server ever had, in bytes.
func (s *server) peak() (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	text, _, _ := strings.Cut(rest, "kB")
	kilobytes, err := strconv.Atoi(strings.TrimSpace(text))
	return kilobytes << 10, err
}
