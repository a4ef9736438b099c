// Package inventory reads Ansible's lists of hosts: with ansible-inventory where it
// is installed, else the INI and YAML forms itself.
package inventory

import (
	"bytes"
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Inventory is a list of hosts in groups.
type Inventory struct {
	groups map[string]*group
	order  []string                     // its hosts
	vars   map[string]map[string]string // of each host
	// Notes say what was not read, and why.
	Notes []string
}

type group struct {
	hosts, children []string
	vars            map[string]string
}

// maxHosts is how many hosts an inventory may have: a range is written quickly.
const maxHosts = 10000

func newInventory() *Inventory {
	return &Inventory{groups: map[string]*group{}, vars: map[string]map[string]string{}}
}

// Read reads a file or, with ansible-inventory, whatever Ansible takes for an
// inventory. The error is a [diag.BadSetting] one with the line where there is one.
func Read(ctx context.Context, h host.Host, path string) (*Inventory, error) {
	if program := h.Find("ansible-inventory", h.Env["PATH"]); program != "" {
		return byAnsible(ctx, h, program, path)
	}
	if err := readable(h, path); err != nil {
		return nil, err
	}
	data, err := smallfile.Read(path, 16*smallfile.Usual)
	if err != nil {
		return nil, diag.Wrap(diag.BadSetting, err, "cannot read the inventory", "ls -l "+diag.Word(path))
	}
	inv, err := Parse(path, data)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"group_vars", "host_vars"} {
		if dir := filepath.Join(filepath.Dir(path), name); h.Exists(dir) {
			inv.Notes = append(inv.Notes, dir+" is not read: that needs ansible-inventory (Debian package ansible-core)")
		}
	}
	return inv, nil
}

const installAnsible = "sudo apt-get install ansible-core   # has ansible-inventory"

// readable refuses what only Ansible can read.
func readable(h host.Host, path string) error {
	info, err := h.Stat(path)
	switch {
	case err != nil:
		return diag.Wrap(diag.BadSetting, err, "cannot read the inventory", "ls -l "+diag.Word(path))
	case info.IsDir():
		return diag.New(diag.BadSetting, path+" is a directory, which needs ansible-inventory to be read", installAnsible)
	case info.Mode()&0o111 != 0:
		return diag.New(diag.BadSetting, path+" is a program, which needs ansible-inventory to be run", installAnsible, "chmod -x "+diag.Word(path)+"   # if it is none")
	}
	return nil
}

// Parse reads the INI form, or the YAML form where the name of the file ends so.
func Parse(path string, data []byte) (*Inventory, error) {
	switch filepath.Ext(path) {
	case ".yml", ".yaml", ".json":
		return parseYAML(path, data)
	}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("---")) {
		return parseYAML(path, data)
	}
	return parseINI(path, data)
}

func (inv *Inventory) group(name string) *group {
	g := inv.groups[name]
	if g == nil {
		g = &group{vars: map[string]string{}}
		inv.groups[name] = g
	}
	return g
}

// add puts a host into a group. It reports whether there is room.
func (inv *Inventory) add(groupName, name string, vars map[string]string) bool {
	if inv.vars[name] == nil {
		if len(inv.order) == maxHosts {
			return false
		}
		inv.vars[name] = map[string]string{}
		inv.order = append(inv.order, name)
	}
	maps.Copy(inv.vars[name], vars)
	if g := inv.group(groupName); !slices.Contains(g.hosts, name) {
		g.hosts = append(g.hosts, name)
	}
	return true
}

// settle returns each host the variables of its groups: those of a child count
// for more than its parent's, of the host itself for more than any group's.
func (inv *Inventory) settle() {
	all := inv.group("all")
	depth := map[string]int{}
	var descend func(name string, level int)
	descend = func(name string, level int) {
		if depth[name] >= level || level > len(inv.groups) { // a cycle ends here
			return
		}
		depth[name] = level
		for _, child := range inv.group(name).children {
			descend(child, level+1)
		}
	}
	names := slices.Sorted(maps.Keys(inv.groups))
	for _, name := range names {
		if name != "all" {
			descend(name, 1)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return depth[a] - depth[b] })
	merged := map[string]map[string]string{}
	for _, name := range inv.order {
		merged[name] = maps.Clone(all.vars)
	}
	for _, groupName := range names {
		if groupName == "all" {
			continue
		}
		for _, name := range inv.members(groupName) {
			maps.Copy(merged[name], inv.groups[groupName].vars)
		}
	}
	for name, vars := range merged {
		maps.Copy(vars, inv.vars[name])
	}
	inv.vars = merged
}

// members lists the hosts of a group and of its children.
func (inv *Inventory) members(name string) []string {
	if name == "all" {
		return inv.order
	}
	var list []string
	seen, have := map[string]bool{}, map[string]bool{}
	var visit func(string)
	visit = func(name string) {
		g := inv.groups[name]
		if g == nil || seen[name] {
			return
		}
		seen[name] = true
		for _, member := range g.hosts {
			if !have[member] {
				list, have[member] = append(list, member), true
			}
		}
		for _, child := range g.children {
			visit(child)
		}
	}
	visit(name)
	return list
}

// Select returns the hosts that the names of hosts and groups mean, each once, by
// name; all of them for no names.
func (inv *Inventory) Select(names []string) ([]Host, error) {
	wanted := map[string]bool{}
	for _, name := range names {
		members := slices.Clone(inv.members(name))
		if inv.vars[name] != nil {
			members = append(members, name)
		}
		if len(members) == 0 && inv.groups[name] == nil {
			return nil, diag.New(diag.Usage, "the inventory has no host and no group "+diag.Word(name)+"; its groups are "+strings.Join(inv.names(), ", "), "vmgo fleet status --help")
		}
		for _, member := range members {
			wanted[member] = true
		}
	}
	var list []Host
	for _, name := range slices.Sorted(slices.Values(inv.order)) {
		if len(names) == 0 || wanted[name] {
			list = append(list, Host{Name: name, Vars: inv.vars[name]})
		}
	}
	return list, nil
}

func (inv *Inventory) names() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(inv.groups)), func(name string) bool { return name == "ungrouped" })
}

// Host is a machine of an inventory, with the variables that it has there.
type Host struct {
	Name string
	Vars map[string]string
}

// SSH returns how ssh reaches the host: its destination, and options before it.
// The error says why ssh cannot.
func (h Host) SSH() (destination string, options []string, err error) {
	v := func(names ...string) string {
		for _, name := range names {
			if text := h.Vars[name]; text != "" {
				return text
			}
		}
		return ""
	}
	destination = v("ansible_host", "ansible_ssh_host")
	if destination == "" {
		destination = h.Name
	}
	for _, option := range [][2]string{
		{"-p", v("ansible_port", "ansible_ssh_port")},
		{"-l", v("ansible_user", "ansible_ssh_user")},
		{"-i", v("ansible_ssh_private_key_file", "ansible_private_key_file")},
	} {
		if option[1] != "" {
			options = append(options, option[:]...)
		}
	}
	for _, name := range []string{"ansible_ssh_common_args", "ansible_ssh_extra_args"} {
		words, err := splitWords(h.Vars[name])
		if err != nil {
			return "", nil, diag.New(diag.BadSetting, h.Name+": "+name+": "+err.Error(), "ansible-inventory --host "+diag.Word(h.Name))
		}
		options = append(options, words...)
	}
	switch connection := v("ansible_connection"); connection {
	case "", "ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh":
	default:
		return "", nil, diag.New(diag.BadSetting, h.Name+" is not reached by ssh: ansible_connection is "+connection, "ansible-inventory --host "+diag.Word(h.Name))
	}
	for _, word := range append([]string{destination}, options...) {
		if strings.Contains(word, "{{") {
			return "", nil, diag.New(diag.BadSetting, h.Name+" is reached by a template, which only Ansible evaluates: "+word, "ansible-inventory --host "+diag.Word(h.Name))
		}
	}
	return destination, options, nil
}
