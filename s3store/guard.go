package s3store

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// guard is an HTTP client for S3 that does not hang, and that reads the whole
// body of an error before it returns it.
type guard struct{ client s3.HTTPClient }

// stallLimitKey is the key of a limit in a context that replaces stallLimit.
type stallLimitKey struct{}

// Do implements [s3.HTTPClient]. It sends a request, and ends it if no byte moves for too
// long. It also watches the reading of the answer.
func (g *guard) Do(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	limit := stallLimit
	if patient, ok := req.Context().Value(stallLimitKey{}).(time.Duration); ok {
		limit = patient
	}
	w := newWatch(limit, func() { cancel(stalledError{limit}) })
	req = req.WithContext(ctx)
	if req.Body != nil && req.Body != http.NoBody {
		body := &sentBody{ReadCloser: req.Body, watch: w}
		defer body.end()
		req.Body = body
	}
	w.start()
	resp, err := g.client.Do(req)
	w.stop()
	if err != nil {
		err = stalledOr(ctx, err)
		cancel(nil)
		return resp, err
	}
	if resp.Body == http.NoBody {
		cancel(nil)
	} else {
		resp.Body = &receivedBody{body: resp.Body, watch: w, ctx: ctx, cancel: cancel}
	}
	if resp.StatusCode >= 300 { // before body.end, at which the transport may close the connection
		resp.Body = readErrorBody(resp.Body)
	}
	return resp, nil
}

// CloseIdleConnections closes the connections that no request uses.
func (g *guard) CloseIdleConnections() {
	if c, ok := g.client.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
