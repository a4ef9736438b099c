//go:build bench

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// mirror is a module proxy on this machine that keeps what it fetched from the
// real one, the checksum database's answers too, and makes of the zips archives
// like the official ones (without api, doc, misc and test, so that all
// contenders write the same files).
type mirror struct {
	url      string
	dir      string
	upstream string
	server   *http.Server
	sums     sync.Map // by file
	fetching sync.Mutex
}

func (b *bench) startMirror() (*mirror, error) {
	upstream := ""
	for _, proxy := range strings.FieldsFunc(b.proxies, func(r rune) bool { return r == ',' || r == '|' }) {
		if strings.HasPrefix(proxy, "http") {
			upstream = strings.TrimSuffix(proxy, "/")
			break
		}
	}
	if upstream == "" {
		return nil, errors.New("GOPROXY names no proxy to fetch releases from")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m := &mirror{url: "http://" + listener.Addr().String(), dir: b.path("mirror"), upstream: upstream}
	m.server = &http.Server{Handler: m}
	go func() { _ = m.server.Serve(listener) }()
	return m, nil
}

func (m *mirror) close() { _ = m.server.Close() }

// ServeHTTP serves a file of the mirror, after fetching it if need be.
func (m *mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := filepath.Join(m.dir, filepath.Clean("/"+r.URL.Path))
	if base, isSum := strings.CutSuffix(name, ".sha256"); isSum {
		fmt.Fprint(w, m.sum(base))
		return
	}
	info, err := os.Stat(name)
	if err == nil && info.IsDir() || strings.HasPrefix(r.URL.Path, "/dl/") && err != nil {
		http.NotFound(w, r)
		return
	}
	if err != nil {
		if status, err := m.fetch(r.URL.EscapedPath(), name); err != nil {
			http.Error(w, err.Error(), status)
			return
		}
	}
	http.ServeFile(w, r, name)
}

// fetch takes one file from the real proxy. Failures are not kept.
func (m *mirror) fetch(path, name string) (status int, err error) {
	m.fetching.Lock()
	defer m.fetching.Unlock()
	response, err := http.Get(m.upstream + path)
	if err != nil {
		return http.StatusBadGateway, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return response.StatusCode, errors.New(response.Status)
	}
	return http.StatusBadGateway, writeFile(name, func(w io.Writer) error {
		_, err := io.Copy(w, response.Body)
		return err
	})
}

// writeFile makes a file that is whole or not there.
func writeFile(name string, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(name), ".new-")
	if err != nil {
		return err
	}
	if err := errors.Join(write(file), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}

// prepare has the zips fetched, and archives made of them if wanted.
func (m *mirror) prepare(versions []string, archives bool) error {
	for _, v := range versions {
		if _, err := os.Stat(m.zipFile(v)); err != nil {
			if _, err := m.fetch("/"+m.zipPath(v), m.zipFile(v)); err != nil {
				return fmt.Errorf("fetching go%s: %w", v, err)
			}
		}
		if !archives {
			continue
		}
		if _, err := os.Stat(m.tarFile(v)); err == nil {
			m.sum(m.tarFile(v)) // known beforehand, so that no run waits for it
			continue
		}
		if err := writeFile(m.tarFile(v), func(w io.Writer) error { return m.writeTar(w, v) }); err != nil {
			return fmt.Errorf("making %s: %w", tarName(v), err)
		}
		m.sum(m.tarFile(v))
	}
	return nil
}

func (m *mirror) zipPath(v string) string {
	return "golang.org/toolchain/@v/v0.0.1-go" + v + "." + runtime.GOOS + "-" + runtime.GOARCH + ".zip"
}

func (m *mirror) zipFile(v string) string { return filepath.Join(m.dir, m.zipPath(v)) }
func (m *mirror) tarFile(v string) string { return filepath.Join(m.dir, "dl", tarName(v)) }

func tarName(v string) string {
	return "go" + v + "." + runtime.GOOS + "-" + runtime.GOARCH + ".tar.gz"
}

// sum is the SHA-256 of a file, empty if there is no such file.
func (m *mirror) sum(name string) string {
	if known, ok := m.sums.Load(name); ok {
		return known.(string)
	}
	file, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return ""
	}
	text := hex.EncodeToString(h.Sum(nil))
	m.sums.Store(name, text)
	return text
}

// writeTar packs the files of a zip as cmd/distpack packs a release: beneath
// go/, with the programs executable, compressed as well as gzip can.
func (m *mirror) writeTar(w io.Writer, v string) error {
	source, err := zip.OpenReader(m.zipFile(v))
	if err != nil {
		return err
	}
	defer source.Close()
	compressed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(compressed)
	for _, f := range source.File {
		_, name, ok := strings.Cut(f.Name, "/toolchain@")
		if ok {
			_, name, ok = strings.Cut(name, "/")
		}
		if !ok {
			return errors.New("no member of a toolchain: " + f.Name)
		}
		if err := addMember(archive, f, name); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), compressed.Close())
}

func addMember(archive *tar.Writer, f *zip.File, name string) error {
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	mode := int64(0o644)
	if strings.HasPrefix(name, "bin/") || strings.HasPrefix(name, "pkg/tool/") || bytes.HasPrefix(data, []byte("#!")) {
		mode = 0o755
	}
	header := &tar.Header{Name: "go/" + name, Mode: mode, Size: int64(len(data)), ModTime: time.Unix(1<<30, 0), Typeflag: tar.TypeReg}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = archive.Write(data)
	return err
}
