package cli

import (
	"context"
	"flag"
	"fmt"
	"net/url"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/modpath"
	"github.com/vmgo/vmgo/internal/program"
)

// env is vmgo proxy env and its flags.
type env struct {
	host    host.Host
	private string
	format  string
	godev   bool
}

func newEnv(h host.Host) *env { return &env{host: h} }

const envHelp = `URL is the address of the proxy as clients reach it. GOSUMDB is not changed: the proxy
carries the checksum database, and the client checks what it gets all the same.
Private modules come through the proxy too, so that clients need no credentials.

   eval "$(vmgo proxy env http://proxy.example.com:8080)"
   vmgo proxy env --format go https://proxy.example.com --private 'git.example.com/*'`

func (e *env) command() program.Command {
	return program.Command{
		Name: "env", Arguments: "URL", Long: envHelp, Most: 1,
		Flags: func(f *flag.FlagSet) {
			f.StringVar(&e.private, "private", "", "the `PATTERNS` that vmgo proxy serve has as --private")
			f.StringVar(&e.format, "format", "sh", "the `FORMAT`: sh (export lines), go (go env -w), file (/etc/vmgo/env, systemd)")
			f.BoolVar(&e.godev, "godev", false, "also VMGO_GODEV, for a proxy that serves go.dev's downloads")
		},
		Run: func(_ context.Context, arguments []string) error { return e.run(arguments) },
	}
}

func (e *env) run(arguments []string) error {
	if len(arguments) == 0 {
		return diag.New(diag.Usage, `"vmgo proxy env" needs the URL of the proxy`, "vmgo proxy env http://proxy.example.com:8080")
	}
	u, err := url.Parse(arguments[0])
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return diag.New(diag.Usage, "the address of a proxy is http://HOST or https://HOST, not "+arguments[0], "vmgo proxy env http://proxy.example.com:8080")
	}
	if u.User != nil {
		return diag.New(diag.Usage, "a token belongs into ~/.netrc, which go reads for https, and not into the URL", "vmgo proxy env https://proxy.example.com")
	}
	if err := modpath.CheckPatterns(e.private); err != nil {
		return diag.Wrap(diag.Usage, err, "--private cannot be "+e.private, "vmgo help proxy env")
	}
	formats := map[string]string{"sh": "export %s=%s\n", "go": "go env -w %s=%s\n", "file": "%s=%s\n"}
	format, known := formats[e.format]
	if !known {
		return diag.New(diag.Usage, "there is no format "+e.format, "vmgo help proxy env")
	}
	for _, setting := range e.settings(arguments[0]) {
		value := setting[1]
		if e.format != "file" {
			value = diag.Word(value)
		}
		if _, err := fmt.Fprintf(e.host.Stdout, format, setting[0], value); err != nil {
			return err
		}
	}
	return nil
}

// settings are those of the clients, sorted. GONOPROXY=none outweighs a GOPRIVATE
// that a client has of old.
func (e *env) settings(address string) [][2]string {
	var list [][2]string
	if e.private != "" {
		list = append(list, [2]string{"GONOPROXY", "none"}, [2]string{"GONOSUMDB", e.private})
	}
	list = append(list, [2]string{"GOPROXY", address})
	if e.godev && e.format != "go" {
		list = append(list, [2]string{"VMGO_GODEV", address + "/dl"})
	}
	return list
}
