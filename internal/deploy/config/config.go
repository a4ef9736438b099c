// Package config reads vmgo-deploy.toml: what a service is called, how it is
// built, how it runs on its hosts and when it counts as healthy. Reading is
// strict: a key that it does not know is an error with its line.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/harden"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// File is the usual name of the configuration.
const File = "vmgo-deploy.toml"

// Duration is a time.Duration that is written "30s".
type Duration time.Duration

// UnmarshalText reads a duration.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err == nil && v < 0 {
		err = fmt.Errorf("%q is negative", text)
	}
	*d = Duration(v)
	return err
}

// MarshalText writes a duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Size is a number of bytes that is written "256M", as systemd reads it.
type Size int64

// UnmarshalText reads a size.
func (s *Size) UnmarshalText(text []byte) error {
	v, err := harden.ParseSize(string(text))
	*s = Size(v)
	return err
}

// MarshalText writes a size in bytes.
func (s Size) MarshalText() ([]byte, error) { return fmt.Append(nil, int64(s)), nil }

// Config is the whole of vmgo-deploy.toml. What has the JSON name "-" stays on the
// machine that deploys; the rest goes into the package.
type Config struct {
	Name       string   `toml:"name" json:"name"`
	Build      string   `toml:"build" json:"build,omitempty"`
	BuildFlags []string `toml:"build_flags" json:"build_flags,omitempty"`
	Files      []string `toml:"files" json:"files,omitempty"`
	Hosts      []string `toml:"hosts" json:"-"`
	Listen     []string `toml:"listen" json:"listen,omitempty"`
	Keep       int      `toml:"keep" json:"keep"`

	Service Service `toml:"service" json:"service"`
	Health  Health  `toml:"health" json:"health"`
	Limits  Limits  `toml:"limits" json:"limits"`
	Degrade Degrade `toml:"degrade" json:"degrade"`
	Hooks   Hooks   `toml:"hooks" json:"hooks"`
	Logs    Logs    `toml:"logs" json:"logs"`
	Signing Signing `toml:"signing" json:"-"`
	Rollout Rollout `toml:"rollout" json:"-"`
	Notify  Notify  `toml:"notify" json:"-"`

	Env map[string]map[string]any `toml:"env" json:"-"`
}

// Service is how systemd runs the program.
type Service struct {
	Args             []string          `toml:"args" json:"args,omitempty"`
	User             string            `toml:"user" json:"user,omitempty"`
	Notify           bool              `toml:"notify" json:"notify,omitempty"`
	Environment      map[string]string `toml:"environment" json:"environment,omitempty"`
	EnvironmentFiles []string          `toml:"environment_files" json:"environment_files,omitempty"`
	Credentials      map[string]string `toml:"credentials" json:"credentials,omitempty"`
	State            bool              `toml:"state" json:"state,omitempty"`
	Write            []string          `toml:"write" json:"write,omitempty"`
	Sandbox          *bool             `toml:"sandbox" json:"sandbox,omitempty"`
	StopTimeout      Duration          `toml:"stop_timeout" json:"stop_timeout"`
}

// Health is when a release counts as good.
type Health struct {
	URL         string   `toml:"url" json:"url,omitempty"`
	TCP         string   `toml:"tcp" json:"tcp,omitempty"`
	GRPC        string   `toml:"grpc" json:"grpc,omitempty"`
	Command     []string `toml:"command" json:"command,omitempty"`
	Deadline    Duration `toml:"deadline" json:"deadline"`
	Interval    Duration `toml:"interval" json:"interval"`
	Successes   int      `toml:"successes" json:"successes"`
	Window      Duration `toml:"window" json:"window"`
	MaxRestarts int      `toml:"max_restarts" json:"max_restarts"`
}

// Limits are those of the service's control group, and of the Go runtime.
type Limits struct {
	Memory Size    `toml:"memory" json:"memory,omitempty"`
	CPUs   float64 `toml:"cpus" json:"cpus,omitempty"`
}

// Degrade is the page that is served while the service cannot be.
type Degrade struct {
	Page       string   `toml:"page" json:"page,omitempty"`
	RetryAfter Duration `toml:"retry_after" json:"retry_after"`
}

// Hooks are commands that run on the host as root.
type Hooks struct {
	Backup      [][]string `toml:"backup" json:"backup,omitempty"`
	Migrate     [][]string `toml:"migrate" json:"migrate,omitempty"`
	MigrateUndo [][]string `toml:"migrate_undo" json:"migrate_undo,omitempty"`
}

// Logs is the archive of the service's journal and of files on the host.
type Logs struct {
	Schedule         string   `toml:"schedule" json:"schedule,omitempty"`
	Files            []string `toml:"files" json:"files,omitempty"`
	Directory        string   `toml:"directory" json:"directory,omitempty"`
	Upload           []string `toml:"upload" json:"upload,omitempty"`
	ReadBack         []string `toml:"read_back" json:"read_back,omitempty"`
	KeepDays         int      `toml:"keep_days" json:"keep_days,omitempty"`
	KeepBytes        Size     `toml:"keep_bytes" json:"keep_bytes,omitempty"`
	EnvironmentFiles []string `toml:"environment_files" json:"environment_files,omitempty"`
}

// Dir returns the directory of the archives of a service.
func (l Logs) Dir(name string) string {
	if l.Directory != "" {
		return l.Directory
	}
	return "/var/log/vmgo-deploy/" + name
}

// Signing names the key that signs packages.
type Signing struct {
	Key  string `toml:"key"`
	None bool   `toml:"none"`
}

// Rollout is the order of the hosts.
type Rollout struct {
	Canary      int `toml:"canary"`
	Parallel    int `toml:"parallel"`
	MaxFailures int `toml:"max_failures"`
}

// Notify is who hears of a deploy, from the machine that deploys.
type Notify struct {
	Webhook  string     `toml:"webhook"`
	Template string     `toml:"template"`
	Commands [][]string `toml:"commands"`
	On       []string   `toml:"on"`
}

// When a notice is sent.
const (
	Begin = "begin"
	End   = "end"
)

func defaults() Config {
	return Config{
		Keep:    5,
		Service: Service{StopTimeout: Duration(30 * time.Second)},
		Health: Health{
			Deadline: Duration(30 * time.Second), Interval: Duration(250 * time.Millisecond), Successes: 2, Window: Duration(3 * time.Second),
		},
		Degrade: Degrade{RetryAfter: Duration(30 * time.Second)},
		Rollout: Rollout{Canary: 1, Parallel: 1},
		Notify:  Notify{On: []string{End}},
	}
}

// Load reads the configuration at path. env names the section [env.NAME] whose
// keys override the others; empty for none.
func Load(path, env string) (Config, error) {
	data, err := smallfile.Read(path, smallfile.Usual)
	if err != nil {
		return Config{}, diag.Wrap(diag.BadSetting, err, "cannot read the configuration", "vmgo deploy init   # writes "+File)
	}
	return Parse(path, data, env)
}

// Parse is Load for the content of the file at path.
func Parse(path string, data []byte, env string) (Config, error) {
	c := defaults()
	if err := decode(data, &c); err != nil {
		return c, located(path, err)
	}
	if err := checkSections(path, data, c); err != nil {
		return c, err
	}
	if env != "" {
		over, ok := c.Env[env]
		if !ok {
			return c, diag.New(diag.BadSetting, path+" has no section [env."+env+"]", "less "+diag.Word(path))
		}
		text, err := toml.Marshal(over)
		if err == nil {
			err = decode(text, &c)
		}
		if err != nil {
			return c, located(path+" [env."+env+"]", err)
		}
	}
	return c, c.check(path)
}

func decode(data []byte, c *Config) error {
	return toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(c)
}

// checkSections reads each [env.NAME] for itself, so that a mistake in one that
// is not used today is found today.
func checkSections(path string, data []byte, c Config) error {
	var sections struct {
		Env map[string]Config `toml:"env"`
	}
	err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(&sections)
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) {
		for _, e := range strict.Errors {
			if key := e.Key(); len(key) > 0 && key[0] == "env" {
				return located(path, &toml.StrictMissingError{Errors: []toml.DecodeError{e}})
			}
		}
		return nil
	}
	return located(path, err)
}

// located makes an error that names file and line.
func located(path string, err error) error {
	if err == nil {
		return nil
	}
	hint := "vmgo deploy init --stdout   # the keys that there are"
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		e := strict.Errors[0]
		row, _ := e.Position()
		return diag.New(diag.BadSetting, fmt.Sprintf("%s:%d: unknown key %s", path, row, strings.Join(e.Key(), ".")), hint)
	}
	var wrong *toml.DecodeError
	if errors.As(err, &wrong) {
		row, _ := wrong.Position()
		return diag.New(diag.BadSetting, fmt.Sprintf("%s:%d: %s", path, row, strings.TrimPrefix(wrong.Error(), "toml: ")), hint)
	}
	return diag.Wrap(diag.BadSetting, err, path, hint)
}
