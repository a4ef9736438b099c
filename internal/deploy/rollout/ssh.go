// Package rollout brings packages to hosts, by the system's ssh: the user's
// configuration, agent and jump hosts count. One host or a few go first; a failure
// stops the others.
package rollout

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/vmgo/vmgo/internal/deploy/onhost"
	"github.com/vmgo/vmgo/internal/deploy/units"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/sshrun"
)

// Connections are the ssh connections of one run: one for each host, used by all
// commands for it (ControlMaster).
type Connections struct {
	host   host.Host
	runner sshrun.Runner
	dir    string // of the control sockets

	mu   sync.Mutex
	used map[string]bool
}

// Connect prepares connections.
func Connect(h host.Host) (*Connections, error) {
	// A control socket's path has at most 107 bytes, so the directory's is short.
	dir, err := os.MkdirTemp("/tmp", "vmgo-ssh-")
	runner := sshrun.New(h, "-o", "ControlMaster=auto", "-o", "ControlPersist=60", "-o", "ControlPath="+filepath.Join(dir, "%C"))
	return &Connections{host: h, runner: runner, dir: dir, used: map[string]bool{}}, err
}

// Close ends the connections.
func (c *Connections) Close() error {
	for target := range c.used {
		cmd := exec.Command("ssh", "-O", "exit", "-o", "ControlPath="+filepath.Join(c.dir, "%C"), "--", target)
		_ = c.host.Run(cmd) // none may be open any more
	}
	return os.RemoveAll(c.dir)
}

// ssh runs a command of the remote shell. The host goes on by itself when the
// connection ends.
func (c *Connections) ssh(ctx context.Context, target, command string, stdin io.Reader, stdout io.Writer) error {
	c.mu.Lock()
	c.used[target] = true
	c.mu.Unlock()
	return c.runner.Run(ctx, target, nil, command, stdin, stdout)
}

// notTrusted is the exit status of a host that has no helper.
const notTrusted = 97

// helper is the remote command that runs the host's side as root: the one that
// came with the current release, which the one before it verified.
func helper(name string, words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = diag.Word(word)
	}
	return asRoot + `h=` + units.Directory(name) + "/current/" + units.Helper + `; [ -x "$h" ] || h=` + onhost.FirstHelper +
		`; [ -x "$h" ] || exit 97; exec $sudo "$h" host ` + strings.Join(quoted, " ")
}

const asRoot = `sudo=; [ "$(id -u)" = 0 ] || sudo="sudo -n"; `

// Line is one line of what the host's side says.
type Line struct {
	Step   string          `json:"step,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  *RemoteFailure  `json:"error,omitempty"`
}

// RemoteFailure is a diag.Error on its way from a host.
type RemoteFailure struct {
	Code  diag.Code `json:"code"`
	Msg   string    `json:"msg"`
	Hints []string  `json:"hints"`
}

// call runs the host's side and reads its answer into result. say hears of each
// step, and may be nil.
func (c *Connections) call(ctx context.Context, target, command string, stdin io.Reader, result any, say func(string)) error {
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := c.ssh(ctx, target, command, stdin, writer)
		writer.Close()
		ended <- err
	}()
	var failure *RemoteFailure
	answered := false
	lines := bufio.NewScanner(reader)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var line Line
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue
		}
		switch {
		case line.Step != "" && say != nil:
			say(line.Step)
		case line.Error != nil:
			failure = line.Error
		case line.Result != nil && !answered:
			answered = json.Unmarshal(line.Result, result) == nil
		}
	}
	_, _ = io.Copy(io.Discard, reader)
	err := <-ended
	var remote *sshrun.Failure
	switch {
	case failure != nil:
		return diag.New(failure.Code, failure.Msg, failure.Hints...)
	case answered:
		return nil
	case errors.As(err, &remote) && remote.Status == notTrusted:
		return diag.New(diag.SignatureInvalid, target+" trusts no signing key yet", "vmgo deploy trust "+diag.Word(target))
	case err == nil:
		return diag.New(diag.Failure, target+" gave no answer", "vmgo deploy status")
	}
	return err
}
