package doctor

import (
	"context"
	"strings"
)

func lsmCheck() Check {
	return Check{
		ID: "security.lsm", Group: Security, Weight: 6,
		Title:  "refusals by SELinux or AppArmor about Go and vmgo",
		Why:    "they look like \"permission denied\" where the permissions are right",
		Source: "/sys/fs/selinux/enforce, /sys/module/apparmor; audit.log, kern.log",
		Run:    runLSM,
	}
}

func runLSM(_ context.Context, m *Machine) Result {
	system := ""
	switch {
	case m.Text("/sys/fs/selinux/enforce") == "1":
		system = "SELinux"
	case m.Text("/sys/module/apparmor/parameters/enabled") == "Y":
		system = "AppArmor"
	case m.Text("/sys/fs/selinux/enforce") == "0":
		return ok("SELinux only watches")
	default:
		return ok("neither is in force")
	}
	read := false
	for _, file := range []string{"/var/log/audit/audit.log", "/var/log/kern.log", "/var/log/messages"} {
		data, err := m.ReadFile(file)
		if err != nil {
			continue
		}
		read = true
		if line, n := m.denial(string(data)); line != "" {
			r := warn("%s refused something", system).at(file, n, "%s", line)
			if system == "SELinux" {
				return r.mend("sudo restorecon -Rv /opt/go /usr/local/bin")
			}
			return r.mend("sudo journalctl -k --grep apparmor")
		}
	}
	if !read {
		return skip("%s is in force; its log can be read by root only", system)
	}
	return ok("%s refused nothing of ours", system)
}

// denial finds the last refusal about our programs or directories.
func (m *Machine) denial(log string) (line string, number int) {
	marks := []string{`comm="vmgo`, `comm="go"`, `name="/opt/go/`, `path="/opt/go/`}
	for _, s := range m.Stores() {
		marks = append(marks, `"`+s+`/`)
	}
	n := 0
	for text := range strings.Lines(log) {
		n++
		if !strings.Contains(text, "denied") && !strings.Contains(text, `apparmor="DENIED"`) {
			continue
		}
		for _, mark := range marks {
			if strings.Contains(text, mark) {
				line, number = strings.TrimSpace(text), n
			}
		}
	}
	return line, number
}
