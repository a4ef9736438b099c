package config

import (
	"net"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

// check returns the first value that cannot be used.
func (c *Config) check(file string) error {
	for _, problem := range []string{c.checkNames(), c.checkService(), c.checkHealth(), c.checkRollout(), c.Logs.check()} {
		if problem != "" {
			return diag.New(diag.BadSetting, file+": "+problem, "vmgo deploy init --stdout   # what each key means")
		}
	}
	return nil
}

// ValidName reports whether a name can be that of a unit, a directory and a user.
func ValidName(name string) bool {
	ok, _ := regexp.MatchString(`^[a-z][a-z0-9-]{0,30}$`, name)
	return ok && !strings.HasSuffix(name, "-")
}

func (c *Config) checkNames() string {
	switch {
	case !ValidName(c.Name):
		return "name is to be of lower-case letters, digits and hyphens, not " + strconv.Quote(c.Name)
	case c.Build == "" && len(c.Files) == 0:
		return "build or files is missing: there is nothing to deploy"
	case c.Keep < 2:
		return "keep is to be at least 2: the release that runs and the one before it"
	case c.Signing.Key == "" && !c.Signing.None:
		return "signing.key is missing; `none = true` deploys without a signature"
	case c.Signing.Key != "" && c.Signing.None:
		return "signing has a key and none = true: only one of them can be"
	}
	for _, host := range c.Hosts {
		if host == "" || strings.HasPrefix(host, "-") || strings.ContainsAny(host, " \t\n") {
			return "hosts has " + strconv.Quote(host) + ", which is not a host of ssh"
		}
	}
	for _, listen := range c.Listen {
		if !validListen(listen) {
			return "listen has " + strconv.Quote(listen) + ", which is not a port, ADDRESS:PORT or absolute path of a socket"
		}
	}
	for _, f := range append(slices.Clone(c.Files), c.Degrade.Page) {
		if path.IsAbs(f) || f != "" && !relative(f) {
			return strconv.Quote(f) + " is not a path inside of the project"
		}
	}
	return ""
}

func relative(file string) bool {
	clean := path.Clean(file)
	return clean != ".." && !strings.HasPrefix(clean, "../") && !strings.ContainsAny(file, "\n\x00")
}

func validListen(s string) bool {
	if path.IsAbs(s) {
		return !strings.ContainsAny(s, " \t\n%")
	}
	port := s
	if host, p, err := net.SplitHostPort(s); err == nil {
		if net.ParseIP(host) == nil {
			return false
		}
		port = p
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

func (c *Config) checkService() string {
	s := c.Service
	texts := slices.Concat(s.Args, s.Write, s.EnvironmentFiles, []string{s.User})
	variable := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	secret := regexp.MustCompile(`(?i)(password|passwd|secret|token|api_?key|private_?key)`)
	for name, value := range s.Environment {
		texts = append(texts, name, value)
		if !variable.MatchString(name) {
			return "service.environment has the name " + strconv.Quote(name)
		}
		if secret.MatchString(name) && value != "" {
			return "service.environment has " + name + ": secrets come by service.credentials or service.environment_files, which stay on the host"
		}
	}
	credential := regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	for name, file := range s.Credentials {
		texts = append(texts, name, file)
		if !credential.MatchString(name) || !path.IsAbs(file) {
			return "service.credentials is to have NAME = \"/absolute/file/on/the/host\", not " + strconv.Quote(name)
		}
	}
	for _, text := range texts {
		if strings.ContainsAny(text, "\n\r\x00") {
			return "service has a value of several lines: " + strconv.Quote(text)
		}
	}
	for _, dir := range append(slices.Clone(s.Write), s.EnvironmentFiles...) {
		if !path.IsAbs(dir) || strings.ContainsAny(dir, `"\%`) {
			return strconv.Quote(dir) + " in service is not an absolute path"
		}
	}
	if ok, _ := regexp.MatchString(`^([a-z_][a-z0-9_-]{0,31})?$`, s.User); !ok {
		return "service.user is not a user name: " + strconv.Quote(s.User)
	}
	if c.Limits.Memory != 0 && c.Limits.Memory < 16<<20 {
		return "limits.memory is too little for a Go program: the least is 16M"
	}
	if c.Limits.CPUs < 0 || c.Limits.CPUs > 4096 {
		return "limits.cpus cannot be"
	}
	if len(c.Listen) == 0 && c.Degrade.Page != "" {
		return "degrade.page needs listen: the page is served on the sockets that systemd holds open"
	}
	return ""
}

func (c *Config) checkHealth() string {
	h, kinds := c.Health, 0
	for _, is := range []bool{h.URL != "", h.TCP != "", h.GRPC != "", len(h.Command) > 0} {
		if is {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		return "health needs one of url, tcp, grpc and command"
	case h.Successes < 1 || h.MaxRestarts < 0:
		return "health.successes is to be at least 1, health.max_restarts at least 0"
	case h.Deadline <= 0 || h.Interval <= 0:
		return "health.deadline and health.interval are to be more than 0"
	}
	if u, err := url.Parse(h.URL); h.URL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return "health.url is not an http or https URL: " + strconv.Quote(h.URL)
	}
	for _, address := range []string{h.TCP, h.GRPC} {
		if _, _, err := net.SplitHostPort(address); address != "" && err != nil {
			return "health has " + strconv.Quote(address) + ", which is not a HOST:PORT"
		}
	}
	return ""
}

func (l Logs) check() string {
	uses := len(l.Files) > 0 || len(l.Upload) > 0 || l.KeepDays != 0 || l.KeepBytes != 0
	switch {
	case l.Schedule == "" && uses:
		return "logs.schedule is missing: when logs are archived, such as \"daily\""
	case strings.ContainsAny(l.Schedule, "\n\r\x00"):
		return "logs.schedule has several lines"
	case (len(l.Upload) == 0) != (len(l.ReadBack) == 0):
		return "logs.upload and logs.read_back go together: what was uploaded is read back and compared"
	case len(l.Upload) == 0 && (l.KeepDays != 0 || l.KeepBytes != 0):
		return "logs.keep_days and logs.keep_bytes need logs.upload: nothing is deleted that was not uploaded and read back"
	case l.KeepDays < 0 || l.KeepBytes < 0:
		return "logs.keep_days and logs.keep_bytes are to be at least 0"
	}
	for _, words := range [][]string{l.Upload, l.ReadBack} {
		if len(words) > 0 && !strings.Contains(strings.Join(words, " "), "{name}") {
			return "logs.upload and logs.read_back name the archive: {name} is its name, {file} its path on the host"
		}
	}
	for _, name := range append(slices.Clone(l.Files), append(slices.Clone(l.EnvironmentFiles), l.Dir("app"))...) {
		if !path.IsAbs(name) || path.Clean(name) != name || strings.ContainsAny(name, "\"\\%\n\r\x00") {
			return strconv.Quote(name) + " in logs is not an absolute path"
		}
	}
	return ""
}

func (c *Config) checkRollout() string {
	if c.Rollout.Canary < 0 || c.Rollout.Parallel < 1 || c.Rollout.MaxFailures < 0 {
		return "rollout.parallel is to be at least 1, canary and max_failures at least 0"
	}
	for _, on := range c.Notify.On {
		if on != Begin && on != End {
			return "notify.on has " + strconv.Quote(on) + ": there are " + Begin + " and " + End
		}
	}
	for _, commands := range [][][]string{c.Hooks.Backup, c.Hooks.Migrate, c.Hooks.MigrateUndo, c.Notify.Commands} {
		for _, words := range commands {
			if len(words) == 0 || words[0] == "" {
				return "a hook is a list of words, the program first"
			}
		}
	}
	return ""
}
