package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// readmeLines says how each command that the text of the README names is run, in a
// module of the user. What needs other machines shows that it is there.
var readmeLines = map[string]string{
	"vmgo doctor": `vmgo doctor --offline || test $? = 1`,
	"vmgo harden": `vmgo harden plan || test $? = 1`,
	"vmgo shims":  `vmgo shims && ~/.local/bin/go version | grep go1.26`,
	"vmgo tools install gopls dlv staticcheck":             `vmgo tools install gopls dlv staticcheck && export PATH="$PATH:$HOME/go/bin" && staticcheck -version && gopls version && dlv version`,
	"vmgo editor vscode setup":                             `vmgo editor vscode setup && vmgo editor vscode status`,
	"vmgo matrix --from-go-mod --install -- go test ./...": `vmgo matrix --from-go-mod --install -- go test ./... >/tmp/matrix && grep -c ok /tmp/matrix`,
	"vmgo env --shell github":                              `GITHUB_ENV=/tmp/e GITHUB_PATH=/tmp/p vmgo env --shell github && grep GOROOT /tmp/e`,
	"vmgo verify":                                          `vmgo verify 1.22`,
	"vmgo repair":                                          `file=$(echo ~/.local/share/vmgo/go/1.22.12/VERSION) && chmod u+w $file && echo x >>$file && ! vmgo verify --files 1.22 && vmgo repair 1.22.12 && vmgo verify --files 1.22`,
	"vmgo audit":                                           `vmgo audit || test $? = 1`,
	"vmgo bundle":                                          `vmgo bundle create --dry-run`,
	"vmgo proxy":                                           `vmgo proxy check`,
	"vmgo mirror":                                          `vmgo mirror sync --minors 1 --dry-run ~/mirror`,
	"vmgo modules check":                                   `vmgo modules check`,
	"vmgo fleet":                                           `vmgo fleet cloud-init --go 1.26 | grep cloud-config`,
	"vmgo fleet status":                                    `vmgo fleet status --help`,
	"vmgo deploy":                                          `vmgo deploy init --stdout | grep name`,
	"vmgo observe":                                         `vmgo observe --help`,
	"vmgo import all":                                      `vmgo import all`,
	"vmgo help TOPIC":                                      `vmgo help selection`,
	"vmgo self uninstall":                                  `vmgo self uninstall && ! test -e ~/.local/bin/vmgo`,
}

var (
	readmeBlock   = regexp.MustCompile("(?s)```sh\n(.*?)```")
	readmeCommand = regexp.MustCompile("`(vmgo [^`]+)`")
)

// readmeInline returns the commands that the text of the README names, beside its blocks.
func readmeInline(text string) []string {
	var commands []string
	for _, match := range readmeCommand.FindAllStringSubmatch(readmeBlock.ReplaceAllString(text, ""), -1) {
		commands = append(commands, match[1])
	}
	return commands
}

// TestREADME_lines keeps readmeLines complete; the commands themselves are run by
// the long test of the release.
func TestREADME_lines(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	named := readmeInline(string(text))
	for _, command := range named {
		if readmeLines[command] == "" {
			t.Errorf("how is `%s` run?", command)
		}
	}
	for command := range readmeLines {
		if !slices.Contains(named, command) {
			t.Errorf("README.md does not name `%s`", command)
		}
	}
}

// readmeCommands runs the README in a bare Debian, from the release, as a user
// without rights and with no network but the module proxy.
func readmeCommands(t *testing.T, releases string) {
	network := newClosedNetwork(t)
	d := newDebian(t, "bookworm")
	d.put(releases)
	d.sh("useradd -m -s /bin/bash u && mkdir -p /home/u/src/app && tar -C /home/u -xzf " + tarFile("0.1.0") + " --strip-components=3 --wildcards '*/share/vmgo/install.sh' && chown -R u: /home/u")
	d.net = []string{"nsenter", "--net=" + network.path}
	d.user, d.env = "1000:1000", []string{"HOME=/home/u", "USER=u", "GOPROXY=" + network.url}

	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := readmeBlock.FindAllStringSubmatch(string(text), -1)
	if len(blocks) != 2 {
		t.Fatalf("%d blocks of commands", len(blocks))
	}
	checkout := strings.NewReplacer("./install.sh", "sh install.sh --from /release/0.1.0", "./test.sh", "# of a checkout: ./test.sh")
	wants(t, d.session("cd\n"+checkout.Replace(blocks[0][1])), "go version go1.22.5 linux/")
	wants(t, d.session(blocks[1][1]), "go1.27.", "go version go1.22.12 linux/", "decided  /home/u/src/app/.go-version:1  1.22.12")

	var last []string
	for _, command := range readmeInline(string(text)) {
		if command == "vmgo self uninstall" {
			last = append(last, readmeLines[command])
			continue
		}
		d.line(readmeLines[command])
	}
	for _, line := range last {
		d.line(line)
	}
	d.user, d.env = "", nil
	if left := d.sh("find /home/u/.local /home/u/.bashrc.vmgo* -name '*vmgo*' -not -path '*/share/vmgo*' -not -path '*/state/vmgo*' 2>/dev/null || :"); left != "" {
		t.Errorf("left by vmgo self uninstall: %s", left)
	}
}

// session types lines into an interactive bash, which has a prompt after each.
func (d *debian) session(lines string) string {
	d.t.Helper()
	path := filepath.Join(d.root, "release/session")
	if err := os.WriteFile(path, []byte(lines), 0o644); err != nil {
		d.t.Fatal(err)
	}
	out, err := d.try("exec bash --noprofile --norc -i </release/session")
	if err != nil {
		d.t.Errorf("%s\n%v\n%s", lines, err, out)
	}
	return out
}

// line runs a command in a module of the user.
func (d *debian) line(line string) {
	d.t.Helper()
	const module = `mkdir -p ~/src/new && cd ~/src/new && printf 'module example.com/new\n\ngo 1.26.0\n' >go.mod && printf 'package new\n' >new.go
export PATH=~/.local/bin:$PATH
test -e ~/.installed || { vmgo install && touch ~/.installed; }
`
	out, err := d.try(module + line)
	d.t.Logf("$ %s\n%s", line, out)
	if err != nil {
		d.t.Errorf("%s\n%v", line, err)
	}
}
