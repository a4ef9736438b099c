package doctor

import "github.com/vmgo/vmgo/internal/facts"

// install returns the command that installs packages of this distribution.
func (m *Machine) install(names ...string) string {
	return facts.PackagesOf(m.Host).Install("sudo ", names...)
}

// byDistro picks a package name.
func (m *Machine) byDistro(debian, redhat, alpine string) string {
	return facts.PackageName(m.Host, debian, redhat, alpine)
}
