package doctor

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

func lsmCheck() Check {
	return Check{
		ID: "security.lsm", Group: Security, Weight: 6,
		Title:  "denials of SELinux or AppArmor for Go and vmgo",
		Why:    "they look like \"permission denied\" although the permissions are right",
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
		return ok("SELinux is permissive")
	default:
		return ok("neither SELinux nor AppArmor is active")
	}
	read := false
	for _, file := range []string{"/var/log/audit/audit.log", "/var/log/kern.log", "/var/log/messages"} {
		f, err := m.Open(file)
		if err != nil {
			continue
		}
		read = true
		whole := lastPart(f)
		line, n := m.denial(f)
		f.Close()
		if !whole {
			n = 0
		}
		if line != "" {
			r := warn("%s denied an access", system).at(file, n, "%s", line)
			if system == "SELinux" {
				return r.fixWith("sudo restorecon -Rv /opt/go /usr/local/bin")
			}
			return r.fixWith("sudo journalctl -k --grep apparmor")
		}
	}
	if !read {
		return skip("%s is active; no readable log has its denials (journalctl -k may have them)", system)
	}
	return ok("%s denied nothing to Go or vmgo", system)
}

// lastPart goes to the last 32 MiB of a log, which are written in days if not
// weeks, and reports whether that is all of it.
func lastPart(f *os.File) (whole bool) {
	const enough = 32 << 20
	info, err := f.Stat()
	if err != nil || info.Size() <= enough {
		return true
	}
	_, err = f.Seek(-enough, io.SeekEnd)
	return err != nil
}

// recent is how long a refusal counts: an older one may be fixed by now.
const recent = 7 * 24 * time.Hour

// denial finds the last recent refusal about our programs or directories.
func (m *Machine) denial(log io.Reader) (line string, number int) {
	marks := []string{`comm="vmgo`, `comm="go"`, `name="/opt/go/`, `path="/opt/go/`}
	for _, s := range m.Stores() {
		marks = append(marks, `"`+s+`/`)
	}
	lines := bufio.NewReaderSize(log, 64<<10)
	for n := 1; ; n++ {
		// A line longer than the buffer comes in pieces and is no record of ours.
		raw, err := lines.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) {
			raw, err = lines.ReadSlice('\n')
		}
		text := string(raw)
		if strings.Contains(text, "denied") || strings.Contains(text, `apparmor="DENIED"`) {
			ours := slices.ContainsFunc(marks, func(mark string) bool { return strings.Contains(text, mark) })
			if at, known := auditTime(text); ours && (!known || m.Now().Sub(at) < recent) {
				line, number = strings.TrimSpace(text), n
			}
		}
		if err != nil {
			return line, number
		}
	}
}

// auditTime is when the kernel wrote a record: "audit(1763888401.123:90)".
func auditTime(line string) (time.Time, bool) {
	_, rest, _ := strings.Cut(line, "audit(")
	seconds, _, _ := strings.Cut(rest, ".")
	n, err := strconv.ParseInt(seconds, 10, 64)
	return time.Unix(n, 0), err == nil
}
