package rollout

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"text/template"
	"time"

	"github.com/vmgo/vmgo/internal/deploy/config"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Notice is what hooks and webhook hear of a deploy.
type Notice struct {
	Event string       `json:"event"` // [config.Begin] or [config.End]
	Name  string       `json:"name"`
	Who   string       `json:"who"`
	OK    bool         `json:"ok"`
	Time  time.Time    `json:"time"`
	Hosts []HostResult `json:"hosts"`
}

// limitOfNotice is how long each of them may take.
const limitOfNotice = 15 * time.Second

// Notify tells everybody of the configuration, and returns what failed.
func Notify(ctx context.Context, h host.Host, c config.Notify, project string, n Notice) []error {
	if !slices.Contains(c.On, n.Event) || c.Webhook == "" && len(c.Commands) == 0 {
		return nil
	}
	text, err := json.Marshal(n)
	if err != nil {
		return []error{err}
	}
	var failures []error
	for _, words := range c.Commands {
		if err := tell(ctx, h, project, words, text); err != nil {
			failures = append(failures, err)
		}
	}
	if c.Webhook != "" {
		if err := post(ctx, h, c, project, n, text); err != nil {
			failures = append(failures, err)
		}
	}
	return failures
}

func tell(ctx context.Context, h host.Host, project string, words []string, text []byte) error {
	ctx, cancel := context.WithTimeout(ctx, limitOfNotice)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = project, bytes.NewReader(text), h.Stderr, h.Stderr, time.Second
	if err := h.Run(cmd); err != nil {
		return fmt.Errorf("notify.commands: %s: %w", words[0], err)
	}
	return nil
}

// post sends the notice as JSON, or as what the template makes of it.
func post(ctx context.Context, h host.Host, c config.Notify, project string, n Notice, body []byte) error {
	if c.Template != "" {
		made, err := render(filepath.Join(project, c.Template), n)
		if err != nil {
			return fmt.Errorf("notify.template: %w", err)
		}
		body = made
	}
	ctx, cancel := context.WithTimeout(ctx, limitOfNotice)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Webhook, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("notify.webhook: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := h.Transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("notify.webhook: %w", err)
	}
	response.Body.Close()
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("notify.webhook: the server answers %s", response.Status)
	}
	return nil
}

// render makes JSON of a template. {{json .}} writes a value as JSON, {{after "15m" .Time}}
// is a time later.
func render(file string, n Notice) ([]byte, error) {
	text, err := smallfile.Read(file, smallfile.Usual)
	if err != nil {
		return nil, err
	}
	functions := template.FuncMap{
		"json": func(v any) (string, error) {
			data, err := json.Marshal(v)
			return string(data), err
		},
		"after": func(duration string, t time.Time) (time.Time, error) {
			d, err := time.ParseDuration(duration)
			return t.Add(d), err
		},
	}
	t, err := template.New(filepath.Base(file)).Funcs(functions).Parse(string(text))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, n); err != nil {
		return nil, err
	}
	if !json.Valid(out.Bytes()) {
		return nil, fmt.Errorf("%s makes no JSON", file)
	}
	return out.Bytes(), nil
}
