// Hello is the floor under a program that a hook runs: start, print, exit.
package main

import "os"

func main() { os.Stdout.WriteString(":\n") }
