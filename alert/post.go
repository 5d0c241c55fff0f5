package alert

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"example.com/rotatelog/health"
)

// requestTimeout is for how long a server has to answer.
const requestTimeout = 10 * time.Second

// poster makes requests.
type poster struct{ transport http.RoundTripper }

// statusError is the error of a server that answers, but not well.
type statusError struct {
	code     int
	location string // host to which it redirects
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("it answers %d %s", e.code, http.StatusText(e.code))
	if e.code/100 == 3 {
		text += ": set the URL to which it redirects"
		if e.location != "" {
			text += ", at " + e.location
		}
	}
	return text
}

// isTransient reports whether to try again soon may help.
func isTransient(err error) bool {
	if s, ok := errors.AsType[*statusError](err); ok {
		return s.code >= 500 || s.code == http.StatusTooManyRequests || s.code == http.StatusRequestTimeout
	}
	return true
}

// webhook sends a value as JSON. The id is what a server knows it again by.
func (p poster) webhook(ctx context.Context, u *url.URL, value any, id string) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return p.do(ctx, http.MethodPost, u, body, map[string]string{"Content-Type": "application/json", "Idempotency-Key": id})
}

// ntfy sends a message as ntfy takes it.
func (p poster) ntfy(ctx context.Context, u *url.URL, m Message) error {
	priority, tags := "3", "memo"
	switch {
	case m.worst() == health.Critical:
		priority, tags = "5", "rotating_light"
	case m.worst() > health.OK:
		priority, tags = "4", "warning"
	case len(m.Alerts) > 0:
		tags = "white_check_mark"
	}
	return p.do(ctx, http.MethodPost, u, []byte(m.Text), map[string]string{
		"Content-Type": "text/plain; charset=utf-8", "Title": mime.BEncoding.Encode("utf-8", m.Title()), "Priority": priority, "Tags": tags})
}

// heartbeat makes the request that says that this machine is there.
func (p poster) heartbeat(ctx context.Context, u *url.URL) error {
	return p.do(ctx, http.MethodGet, u, nil, nil)
}

// do makes a request. It follows no redirect, which may lose the body, or take it to
// another server. Its errors have nothing of the URL but the host.
func (p poster) do(ctx context.Context, method string, u *url.URL, body []byte, header map[string]string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, requestTimeout, fmt.Errorf("no answer within %v", requestTimeout))
	defer cancel()
	bare := *u
	bare.User, bare.Fragment = nil, ""
	req, err := http.NewRequestWithContext(ctx, method, bare.String(), bytes.NewReader(body))
	if err != nil {
		return errors.New("it is not a URL to which a request can be made")
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	req.Header.Set("User-Agent", "rotatelog")
	if u.User != nil {
		password, _ := u.User.Password()
		req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password)))
	}
	transport := p.transport // a Client would follow redirects, and quote their URLs
	if transport == nil {
		transport = http.DefaultTransport
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return withoutSecrets(ctx, err, u, req.Header.Get("Authorization"))
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	if resp.StatusCode/100 == 2 {
		return nil
	}
	failed := &statusError{code: resp.StatusCode}
	if to, err := resp.Location(); err == nil {
		failed.location = to.Host
	}
	return failed
}

// withoutSecrets returns the error of a request without what is secret of it. Some errors
// quote what came as an answer, which may be the request.
func withoutSecrets(ctx context.Context, err error, u *url.URL, authorization string) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	said := withoutWords(err.Error(), secretsOf(u, authorization))
	if said == err.Error() {
		return err
	}
	return errors.New(said)
}

// secretsOf returns all of a URL but the host, as it is written and as it is meant.
func secretsOf(u *url.URL, authorization string) []string {
	password, _ := u.User.Password()
	secrets := []string{strings.TrimPrefix(authorization, "Basic "), u.User.Username(), password, u.Fragment, u.EscapedFragment()}
	secrets = append(secrets, strings.Split(u.EscapedPath(), "/")...)
	secrets = append(secrets, strings.Split(u.Path, "/")...)
	secrets = append(secrets, strings.FieldsFunc(u.RawQuery, func(r rune) bool { return strings.ContainsRune("&=;+", r) })...)
	for _, values := range u.Query() {
		for _, value := range values {
			secrets = append(secrets, strings.Fields(value)...)
		}
	}
	return secrets
}
