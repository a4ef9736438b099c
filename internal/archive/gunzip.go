package archive

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"github.com/vmgo/vmgo/internal/inflate"
)

// The header of a gzip member (RFC 1952, 2.3).
const (
	gzipHeader  = 10
	gzipTrailer = 8
	gzipDeflate = 8

	gzipHeaderCRC = 1 << 1
	gzipExtra     = 1 << 2
	gzipName      = 1 << 3
	gzipComment   = 1 << 4
	gzipReserved  = 0xe0
)

var (
	errGzip    = errors.New("it is not a gzip file")
	errGzipSum = errors.New("the gzip checksum is wrong")
)

// gunzip reads a gzip file of one member.
type gunzip struct {
	window inflate.Window
	piece  []byte
	crc    uint32
	size   uint32
	err    error
}

// newGunzip reads the header.
func newGunzip(r io.Reader) (*gunzip, error) {
	in := bufio.NewReaderSize(r, 4<<10)
	var h [gzipHeader]byte
	if _, err := io.ReadFull(in, h[:]); err != nil {
		return nil, unexpectedEOF(err)
	}
	flags := h[3]
	if h[0] != 0x1f || h[1] != 0x8b || h[2] != gzipDeflate || flags&gzipReserved != 0 {
		return nil, errGzip
	}
	skip := 0
	if flags&gzipExtra != 0 {
		var n [2]byte
		if _, err := io.ReadFull(in, n[:]); err != nil {
			return nil, unexpectedEOF(err)
		}
		skip = int(binary.LittleEndian.Uint16(n[:]))
	}
	if _, err := in.Discard(skip); err != nil {
		return nil, unexpectedEOF(err)
	}
	for _, text := range []byte{gzipName, gzipComment} {
		if flags&text == 0 {
			continue
		}
		if _, err := in.ReadSlice(0); err != nil { // a name that fills the buffer is no name
			return nil, unexpectedEOF(err)
		}
	}
	if flags&gzipHeaderCRC != 0 {
		if _, err := in.Discard(2); err != nil {
			return nil, unexpectedEOF(err)
		}
	}
	g := &gunzip{}
	g.window.Reset(in)
	return g, nil
}

// Read is part of [io.Reader]. The end is only told when the checksum is right.
func (g *gunzip) Read(p []byte) (int, error) {
	for len(g.piece) == 0 && g.err == nil {
		g.piece, g.err = g.window.Next()
		g.crc = crc32.Update(g.crc, crc32.IEEETable, g.piece)
		g.size += uint32(len(g.piece))
		if g.err == io.EOF {
			g.err = g.trailer()
		}
	}
	if len(g.piece) == 0 {
		return 0, g.err
	}
	n := copy(p, g.piece)
	g.piece = g.piece[n:]
	return n, nil
}

func (g *gunzip) trailer() error {
	var sums [gzipTrailer]byte
	if _, err := io.ReadFull(g.window.After(), sums[:]); err != nil {
		return unexpectedEOF(err)
	}
	if binary.LittleEndian.Uint32(sums[:]) != g.crc || binary.LittleEndian.Uint32(sums[4:]) != g.size {
		return errGzipSum
	}
	return io.EOF
}
