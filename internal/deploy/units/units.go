// Package units writes the systemd units of a deployed service: the service
// itself, its sockets, the page that is served while it cannot be, what happens
// when it crashes over and over, and what ends an interrupted deploy at boot.
package units

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/deploy/config"
	"github.com/vmgo/vmgo/internal/harden"
)

// Directory is where a host keeps the releases of a service.
func Directory(name string) string { return "/opt/" + name }

// Helper is the host's side of vmgo deploy within a release.
const Helper = ".vmgo/vmgo-deploy"

// Dir holds the units within a release.
const Dir = ".vmgo/units"

// Texts returns the units by their names.
func Texts(c config.Config) map[string]string {
	texts := map[string]string{
		c.Name + ".service":         service(c),
		c.Name + "-crashed.service": crashed(c),
		c.Name + "-recover.service": recovery(c),
	}
	if len(c.Listen) > 0 {
		texts[c.Name+".socket"] = socket(c)
		texts[c.Name+"-degraded.service"] = degraded(c)
	}
	if c.Logs.Schedule != "" {
		texts[c.Name+"-logs.service"] = logs(c)
		texts[c.Name+"-logs.timer"] = timer(c)
	}
	return texts
}

// Wanted returns the links that start units at boot, by the name beneath
// /etc/systemd/system.
func Wanted(c config.Config) []string {
	links := []string{"multi-user.target.wants/" + c.Name + ".service", "multi-user.target.wants/" + c.Name + "-recover.service"}
	if len(c.Listen) > 0 {
		links = append(links, "sockets.target.wants/"+c.Name+".socket")
	}
	if c.Logs.Schedule != "" {
		links = append(links, "timers.target.wants/"+c.Name+"-logs.timer")
	}
	return links
}

func helper(c config.Config) string { return Directory(c.Name) + "/current/" + Helper }

const head = "# Written by vmgo deploy; the next deploy replaces it.\n"

func service(c config.Config) string {
	var b strings.Builder
	onFailure := c.Name + "-crashed.service"
	if len(c.Listen) > 0 {
		onFailure = c.Name + "-degraded.service " + onFailure
	}
	fmt.Fprintf(&b, `%s[Unit]
Description=%s, deployed by vmgo
After=network.target %s-recover.service
StartLimitIntervalSec=60
StartLimitBurst=4
OnFailure=%s

[Service]
`, head, c.Name, c.Name, onFailure)
	kind := "exec"
	if c.Service.Notify {
		kind = "notify"
	}
	current := Directory(c.Name) + "/current"
	words := []string{current + "/bin/" + c.Name}
	for _, arg := range c.Service.Args {
		words = append(words, strings.ReplaceAll(quoted(arg), "$", "$$"))
	}
	fmt.Fprintf(&b, "Type=%s\nExecStart=%s\nWorkingDirectory=%s\n", kind, strings.Join(words, " "), current)
	if len(c.Listen) > 0 {
		fmt.Fprintf(&b, "Sockets=%s.socket\n", c.Name)
	}
	fmt.Fprintf(&b, "Restart=on-failure\nRestartSec=500ms\nTimeoutStartSec=%d\nTimeoutStopSec=%d\n", seconds(c.Health.Deadline), seconds(c.Service.StopTimeout))
	b.WriteString(identity(c.Service))
	for _, name := range slices.Sorted(maps.Keys(c.Service.Environment)) {
		b.WriteString("Environment=" + quoted(name+"="+c.Service.Environment[name]) + "\n")
	}
	for _, file := range c.Service.EnvironmentFiles {
		b.WriteString("EnvironmentFile=" + file + "\n")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Service.Credentials)) {
		b.WriteString("LoadCredential=" + name + ":" + strings.ReplaceAll(c.Service.Credentials[name], "%", "%%") + "\n")
	}
	if c.Service.State {
		b.WriteString("StateDirectory=" + c.Name + "\n")
	}
	b.WriteString(harden.Service{Memory: int64(c.Limits.Memory), CPUs: c.Limits.CPUs}.LimitSettings())
	b.WriteString(sandbox(c.Service))
	return b.String()
}

func identity(s config.Service) string {
	if s.User == "" {
		return "DynamicUser=yes\n"
	}
	return "User=" + s.User + "\n"
}

func sandbox(s config.Service) string {
	if s.Sandbox != nil && !*s.Sandbox {
		return ""
	}
	text := harden.SandboxSettings + "ProtectHome=yes\nUMask=0027\n"
	if s.User == "root" {
		text += "CapabilityBoundingSet=CAP_NET_BIND_SERVICE\n"
	} else {
		text += harden.UnprivilegedSettings
	}
	for _, dir := range s.Write {
		text += `ReadWritePaths="` + dir + "\"\n"
	}
	return text
}

// quoted writes a word of a unit file, without specifiers (systemd.syntax(7)). A
// command line has variables besides.
func quoted(word string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%").Replace(word) + `"`
}

func seconds(d config.Duration) int {
	return max(1, int(time.Duration(d).Round(time.Second)/time.Second))
}

// socket keeps connections waiting while nothing accepts them.
func socket(c config.Config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s[Unit]\nDescription=sockets of %s\n\n[Socket]\n", head, c.Name)
	for _, listen := range c.Listen {
		b.WriteString("ListenStream=" + listen + "\n")
		if path.IsAbs(listen) {
			b.WriteString("SocketMode=0666\n")
		}
	}
	fmt.Fprintf(&b, "FileDescriptorName=%s\nBacklog=4096\n", c.Name)
	return b.String()
}

// degraded serves the page on the service's own sockets. After= makes systemd stop
// it before it starts the service again, and not beside it.
func degraded(c config.Config) string {
	page := ""
	if c.Degrade.Page != "" {
		page = " --page " + quoted(Directory(c.Name)+"/current/"+c.Degrade.Page)
	}
	return fmt.Sprintf(`%s[Unit]
Description=maintenance page of %s
Conflicts=%s.service
After=%s.service

[Service]
Type=exec
Sockets=%s.socket
ExecStart=%s host page --retry-after %s%s
DynamicUser=yes
Restart=on-failure
%sProtectHome=yes
%s`, head, c.Name, c.Name, c.Name, c.Name, helper(c), strconv.Itoa(seconds(c.Degrade.RetryAfter)), page, harden.SandboxSettings, harden.UnprivilegedSettings)
}

func crashed(c config.Config) string {
	return fmt.Sprintf(`%s[Unit]
Description=what follows when %s crashes over and over

[Service]
Type=oneshot
ExecStart=%s host crashed %s
`, head, c.Name, helper(c), c.Name)
}

// recovery ends a deploy that a power failure interrupted, before the service starts.
func recovery(c config.Config) string {
	return fmt.Sprintf(`%s[Unit]
Description=end of an interrupted deploy of %s
ConditionPathExists=%s/pending.json
Before=%s.service
DefaultDependencies=no
After=local-fs.target
Before=shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
ExecStart=%s host recover --boot %s
`, head, c.Name, Directory(c.Name), c.Name, helper(c), c.Name)
}

// logs archives once. It is for root: the journal, the files and the host's key are.
func logs(c config.Config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s[Unit]\nDescription=archive of the logs of %s\n\n[Service]\nType=oneshot\nExecStart=%s host archive %s\n", head, c.Name, helper(c), c.Name)
	b.WriteString("Environment=HOME=/root\nNice=10\nIOSchedulingClass=idle\n")
	for _, file := range c.Logs.EnvironmentFiles {
		b.WriteString("EnvironmentFile=" + file + "\n")
	}
	return b.String()
}

// timer starts logs. The delay keeps many hosts from uploading at the same moment.
func timer(c config.Config) string {
	return fmt.Sprintf("%s[Unit]\nDescription=archives of the logs of %s\n\n[Timer]\nOnCalendar=%s\nPersistent=yes\nRandomizedDelaySec=5min\n",
		head, c.Name, strings.ReplaceAll(c.Logs.Schedule, "%", "%%"))
}
