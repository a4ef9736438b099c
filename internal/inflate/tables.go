package inflate

import "math/bits"

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
func (f *Decoder) fixedTables() {
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
func (f *Decoder) dynamicTables(s *stream) error {
	f.fixed = false
	s.refill()
	nlit, ndist, nclen := int(s.take(5))+257, int(s.take(5))+1, int(s.take(4))+4
	if nlit > maxLit || ndist > maxDist {
		return ErrDamaged
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
		return ErrDamaged
	}
	for i := 0; i < nlit+ndist; {
		if s.pos > s.inEnd+8 {
			return ErrDamaged
		}
		s.refill()
		e := f.clen[s.acc&127]
		if e&isInvalid != 0 {
			return ErrDamaged
		}
		s.take(uint(e & 63))
		symbol, value, times := e>>16, uint8(0), 1
		switch symbol {
		default:
			value = uint8(symbol)
		case 16:
			if i == 0 {
				return ErrDamaged
			}
			value, times = lengths[i-1], 3+int(s.take(2))
		case 17:
			times = 3 + int(s.take(3))
		case 18:
			times = 11 + int(s.take(7))
		}
		if i+times > nlit+ndist {
			return ErrDamaged
		}
		for ; times > 0; times-- {
			lengths[i] = value
			i++
		}
	}
	if !f.build(f.lit[:], litBits, lengths[:nlit], litEntry) || !f.build(f.dist[:], distBits, lengths[nlit:nlit+ndist], distEntry) {
		return ErrDamaged
	}
	return nil
}

// build fills a decoding table for a canonical code. It refuses codes that are
// over-subscribed, and incomplete ones but for those of a single symbol, or
// none, which have no use and do no harm.
func (f *Decoder) build(table []uint32, primary int, lengths []uint8, entry func(int) uint32) bool {
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
func (f *Decoder) width(lengths []uint8, i, symbols, code, n, primary int) int {
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
