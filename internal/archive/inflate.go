package archive

import (
	"encoding/binary"
	"errors"

	"github.com/vmgo/vmgo/internal/diag"
)

// The members of a zip are inflated here rather than by a library, because
// they are what most of an install's time goes into and they have what no
// library may count on: the packed and the inflated size are known, and both
// lie in buffers of ours with room behind their ends. So there is no window,
// no state to suspend, and no test for the end of a buffer within the loop;
// where the ends were overrun is looked at once a symbol. Against a reader with
// a window that halves the time.
//
// A fault here could not go unnoticed: each file has a CRC-32, and the SHA-256
// of all of them must be what the log has. The tests hold the decoder against
// compress/flate, in what it gives and in what it refuses.

const (
	// inSlack and outSlack is the room behind the ends of the buffers.
	inSlack  = 32 // two refills of 8 bytes, and what they may skip
	outSlack = 512

	litBits  = 11 // bits that the first table of literals and lengths decodes
	distBits = 8  // and that of distances
	maxCode  = 15

	maxLit   = 286
	maxDist  = 30
	endBlock = 256
)

// An entry of a decoding table:
//
//	bits 0-7    bits to consume: those of the code and the extra ones
//	bits 8-11   extra bits
//	bit 12      there is a second table: its size in bits is in 8-11
//	bit 13      end of block
//	bit 14      no such code
//	bits 16-30  the literal, the least length or distance, or where the second table is
//	bit 31      a literal
const (
	isTable   = 1 << 12
	isEnd     = 1 << 13
	isInvalid = 1 << 14
	isLiteral = 1 << 31
	special   = isTable | isEnd | isInvalid
)

// The tables are as large as the worst codes need (2342 and 402 entries),
// rounded up so that a mask spares the test of the index.
type (
	litTable  [4096]uint32
	distTable [512]uint32
)

// inflater inflates whole members. It may be used again and again.
type inflater struct {
	lit   litTable
	dist  distTable
	clen  [128]uint32
	order [maxLit + 2]uint16
	fixed bool // the tables are those of fixed blocks
}

var (
	errInflate  = errors.New("the packed data are damaged")
	errTooLong  = errors.New("there is more in it than the directory promises")
	errTooShort = errors.New("there is less in it than the directory promises")
	errLeftOver = errors.New("bytes follow the packed data")
)

func inMember(err error, m *Member) error {
	for _, ours := range []error{errInflate, errTooLong, errTooShort, errLeftOver} {
		if errors.Is(err, ours) {
			return diag.Wrap(diag.ArchiveUnsafe, err, "the archive's file "+shorten(m.Path)+" cannot be unpacked")
		}
	}
	return err
}

// stream is the state of one member. in and out have their slack.
type stream struct {
	in, out []byte
	inEnd   int
	outEnd  int
	pos, at int // of the next byte to read and to write
	acc     uint64
	nbits   uint
}

// refill makes at least 56 bits available. Those above nbits are the ones that
// follow, so it does no harm that the next refill sets them again.
func (s *stream) refill() {
	s.acc |= binary.LittleEndian.Uint64(s.in[s.pos:]) << (s.nbits & 63)
	s.pos += int((63 - s.nbits) >> 3)
	s.nbits |= 56
}

func (s *stream) take(n uint) uint64 {
	v := s.acc & (1<<n - 1)
	s.acc >>= n
	s.nbits -= n
	return v
}

// ended says whether more was read than there is.
func (s *stream) ended() bool { return s.pos-int(s.nbits>>3) > s.inEnd }

// all inflates the n bytes of in into the size bytes of out. Both have their
// slack behind them.
func (f *inflater) all(out []byte, size int, in []byte, n int) ([]byte, error) {
	s := &stream{in: in[:n+inSlack], inEnd: n, out: out[:size+outSlack], outEnd: size}
	for last := false; !last; {
		if s.ended() {
			return nil, errInflate
		}
		s.refill()
		last = s.take(1) == 1
		var err error
		switch s.take(2) {
		case 0:
			err = s.stored()
		case 1:
			f.fixedTables()
			err = f.block(s)
		case 2:
			if err = f.dynamicTables(s); err == nil {
				err = f.block(s)
			}
		default:
			err = errInflate
		}
		if err != nil {
			return nil, err
		}
	}
	switch end := s.pos - int(s.nbits>>3); {
	case end > n:
		return nil, errInflate
	case end < n:
		return nil, errLeftOver
	case s.at < size:
		return nil, errTooShort
	}
	return out[:size], nil
}

// stored copies a block that is not packed.
func (s *stream) stored() error {
	s.pos -= int(s.nbits >> 3) // give back whole bytes
	s.acc, s.nbits = 0, 0
	if s.pos+4 > s.inEnd {
		return errInflate
	}
	n := int(binary.LittleEndian.Uint16(s.in[s.pos:]))
	if n^0xffff != int(binary.LittleEndian.Uint16(s.in[s.pos+2:])) || s.pos+4+n > s.inEnd {
		return errInflate
	}
	if s.at+n > s.outEnd {
		return errTooLong
	}
	copy(s.out[s.at:], s.in[s.pos+4:s.pos+4+n])
	s.pos += 4 + n
	s.at += n
	return nil
}

// block decodes the symbols of one block. It keeps the state in variables, for
// the compiler to keep in registers, and is one long function for that reason:
// three quarters of the time of unpacking are spent in it.
func (f *inflater) block(s *stream) error {
	in, out := s.in, s.out
	pos, at, acc, nbits := s.pos, s.at, s.acc, s.nbits
	lit, dist := &f.lit, &f.dist
	// At the start of each round at least a refill can be read, and a match
	// and three literals written.
	for pos <= s.inEnd+8 && at <= s.outEnd {
		acc |= binary.LittleEndian.Uint64(in[pos:]) << (nbits & 63)
		pos += int((63 - nbits) >> 3)
		nbits |= 56
		e := lit[acc&(1<<litBits-1)]
		if e&isLiteral != 0 {
			// Three literals of the first table are 33 bits at most.
			acc >>= e & 63
			nbits -= uint(e & 63)
			out[at] = byte(e >> 16)
			at++
			e = lit[acc&(1<<litBits-1)]
			if e&isLiteral != 0 {
				acc >>= e & 63
				nbits -= uint(e & 63)
				out[at] = byte(e >> 16)
				at++
				e = lit[acc&(1<<litBits-1)]
				if e&isLiteral != 0 {
					acc >>= e & 63
					nbits -= uint(e & 63)
					out[at] = byte(e >> 16)
					at++
					continue
				}
			}
			acc |= binary.LittleEndian.Uint64(in[pos:]) << (nbits & 63)
			pos += int((63 - nbits) >> 3)
			nbits |= 56
		}
		if e&special != 0 {
			if e&isTable != 0 {
				acc >>= litBits
				nbits -= litBits
				e = lit[(uint64(e>>16)+acc&(1<<(e>>8&15)-1))&uint64(len(lit)-1)]
				if e&isLiteral != 0 {
					acc >>= e & 63
					nbits -= uint(e & 63)
					out[at] = byte(e >> 16)
					at++
					continue
				}
			}
			if e&isEnd != 0 {
				s.pos, s.at, s.acc, s.nbits = pos, at, acc>>(e&63), nbits-uint(e&63)
				return s.blockEnd()
			}
			if e&isInvalid != 0 {
				return errInflate
			}
		}
		// A length takes 20 bits and a distance 28: there are 56.
		extra := e >> 8 & 15
		length := int(e>>16) + int(acc>>((e-extra)&63)&(1<<extra-1))
		acc >>= e & 63
		nbits -= uint(e & 63)
		e = dist[acc&(1<<distBits-1)]
		if e&special != 0 {
			if e&isTable != 0 {
				acc >>= distBits
				nbits -= distBits
				e = dist[(uint64(e>>16)+acc&(1<<(e>>8&15)-1))&uint64(len(dist)-1)]
			}
			if e&isInvalid != 0 {
				return errInflate
			}
		}
		extra = e >> 8 & 15
		back := int(e>>16) + int(acc>>((e-extra)&63)&(1<<extra-1))
		acc >>= e & 63
		nbits -= uint(e & 63)
		if back > at {
			return errInflate
		}
		if back >= 8 && length <= 16 { // most of them
			to, from := out[at:at+16], out[at-back:]
			binary.LittleEndian.PutUint64(to, binary.LittleEndian.Uint64(from))
			binary.LittleEndian.PutUint64(to[8:], binary.LittleEndian.Uint64(from[8:]))
		} else {
			repeat(out, at, back, length)
		}
		at += length
	}
	if at > s.outEnd {
		return errTooLong
	}
	return errInflate
}

func (s *stream) blockEnd() error {
	if s.at > s.outEnd {
		return errTooLong
	}
	return nil
}

// repeat copies length bytes from back before at. It may write up to 15 bytes
// more.
func repeat(out []byte, at, back, length int) {
	switch {
	case back >= 8:
		to, from := out[at:at+length+16], out[at-back:]
		for i := 0; i < length; i += 8 {
			binary.LittleEndian.PutUint64(to[i:], binary.LittleEndian.Uint64(from[i:]))
		}
	case back == 1:
		word := uint64(out[at-1]) * 0x0101010101010101
		to := out[at : at+length+16]
		for i := 0; i < length; i += 8 {
			binary.LittleEndian.PutUint64(to[i:], word)
		}
	default:
		for end := at + length; at < end; at++ {
			out[at] = out[at-back]
		}
	}
}
