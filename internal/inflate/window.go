package inflate

import "io"

const (
	// distance is how far back a match may reach.
	distance = 32 << 10
	// pieceSize is how much is inflated at a time: little enough to be still in
	// the processor's cache when it is hashed and written.
	pieceSize = 128 << 10
	// readSize is how much is read at a time.
	readSize = 64 << 10
	// unread is how many bytes storedSize may return.
	unread = 8
)

// Window inflates data of any length, piece by piece.
type Window struct {
	Decoder
	stream
	src   io.Reader
	eof   bool
	last  bool // this is the last block
	where place
	left  int // bytes of a stored block that are still to come
}

// place is where in the data a window is.
type place int

const (
	between place = iota
	inStored
	inPacked
)

// Reset begins to inflate what src gives. The buffers are used again.
func (w *Window) Reset(src io.Reader) {
	if w.in == nil {
		w.in = make([]byte, unread+readSize+InSlack)
		w.out = make([]byte, distance+pieceSize+OutSlack)
	}
	w.stream = stream{in: w.in, out: w.out, outStop: distance + pieceSize}
	w.src, w.eof, w.last, w.where, w.left = src, false, false, between, 0
}

// Next returns the next piece, which is valid until the next call, and io.EOF
// after the last one.
func (w *Window) Next() ([]byte, error) {
	if w.at > w.outStop {
		w.at = copy(w.out, w.out[w.at-distance:w.at])
	}
	from := w.at
	for w.at <= w.outStop && !(w.last && w.where == between) {
		if err := w.step(); err != nil {
			return nil, err
		}
	}
	if w.at > from {
		return w.out[from:w.at], nil
	}
	if w.ended() {
		return nil, ErrCutOff
	}
	return nil, io.EOF
}

// step decodes until a block ends, the piece is full, or more input is needed.
func (w *Window) step() error {
	switch w.where {
	case between:
		if err := w.fill(headerSize); err != nil {
			return err
		}
		return w.enter()
	case inStored:
		if err := w.fill(1); err != nil {
			return err
		}
		n := min(w.left, w.inEnd-w.pos, len(w.out)-w.at)
		if n == 0 && w.left > 0 {
			return ErrCutOff
		}
		copy(w.out[w.at:], w.in[w.pos:w.pos+n])
		w.pos, w.at, w.left = w.pos+n, w.at+n, w.left-n
		if w.left == 0 {
			w.where = between
		}
		return nil
	default:
		err := w.block(&w.stream)
		switch {
		case err == nil:
			w.where = between
		case err == errPaused && w.at > w.outStop:
			return nil
		case err == errPaused && w.eof:
			return ErrCutOff
		case err == errPaused:
			return w.fill(headerSize)
		}
		return err
	}
}

// enter begins a block.
func (w *Window) enter() error {
	kind, err := w.begin(&w.stream)
	if err == nil && kind.stored {
		w.left, err = w.storedSize()
	}
	switch {
	case err != nil && w.eof && w.pos+4 > w.inEnd:
		return ErrCutOff // what was read of the beginning was not there
	case err != nil:
		return err
	}
	w.last, w.where = kind.last, inPacked
	if kind.stored {
		w.where = inStored
	}
	return nil
}

// fill reads until n bytes can be taken, or all there are.
func (w *Window) fill(n int) error {
	if w.eof || w.inEnd-w.pos >= n {
		return nil
	}
	from := max(w.pos-unread, 0)
	w.inEnd = copy(w.in, w.in[from:w.inEnd])
	w.pos -= from
	for w.inEnd-w.pos < n {
		m, err := w.src.Read(w.in[w.inEnd : len(w.in)-InSlack])
		w.inEnd += m
		if err == io.EOF {
			w.eof = true
			w.inStop = w.inEnd + 8
			return nil
		}
		if err != nil {
			return err
		}
	}
	w.inStop = w.inEnd - 2*unread
	return nil
}

// Unpacked returns what the source has as it is, as Next gives what it inflates
// to.
func (w *Window) Unpacked() ([]byte, error) {
	n, err := io.ReadFull(w.src, w.out[:pieceSize])
	if n > 0 && err == io.ErrUnexpectedEOF {
		err = nil
	}
	return w.out[:n], err
}

// After reads what follows the packed data.
func (w *Window) After() io.Reader { return readFunc(w.rest) }

func (w *Window) rest(p []byte) (int, error) {
	if end := w.end(); end < w.inEnd {
		n := copy(p, w.in[end:w.inEnd])
		w.pos, w.acc, w.nbits = end+n, 0, 0
		return n, nil
	}
	if w.eof {
		return 0, io.EOF
	}
	return w.src.Read(p)
}

type readFunc func([]byte) (int, error)

// Read is part of [io.Reader].
func (f readFunc) Read(p []byte) (int, error) { return f(p) }
