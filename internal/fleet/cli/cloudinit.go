package cli

import (
	"context"
	"errors"
	"flag"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fleet"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/program"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// cloudInit is vmgo fleet cloud-init and its flags.
type cloudInit struct {
	host     host.Host
	vars     string
	given    fleet.State
	releases string
	settings []string
}

func newCloudInit(h host.Host) *cloudInit { return &cloudInit{host: h} }

func (c *cloudInit) command() program.Command {
	return program.Command{
		Name: "cloud-init",
		Long: `The user-data goes to stdout. --vars reads the variables of the Ansible role (deploy/ansible), so that both make the
same machine; flags come before them. Without --tarball and --package the image has vmgo already.`,
		Flags: func(f *flag.FlagSet) {
			f.StringVar(&c.vars, "vars", "", "the `FILE` in YAML with variables of the Ansible role")
			f.StringVar(&c.given.Tarball, "tarball", "", "the `URL` of a release of vmgo, vmgo-0.1.0-linux-amd64.tar.gz")
			f.StringVar(&c.given.Package, "package", "", "the `URL` of a deb or rpm of vmgo, instead")
			f.StringVar(&c.given.Checksum, "checksum", "", "the SHA-256 of that file, `sha256:HEX`")
			f.StringVar(&c.releases, "go", "", "the releases of Go to install, `LIST` by comma")
			f.StringVar(&c.given.Default, "default", "", "the `RELEASE` that is the machine's default")
			f.StringVar(&c.given.HardenProfile, "profile", "", "apply vmgo harden with the profile `NAME`: dev, ci or server")
			f.Func("set", "a `NAME=VALUE` for /etc/vmgo/env, such as GOPROXY=https://goproxy.example.com; may be given several times", func(text string) error {
				if !strings.Contains(text, "=") {
					return errors.New("it is written NAME=VALUE")
				}
				c.settings = append(c.settings, text)
				return nil
			})
		},
		Run: c.run,
	}
}

func (c *cloudInit) run(context.Context, []string) error {
	state := fleet.NewState()
	if c.vars != "" {
		path := c.host.Abs(c.vars)
		data, err := smallfile.Read(path, smallfile.Usual)
		if err != nil {
			return diag.Wrap(diag.BadSetting, err, "cannot read the variables", "ls -l "+diag.Word(path))
		}
		if err := state.Read(c.vars, data); err != nil {
			return err
		}
	}
	if c.given.Tarball != "" || c.given.Package != "" {
		state.Tarball, state.Package, state.Checksum = c.given.Tarball, c.given.Package, ""
	}
	for to, text := range map[*string]string{&state.Checksum: c.given.Checksum, &state.Default: c.given.Default, &state.HardenProfile: c.given.HardenProfile} {
		if text != "" {
			*to = text
		}
	}
	if c.releases != "" {
		state.Releases = strings.Split(c.releases, ",")
	}
	for _, setting := range c.settings {
		if state.Settings == nil {
			state.Settings = map[string]string{}
		}
		name, value, _ := strings.Cut(setting, "=")
		state.Settings[name] = value
	}
	data, err := state.CloudInit()
	if err != nil {
		return err
	}
	_, err = c.host.Stdout.Write(data)
	return err
}
