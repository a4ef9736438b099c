// Command recording runs the session of the README in bash, with the vmgo that
// PATH has and real releases, and prints it as an SVG. From the root of the checkout:
//
//	make recording
package main

import (
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// session is what a newcomer does first.
var session = []string{
	"vmgo install 1.22 1.27",
	"cd src/app",
	"vmgo use 1.22",
	"go version",
	"cd ../other                    # its go.mod says: go 1.26",
	"go version",
	"vmgo current",
	"vmgo verify --files --log 1.27.4",
}

const (
	lineHeight = 20   // pixels
	charWidth  = 8.43 // pixels, of a 14 pixel monospace font
	typing     = 1.2  // seconds from one command to the next
	printing   = 0.1  // seconds from one line of output to the next
	hold       = 6    // seconds that the last picture stays
)

func main() {
	lines, err := record()
	if err == nil {
		_, err = os.Stdout.WriteString(draw(lines))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "recording:", err)
		os.Exit(1)
	}
}

// record returns the lines of the session; commands begin with "$ ".
func record() ([]string, error) {
	home, err := os.MkdirTemp("", "recording")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(home) }()
	script := "set -e\nmkdir -p ~/src/app ~/src/other\nprintf 'module other\\n\\ngo 1.26\\n' >~/src/other/go.mod\ncd\n" + `eval "$(vmgo hook bash)"` + "\n"
	for _, command := range session {
		script += "printf '$ %s\\n' " + quote(command) + "\n" + command + "\nfor p in \"${PROMPT_COMMAND[@]}\"; do eval \"$p\"; done\n"
	}
	store := filepath.Join(home, "store")
	cmd := exec.Command("bash", "--noprofile", "--norc", "-c", script)
	cmd.Env = append(os.Environ(), "HOME="+home, "VMGO_ROOT="+store, "VMGO_SOURCE=goproxy", "GOENV=off", "GOROOT=", "GOTOOLCHAIN=")
	out, err := cmd.CombinedOutput()
	text := strings.NewReplacer(store, "/opt/go", home, "~").Replace(string(out))
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, text)
	}
	return strings.Split(strings.TrimRight(text, "\n"), "\n"), nil
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// draw is a page on which the lines appear one after the other, over and over.
// Who wants no motion sees all of them at once.
func draw(lines []string) string {
	at, begin, longest := 0.0, make([]float64, len(lines)), 0
	for i, line := range lines {
		longest = max(longest, len([]rune(line)))
		if at += printing; strings.HasPrefix(line, "$ ") && i > 0 {
			at += typing
		}
		begin[i] = at
	}
	whole := at + hold
	width, height := int(charWidth*float64(longest))+32, len(lines)*lineHeight+40
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" role="img" aria-label="a session with vmgo">
<style>
text { font: 14px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #d6deeb; white-space: pre }
.c { fill: #7fdbca; font-weight: 600 }
`, width, height, width)
	for i := range lines {
		fmt.Fprintf(&svg, "#l%d { animation: a%d %.1fs infinite }\n@keyframes a%d { 0%%, %.2f%% { opacity: 0 } %.2f%%, 100%% { opacity: 1 } }\n",
			i, i, whole, i, 100*begin[i]/whole, 100*begin[i]/whole+0.01)
	}
	svg.WriteString("@media (prefers-reduced-motion: reduce) { text { animation: none !important } }\n</style>\n")
	fmt.Fprintf(&svg, "<rect width=\"%d\" height=\"%d\" rx=\"8\" fill=\"#011627\"/>\n", width, height)
	for i, line := range lines {
		class := ""
		if strings.HasPrefix(line, "$ ") {
			class = ` class="c"`
		}
		fmt.Fprintf(&svg, "<text id=\"l%d\"%s x=\"16\" y=\"%d\" xml:space=\"preserve\">%s</text>\n", i, class, 34+i*lineHeight, html.EscapeString(line))
	}
	return svg.String() + "</svg>\n"
}
