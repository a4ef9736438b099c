package vmtest

import (
	"os"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// OpenTerminal opens a pseudo-terminal: pty is the side of who looks at it, tty
// that of programs. A ^C does not flush it: the kernel sends the signal first and
// flushes then (isig in drivers/tty/n_tty.c), which may lose what the program
// prints in between.
func OpenTerminal(t testing.TB) (pty, tty *os.File) {
	t.Helper()
	pty, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	number := 0
	control(t, pty, func(fd int) error {
		if number, err = unix.IoctlGetInt(fd, unix.TIOCGPTN); err != nil {
			return err
		}
		return unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	})
	tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	control(t, tty, func(fd int) error {
		mode, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return err
		}
		mode.Lflag |= unix.NOFLSH
		return unix.IoctlSetTermios(fd, unix.TCSETS, mode)
	})
	return pty, tty
}

// ResizeTerminal returns a terminal so many columns; programs get a SIGWINCH.
func ResizeTerminal(t testing.TB, pty *os.File, columns int) {
	t.Helper()
	control(t, pty, func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(columns)})
	})
}

// control calls f with the descriptor of a file, which stays in the care of the
// runtime: closing the file ends a read of it.
func control(t testing.TB, file *os.File, f func(fd int) error) {
	t.Helper()
	connection, err := file.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if controlErr := connection.Control(func(fd uintptr) { err = f(int(fd)) }); controlErr != nil {
		t.Fatal(controlErr)
	}
	if err != nil {
		t.Fatal(err)
	}
}
