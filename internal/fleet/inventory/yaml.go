package inventory

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fleet/yamlfile"
)

// yamlGroup is a group of Ansible's plugin "yaml".
type yamlGroup struct {
	Hosts    map[string]map[string]any `yaml:"hosts"`
	Vars     map[string]any            `yaml:"vars"`
	Children map[string]*yamlGroup     `yaml:"children"`
}

func parseYAML(path string, data []byte) (*Inventory, error) {
	var groups map[string]*yamlGroup
	var plugin struct {
		Plugin string `yaml:"plugin"`
	}
	if yamlfile.Decode(data, &plugin) == nil && plugin.Plugin != "" {
		return nil, diag.New(diag.BadSetting, path+" is for Ansible's plugin "+plugin.Plugin+", which needs ansible-inventory to be run", installAnsible)
	}
	if err := yamlfile.Decode(data, &groups); err != nil {
		return nil, diag.Wrap(diag.BadSetting, err, path+" is no inventory in YAML", "less "+diag.Word(path))
	}
	inv := newInventory()
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		if err := inv.addYAML(name, groups[name], 0); err != nil {
			return nil, diag.Wrap(diag.BadSetting, err, path+" is no inventory", "less "+diag.Word(path))
		}
	}
	inv.settle()
	return inv, nil
}

func (inv *Inventory) addYAML(name string, from *yamlGroup, depth int) error {
	g := inv.group(name)
	if from == nil {
		return nil
	}
	if depth > 100 {
		return errors.New("its groups are nested too deep")
	}
	maps.Copy(g.vars, texts(from.Vars))
	for _, pattern := range slices.Sorted(maps.Keys(from.Hosts)) {
		if err := inv.addPattern(name, pattern, texts(from.Hosts[pattern])); err != nil {
			return err
		}
	}
	for _, child := range slices.Sorted(maps.Keys(from.Children)) {
		g.children = append(g.children, child)
		if err := inv.addYAML(child, from.Children[child], depth+1); err != nil {
			return err
		}
	}
	return nil
}

// texts writes scalar variables as text and leaves out the others.
func texts(vars map[string]any) map[string]string {
	list := map[string]string{}
	for name, value := range vars {
		switch value.(type) {
		case string, bool, int, int64, uint64, float64:
			list[name] = fmt.Sprint(value)
		}
	}
	return list
}
