package fleet

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fleet/yamlfile"
)

// State is what a machine should have: the variables of the Ansible role
// (deploy/ansible) that need no controller.
type State struct {
	Package       string            `yaml:"vmgo_package"`
	Tarball       string            `yaml:"vmgo_tarball"`
	Checksum      string            `yaml:"vmgo_checksum"`
	Programs      []string          `yaml:"vmgo_programs"`
	Executable    string            `yaml:"vmgo_executable"`
	Releases      []string          `yaml:"vmgo_releases"`
	Default       string            `yaml:"vmgo_default"`
	Settings      map[string]string `yaml:"vmgo_settings"`
	Shims         bool              `yaml:"vmgo_shims"`
	Hook          bool              `yaml:"vmgo_hook"`
	HardenProfile string            `yaml:"vmgo_harden_profile"`
}

// NewState returns the defaults of the role.
func NewState() State {
	return State{Programs: []string{"vmgo", "vmgo-shim"}, Shims: true, Hook: true}
}

// Read takes over the variables of a file in YAML. Those that are not vmgo's are
// others' business.
func (s *State) Read(file string, data []byte) error {
	bad := func(text string) error { return diag.New(diag.BadSetting, file+": "+text, "less "+diag.Word(file)) }
	var all map[string]any
	if err := yamlfile.Decode(data, &all); err != nil {
		return bad(err.Error())
	}
	known := []string{"vmgo_package", "vmgo_tarball", "vmgo_checksum", "vmgo_programs", "vmgo_executable", "vmgo_releases", "vmgo_default",
		"vmgo_settings", "vmgo_shims", "vmgo_hook", "vmgo_harden_profile", "vmgo_state", "vmgo_hosts"}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		switch {
		case name == "vmgo_bundle" && all[name] != "":
			return bad("vmgo_bundle is a file of the controller, which a new machine does not reach")
		case strings.HasPrefix(name, "vmgo_") && name != "vmgo_bundle" && !slices.Contains(known, name):
			return bad("there is no variable " + name)
		}
	}
	if strings.Contains(string(data), "{{") {
		return bad("it has a template, which only Ansible evaluates")
	}
	if err := yamlfile.Decode(data, s); err != nil {
		return bad(err.Error())
	}
	return nil
}

var (
	plainVersion = regexp.MustCompile(`^[0-9A-Za-z.<>=~^ -]+$`)
	settingName  = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)
	sha256Sum    = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	fileName     = regexp.MustCompile(`^[0-9A-Za-z._+~-]+$`)
)

// check returns an error for what no machine can have.
func (s *State) check() error {
	bad := func(text string) error { return diag.New(diag.BadSetting, text, "vmgo fleet cloud-init --help") }
	source := s.Package + s.Tarball
	switch {
	case s.Package != "" && s.Tarball != "":
		return bad("vmgo comes as a package or as a tarball, not as both")
	case source != "" && !strings.HasPrefix(source, "https://") && !strings.HasPrefix(source, "http://"):
		return bad(diag.Word(source) + " is not an address, and a new machine does not reach files of this one")
	case source != "" && !sha256Sum.MatchString(s.Checksum):
		return bad("an address needs a checksum, written sha256: and 64 hexadecimal digits")
	case source != "" && !fileName.MatchString(path.Base(source)):
		return bad("the address ends with no plain name of a file")
	case s.Tarball != "" && s.release() == "":
		return bad(path.Base(source) + " is not named like a release of vmgo: vmgo-0.1.0-linux-amd64.tar.gz")
	case s.Package != "" && !strings.HasSuffix(s.Package, ".deb") && !strings.HasSuffix(s.Package, ".rpm"):
		return bad(path.Base(source) + " is neither a deb nor an rpm")
	case s.Executable != "" && !path.IsAbs(s.Executable):
		return bad("the path of vmgo is not absolute: " + diag.Word(s.Executable))
	}
	for _, name := range append(slices.Clone(s.Releases), s.Default) {
		if name != "" && !plainVersion.MatchString(name) {
			return bad(diag.Word(name) + " is no release")
		}
	}
	for name, value := range s.Settings {
		if !settingName.MatchString(name) || strings.ContainsAny(value, "\r\n\x00") {
			return bad(diag.Word(name) + " is no setting, or has no plain value")
		}
	}
	if !slices.Contains([]string{"", "dev", "ci", "server"}, s.HardenProfile) {
		return bad("the profile of harden is dev, ci or server, not " + diag.Word(s.HardenProfile))
	}
	return nil
}

// release returns the version in the name of the tarball; empty if there is none.
func (s *State) release() string {
	m := regexp.MustCompile(`^vmgo-([0-9][0-9A-Za-z.+~-]*)-linux-[a-z0-9]+\.tar\.gz$`).FindStringSubmatch(path.Base(s.Tarball))
	if m == nil {
		return ""
	}
	return m[1]
}

// vmgo returns the path that vmgo has on the machine.
func (s *State) vmgo() string {
	switch {
	case s.Executable != "":
		return s.Executable
	case s.Package != "":
		return "/usr/bin/vmgo"
	}
	return "/usr/local/bin/vmgo"
}
