package host

import (
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Cgroup modes: how the control groups are mounted.
const (
	CgroupV2     = "v2"
	CgroupV1     = "v1"
	CgroupHybrid = "hybrid" // v1 controllers, and a v2 tree without them beside
	CgroupNone   = "none"
)

// Cgroup is the place of a process in the trees of control groups.
type Cgroup struct {
	Mode        string
	Controllers []string // those that can limit something here
	trees       map[string]cgroupTree
}

// cgroupTree is one hierarchy: where it is mounted, and our group in it.
type cgroupTree struct{ point, group string }

// Limit is a bound of one control group.
type Limit struct {
	Path  string // the file that says so
	Value float64
	Own   bool // of this process's own group, not of one above it
}

// Cgroup is [Host.CgroupOf] for the process itself.
func (h Host) Cgroup() Cgroup { return h.CgroupOf("self") }

// ServiceOf returns the systemd service that a process belongs to, by its control group;
// empty: none. user reports whether it is one of a user's own manager.
func (h Host) ServiceOf(process string) (name string, user bool) {
	for _, line := range h.Lines("/proc/" + process + "/cgroup") {
		parts := strings.SplitN(line, ":", 3)
		if len(parts) != 3 || parts[1] != "" && parts[1] != "name=systemd" {
			continue
		}
		elements := strings.Split(parts[2], "/")
		for i, e := range slices.Backward(elements) {
			if strings.HasSuffix(e, ".service") {
				user = slices.ContainsFunc(elements[:i], func(above string) bool { return strings.HasPrefix(above, "user@") })
				return e, user
			}
		}
	}
	return "", false
}

// CgroupOf reads where a process is, by its number or "self", and the mounts.
func (h Host) CgroupOf(process string) Cgroup {
	c := Cgroup{Mode: CgroupNone, trees: map[string]cgroupTree{}}
	groups := map[string]string{}
	for _, line := range h.Lines("/proc/" + process + "/cgroup") {
		if parts := strings.SplitN(line, ":", 3); len(parts) == 3 {
			for name := range strings.SplitSeq(parts[1], ",") {
				groups[name] = parts[2]
			}
		}
	}
	v1, v2 := false, false
	for _, m := range h.Mounts() {
		switch m.Type {
		case "cgroup2":
			v2 = true
			c.trees[""] = cgroupTree{m.Point, groupIn(m, groups[""])}
		case "cgroup":
			for name := range strings.SplitSeq(m.Super, ",") {
				if group, ok := groups[name]; ok && name != "" && !strings.HasPrefix(name, "name=") {
					v1 = true
					c.trees[name] = cgroupTree{m.Point, groupIn(m, group)}
					c.Controllers = append(c.Controllers, name)
				}
			}
		}
	}
	switch {
	case v1 && v2:
		c.Mode = CgroupHybrid
	case v1:
		c.Mode = CgroupV1
	case v2:
		c.Mode = CgroupV2
		c.Controllers = strings.Fields(h.Text(filepath.Join(c.trees[""].point, "cgroup.controllers")))
	}
	slices.Sort(c.Controllers)
	return c
}

// groupIn strips the part of a group's path that is mounted away: inside a
// container only the container's own part of the tree can be seen.
func groupIn(m Mount, group string) string {
	if m.Root != "/" {
		if rest, ok := strings.CutPrefix(group, m.Root); ok {
			group = rest
		}
	}
	for strings.HasPrefix(group, "/..") {
		group = strings.TrimPrefix(group, "/..")
	}
	return filepath.Clean("/" + group)
}

// Dirs returns the directories of a controller's groups, the own one first, then
// those above it.
func (c Cgroup) Dirs(controller string) []string {
	tree, ok := c.trees[controller]
	if c.Mode == CgroupV2 {
		tree, ok = c.trees[""]
	}
	if !ok {
		return nil
	}
	var dirs []string
	for group := tree.group; ; group = filepath.Dir(group) {
		dirs = append(dirs, filepath.Join(tree.point, group))
		if group == "/" {
			return dirs
		}
	}
}

// CPULimits are the quotas in cores, the own group's first.
func (h Host) CPULimits(c Cgroup) []Limit {
	return h.limits(c, "cpu", func(dir string) (string, float64) {
		if c.Mode == CgroupV2 {
			file := filepath.Join(dir, "cpu.max")
			fields := strings.Fields(h.Text(file))
			if len(fields) != 2 {
				return file, math.Inf(1)
			}
			return file, number(fields[0]) / number(fields[1])
		}
		file := filepath.Join(dir, "cpu.cfs_quota_us")
		quota := number(h.Text(file))
		if quota <= 0 {
			return file, math.Inf(1)
		}
		return file, quota / number(h.Text(filepath.Join(dir, "cpu.cfs_period_us")))
	})
}

// MemoryLimits are the bounds in bytes that end or throttle a process, the
// own group's first.
func (h Host) MemoryLimits(c Cgroup) []Limit {
	files := []string{"memory.limit_in_bytes"}
	if c.Mode == CgroupV2 {
		files = []string{"memory.max", "memory.high"}
	}
	var all []Limit
	for _, name := range files {
		all = append(all, h.limits(c, "memory", func(dir string) (string, float64) {
			file := filepath.Join(dir, name)
			value := number(h.Text(file))
			if value > 1<<60 { // v1 writes "no limit" as the largest number of pages
				value = math.Inf(1)
			}
			return file, value
		})...)
	}
	return all
}

// PidLimits are the bounds on processes and threads.
func (h Host) PidLimits(c Cgroup) []Limit {
	return h.limits(c, "pids", func(dir string) (string, float64) {
		file := filepath.Join(dir, "pids.max")
		return file, number(h.Text(file))
	})
}

func (h Host) limits(c Cgroup, controller string, read func(dir string) (string, float64)) []Limit {
	var all []Limit
	for i, dir := range c.Dirs(controller) {
		if file, value := read(dir); !math.IsInf(value, 1) && !math.IsNaN(value) {
			all = append(all, Limit{Path: file, Value: value, Own: i == 0})
		}
	}
	return all
}

// number reads a decimal; "max" and everything unreadable is no bound.
func number(s string) float64 {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return math.Inf(1)
	}
	return n
}
