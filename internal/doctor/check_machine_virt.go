package doctor

import (
	"context"
	"strings"
)

func virtCheck() Check {
	return Check{
		ID: "machine.virt", Group: MachineGroup, Weight: 3,
		Title:  "hypervisor and its guest tools",
		Why:    "guest tools keep the clock right and let the host shut the machine down cleanly",
		Source: "CPUID leaf 0x40000000, /sys/class/dmi/id, /sys/hypervisor; /dev/virtio-ports, programs of the guest tools",
		Run:    runVirt,
	}
}

// guestTools returns the guest tools of a hypervisor.
type guestTools struct {
	programs []string // any one of them will do
	debian   string   // package
	rhel     string
	alpine   string
	// when reports whether the host offers what the tools need; nil means always.
	when func(*Machine) bool
}

func toolsFor(vm string) (guestTools, bool) {
	switch vm {
	case "vmware":
		return guestTools{
			programs: []string{"/usr/bin/vmtoolsd", "/usr/sbin/vmtoolsd"},
			debian:   "open-vm-tools", rhel: "open-vm-tools", alpine: "open-vm-tools",
		}, true
	case "virtualbox":
		return guestTools{
			programs: []string{"/usr/sbin/VBoxService", "/usr/bin/VBoxService"},
			debian:   "virtualbox-guest-utils", rhel: "virtualbox-guest-additions", alpine: "virtualbox-guest-additions",
		}, true
	case "hyper-v":
		return guestTools{
			programs: []string{
				"/usr/sbin/hv_kvp_daemon", "/usr/sbin/hypervkvpd", "/usr/lib/linux-tools/*/hv_kvp_daemon", "/usr/bin/hv_kvp_daemon",
			},
			debian: "hyperv-daemons", rhel: "hyperv-daemons", alpine: "hvtools",
		}, true
	case "kvm", "qemu":
		return guestTools{
			programs: []string{"/usr/sbin/qemu-ga", "/usr/bin/qemu-ga"},
			debian:   "qemu-guest-agent", rhel: "qemu-guest-agent", alpine: "qemu-guest-agent",
			// Without the channel the agent cannot reach the host.
			when: func(m *Machine) bool { return m.Exists("/dev/virtio-ports/org.qemu.guest_agent.0") },
		}, true
	}
	return guestTools{}, false
}

func runVirt(_ context.Context, m *Machine) Result {
	v := m.Virt()
	name := v.VM
	if name == "" {
		name = "no hypervisor"
	}
	if v.Container != "" {
		name = v.Container + " on " + name
	}
	r := ok("%s", name)
	for _, e := range v.Evidence {
		r = r.at("", 0, "%s", e)
	}
	tools, known := toolsFor(v.VM)
	if !known || v.Container != "" || (tools.when != nil && !tools.when(m)) {
		return r
	}
	for _, p := range tools.programs {
		if m.IsProgram(p) || strings.Contains(p, "*") && m.anyProgram(p) {
			r.Summary += ", guest tools installed"
			return r
		}
	}
	r.worse(Warn)
	r.Summary = "the guest tools of " + name + " are missing"
	return r.fixWith("%s", m.install(m.byDistro(tools.debian, tools.rhel, tools.alpine)))
}

// anyProgram handles one directory level with any name.
func (m *Machine) anyProgram(pattern string) bool {
	before, after, _ := strings.Cut(pattern, "*")
	for _, entry := range m.ReadDir(before) {
		if m.IsProgram(before + entry.Name() + after) {
			return true
		}
	}
	return false
}
