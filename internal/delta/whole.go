package delta

import (
	"errors"
	"math/bits"

	"github.com/klauspost/compress/zstd"
)

// Encode returns a whole file as its difference to base, a zstd frame that names the
// size of the file. It takes its time, about half a second for a megabyte, for
// the smallest result, and some hundred megabytes of memory.
func Encode(content, base []byte) ([]byte, error) {
	window := min(max(1<<bits.Len(uint(len(content)+len(base))), minWindow), maxWindow)
	encoder, err := zstd.NewWriter(nil, zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(1), zstd.WithSingleSegment(true),
		zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderDictRaw(id, base))
	if err != nil {
		return nil, err
	}
	return encoder.EncodeAll(content, nil), encoder.Close()
}

var errOtherSize = errors.New("it is the difference of a file of another size")

// Decode returns the file that Encode was given, which has size bytes. It is
// written into buffer if that is large enough: nothing else of that size is needed.
func Decode(packed, base, buffer []byte, size int) ([]byte, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(uint64(max(size, minWindow))), zstd.WithDecoderDictRaw(id, base))
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	if cap(buffer) < size {
		buffer = make([]byte, 0, size)
	}
	content, err := decoder.DecodeAll(packed, buffer[:0])
	if err == nil && len(content) != size {
		err = errOtherSize
	}
	return content, err
}
