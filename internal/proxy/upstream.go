package proxy

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/modpath"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/trust"
)

// Limits of files, in bytes: those of the go command (golang.org/x/mod/zip), and
// for an answer of a few lines what no honest one needs.
const (
	maxZip    = 500 << 20
	maxMod    = 16 << 20
	maxAnswer = 16 << 20
)

var errListEnds = diag.New(diag.Offline, "no upstream has this, and their list ends in off")

// isAbsent reports whether an upstream is well but does not have what it was
// asked for, by the rule of the go command.
func isAbsent(err error) bool { return fetch.Gone(err) || errors.Is(err, fs.ErrNotExist) }

// obtain fetches a file, verifies it and puts it into the cache.
func (s *Server) obtain(fl *flight, asked request) error {
	if found, err := s.fromBucket(fl, asked.name); found || err != nil {
		return err
	}
	s.metrics.fetches.Add(1)
	if s.isDirect(asked.module) {
		return s.obtainDirect(asked)
	}
	err := s.config.Upstreams.Try(isAbsent, func(upstream goenv.Proxy) error {
		switch {
		case upstream.Off:
			return errListEnds
		case upstream.Direct:
			return s.obtainDirect(asked)
		}
		return s.download(fl, asked, upstream.URL+"/"+asked.name)
	})
	if err != nil && !isAbsent(err) {
		s.metrics.failures.Add(1)
	}
	return err
}

// download brings a file from one upstream.
func (s *Server) download(fl *flight, asked request, url string) error {
	limit := int64(maxMod)
	if asked.kind == kindZip {
		limit = maxZip
	}
	stage, err := s.receive(fl, url, limit)
	if err != nil {
		return err
	}
	defer os.Remove(stage.Name()) // it has another name by then, unless it failed
	if err := s.verify(asked, stage); err != nil {
		return err
	}
	return s.share(stage, asked.name)
}

// receive writes what a URL has into a stage, which those who joined the flight
// read meanwhile.
func (s *Server) receive(fl *flight, url string, limit int64) (*os.File, error) {
	body, err := s.config.Client.Open(s.ctx, fetch.Request{URL: url, Limit: limit})
	if err != nil {
		return nil, err
	}
	defer body.Close()
	stage, err := s.store.Stage()
	if err != nil {
		return nil, err
	}
	fl.keep(stage)
	if err := s.copy(fl, stage, body); err != nil {
		_ = os.Remove(stage.Name())
		return nil, err
	}
	return stage, nil
}

func (s *Server) copy(fl *flight, stage *os.File, body *fetch.Body) error {
	buf := make([]byte, 64<<10)
	written := int64(0)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			if _, err := stage.Write(buf[:n]); err != nil {
				return err
			}
			written += int64(n)
			s.metrics.fetched.Add(int64(n))
			fl.progress(stage, written, body.Size())
		}
		switch {
		case err == io.EOF:
			fl.progress(stage, written, written)
			return nil
		case err != nil:
			return err
		}
	}
}

func (s *Server) publish(stage *os.File, name string) error {
	if err := s.store.Publish(stage, name); err != nil {
		return diag.Wrap(diag.Failure, err, "cannot store "+name)
	}
	return nil
}

// share publishes a file that upstream had, here and to the replicas.
func (s *Server) share(stage *os.File, name string) error {
	if err := s.publish(stage, name); err != nil {
		return err
	}
	s.toBucket(name, true)
	return nil
}

// verify compares a file with the checksum database. Where that cannot be asked,
// it is an error: nothing passes unseen.
func (s *Server) verify(asked request, stage *os.File) error {
	if asked.kind == kindInfo {
		return s.verifyInfo(asked, stage)
	}
	if s.config.Log == nil || modpath.Match(s.config.NoSumDB, asked.module) {
		return nil
	}
	record, err := s.record(s.ctx, asked.module, asked.version)
	if err != nil {
		return err
	}
	got, want := "", record.Zip
	if asked.kind == kindMod {
		want = record.Mod
		data, readErr := smallfile.Read(stage.Name(), maxMod)
		if readErr != nil {
			return readErr
		}
		got, err = trust.HashMod(data)
	} else {
		got, err = trust.HashZip(stage.Name())
	}
	if err == nil && got == want {
		return nil
	}
	s.metrics.contradictions.Add(1)
	err = diag.Wrap(diag.ProofInvalid, err, asked.name+" contradicts the checksum database: the upstream sent "+orNothing(got)+", the database has "+want)
	s.verdicts.keep(asked.name, err, s.config.Now())
	return err
}

func orNothing(hash string) string {
	if hash == "" {
		return "something that is not a module zip"
	}
	return hash
}

// verifyInfo checks what the database does not cover: that the answer is about
// this version.
func (s *Server) verifyInfo(asked request, stage *os.File) error {
	data, err := smallfile.Read(stage.Name(), smallfile.Usual)
	if err != nil {
		return err
	}
	info, err := decodeInfo(data)
	if err != nil || info.Version != asked.version {
		return diag.Wrap(diag.Network, err, "the upstream's answer is not about "+asked.module+"@"+asked.version)
	}
	return nil
}

// info returns the content of a version's .info file.
func (s *Server) info(ctx context.Context, module, version string) (moduleInfo, error) {
	path, escaped, err := modpath.Escape(module, version)
	if err != nil {
		return moduleInfo{}, err
	}
	asked := request{kind: kindInfo, name: path + "/@v/" + escaped + ".info", module: module, version: version}
	data, err := s.small(asked.name)
	if err != nil && !s.config.Offline {
		fl := s.begin(asked)
		err = fl.wait(ctx)
		fl.readers.Done()
		if err == nil {
			data, err = s.small(asked.name)
		}
	}
	if err != nil {
		return moduleInfo{}, err
	}
	return decodeInfo(data)
}

// small returns the content of a small file of the cache.
func (s *Server) small(name string) ([]byte, error) {
	object, err := s.store.Get(name)
	if err != nil {
		return nil, err
	}
	defer object.Close()
	return smallfile.ReadFrom(int(object.Fd()), maxAnswer)
}
