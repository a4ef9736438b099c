package main_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// A fault is planted on a host by root, found by a check, and gone after its fix.
type fault struct {
	name, check string
	users       []string // as whom doctor is run, and the fix is pasted
	plant       string
	clean       string // what the fix leaves of it
}

const both = "dev root"

func realFaults() []fault {
	const oldGo = "mkdir -p /usr/local/go-old && cp -a /opt/go/" + sessionRelease + "/. /usr/local/go-old/\n"
	of := func(name, check, users, plant, clean string) fault {
		return fault{name, check, strings.Fields(users), plant, clean}
	}
	return []fault{
		of("gvm in .bashrc", "toolchain.leftovers", "dev",
			`mkdir -p /home/dev/.gvm/scripts && echo 'export GVM=1' >/home/dev/.gvm/scripts/gvm
echo '[[ -s "$HOME/.gvm/scripts/gvm" ]] && source "$HOME/.gvm/scripts/gvm"' >>/home/dev/.bashrc`, "rm -r /home/dev/.gvm"),
		of("gvm for everybody", "toolchain.leftovers", both,
			"echo '[ -s /opt/gvm/.gvm/scripts/gvm ] && . /opt/gvm/.gvm/scripts/gvm' >/etc/profile.d/gvm.sh", "rm /etc/profile.d/gvm.sh"),
		of("alias", "toolchain.contexts", "dev", "echo \"alias go='nice go'\" >>/home/dev/.bashrc", ""),
		of("a dead go in /etc/environment", "toolchain.leftovers", both,
			`echo 'PATH="/usr/local/go1.19/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin"' >/etc/environment`, "rm /etc/environment"),
		of("an old go by profile.d", "toolchain.path", both,
			oldGo+"echo 'export PATH=/usr/local/go-old/bin:$PATH' >/etc/profile.d/zgo.sh", "rm -r /etc/profile.d/zgo.sh /usr/local/go-old"),
		of("a second secure_path", "security.sudo", both,
			`echo 'Defaults secure_path="/usr/sbin:/usr/bin:/sbin:/bin"' >/etc/sudoers.d/90-site`, "rm -f /etc/sudoers.d/90-site /etc/sudoers.d/zz-vmgo"),
		of("a tool with the setuid bit", "security.setuid", both,
			"chmod 4755 /opt/go/"+otherRelease+"/pkg/tool/linux_amd64/link", ""),
		of("few mappings", "machine.overcommit", both,
			`mountpoint -q /proc/sys/vm || mount -t tmpfs tmpfs /proc/sys/vm
echo 0 >/proc/sys/vm/overcommit_memory; echo 4096 >/proc/sys/vm/max_map_count
mkdir -p /etc/sysctl.d; echo 'vm.max_map_count = 4096' >/etc/sysctl.d/90-site.conf`, "umount /proc/sys/vm; rm /etc/sysctl.d/90-site.conf"),
		of("everybody may write beside vmgo", "security.path", both, "chmod 0777 /usr/local/bin", ""),
		of("a cache of root", "toolchain.build-dirs", "dev", "mkdir -p /home/dev/.cache/go-build && chown root: /home/dev/.cache/go-build", ""),
		of("GOTOOLCHAIN by go env -w", "toolchain.gotoolchain", "dev",
			"install -d -o dev -g dev /home/dev/.config/go && echo GOTOOLCHAIN=go1.21.13 >/home/dev/.config/go/env && chown dev: /home/dev/.config/go/env", ""),
		of("a go of the distribution, and the hook alone", "toolchain.contexts", both,
			`cp -a /opt/go/`+sessionRelease+` /usr/lib/go && ln -s ../lib/go/bin/go ../lib/go/bin/gofmt /usr/bin/
vmgo shims --remove
for home in /home/dev /root; do echo 'eval "$(vmgo hook bash)"' >>$home/.bashrc; done`,
			`vmgo harden undo --only shims; vmgo shims; rm -r /usr/lib/go /usr/bin/go /usr/bin/gofmt; sed -i '/vmgo hook bash/d' /home/dev/.bashrc /root/.bashrc`),
		of("GOROOT in .profile", "toolchain.goroot", "dev", "echo 'export GOROOT=/usr/local/go' >>/home/dev/.profile", ""),
	}
}

// paste runs what doctor prints in a new login of a user, without its questions.
func (h sessionHost) paste(user, fix string) string {
	h.t.Helper()
	fix = strings.ReplaceAll(fix, "vmgo doctor --fix", "vmgo doctor --fix --yes")
	script := "set -x\ncd /srv/" + otherRelease + "\n"
	for line := range strings.Lines(fix) {
		script += strings.TrimSuffix(line, "\n") + "\n[ $? = 0 ] || echo the fix failed\n"
	}
	h.put("/var/tmp/fix", script)
	return h.root("su - " + user + " -c '. /var/tmp/fix' </dev/null 2>&1 || true")
}

type finding struct{ Status, Summary, Fix string }

// examined returns what a check finds in a new login of a user.
func (h sessionHost) examined(user, check string) finding {
	h.t.Helper()
	out := h.root("su - " + user + " -c 'cd /srv/" + otherRelease + " && vmgo doctor --offline --json --only " + check + "' || true")
	var report struct{ Checks []finding }
	if err := json.Unmarshal([]byte(out), &report); err != nil || len(report.Checks) != 1 {
		h.t.Fatalf("%s as %s: %v\n%s", check, user, err, out)
	}
	return report.Checks[0]
}

// TestDoctor_fixesOnHost plants faults on Debian hosts, pastes what doctor prints for each
// into a new login of the user for whom it was printed, and looks again.
func TestDoctor_fixesOnHost(t *testing.T) {
	for _, suite := range []string{"bookworm", "trixie"} {
		t.Run(suite, func(t *testing.T) {
			h := newSessionHost(t, suite)
			h.root("vmgo shims")
			for _, f := range realFaults() {
				for _, user := range f.users {
					t.Run(f.name+" as "+user, func(t *testing.T) {
						h.t = t
						h.ends(f, user)
					})
				}
			}
		})
	}
}

// ends fails the test unless a fault is found, and is gone after its fix.
func (h sessionHost) ends(f fault, user string) {
	h.t.Helper()
	bad := func(f finding) bool { return slices.Contains([]string{"warn", "fail"}, f.Status) }
	if before := h.examined(user, f.check); bad(before) {
		h.t.Fatalf("without the fault: %+v", before)
	}
	h.root("set -e\n" + f.plant)
	defer h.root(f.clean + "\ntrue")
	found := h.examined(user, f.check)
	if !bad(found) || found.Fix == "" {
		h.t.Fatalf("is not found: %+v", found)
	}
	out := h.paste(user, found.Fix)
	if after := h.examined(user, f.check); bad(after) || strings.Contains(out, "\nthe fix failed") {
		h.t.Errorf("after the fix %+v\n%s", after, out)
	}
	h.t.Logf("%s\n%s", found.Summary, found.Fix)
}
