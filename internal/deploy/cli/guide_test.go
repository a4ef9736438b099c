package cli

import (
	"os"
	"regexp"
	"strings"
)

// guide runs the commands of docs/guides/deploy.md in their order; each has to succeed.
func (b *bench) guide() {
	b.t.Helper()
	page, err := os.ReadFile("../../../docs/guides/deploy.md")
	if err != nil {
		b.t.Fatal(err)
	}
	commands := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		for line := range strings.Lines(block[1]) {
			args := strings.Fields(line)[2:] // without "vmgo deploy"
			at := *b
			if args[0] == "init" {
				at.project = b.t.TempDir()
			}
			if _, _, status := at.deploy(args...); status != 0 {
				b.t.Errorf("%s: exit status %d", strings.TrimSpace(line), status)
			}
			commands++
		}
	}
	if commands < 8 {
		b.t.Errorf("the guide has %d commands", commands)
	}
}
