package host_test

import (
	"fmt"
	"testing"

	"github.com/vmgo/vmgo/internal/host"
)

// What sudo 1.9.13 of Debian 12 itself makes of such files was looked at.
func TestSecurePath(t *testing.T) {
	t.Parallel()
	const dir = "@includedir /etc/sudoers.d\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"none", map[string]string{"/etc/sudoers": "Defaults env_reset\n"}, " "},
		{"quoted", map[string]string{"/etc/sudoers": "Defaults\tenv_reset\nDefaults\tsecure_path=\"/sbin:/bin\"\n"}, "/sbin:/bin /etc/sudoers:2"},
		{"one of several", map[string]string{"/etc/sudoers": "Defaults env_reset, secure_path = /sbin:/bin, insults\n"}, "/sbin:/bin /etc/sudoers:1"},
		{"continued", map[string]string{"/etc/sudoers": "# x\nDefaults env_reset, \\\n  secure_path=/sbin:/bin\n"}, "/sbin:/bin /etc/sudoers:2"},
		{"a comma within", map[string]string{"/etc/sudoers": "Defaults secure_path=\"/a,b:/bin\"\n"}, "/a,b:/bin /etc/sudoers:1"},
		{"escaped", map[string]string{"/etc/sudoers": "Defaults secure_path=/sbin\\:/bin\n"}, "/sbin:/bin /etc/sudoers:1"},
		{"of one user", map[string]string{"/etc/sudoers": "Defaults:dev secure_path=/x\n# Defaults secure_path=/y\n"}, " "},
		{"negated", map[string]string{"/etc/sudoers": "Defaults secure_path=/x\nDefaults !secure_path\n"}, " /etc/sudoers:2"},
		{"the last file", map[string]string{"/etc/sudoers": "Defaults secure_path=/x\n" + dir, "/etc/sudoers.d/60-a": "Defaults secure_path=/a\n",
			"/etc/sudoers.d/Z": "Defaults secure_path=/z\n"}, "/z /etc/sudoers.d/Z:1"},
		{"files passed over", map[string]string{"/etc/sudoers": "Defaults secure_path=/x\n" + dir, "/etc/sudoers.d/old.bak": "Defaults secure_path=/a\n",
			"/etc/sudoers.d/z~": "Defaults secure_path=/z\n"}, "/x /etc/sudoers:1"},
		{"not included", map[string]string{"/etc/sudoers": "Defaults secure_path=/x\n", "/etc/sudoers.d/a": "Defaults secure_path=/a\n"}, "/x /etc/sudoers:1"},
		{"behind the directory", map[string]string{"/etc/sudoers": "#includedir sudoers.d\nDefaults secure_path=/x\n", "/etc/sudoers.d/a": "Defaults secure_path=/a\n"}, "/x /etc/sudoers:2"},
		{"including itself", map[string]string{"/etc/sudoers": "Defaults secure_path=/x\n@include /etc/sudoers\n"}, "/x /etc/sudoers:1"},
	} {
		lines, err := made(t, c.files).Sudoers()
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		path, from := host.SecurePath(lines)
		got := path + " "
		if from.File != "" {
			got += fmt.Sprintf("%s:%d", from.File, from.Line)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if _, err := made(t, map[string]string{"/etc/hosts": ""}).Sudoers(); err == nil {
		t.Error("sudoers that are not there were read")
	}
}
