package fetch

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
)

// postLimit is how long a server may take for a message.
const postLimit = time.Minute

// Post sends a JSON message to a webhook, once. Errors name only the server:
// the rest of such a URL is a secret.
func (c *Client) Post(ctx context.Context, rawURL string, message []byte) error {
	target, err := url.Parse(rawURL)
	if err != nil || target.Host == "" || target.Scheme != "https" && target.Scheme != "http" {
		return diag.New(diag.Usage, "the webhook is not a URL that begins with https:// or http://")
	}
	if c.config.Offline {
		return diag.New(diag.Offline, "cannot send to "+target.Host+": vmgo works offline (VMGO_OFFLINE)", "unset VMGO_OFFLINE")
	}
	if c.certErr != nil {
		return c.certErr
	}
	ctx, cancel := context.WithTimeout(ctx, postLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, rawURL, bytes.NewReader(message))
	if err != nil {
		return diag.New(diag.Usage, "the webhook is not a valid URL")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", c.config.UserAgent)
	response, err := c.http.Do(request)
	if err != nil {
		return diag.Wrap(diag.Network, bare(err), "cannot send to "+target.Host)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return diag.Wrap(diag.Network, errors.New(response.Status), "cannot send to "+target.Host)
	}
	return nil
}
