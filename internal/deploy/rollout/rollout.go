package rollout

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/vmgo/vmgo/internal/deploy/build"
	"github.com/vmgo/vmgo/internal/deploy/config"
	"github.com/vmgo/vmgo/internal/deploy/onhost"
	"github.com/vmgo/vmgo/internal/deploy/pack"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
)

// NotReached is the result for a host that was not begun with.
const NotReached = "not-reached"

// HostResult is what became of one host.
type HostResult struct {
	Host string `json:"host"`
	onhost.Result
	Bytes  int64    `json:"bytes,omitempty"`  // sent
	Signer string   `json:"signer,omitempty"` // of a plan
	Steps  []string `json:"steps,omitempty"`  // of a plan
	Units  string   `json:"units,omitempty"`  // of a plan: how they change

	failure error
}

// Rollout is one deploy onto hosts.
type Rollout struct {
	Host        host.Host
	Connections *Connections
	Objects     Objects
	Config      config.Config
	Who         string
	Package     func(ctx context.Context, arch string) (build.Package, error)
	Say         func(host, step string)
}

// info is what a host says about itself.
type info struct {
	Arch    string      `json:"arch"`
	Current string      `json:"current"`
	Have    []pack.File `json:"have"`
}

// Untouched returns the results for hosts before anything is done.
func Untouched(hosts []string) []HostResult {
	results := make([]HostResult, len(hosts))
	for i, host := range hosts {
		results[i] = HostResult{Host: host, Result: onhost.Result{Result: NotReached}}
	}
	return results
}

// Run calls one for each host: the canaries one by one, then as many at a time as
// the configuration says. After more failures than it allows, or a canary's, the
// other hosts are left alone.
func (r *Rollout) Run(ctx context.Context, hosts []string, one func(context.Context, string) HostResult) ([]HostResult, error) {
	results := Untouched(hosts)
	failures, at := 0, 0
	var first error
	for at < len(hosts) && ctx.Err() == nil {
		size, canary := r.Config.Rollout.Parallel, at < r.Config.Rollout.Canary
		if canary {
			size = 1
		}
		batch := min(size, len(hosts)-at)
		var wg sync.WaitGroup
		for i := at; i < at+batch; i++ {
			wg.Go(func() { results[i] = one(ctx, hosts[i]) })
		}
		wg.Wait()
		for _, result := range results[at : at+batch] {
			if result.Result.Result == onhost.Failed || result.Result.Result == onhost.RolledBack {
				failures++
				if first == nil {
					first = result.error()
				}
			}
		}
		at += batch
		if failures > r.Config.Rollout.MaxFailures || canary && failures > 0 {
			break
		}
	}
	if ctx.Err() != nil {
		return results, diag.New(diag.Interrupted, "interrupted; each host has the old release or the new one", "vmgo deploy status")
	}
	return results, first
}

// error returns why a host does not have the release.
func (r HostResult) error() error {
	switch {
	case r.failure != nil:
		return r.failure
	case r.Result.Result == onhost.RolledBack:
		return diag.New(diag.Failure, "a release was not healthy and was rolled back", "vmgo deploy history")
	}
	return diag.New(diag.Failure, r.Host+" cannot take the release: "+r.Reason, "vmgo deploy plan "+diag.Word(r.Host))
}

func failed(host string, err error) HostResult {
	return HostResult{Host: host, Result: onhost.Result{Result: onhost.Failed, Reason: err.Error()}, failure: err}
}

// Apply deploys onto one host.
func (r *Rollout) Apply(ctx context.Context, target string) HostResult {
	start := r.Host.Now()
	about, p, err := r.ask(ctx, target)
	if err != nil {
		return failed(target, err)
	}
	reader, writer := io.Pipe()
	sent := make(chan int64, 1)
	go func() {
		n, err := r.Objects.send(writer, p, about.Have)
		writer.CloseWithError(err)
		sent <- n
	}()
	result := HostResult{Host: target}
	command := helper(r.Config.Name, "apply", r.Config.Name, "--who", r.Who)
	err = r.Connections.call(ctx, target, command, reader, &result.Result, func(step string) { r.Say(target, step) })
	reader.Close()
	result.Bytes = <-sent
	if err != nil {
		result.Result.Result, result.Reason, result.failure = onhost.Failed, err.Error(), err
		result.From, result.To = about.Current, about.Current
	}
	result.Seconds = onhost.Seconds(r.Host.Now().Sub(start))
	return result
}

// ask asks a host what it is and has, and returns the package for it.
func (r *Rollout) ask(ctx context.Context, target string) (info, build.Package, error) {
	var about info
	if err := r.Connections.call(ctx, target, helper(r.Config.Name, "info", r.Config.Name), nil, &about, nil); err != nil {
		return about, build.Package{}, err
	}
	p, err := r.Package(ctx, about.Arch)
	return about, p, err
}

// Plan says what Apply would do on one host.
func (r *Rollout) Plan(ctx context.Context, target string) HostResult {
	arch, err := r.arch(ctx, target)
	if err != nil {
		return failed(target, err)
	}
	p, err := r.Package(ctx, arch)
	if err != nil {
		return failed(target, err)
	}
	stream, err := planStream(p)
	if err != nil {
		return failed(target, err)
	}
	result := HostResult{Host: target}
	words := "plan " + r.Config.Name + " --time " + r.Host.Now().UTC().Format(time.RFC3339)
	err = r.withHelper(ctx, target, arch, `$sudo "$h" host `+words, bytes.NewReader(stream), &result)
	result.Host = target
	if err != nil {
		result = failed(target, err)
	}
	return result
}

// Call runs a verb of the host's side that needs no package, and returns its answer.
func (r *Rollout) Call(ctx context.Context, target string, words ...string) (json.RawMessage, error) {
	var answer json.RawMessage
	words = append([]string{words[0], r.Config.Name, "--who", r.Who}, words[1:]...)
	err := r.Connections.call(ctx, target, helper(r.Config.Name, words...), nil, &answer, func(step string) { r.Say(target, step) })
	return answer, err
}

// Act is Call for a verb that changes the host.
func (r *Rollout) Act(ctx context.Context, target string, words ...string) HostResult {
	start := r.Host.Now()
	answer, err := r.Call(ctx, target, words...)
	result := HostResult{Host: target}
	if err == nil {
		err = json.Unmarshal(answer, &result.Result)
	}
	if err != nil {
		return failed(target, err)
	}
	result.Seconds = onhost.Seconds(r.Host.Now().Sub(start))
	return result
}

// Trust has a host trust a line of an allowed signers file, and keep this program
// to check the first release. unsigned has it take unsigned packages instead.
func (r *Rollout) Trust(ctx context.Context, target, line string, unsigned, replace bool) error {
	words := "trust"
	if unsigned {
		words += " --unsigned"
	}
	if replace {
		words += " --replace"
	}
	arch, err := r.arch(ctx, target)
	if err != nil {
		return err
	}
	var answer json.RawMessage
	return r.withHelper(ctx, target, arch, `$sudo "$h" host `+words, bytes.NewReader([]byte(line)), &answer)
}

func (r *Rollout) arch(ctx context.Context, target string) (string, error) {
	var machine bytes.Buffer
	err := r.Connections.ssh(ctx, target, "uname -m", nil, &machine)
	return Arch(machine.String()), err
}

// Arch returns the GOARCH of what uname -m prints.
func Arch(machine string) string {
	machine = strings.TrimSpace(machine)
	names := map[string]string{"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "armv7l": "arm", "s390x": "s390x", "ppc64le": "ppc64le", "riscv64": "riscv64"}
	if name := names[machine]; name != "" {
		return name
	}
	return machine
}
