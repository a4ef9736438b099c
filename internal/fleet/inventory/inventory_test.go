package inventory

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
)

const sampleINI = `# mail
mail.example.com
[web]
web[01:05:2].example.com ansible_user=deploy ansible_ssh_common_args='-o ProxyJump=gw -o "A=b c"'
badwolf:5309
[db]
db-[a:b] x=1 # comment
both
[prod:children]
web
db
[prod:vars]
ansible_port=2222
a="quoted"
[db:vars]
ansible_user=dba
[all:vars]
ansible_user = root
k=key # x
; end
`

const sampleYAML = `
all:
  vars: {ansible_user: root}
  hosts:
    a[1:2]: {ansible_port: 22}
    b:
  children:
    web:
      hosts:
        a1:
        c: {ansible_host: 10.0.0.3, list: [1], big: true}
      vars: {ansible_user: u}
      children:
        inner: {hosts: {d: {}}, vars: {ansible_user: deep}}
other:
  hosts: {e: }
`

// TestParse_asAnsible has Ansible read the same files.
func TestParse_asAnsible(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("ansible-inventory")
	if err != nil {
		t.Skip("ansible-inventory, the judge, is not installed")
	}
	for name, text := range map[string]string{"hosts": sampleINI, "hosts.yml": sampleYAML} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		want, err := byAnsible(t.Context(), host.OS(), program, path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(path, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, selection := range [][]string{nil, {"web"}, {"prod"}, {"db", "mail.example.com"}, {"inner", "b"}} {
			wanted, err1 := want.Select(selection)
			given, err2 := got.Select(selection)
			if !reflect.DeepEqual(plain(wanted), plain(given)) || (err1 == nil) != (err2 == nil) {
				t.Errorf("%s, %q: Ansible reads\n%v, %v\nwe\n%v, %v", name, selection, plain(wanted), err1, plain(given), err2)
			}
		}
	}
}

// plain writes truth values as one: Python's are upper-case in INI and not in YAML.
func plain(list []Host) []Host {
	for _, h := range list {
		delete(h.Vars, "k") // Ansible keeps a comment behind a value of [all:vars]
		for name, value := range h.Vars {
			h.Vars[name] = strings.ToLower(value)
		}
	}
	return list
}

func TestHost_SSH(t *testing.T) {
	t.Parallel()
	inv, err := Parse("hosts", []byte(sampleINI))
	if err != nil {
		t.Fatal(err)
	}
	list, err := inv.Select([]string{"web01.example.com"})
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	destination, options, err := list[0].SSH()
	if want := "-p|2222|-l|deploy|-o|ProxyJump=gw|-o|A=b c"; destination != "web01.example.com" || strings.Join(options, "|") != want || err != nil {
		t.Errorf("%s by %q, %v", destination, options, err)
	}
	for _, vars := range []map[string]string{
		{"ansible_connection": "local"}, {"ansible_host": "{{ address }}"}, {"ansible_ssh_common_args": `-o "`},
	} {
		if _, _, err := (Host{"h", vars}).SSH(); diag.CodeOf(err) != diag.BadSetting {
			t.Errorf("%v: %v", vars, err)
		}
	}
}

// TestParse_errors returns files that are none, with the line where there is one.
func TestParse_errors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a\n[web\n": "f:2: a section", "[web:hosts2]\n": "f:1: [web:hosts2] is no section", "a b\n": "f:1: \"b\" is no variable",
		"a x='1\n": "f:1: a quotation", "[v:vars]\nx\n": "f:2: a variable", "a[1\n": "f:1: ", "a[9:1]\n": "f:1: [9:1] is no range",
		"a[1:99999]\n": "f:1: [1:99999] is no range", "a[0:999][0:999]\n": "means more than", "---\n- a\n": "is no inventory in YAML",
		"---\nplugin: aws_ec2\n": "for Ansible's plugin aws_ec2",
	} {
		if _, err := Parse("f", []byte(text)); diag.CodeOf(err) != diag.BadSetting || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestRead_alone reads where there is no Ansible.
func TestRead_alone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := host.OS()
	h.Env, h.Stderr = map[string]string{"PATH": ""}, io.Discard
	path := filepath.Join(dir, "hosts")
	if err := os.WriteFile(path, []byte("a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "group_vars"), 0o755); err != nil {
		t.Fatal(err)
	}
	inv, err := Read(t.Context(), h, path)
	if err != nil || len(inv.Notes) != 1 || !strings.Contains(inv.Notes[0], "group_vars is not read") {
		t.Errorf("%+v, %v", inv, err)
	}
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	for bad, want := range map[string]string{path: "is a program", dir: "is a directory", path + "x": "no such file"} {
		if _, err := Read(t.Context(), h, bad); diag.CodeOf(err) != diag.BadSetting || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", bad, err, want)
		}
	}
}

// FuzzParse looks for a file that ends the program, or makes more hosts than there may be.
func FuzzParse(f *testing.F) {
	f.Add([]byte(sampleINI))
	f.Add([]byte("---" + sampleYAML))
	f.Fuzz(func(t *testing.T, data []byte) {
		inv, err := Parse("f", bytes.Clone(data))
		if err == nil && len(inv.order) > maxHosts {
			t.Fatal(len(inv.order))
		}
	})
}
