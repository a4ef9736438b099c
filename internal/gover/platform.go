package gover

// Platform is an operating system and an architecture in Go's own names, those
// of GOOS and GOARCH.
type Platform struct{ OS, Arch string }

// String returns the platform as toolchain modules name it: "linux-amd64",
// "linux-arm".
func (p Platform) String() string { return p.OS + "-" + p.Arch }

// IsPlain reports whether both names are of lower-case letters and digits, as all
// of Go's are, so that the platform can stand in a URL or path. A Platform may
// be made of a stranger's words.
func (p Platform) IsPlain() bool { return plainName(p.OS) && plainName(p.Arch) }

func plainName(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && (s[0] < '0' || s[0] > '9' || s == "386")
}

// ArchiveName returns the platform as the file names of official archives have
// it: as String, but with "armv6l" for linux/arm.
func (p Platform) ArchiveName() string {
	if p.OS == "linux" && p.Arch == "arm" {
		return "linux-armv6l"
	}
	return p.String()
}

// ToolchainModule is the path of the module that carries Go releases.
const ToolchainModule = "golang.org/toolchain"

// ModuleVersion returns the version of [ToolchainModule] that carries v for p:
// "v0.0.1-go1.22.5.linux-amd64".
func ModuleVersion(v Version, p Platform) string {
	return "v0.0.1-" + v.Toolchain() + "." + p.String()
}

// ParseModuleVersion is the inverse of [ModuleVersion].
func ParseModuleVersion(s string) (Version, Platform, bool) {
	const prefix = "v0.0.1-go"
	if len(s) < len(prefix) || s[:len(prefix)] != prefix {
		return Version{}, Platform{}, false
	}
	rest := s[len(prefix):]
	dot, dash := -1, -1
	for i := len(rest) - 1; i >= 0 && dot < 0; i-- {
		switch rest[i] {
		case '-':
			dash = i
		case '.':
			dot = i
		}
	}
	if dot < 1 || dash < dot+2 || dash == len(rest)-1 {
		return Version{}, Platform{}, false
	}
	v, ok := parse(rest[:dot])
	if !ok || ModuleVersion(v, Platform{rest[dot+1 : dash], rest[dash+1:]}) != s {
		return Version{}, Platform{}, false
	}
	return v, Platform{rest[dot+1 : dash], rest[dash+1:]}, true
}
