package cli

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/harden"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/program"
)

// unit is vmgo proxy unit: the flags of serve, and where to write.
type unit struct {
	serve *serve
	flags *flag.FlagSet
	out   string
}

func newUnit(h host.Host) *unit { return &unit{serve: newServe(h)} }

const unitHelp = `Prints a socket and a service that run vmgo proxy serve with the same flags: as a user of
its own, in the sandbox of vmgo harden, with the cache in /var/cache/vmgo-proxy. systemd holds
the socket, so that a restart refuses no client. Token, certificate and key are passed as
credentials and may belong to root.

   vmgo proxy unit --listen 8080 --max-size 20G --out /etc/systemd/system
   systemctl daemon-reload && systemctl enable --now vmgo-proxy.socket vmgo-proxy.service`

func (u *unit) command() program.Command {
	return program.Command{
		Name: "unit", Long: unitHelp,
		Flags: func(f *flag.FlagSet) {
			u.flags = f
			u.serve.flags(f)
			f.StringVar(&u.out, "out", "", "write the two files to `DIR`")
		},
		Run: func(context.Context, []string) error { return u.run() },
	}
}

const (
	socketName  = "vmgo-proxy.socket"
	serviceName = "vmgo-proxy.service"
	unitCache   = "/var/cache/vmgo-proxy"
)

func (u *unit) run() error {
	if u.serve.dir != "" && !u.serve.offline {
		return diag.New(diag.Usage, "the unit has its cache in "+unitCache+": --dir is for --offline", "vmgo help proxy unit")
	}
	if _, err := u.serve.config(); err != nil { // what serve would refuse
		return err
	}
	files := [][2]string{{socketName, u.socket()}, {serviceName, u.service()}}
	for _, file := range files {
		if u.out == "" {
			if _, err := fmt.Fprintf(u.serve.host.Stdout, "# %s\n%s\n", file[0], file[1]); err != nil {
				return err
			}
			continue
		}
		path := filepath.Join(u.out, file[0])
		if err := fsx.WriteFile(path, []byte(file[1]), 0o644); err != nil {
			return diag.Wrap(diag.Failure, err, "cannot write "+path, "ls -ld "+diag.Word(u.out))
		}
	}
	return nil
}

func (u *unit) socket() string {
	return `[Unit]
Description=Socket of the module proxy

[Socket]
ListenStream=` + u.serve.listen + `

[Install]
WantedBy=sockets.target
`
}

// service has a home of its own for git, whose clones and credentials the private
// modules need.
func (u *unit) service() string {
	var text strings.Builder
	text.WriteString(`[Unit]
Description=Module proxy for Go
Documentation=https://github.com/vmgo/vmgo/blob/main/docs/proxy.md
Wants=network-online.target
After=network-online.target vmgo-proxy.socket
Requires=vmgo-proxy.socket

[Service]
Type=notify
DynamicUser=yes
CacheDirectory=vmgo-proxy
StateDirectory=vmgo-proxy
Environment=HOME=/var/lib/vmgo-proxy
`)
	if u.serve.s3 != "" {
		text.WriteString("# AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY\nEnvironmentFile=/etc/vmgo/proxy-s3.env\n")
	}
	words, credentials := u.words()
	for _, credential := range credentials {
		text.WriteString("LoadCredential=" + credential + "\n")
	}
	text.WriteString("ExecStart=" + strings.Join(words, " ") + "\n")
	text.WriteString(`Restart=on-failure
# Answers under way may take a minute.
TimeoutStopSec=70

# The sandbox of vmgo harden service --sandbox.
` + harden.SandboxSettings + "ProtectHome=yes\n" + harden.UnprivilegedSettings + `
[Install]
WantedBy=multi-user.target
`)
	return text.String()
}

// words are the command line, with the flags that were given, and the credentials
// that it names.
func (u *unit) words() (words, credentials []string) {
	s := u.serve
	dir := unitCache
	if s.offline {
		dir = s.dir
	}
	words = []string{escape(s.host.Executable), "serve", "--dir", escape(dir)}
	u.flags.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "listen", "dir", "out": // the socket and this command have these
		case "token-file", "tls-cert", "tls-key":
			credentials = append(credentials, f.Name+":"+f.Value.String())
			words = append(words, "--"+f.Name, "%d/"+f.Name)
		case "offline", "quiet":
			words = append(words, "--"+f.Name)
		default:
			words = append(words, "--"+f.Name, escape(f.Value.String()))
		}
	})
	return words, credentials
}

// escape writes a word of a command line as systemd reads it (systemd.service(5)).
func escape(word string) string {
	word = strings.NewReplacer(`%`, `%%`, `$`, `$$`, `\`, `\\`, `"`, `\"`).Replace(word)
	if strings.ContainsAny(word, " \t'\"\\;") {
		return `"` + word + `"`
	}
	return word
}
