// Package delta compresses a file with another as dictionary that the receiver has:
// of a program that changed in one line a few per cent are sent. It is the importer
// of klauspost/compress.
package delta

import (
	"io"

	"github.com/klauspost/compress/zstd"
)

// MaxBase is the size of the largest file that serves as a dictionary, in bytes. It
// bounds the memory that a host needs: the dictionary and a window.
const MaxBase = 64 << 20

const (
	minWindow = 1 << 20
	maxWindow = 256 << 20
	id        = 1
)

// Write writes content, of size bytes, to w, compressed with base as dictionary,
// which may be nil.
func Write(w io.Writer, content io.Reader, size int64, base []byte) error {
	window := minWindow
	for base != nil && int64(window) < size+int64(len(base)) && window < maxWindow {
		window *= 2 // so that all of base can be referred to until the end
	}
	options := []zstd.EOption{zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBetterCompression)}
	if base != nil {
		options = append(options, zstd.WithEncoderDictRaw(id, base))
	}
	encoder, err := zstd.NewWriter(w, options...)
	if err != nil {
		return err
	}
	if _, err := io.Copy(encoder, content); err != nil {
		return err
	}
	return encoder.Close()
}

// Reader returns what Write was given. The caller bounds what it reads.
func Reader(r io.Reader, base []byte) (io.ReadCloser, error) {
	options := []zstd.DOption{zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true)}
	if base != nil {
		options = append(options, zstd.WithDecoderDictRaw(id, base))
	}
	decoder, err := zstd.NewReader(r, options...)
	if err != nil {
		return nil, err
	}
	return decoder.IOReadCloser(), nil
}
