package storeurl

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"example.com/rotatelog"
)

// ClockAhead asks the server of a bucket for its time, without a key, and returns by how
// much the given clock is ahead of it, negative if it is behind. The transport may be nil,
// which is the network.
func (p *Place) ClockAhead(ctx context.Context, clock rotatelog.Clock, transport http.RoundTripper) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, p.Endpoint, nil)
	if err != nil {
		return 0, withoutURL(err)
	}
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	sent := clock.Now()
	resp, err := client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("%s does not answer: %w", req.URL.Host, reasonOf(ctx, err))
	}
	resp.Body.Close()
	received := clock.Now()
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil || resp.StatusCode >= 500 || resp.Header.Get("Age") != "" { // of a proxy, or out of a cache
		return 0, fmt.Errorf("%s does not say what time it is (status %d)", req.URL.Host, resp.StatusCode)
	}
	const half = time.Second / 2 // the date has no fractions
	return sent.Add(received.Sub(sent) / 2).Sub(date.Add(half)), nil
}

// reasonOf returns why a request has no answer, without the URL.
func reasonOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if of, ok := err.(*url.Error); ok {
		return of.Err
	}
	return err
}
