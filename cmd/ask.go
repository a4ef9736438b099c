package cmd

import (
	"bufio"
	"context"
	"fmt"
	"strings"
)

// ask asks a question on the terminal and reports whether the answer is yes.
// The caller has checked that there is a terminal. The first Ctrl-C ends the
// question, with the error of ctx.
func (a *app) ask(ctx context.Context, question string) (bool, error) {
	fmt.Fprintf(a.host.Stderr, "%s [y/N] ", question)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.host.Stdin).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case text := <-answer:
		return text == "y" || text == "yes", nil
	case <-ctx.Done():
		fmt.Fprintln(a.host.Stderr)
		return false, ctx.Err()
	}
}
