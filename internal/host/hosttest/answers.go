package hosttest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
)

// answer is what a program prints.
type answer struct {
	status int
	text   string
}

// setRun reads `ARG "ARG WITH BLANKS" … = STATUS TEXT`. A command that ends in "*"
// is the beginning of one.
func (m *machine) setRun(rest string) {
	m.tb.Helper()
	command, reply, ok := strings.Cut(rest, " = ")
	if !ok {
		m.tb.Fatalf("machine: run without an answer: %s", rest)
	}
	status, text, _ := strings.Cut(reply, " ")
	n, err := strconv.Atoi(status)
	m.check(err)
	m.answers[strings.ReplaceAll(command, `"`, "")] = answer{n, strings.NewReplacer(`\n`, "\n", `\x00`, "\x00").Replace(text)}
}

// exitError is what a program leaves that ended with a status other than 0.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// ExitCode is the status.
func (e exitError) ExitCode() int { return int(e) }

// answerTo returns the answer to a command: the exact one, or that of the longest
// beginning.
func (m *machine) answerTo(command string) (found answer, ok bool) {
	if found, ok = m.answers[command]; ok {
		return found, true
	}
	longest := -1
	for key, a := range m.answers {
		if beginning, open := strings.CutSuffix(key, "*"); open && len(beginning) > longest && strings.HasPrefix(command, beginning) {
			found, ok, longest = a, true, len(beginning)
		}
	}
	return found, ok
}

func (m *machine) run(cmd *exec.Cmd) error {
	a, ok := m.answerTo(strings.ReplaceAll(strings.Join(cmd.Args, " "), `"`, ""))
	if !ok {
		return fmt.Errorf("the made-up machine has no answer for %q", cmd.Args)
	}
	out := cmd.Stdout
	if strings.HasPrefix(a.text, "stderr:") {
		a.text, out = strings.TrimPrefix(a.text, "stderr:"), cmd.Stderr
	}
	if _, err := io.WriteString(out, a.text); err != nil {
		return err
	}
	if a.status != 0 {
		return exitError(a.status)
	}
	return nil
}

// page is the answer to a request.
type page struct {
	status int
	header http.Header
	body   string
}

// setPage reads `URL STATUS Name:Value… | BODY`, blanks in values written as
// underscores, the body quoted as in Go where it needs to be.
func (m *machine) setPage(rest string) {
	m.tb.Helper()
	head, body, _ := strings.Cut(rest, " | ")
	fields := strings.Fields(head)
	status, err := strconv.Atoi(fields[1])
	m.check(err)
	if strings.HasPrefix(body, `"`) {
		body, err = strconv.Unquote(body)
		m.check(err)
	}
	p := page{status, http.Header{}, body}
	for _, field := range fields[2:] {
		name, value, _ := strings.Cut(field, ":")
		p.header.Set(name, strings.ReplaceAll(value, "_", " "))
	}
	m.pages[fields[0]] = p
}

// RoundTrip answers from the lines "http"; anything else cannot be reached.
func (m *machine) RoundTrip(r *http.Request) (*http.Response, error) {
	p, known := m.pages[r.URL.String()]
	if !known {
		return nil, fmt.Errorf("dial tcp %s: connect: connection refused", r.URL.Host)
	}
	header := p.header.Clone()
	if header.Get("Date") == "" {
		header.Set("Date", m.host.Now().UTC().Format(http.TimeFormat))
	}
	return &http.Response{
		StatusCode: p.status, Status: strconv.Itoa(p.status) + " " + http.StatusText(p.status), Header: header,
		Body: io.NopCloser(strings.NewReader(p.body)), ContentLength: int64(len(p.body)), Request: r, ProtoMajor: 2,
	}, nil
}

func (m *machine) lookup(_ context.Context, name string) ([]string, error) {
	if addr, known := m.names[name]; known {
		return []string{addr}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}
