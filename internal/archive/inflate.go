package archive

import (
	"encoding/binary"
	"errors"
	"math/bits"

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
// the compiler to keep in registers.
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

// lengthBase and distBase give the least value and the number of extra bits of
// a symbol (RFC 1951, 3.2.5).
func lengthBase(symbol int) (base, extra uint32) {
	switch n := uint32(symbol - 257); {
	case n < 8:
		return n + 3, 0
	case n == 28:
		return 258, 0
	default:
		extra = n/4 - 1
		return 3 + (4+n%4)<<extra, extra
	}
}

func distBase(symbol int) (base, extra uint32) {
	n := uint32(symbol)
	if n < 4 {
		return n + 1, 0
	}
	extra = n/2 - 1
	return 1 + (2+n%2)<<extra, extra
}

func litEntry(symbol int) uint32 {
	switch {
	case symbol < endBlock:
		return isLiteral | uint32(symbol)<<16
	case symbol == endBlock:
		return isEnd
	case symbol >= maxLit:
		return isInvalid
	}
	base, extra := lengthBase(symbol)
	return base<<16 | extra<<8 | extra
}

func distEntry(symbol int) uint32 {
	if symbol >= maxDist {
		return isInvalid
	}
	base, extra := distBase(symbol)
	return base<<16 | extra<<8 | extra
}

func plainEntry(symbol int) uint32 { return uint32(symbol) << 16 }

// fixedTables sets the tables of blocks that bring none.
func (f *inflater) fixedTables() {
	if f.fixed {
		return
	}
	var lengths [288]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	var dists [32]uint8
	for i := range dists {
		dists[i] = 5
	}
	f.build(f.lit[:], litBits, lengths[:], litEntry)
	f.build(f.dist[:], distBits, dists[:], distEntry)
	f.fixed = true
}

// dynamicTables reads the codes of a block (RFC 1951, 3.2.7).
func (f *inflater) dynamicTables(s *stream) error {
	f.fixed = false
	s.refill()
	nlit, ndist, nclen := int(s.take(5))+257, int(s.take(5))+1, int(s.take(4))+4
	if nlit > maxLit || ndist > maxDist {
		return errInflate
	}
	var lengths [maxLit + maxDist]uint8
	var clens [19]uint8
	order := [...]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	for _, symbol := range order[:nclen] {
		if s.nbits < 3 {
			s.refill()
		}
		clens[symbol] = uint8(s.take(3))
	}
	if s.ended() || !f.build(f.clen[:], 7, clens[:], plainEntry) {
		return errInflate
	}
	for i := 0; i < nlit+ndist; {
		if s.pos > s.inEnd+8 {
			return errInflate
		}
		s.refill()
		e := f.clen[s.acc&127]
		if e&isInvalid != 0 {
			return errInflate
		}
		s.take(uint(e & 63))
		symbol, value, times := e>>16, uint8(0), 1
		switch symbol {
		default:
			value = uint8(symbol)
		case 16:
			if i == 0 {
				return errInflate
			}
			value, times = lengths[i-1], 3+int(s.take(2))
		case 17:
			times = 3 + int(s.take(3))
		case 18:
			times = 11 + int(s.take(7))
		}
		if i+times > nlit+ndist {
			return errInflate
		}
		for ; times > 0; times-- {
			lengths[i] = value
			i++
		}
	}
	if !f.build(f.lit[:], litBits, lengths[:nlit], litEntry) || !f.build(f.dist[:], distBits, lengths[nlit:nlit+ndist], distEntry) {
		return errInflate
	}
	return nil
}

// build fills a decoding table for a canonical code. It refuses codes that are
// over-subscribed, and incomplete ones but for those of a single symbol, or
// none, which have no use and do no harm.
func (f *inflater) build(table []uint32, primary int, lengths []uint8, entry func(int) uint32) bool {
	var count, next [maxCode + 2]int
	for _, n := range lengths {
		count[n]++
	}
	count[0] = 0
	used, longest := 0, 0
	for n := 1; n <= maxCode; n++ {
		next[n+1] = next[n] + count[n] // where the symbols of length n+1 begin in order
		if count[n] > 0 {
			longest = n
		}
		used += count[n] << (maxCode - n)
	}
	if used > 1<<maxCode || used < 1<<maxCode && longest > 1 {
		return false
	}
	symbols := next[maxCode+1]
	for symbol, n := range lengths {
		if n > 0 {
			f.order[next[n]] = uint16(symbol)
			next[n]++
		}
	}
	if used < 1<<maxCode {
		for i := range table[:1<<primary] {
			table[i] = isInvalid
		}
	}
	free := 1 << primary // where the next second table goes
	for i, code, n := 0, 0, 0; i < symbols; i++ {
		symbol := int(f.order[i])
		if length := int(lengths[symbol]); length > n {
			code <<= length - n
			n = length
		}
		e := entry(symbol)
		reversed := int(bits.Reverse16(uint16(code)) >> (16 - n))
		if n <= primary {
			for at := reversed; at < 1<<primary; at += 1 << n {
				table[at] = e + uint32(n)
			}
			code++
			continue
		}
		low := reversed & (1<<primary - 1)
		if reversed>>primary == 0 { // the first code with this beginning
			width := f.width(lengths, i, symbols, code, n, primary)
			table[low] = isTable | uint32(free)<<16 | uint32(width)<<8 | uint32(primary)
			free += 1 << width
		}
		start, width := int(table[low]>>16), int(table[low]>>8&15)
		for at := reversed >> primary; at < 1<<width; at += 1 << (n - primary) {
			table[start+at] = e + uint32(n-primary)
		}
		code++
	}
	return true
}

// width finds how many bits beyond the primary ones the codes have that begin
// as the code of symbol number i does.
func (f *inflater) width(lengths []uint8, i, symbols, code, n, primary int) int {
	beginning := code >> (n - primary)
	for i++; i < symbols; i++ {
		code++
		length := int(lengths[f.order[i]])
		if length > n {
			code <<= length - n
		}
		if code>>(length-primary) != beginning {
			break
		}
		n = length
	}
	return n - primary
}
