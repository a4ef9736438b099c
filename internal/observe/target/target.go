// Package target finds the process that somebody means, and where it serves profiles.
package target

import (
	"context"
	"path"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
)

// Target is a process to look into.
type Target struct {
	Named    string    `json:"named"` // what was typed
	Unit     string    `json:"unit,omitempty"`
	User     bool      `json:"user_unit,omitempty"` // of the user's own manager
	PID      int       `json:"pid,omitempty"`       // 0: unknown, as for a URL of another machine
	Name     string    `json:"name,omitempty"`      // the kernel's name of the process
	Endpoint *Endpoint `json:"endpoint,omitempty"`  // nil: it serves no profiles
	Tried    []string  `json:"tried,omitempty"`     // where they were looked for in vain, and why not there
}

// Find returns the target that a name means: a PID, the URL of an endpoint, or a unit
// of systemd. endpoint is where profiles are served, if somebody said so: a URL or the
// path of a unix socket.
func Find(ctx context.Context, h host.Host, name, endpoint string) (Target, error) {
	t, err := process(ctx, h, name)
	if err != nil {
		return t, err
	}
	if t.PID != 0 {
		t.Name = h.Text("/proc/" + strconv.Itoa(t.PID) + "/comm")
		if t.Unit == "" {
			t.Unit, t.User = h.ServiceOf(strconv.Itoa(t.PID))
		}
	}
	if endpoint == "" && isURL(name) {
		endpoint = name
	}
	finder := finder{host: h, target: &t}
	if endpoint != "" {
		return t, finder.given(ctx, endpoint)
	}
	finder.search(ctx)
	return t, nil
}

func process(ctx context.Context, h host.Host, name string) (Target, error) {
	t := Target{Named: name}
	pid, notNumber := strconv.Atoi(name)
	switch {
	case isURL(name):
		t.PID = holderOf(h, name)
		return t, nil
	case notNumber == nil:
		t.PID = pid
		if pid <= 0 || !h.Exists("/proc/"+name) {
			return t, diag.New(diag.Failure, "there is no process "+name, "systemctl list-units --type=service   # or ps -e for process numbers")
		}
		return t, nil
	}
	return unit(ctx, h, name)
}

func isURL(name string) bool {
	return strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://") || strings.HasPrefix(name, "unix:")
}

// unit asks the machine's systemd, then the user's own.
func unit(ctx context.Context, h host.Host, name string) (Target, error) {
	t := Target{Named: name, Unit: name}
	if strings.HasPrefix(name, "-") || strings.ContainsAny(name, " \t\n/") {
		return t, diag.New(diag.Usage, strconv.Quote(name)+" is not a unit, a process number or a URL", "vmgo observe --help")
	}
	if !strings.Contains(path.Base(name), ".") {
		t.Unit += ".service"
	}
	state := ""
	for _, scope := range []string{"--system", "--user"} {
		out, err := h.Ask(ctx, host.Command{Args: []string{"systemctl", scope, "show", "-p", "LoadState,ActiveState,MainPID", "--", t.Unit}})
		if err != nil {
			return t, diag.Wrap(diag.Failure, err, "cannot ask systemd for "+t.Unit, "vmgo observe PID")
		}
		fields := properties(out.Stdout)
		if fields["LoadState"] != "loaded" {
			continue
		}
		t.User = scope == "--user"
		state = fields["ActiveState"]
		if t.PID, _ = strconv.Atoi(fields["MainPID"]); t.PID > 0 {
			return t, nil
		}
	}
	if state == "" {
		return t, diag.New(diag.Failure, "systemd knows no unit "+t.Unit, "systemctl list-units --type=service")
	}
	return t, diag.New(diag.Failure, t.Unit+" has no running process: it is "+state, "systemctl start "+diag.Word(t.Unit))
}

func properties(text string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			fields[key] = value
		}
	}
	return fields
}
