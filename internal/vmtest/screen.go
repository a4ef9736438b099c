package vmtest

import (
	"strings"
	"unicode/utf8"
)

// Screen is a terminal that shows what is written to it, as far as vmgo's
// output needs one: text, line breaks, colour, "cursor up" and "erase to the
// end". As most terminals do, it wraps lines anew when it is resized.
type Screen struct {
	columns int
	lines   [][]string // cells of each line; the second one of a wide character is ""
	row     int        // of the cursor, in lines
	cell    int        // of the cursor, in the line
	full    bool       // the cursor is behind the last column of its row
	pending string     // an escape sequence that has not ended
	partial []byte     // a character that has not ended
	width   func(string) int
}

// NewScreen makes an empty screen of so many columns; width tells how many of
// them a character takes.
func NewScreen(columns int, width func(string) int) *Screen {
	return &Screen{columns: columns, lines: [][]string{{}}, width: width}
}

// Resize changes the number of columns.
func (s *Screen) Resize(columns int) { s.columns = columns }

// Text returns the lines, without empty ones at the end.
func (s *Screen) Text() []string {
	var lines []string
	for _, cells := range s.lines {
		lines = append(lines, strings.TrimRight(strings.Join(cells, ""), " "))
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// Rows returns how many rows of the screen the text takes.
func (s *Screen) Rows() int {
	n := 0
	for i := range s.Text() {
		n += s.rows(i)
	}
	return n
}

func (s *Screen) rows(line int) int {
	return max(1, (len(s.lines[line])+s.columns-1)/s.columns)
}

// Write shows text.
func (s *Screen) Write(data []byte) (int, error) {
	s.partial = append(s.partial, data...)
	for utf8.FullRune(s.partial) {
		char, size := utf8.DecodeRune(s.partial)
		s.put(string(char))
		s.partial = s.partial[size:]
	}
	return len(data), nil
}

func (s *Screen) put(char string) {
	if s.pending != "" || char == "\x1b" {
		s.pending += char
		if len(s.pending) > 2 && char >= "@" {
			s.command(s.pending)
			s.pending = ""
		}
		return
	}
	width := s.width(char)
	line := s.lines[s.row]
	switch {
	case char == "\r":
		s.cell, s.full = s.rowOf()*s.columns, false
	case char == "\n":
		s.down()
	case width == 0 && s.cell > 0:
		line[s.cell-1] += char
	default:
		for len(line) < s.cell {
			line = append(line, " ")
		}
		for len(line) < s.cell+width {
			line = append(line, "")
		}
		line[s.cell] = char
		s.lines[s.row] = line
		s.cell += width
		s.full = s.cell%s.columns == 0
	}
}

// rowOf is the row of the cursor within its line.
func (s *Screen) rowOf() int {
	if s.full {
		return s.cell/s.columns - 1 // it wraps with the next character
	}
	return s.cell / s.columns
}

func (s *Screen) down() {
	next := s.rowOf() + 1
	s.full = false
	if next < s.rows(s.row) {
		s.cell = next * s.columns
		return
	}
	if s.row++; s.row == len(s.lines) {
		s.lines = append(s.lines, nil)
	}
	s.cell = 0
}

// up stays in the column.
func (s *Screen) up() {
	at := s.rowOf()
	column := min(s.cell-at*s.columns, s.columns-1)
	s.full = false
	if at > 0 {
		s.cell = (at-1)*s.columns + column
		return
	}
	if s.row > 0 {
		s.row--
		s.cell = (s.rows(s.row)-1)*s.columns + column
	}
}

func (s *Screen) command(sequence string) {
	arguments := strings.TrimPrefix(sequence[:len(sequence)-1], "\x1b[")
	switch sequence[len(sequence)-1] {
	case 'A':
		for range number(arguments) {
			s.up()
		}
	case 'J':
		s.lines[s.row] = s.lines[s.row][:min(s.cell, len(s.lines[s.row]))]
		s.lines = s.lines[:s.row+1]
	}
}

func number(text string) int {
	n := 0
	for _, digit := range text {
		n = 10*n + int(digit-'0')
	}
	return max(1, n)
}
