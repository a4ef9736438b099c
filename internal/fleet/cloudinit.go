package fleet

import (
	"bytes"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fleet/yamlfile"
)

// cloudConfig is the part of cloud-init's user-data that we use.
type cloudConfig struct {
	WriteFiles []cloudFile `yaml:"write_files,omitempty"`
	RunCmd     [][]string  `yaml:"runcmd,omitempty"`
}

type cloudFile struct {
	Path        string `yaml:"path"`
	Content     string `yaml:"content"`
	Owner       string `yaml:"owner"`
	Permissions string `yaml:"permissions"`
}

// CloudInit returns user-data that gives a new machine the state at its first boot.
func (s *State) CloudInit() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	var config cloudConfig
	file := func(name, content string) {
		config.WriteFiles = append(config.WriteFiles, cloudFile{name, content, "root:root", "0644"})
	}
	if len(s.Settings) > 0 {
		file("/etc/vmgo/env", "# Written by cloud-init. Settings of vmgo for all users: vmgo config\n"+s.settings())
	}
	if s.Hook {
		file("/etc/profile.d/vmgo-hook.sh", strings.ReplaceAll(hook, "VMGO", diag.Word(s.vmgo())))
	}
	// One script: with cloud-init, a command that fails holds up none of those after it.
	config.RunCmd = [][]string{{"sh", "-euc", s.script()}}
	var out bytes.Buffer
	out.WriteString("#cloud-config\n# Written by vmgo fleet cloud-init.\n")
	err := yamlfile.Encode(&out, config)
	return out.Bytes(), err
}

// settings are the lines of /etc/vmgo/env.
func (s *State) settings() string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.Settings)) {
		text.WriteString(name + "=" + s.Settings[name] + "\n")
	}
	return text.String()
}

const hook = `# Written by cloud-init: the hook of vmgo for bash and zsh.
case $- in
*i*)
	if [ -n "${BASH_VERSION:-}" ]; then
		eval "$(VMGO hook bash)"
	elif [ -n "${ZSH_VERSION:-}" ]; then
		eval "$(VMGO hook zsh)"
	fi
	;;
esac
`

// script is what the first boot runs, as root. It may be run again.
func (s *State) script() string {
	var b strings.Builder
	line := func(words ...string) { b.WriteString(strings.Join(words, " ") + "\n") }
	line("export HOME=/root; umask 022")
	for _, name := range slices.Sorted(maps.Keys(s.Settings)) {
		line("export", name+"="+diag.Word(s.Settings[name]))
	}
	s.fetch(line)
	vmgo := diag.Word(s.vmgo())
	if len(s.Releases) > 0 {
		line(vmgo, "install", words(s.Releases))
	}
	if s.Default != "" {
		line(vmgo, "default --system", diag.Word(s.Default))
	}
	if s.Shims {
		line("ln -sfn", diag.Word(path.Join(path.Dir(s.vmgo()), "vmgo-shim")), "/usr/local/bin/go")
		line("ln -sfn", diag.Word(path.Join(path.Dir(s.vmgo()), "vmgo-shim")), "/usr/local/bin/gofmt")
	}
	if s.HardenProfile != "" {
		line(vmgo, "harden apply --profile", s.HardenProfile)
	}
	return b.String()
}

// fetch downloads vmgo, checks and installs it.
func (s *State) fetch(line func(...string)) {
	source := s.Package + s.Tarball
	if source == "" {
		return
	}
	file := "/var/cache/vmgo/" + path.Base(source)
	line("mkdir -p /var/cache/vmgo")
	line("curl -fsSL --retry 5 -o", file, diag.Word(source))
	line("echo", strings.TrimPrefix(s.Checksum, "sha256:")+"'  "+file+"'", "| sha256sum -c -")
	switch {
	case strings.HasSuffix(s.Package, ".deb"):
		line("dpkg --force-confold -i", file)
	case s.Package != "":
		line("rpm -U --oldpackage", file)
	default:
		dir := "/usr/local/lib/vmgo/" + s.release()
		line("mkdir -p", dir)
		line("tar -xzf", file, "-C", dir, "--strip-components=1 --no-same-owner")
		line("ln -sfn", s.release(), "/usr/local/lib/vmgo/current")
		for _, name := range s.Programs {
			line("ln -sfn", diag.Word("../lib/vmgo/current/bin/"+name), diag.Word("/usr/local/bin/"+name))
		}
	}
}

func words(list []string) string {
	quoted := make([]string, len(list))
	for i, word := range list {
		quoted[i] = diag.Word(word)
	}
	return strings.Join(quoted, " ")
}
