package proxy

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/proxy/bucket"
)

// fromBucket brings a file from the bucket that the replicas share; found is false
// if it has none, or no whole one, or cannot be asked: upstream is asked then.
func (s *Server) fromBucket(fl *flight, name string) (found bool, err error) {
	if s.config.Bucket == nil {
		return false, nil
	}
	stage, err := s.store.Stage()
	if err != nil {
		return false, err
	}
	fl.keep(stage)
	defer os.Remove(stage.Name()) // it has another name by then, unless it failed
	w := &stageWriter{fl: fl, stage: stage}
	if err := s.config.Bucket.Get(s.ctx, name, func(size int64) { w.total = size }, w); err != nil {
		s.bucketFailed(name, err)
		return false, nil
	}
	s.metrics.bucketHits.Add(1)
	return true, s.publish(stage, name)
}

// stageWriter announces the progress of what it writes.
type stageWriter struct {
	fl             *flight
	stage          *os.File
	written, total int64
}

// Write appends to the stage.
func (w *stageWriter) Write(p []byte) (int, error) {
	n, err := w.stage.Write(p)
	w.written += int64(n)
	w.fl.progress(w.stage, w.written, w.total)
	return n, err
}

// bucketFailed counts what is wrong with the bucket. A proxy works without it.
func (s *Server) bucketFailed(name string, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	s.metrics.bucketFailures.Add(1)
	s.config.Logger.Warn("the bucket failed", "name", name, "error", diag.Line(err.Error()))
}

// toBucket publishes a file of the cache to the replicas, before its flight ends:
// what a client has got whole, they have too.
func (s *Server) toBucket(name string, once bool) {
	if s.config.Bucket == nil {
		return
	}
	object, err := s.store.Get(name)
	if err != nil {
		s.bucketFailed(name, err)
		return
	}
	defer object.Close()
	if err := s.config.Bucket.Put(s.ctx, name, object.File, object.Size, object.Sum, once); err != nil {
		s.bucketFailed(name, err)
	}
}

// answerFromBucket brings what another replica was last told into the cache.
func (s *Server) answerFromBucket(ctx context.Context, name string) bool {
	if s.config.Bucket == nil {
		return false
	}
	data, err := s.config.Bucket.GetSmall(ctx, name)
	if err == nil {
		err = s.store.Put(name, data)
	}
	if err != nil {
		s.bucketFailed(name, err)
	}
	return err == nil
}

// SharedRecords keeps the checked records and tiles of the checksum database in a
// bucket, for package trust.
type SharedRecords struct{ Bucket *bucket.Bucket }

// Get returns a record, tile or tree head, nil if the bucket has none.
func (r SharedRecords) Get(ctx context.Context, file string) []byte {
	data, err := r.Bucket.GetSmall(ctx, "sumdb/"+file)
	if err != nil {
		return nil
	}
	return data
}

// Put keeps one. Only the tree head changes with time. Nothing depends on it.
func (r SharedRecords) Put(ctx context.Context, file string, data []byte) {
	_ = r.Bucket.PutSmall(ctx, "sumdb/"+file, data, !strings.HasSuffix(file, "/latest"))
}
