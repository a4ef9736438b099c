// Package inflate decodes DEFLATE data (RFC 1951) in half the CPU time that a
// library takes, which is what most of an install's time goes into. The decoder
// works on buffers of the caller's with room behind their ends: the loop tests
// for the end of neither, and looks once per symbol where it overran them.
// Members of a zip, whose packed and inflated sizes are known, are inflated whole
// if they are small ([Decoder.All]); what is larger, or of unknown length as a
// tar.gz, goes through a [Window].
//
// A fault here cannot go unnoticed: each file or archive has a CRC-32, and the
// SHA-256 of all files must be what the log has. The tests hold the decoder
// against compress/flate, in what it gives and in what it refuses.
package inflate

import (
	"encoding/binary"
	"errors"
)

const (
	// InSlack and OutSlack are the bytes of room behind the ends of the buffers.
	InSlack  = 32 // two refills of 8 bytes, and what they may skip
	OutSlack = 512

	litBits  = 11 // bits that the first table of literals and lengths decodes
	distBits = 8  // and that of distances
	maxCode  = 15

	maxLit   = 286
	maxDist  = 30
	endBlock = 256

	// headerSize is more than a block's beginning takes: 17 bits, 19 code
	// lengths of 3 bits, and 316 of at most 14 bits.
	headerSize = 1 << 10
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

// Decoder inflates whole members. It may be used again and again.
type Decoder struct {
	lit   litTable
	dist  distTable
	clen  [128]uint32
	order [maxLit + 2]uint16
	fixed bool // the tables are those of fixed blocks
}

// What can be wrong with packed data.
var (
	ErrDamaged  = errors.New("the packed data are damaged")
	ErrTooLong  = errors.New("there is more in it than the directory promises")
	ErrTooShort = errors.New("there is less in it than the directory promises")
	ErrLeftOver = errors.New("bytes follow the packed data")
	ErrCutOff   = errors.New("the packed data are cut off")

	errPaused = errors.New("paused") // never leaves this file and window.go
)

// stream is the state of what is being inflated. in and out have their slack.
// Decoding pauses between two symbols where pos or at are beyond their stops.
type stream struct {
	in, out         []byte
	inEnd, outEnd   int
	inStop, outStop int
	pos, at         int // of the next byte to read and to write
	acc             uint64
	nbits           uint
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

// end is where the next byte is that no bit was taken of.
func (s *stream) end() int { return s.pos - int(s.nbits>>3) }

// ended reports whether more was read than there is.
func (s *stream) ended() bool { return s.end() > s.inEnd }

// All inflates the n bytes of in into the size bytes of out. Both have their
// slack behind them.
func (f *Decoder) All(out []byte, size int, in []byte, n int) ([]byte, error) {
	s := &stream{in: in[:n+InSlack], inEnd: n, inStop: n + 8, out: out[:size+OutSlack], outEnd: size, outStop: size}
	for last := false; !last; {
		kind, err := f.begin(s)
		if err != nil {
			return nil, err
		}
		last = kind.last
		switch {
		case kind.stored:
			err = s.stored()
		default:
			err = f.block(s)
		}
		switch {
		case s.at > size:
			return nil, ErrTooLong
		case err == errPaused:
			return nil, ErrDamaged
		case err != nil:
			return nil, err
		}
	}
	switch end := s.end(); {
	case end > n:
		return nil, ErrDamaged
	case end < n:
		return nil, ErrLeftOver
	case s.at < size:
		return nil, ErrTooShort
	}
	return out[:size], nil
}

// kind is what the beginning of a block says of it.
type kind struct{ last, stored bool }

// begin reads the beginning of a block, and the codes that it brings. They take
// less than headerSize bytes.
func (f *Decoder) begin(s *stream) (k kind, err error) {
	if s.ended() {
		return k, ErrDamaged
	}
	s.refill()
	k.last = s.take(1) == 1
	switch s.take(2) {
	case 0:
		k.stored = true
	case 1:
		f.fixedTables()
	case 2:
		err = f.dynamicTables(s)
	default:
		err = ErrDamaged
	}
	return k, err
}

// storedSize reads how long a block is that is not packed.
func (s *stream) storedSize() (int, error) {
	s.pos -= int(s.nbits >> 3) // return whole bytes
	s.acc, s.nbits = 0, 0
	if s.pos+4 > s.inEnd {
		return 0, ErrDamaged
	}
	n := int(binary.LittleEndian.Uint16(s.in[s.pos:]))
	if n^0xffff != int(binary.LittleEndian.Uint16(s.in[s.pos+2:])) {
		return 0, ErrDamaged
	}
	s.pos += 4
	return n, nil
}

// stored copies a block that is not packed.
func (s *stream) stored() error {
	n, err := s.storedSize()
	if err != nil {
		return err
	}
	if s.pos+n > s.inEnd {
		return ErrDamaged
	}
	if s.at+n > s.outEnd {
		return ErrTooLong
	}
	copy(s.out[s.at:], s.in[s.pos:s.pos+n])
	s.pos += n
	s.at += n
	return nil
}

// block decodes the symbols of one block. It keeps the state in variables, for
// the compiler to keep in registers, and is one long function for that reason:
// three quarters of the time of unpacking are spent in it.
func (f *Decoder) block(s *stream) error {
	in, out := s.in, s.out
	pos, at, acc, nbits := s.pos, s.at, s.acc, s.nbits
	inStop, outStop := s.inStop, s.outStop
	lit, dist := &f.lit, &f.dist
	// In each round two refills can be read, and a match and three literals
	// written.
	for pos <= inStop && at <= outStop {
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
				return nil
			}
			if e&isInvalid != 0 {
				return ErrDamaged
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
				return ErrDamaged
			}
		}
		extra = e >> 8 & 15
		back := int(e>>16) + int(acc>>((e-extra)&63)&(1<<extra-1))
		acc >>= e & 63
		nbits -= uint(e & 63)
		if back > at {
			return ErrDamaged
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
	s.pos, s.at, s.acc, s.nbits = pos, at, acc, nbits
	return errPaused
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
