package host

import (
	"path/filepath"
	"strings"
)

// Virt says what kind of machine this is. VM and container are two answers: a
// container may well run inside a VM.
type Virt struct {
	VM        string   // kvm, vmware, virtualbox, hyper-v, xen, wsl, …; empty on bare metal
	Product   string   // what the firmware calls the machine, may be empty
	Container string   // docker, podman, lxc, systemd-nspawn, …; empty outside
	Evidence  []string // where the answers come from
}

// hypervisors by the vendor text of CPUID leaf 0x40000000.
func hypervisorByCPUID(vendor string) string {
	switch strings.TrimRight(vendor, "\x00 ") {
	case "KVMKVMKVM", "Linux KVM Hv":
		return "kvm"
	case "VMwareVMware":
		return "vmware"
	case "VBoxVBoxVBox":
		return "virtualbox"
	case "Microsoft Hv":
		return "hyper-v"
	case "XenVMMXenVMM":
		return "xen"
	case "TCGTCGTCGTCG":
		return "qemu"
	case "bhyve bhyve":
		return "bhyve"
	case "ACRNACRNACRN":
		return "acrn"
	case "prl hyperv", " lrpepyh vr", " prl hyperv":
		return "parallels"
	case "":
		return ""
	}
	return "unknown hypervisor"
}

// dmiVendor is a text that the firmware's tables begin with. Those that are
// sure go before CPUID: VirtualBox and some clouds show another hypervisor's
// CPUID leaf, because they run on top of it or imitate it.
type dmiVendor struct {
	prefix, vm string
	sure       bool
}

func dmiVendors() []dmiVendor {
	return []dmiVendor{
		{"innotek GmbH", "virtualbox", true},
		{"VirtualBox", "virtualbox", true},
		{"Oracle Corporation", "virtualbox", false},
		{"Parallels", "parallels", true},
		{"VMware", "vmware", true},
		{"VMW", "vmware", true},
		{"Xen", "xen", true},
		{"Amazon EC2", "kvm", false},
		{"KubeVirt", "kvm", true},
		{"OpenStack", "kvm", false},
		{"Google Compute Engine", "kvm", false},
		{"Apple Virtualization", "apple", true},
		{"BHYVE", "bhyve", true},
		{"QEMU", "qemu", false},
		{"Bochs", "bochs", false},
		{"KVM", "kvm", false},
	}
}

// Virt finds out by CPUID, firmware tables and marker files. It asks no
// program: systemd-detect-virt is absent on many machines and answers with
// whatever container marker lies about.
func (h Host) Virt() Virt {
	var v Virt
	dmi := h.dmi(&v)
	cpu := h.Sys.CPU()
	byCPU := hypervisorByCPUID(cpu.Hypervisor)
	switch {
	case strings.Contains(strings.ToLower(h.Text("/proc/sys/kernel/osrelease")), "microsoft"):
		v.VM = "wsl"
		v.note("/proc/sys/kernel/osrelease: " + h.Text("/proc/sys/kernel/osrelease"))
	case dmi.sure:
		v.VM = dmi.vm
	case byCPU == "hyper-v" && (dmi.vm == "qemu" || dmi.vm == "kvm"):
		v.VM = "kvm" // KVM with the Hyper-V enlightenments that Windows guests like
	case byCPU == "xen" && h.isDom0():
		v.note("/proc/xen/capabilities: control_d, this is the machine that runs the others")
	case byCPU != "":
		v.VM = byCPU
		v.note("CPUID leaf 0x40000000: " + strings.TrimRight(cpu.Hypervisor, "\x00 "))
	case dmi.vm != "":
		v.VM = dmi.vm
	default:
		v.VM = h.vmByOtherFiles(&v, cpu)
	}
	v.Container = h.container(&v)
	return v
}

func (v *Virt) note(s string) { v.Evidence = append(v.Evidence, s) }

func (h Host) dmi(v *Virt) dmiVendor {
	const dir = "/sys/class/dmi/id"
	v.Product = h.Text(dir + "/product_name")
	if h.Text(dir+"/sys_vendor") == "Microsoft Corporation" && v.Product == "Virtual Machine" {
		v.note(dir + "/sys_vendor: Microsoft Corporation, Virtual Machine")
		return dmiVendor{vm: "hyper-v", sure: true}
	}
	for _, name := range []string{"product_name", "sys_vendor", "board_vendor", "bios_vendor", "product_version"} {
		text := h.Text(filepath.Join(dir, name))
		for _, d := range dmiVendors() {
			if text != "" && strings.HasPrefix(text, d.prefix) && !oracleServer(d, v.Product) {
				v.note(filepath.Join(dir, name) + ": " + text)
				return d
			}
		}
	}
	return dmiVendor{}
}

// Oracle sells real servers under the name that VirtualBox's boards carry.
func oracleServer(d dmiVendor, product string) bool {
	return d.prefix == "Oracle Corporation" && product != "VirtualBox"
}

func (h Host) isDom0() bool {
	return strings.Contains(h.Text("/proc/xen/capabilities"), "control_d")
}

func (h Host) vmByOtherFiles(v *Virt, cpu CPU) string {
	if t := h.Text("/sys/hypervisor/type"); t != "" && !h.isDom0() {
		v.note("/sys/hypervisor/type: " + t)
		return t
	}
	const tree = "/proc/device-tree/hypervisor/compatible"
	if t := strings.Trim(h.Text(tree), "\x00"); t != "" {
		v.note(tree + ": " + t)
		if strings.Contains(t, "kvm") {
			return "kvm"
		}
		return t
	}
	for _, line := range h.Lines("/proc/sysinfo") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.HasSuffix(name, "Control Program") {
			v.note("/proc/sysinfo: " + strings.TrimSpace(value))
			return strings.ToLower(strings.Fields(value + " z/vm")[0])
		}
	}
	if cpu.VM {
		v.note("CPUID: hypervisor bit")
		return "unknown hypervisor"
	}
	return ""
}

// container trusts what a container manager says of itself. Marker files at
// the root are believed only with a second sign, since images that were once
// built as a container keep them when they boot as a VM.
func (h Host) container(v *Virt) string {
	if t := h.Text("/run/systemd/container"); t != "" {
		v.note("/run/systemd/container: " + t)
		return t
	}
	if env := h.Text("/proc/1/environ"); env != "" {
		for pair := range strings.SplitSeq(env, "\x00") {
			if t, ok := strings.CutPrefix(pair, "container="); ok && t != "" {
				v.note("container=" + t + " in the environment of process 1")
				return t
			}
		}
	}
	for _, marker := range []struct{ path, container string }{{"/run/.containerenv", "podman"}, {"/.dockerenv", "docker"}} {
		if !h.Exists(marker.path) {
			continue
		}
		if h.rootIsOverlay() || h.cgroupNamesContainer() {
			v.note(marker.path + ", and the root is an overlay or the control group a container's")
			return marker.container
		}
		v.note(marker.path + " alone: a leftover of the image, not a container")
	}
	return ""
}

func (h Host) rootIsOverlay() bool {
	m, ok := h.MountOf("/")
	return ok && (m.Type == "overlay" || m.Type == "fuse-overlayfs")
}

func (h Host) cgroupNamesContainer() bool {
	text := h.Text("/proc/self/cgroup")
	for _, word := range []string{"docker", "libpod", "kubepods", "containerd", "/lxc/"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}
