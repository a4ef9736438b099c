package shell

import (
	_ "embed" // the hook script
	"strings"

	"github.com/vmgo/vmgo/internal/environ"
)

//go:embed hook.nu
var nushellHook string

// nushell speaks to nushell 0.101 and later. It evaluates no text while it runs, so
// its hook gets data.
type nushell struct{}

// Name is "nushell"; the program is nu.
func (nushell) Name() string { return "nushell" }

// About says where nushell reads what.
func (nushell) About() About {
	return About{
		Program: "nu", Suffix: "nu", StartupFile: "~/.config/nushell/config.nu", Data: true,
		Syntax:      []string{"sh", "-c", `nu -n -c "if not (nu-check '$1') { exit 1 }"`, "sh"},
		Interactive: []string{"nu", "-n", "-i"},
	}
}

// load writes the script where nushell looks for files to load after config.nu.
func (nushell) load(vmgo string) string {
	const dir = `($nu.data-dir | path join vendor autoload)`
	return "mkdir " + dir + "; ^" + vmgo + " hook nushell | save -f " + strings.Replace(dir, ")", " vmgo.nu)", 1)
}

func (nushell) key(t *strings.Builder, n int) { joinKey(t, n, "($env.", "?)") }

// Quote puts s between double quotes, where nushell knows escapes and no variables.
// Its strings are UTF-8: other bytes become U+FFFD.
func (n nushell) Quote(s string) string { return quoted(n, s) }

func (nushell) quote(t *strings.Builder, s string) {
	s, _, _ = strings.Cut(s, "\x00")
	doubleQuote(t, s, `\u{`, "}")
}

// Hook returns the script for nushell's directory of files to load.
func (n nushell) Hook(p Programs) string { return fill(nushellHook, n, p) }

// Export returns an assignment or a hide-env a line.
func (n nushell) Export(changes []environ.Change) string {
	var t strings.Builder
	for _, change := range changes {
		switch {
		case !change.Value.Set:
			put(&t, "hide-env -i ", change.Name)
		case change.Name == "PATH":
			t.WriteString("$env.PATH = [")
			for i, dir := range strings.Split(change.Value.Text, ":") {
				if i > 0 {
					t.WriteByte(' ')
				}
				n.quote(&t, dir)
			}
			t.WriteByte(']')
		default:
			put(&t, "$env.", change.Name, " = ")
			n.quote(&t, change.Value.Text)
		}
		t.WriteByte('\n')
	}
	return t.String()
}

// Update returns data for the script to apply.
func (nushell) Update(u Update) string { return dataUpdate(u) }
