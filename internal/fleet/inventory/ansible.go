package inventory

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
)

// limitOfAnsible ends an inventory program that hangs.
const limitOfAnsible = 5 * time.Minute

// byAnsible has Ansible read an inventory: it knows plugins, vaults and group_vars.
func byAnsible(ctx context.Context, h host.Host, program, path string) (*Inventory, error) {
	ctx, cancel := context.WithTimeout(ctx, limitOfAnsible)
	defer cancel()
	again := "ansible-inventory -i " + diag.Word(path) + " --list"
	cmd := exec.CommandContext(ctx, h.Path(program), "-i", path, "--list")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &said, time.Second
	if err := h.Run(cmd); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, diag.Wrap(diag.BadSetting, err, "ansible-inventory cannot read "+path+": "+lastLine(said.String()), again)
	}
	inv, err := parseList(out.Bytes())
	if err != nil {
		return nil, diag.Wrap(diag.BadSetting, err, "ansible-inventory printed no inventory", again)
	}
	if len(inv.order) == 0 && strings.Contains(said.String(), "Unable to parse") {
		return nil, diag.New(diag.BadSetting, "ansible-inventory cannot read "+path, again)
	}
	return inv, nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return diag.Line(lines[len(lines)-1])
}

// parseList reads what ansible-inventory --list prints. Each host has all its
// variables there.
func parseList(data []byte) (*Inventory, error) {
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(data, &entries); err != nil {
		return nil, err
	}
	var meta struct {
		HostVars map[string]map[string]any `json:"hostvars"`
	}
	if err := json.Unmarshal(entries["_meta"], &meta); err != nil {
		return nil, err
	}
	inv := newInventory()
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		var g struct {
			Hosts    []string `json:"hosts"`
			Children []string `json:"children"`
		}
		if name == "_meta" || json.Unmarshal(entries[name], &g) != nil {
			continue
		}
		inv.group(name).children = g.Children
		for _, host := range g.Hosts {
			inv.add(name, host, texts(meta.HostVars[host]))
		}
	}
	return inv, nil
}
