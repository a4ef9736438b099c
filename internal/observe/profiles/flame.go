package profiles

import (
	"cmp"
	"slices"
	"strings"
)

// Node is a function in a tree of calls: all calls by one caller are one node.
type Node struct {
	Name     string
	Value    int64
	Children []*Node
}

// leastPart is how much of the whole a node must have to be in a tree.
const leastPart = 2000

// Tree returns the calls as a tree below a nameless root, callers above. Nodes with
// less than a 2000th of the whole are left out.
func (p *Profile) Tree(value int) *Node {
	root := &Node{}
	index := map[*Node]map[string]*Node{}
	for _, s := range p.p.Sample {
		v := s.Value[value]
		if v == 0 {
			continue
		}
		at := root
		at.Value += v
		functions := stack(s)
		slices.Reverse(functions)
		for _, name := range functions {
			if index[at] == nil {
				index[at] = map[string]*Node{}
			}
			next := index[at][name]
			if next == nil {
				next = &Node{Name: name}
				index[at][name] = next
				at.Children = append(at.Children, next)
			}
			next.Value += v
			at = next
		}
	}
	root.prune(magnitude(root) / leastPart)
	return root
}

// magnitude is the sum of the values of the leaves, each without its sign: in a
// difference the total may be 0.
func magnitude(n *Node) int64 {
	sum := abs(n.Value)
	var below int64
	for _, c := range n.Children {
		below += magnitude(c)
	}
	return max(sum, below)
}

func (n *Node) prune(least int64) {
	n.Children = slices.DeleteFunc(n.Children, func(c *Node) bool { return magnitude(c) <= least && least > 0 })
	slices.SortFunc(n.Children, func(a, b *Node) int {
		return cmp.Or(cmp.Compare(abs(b.Value), abs(a.Value)), strings.Compare(a.Name, b.Name))
	})
	for _, c := range n.Children {
		c.prune(least)
	}
}

func abs(n int64) int64 { return max(n, -n) }
