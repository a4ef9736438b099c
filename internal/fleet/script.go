package fleet

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
)

// The checks of a host, in the order in which they run and are shown.
const (
	Verify = "verify"
	Doctor = "doctor"
	Harden = "harden"
	Audit  = "audit"
)

// Checks lists them.
func Checks() []string { return []string{Verify, Doctor, Harden, Audit} }

// head finds vmgo, where no file that a shell reads puts it on PATH, and the go that
// is there without it. Nothing is written: go itself, which would count its calls in
// the user's directory, is not run.
const head = `export LC_ALL=C NO_COLOR=1 CI=true
sudo= nice= limit=
command -v nice >/dev/null && nice='nice -n 19'
command -v timeout >/dev/null && limit='timeout -k 5 SECONDS'
v=$(command -v vmgo) || for d in /usr/local/bin /usr/bin "$HOME/.local/bin" /opt/vmgo/bin; do
	[ -x "$d/vmgo" ] && v=$d/vmgo && break
done
run() {
	id=$1; shift
	echo "MARK begin $id"
	{ out=$($sudo $nice $limit "$v" "$@" </dev/null 2>&3); status=$?; } 3>&1
	echo "MARK end $id $status"
	printf '%s\n' "$out"
}
echo "MARK begin os"; echo "MARK end os 0"
(. /etc/os-release 2>/dev/null && echo "$PRETTY_NAME"); uname -m
echo "MARK begin go"; echo "MARK end go 0"
g=$(command -v go) || g=/usr/local/go/bin/go
g=$(readlink -f "$g") && head -n 1 "${g%/bin/go}/VERSION" 2>/dev/null
[ -n "$v" ] || { echo "MARK done"; exit 0; }
`

const about = `run version version --json
run list list --json
`

// known asks whether a vmgo has a command, which it then describes on stdout.
const known = `"$v" NAME --help >/dev/null 2>&1 </dev/null && `

// script is what the shell of a host runs, from its input. mark begins the lines
// that are ours among those of the programs.
func script(mark string, o Options) string {
	var b strings.Builder
	b.WriteString(head)
	if o.Sudo {
		b.WriteString("[ \"$(id -u)\" = 0 ] || sudo='sudo -n --preserve-env=LC_ALL,NO_COLOR,CI,VMGO_OFFLINE'\n")
	}
	offline := ""
	if !o.Online {
		b.WriteString("export VMGO_OFFLINE=1\n")
		offline = " --offline"
	}
	b.WriteString(about)
	lines := map[string]string{
		Verify: "run verify verify --all --files --log --json",
		Doctor: "run doctor doctor --json --no-record" + offline,
		Harden: "run harden harden status --json",
		Audit:  strings.Replace(known, "NAME", "audit", 1) + "run audit audit --json" + offline,
	}
	for _, id := range Checks() {
		if o.has(id) {
			b.WriteString(lines[id] + "\n")
		}
	}
	b.WriteString("echo 'MARK done'\n")
	seconds := strconv.Itoa(max(1, int(o.Timeout/time.Second)))
	return strings.NewReplacer("MARK", mark, "SECONDS", seconds).Replace(b.String())
}

// section is what one command of the script said.
type section struct {
	stdout, stderr []byte
	status         int
	ended          bool
}

// sections splits what a host sent. whole reports whether the script came to its end.
func sections(mark string, data []byte) (found map[string]*section, whole bool) {
	found = map[string]*section{}
	var now *section
	for line := range bytes.Lines(data) {
		words := strings.Fields(string(line))
		if len(words) < 2 || words[0] != mark {
			switch {
			case now == nil:
			case now.ended:
				now.stdout = append(now.stdout, line...)
			default:
				now.stderr = append(now.stderr, line...)
			}
			continue
		}
		switch {
		case words[1] == "done":
			return found, true
		case words[1] == "begin" && len(words) == 3:
			now = &section{}
			found[words[2]] = now
		case words[1] == "end" && len(words) == 4 && now != nil:
			now.ended = true
			now.status, _ = strconv.Atoi(words[3])
		}
	}
	return found, false
}

// complaint returns what a command that failed said, on one line.
func (s *section) complaint() string {
	for line := range bytes.Lines(s.stderr) {
		text := diag.Line(strings.TrimSpace(string(line)))
		if strings.HasPrefix(text, "vmgo: ") && !strings.HasPrefix(text, "vmgo: warning") {
			return strings.TrimPrefix(text, "vmgo: ")
		}
	}
	if s.status == 124 || s.status == 137 { // timeout(1)
		return "it was not done in time"
	}
	if text := strings.TrimSpace(string(s.stderr)); text != "" {
		return diag.Line(text[strings.LastIndex(text, "\n")+1:])
	}
	return "it ended with status " + strconv.Itoa(s.status)
}
