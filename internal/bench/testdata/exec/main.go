// Exec is the floor under a shim: start, and become the program that
// BENCH_TARGET names.
package main

import (
	"os"
	"syscall"
)

func main() {
	err := syscall.Exec(os.Getenv("BENCH_TARGET"), os.Args, os.Environ())
	os.Stderr.WriteString(err.Error() + "\n")
	os.Exit(127)
}
