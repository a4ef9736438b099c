package profiles

import (
	"strings"
	"testing"
	"time"
)

const script = `app 
	          55d0c3 main.churn+0x12 (/usr/bin/app)
	          55d0c9 main.work+0x1 (/usr/bin/app)

app 
	          55d0c3 main.churn+0x44
	          55d0c9 main.other

app 
	ffffffff8114 [unknown]
`

func sample(t *testing.T, text string) *Profile {
	t.Helper()
	p, err := FromPerf(strings.NewReader(text), 100, 3*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	data, err := p.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if p, err = Parse(data); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestFromPerf(t *testing.T) {
	t.Parallel()
	p := sample(t, script)
	if got := p.Total(p.Index("cpu")); got != int64(30*time.Millisecond) || p.Seconds() != 3 {
		t.Errorf("total %d ns in %v s", got, p.Seconds())
	}
	functions := p.Functions(p.Index("samples"))
	if functions[0] != (Function{Name: "main.churn", Self: 2, All: 2}) {
		t.Errorf("%+v", functions)
	}
	if with, all := p.With(0, "main.wo"); with != 1 || all != 3 {
		t.Errorf("%d of %d", with, all)
	}
	if _, err := FromPerf(strings.NewReader("\n"), 100, time.Second); err == nil {
		t.Error("a profile without samples")
	}
}

func TestMinus(t *testing.T) {
	t.Parallel()
	before, after := sample(t, script), sample(t, script+"\napp \n\t1 main.churn\n\t2 main.work\n")
	d, err := Minus(after, before, 1)
	if err != nil {
		t.Fatal(err)
	}
	if stacks := d.Stacks(0); len(stacks) != 1 || stacks[0].Value != 1 || strings.Join(stacks[0].Functions, " ") != "main.churn main.work" {
		t.Errorf("%+v", stacks)
	}
	if half, err := Minus(after, before, 2); err != nil || half.Total(0) != -2 {
		t.Errorf("%v %v", half.Total(0), err)
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	root := sample(t, script).Tree(0)
	if root.Value != 3 || len(root.Children) != 3 || root.Children[0].Children == nil && root.Children[1].Children == nil {
		t.Errorf("%+v", root)
	}
	for _, c := range root.Children {
		if c.Name == "main.work" && (len(c.Children) != 1 || c.Children[0].Name != "main.churn") {
			t.Errorf("%+v", c)
		}
	}
	big := sample(t, strings.Repeat("app \n\t1 main.a\n\n", 5000)+"app \n\t1 main.b\n")
	if n := len(big.Tree(0).Children); n != 1 {
		t.Errorf("%d functions are in the tree, though one has hardly a part", n)
	}
}
