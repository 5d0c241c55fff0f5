package s3store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// guard is an HTTP client for S3 that does not hang, and that reads the whole
// body of an error before it returns it. RGW refuses a conditional PUT before it
// has read it all, and then closes the connection: what has not been read of
// its answer by then is lost.
type guard struct{ client s3.HTTPClient }

// stalledError is the cause that ends a request without progress.
type stalledError struct{ limit time.Duration }

func (e stalledError) Error() string { return "no byte moved for " + e.limit.String() }

func (stalledError) Timeout() bool { return true }

// patience is the key of a context's own limit in place of stallLimit.
type patience struct{}

// Do implements [s3.HTTPClient].
func (g *guard) Do(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	limit := stallLimit
	if patient, ok := req.Context().Value(patience{}).(time.Duration); ok {
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
	body := &receivedBody{body: resp.Body, watch: w, ctx: ctx, cancel: cancel}
	if resp.Body == http.NoBody {
		cancel(nil)
	} else {
		resp.Body = body
	}
	if resp.StatusCode >= 300 {
		// The status is told even if what explains it cannot be read.
		b, err := io.ReadAll(io.LimitReader(body, maxErrorBody))
		body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(b))
		if err != nil && (len(b) == 0 || b[0] == '<') { // what is not XML is not S3's, and says no more
			resp.Body = brokenBody{brokenAnswer{err}}
		}
	}
	return resp, nil
}

// brokenBody is the body of an answer that broke off.
type brokenBody struct{ err error }

func (b brokenBody) Read([]byte) (int, error) { return 0, b.err }

func (b brokenBody) Close() error { return nil }

type brokenAnswer struct{ err error }

func (b brokenAnswer) Error() string { return "the answer broke off: " + b.err.Error() }

func (b brokenAnswer) Unwrap() error { return b.err }

// CloseIdleConnections closes the connections that no request uses.
func (g *guard) CloseIdleConnections() {
	if c, ok := g.client.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// stalledOr returns stalledError if that is what ended ctx and so caused err.
func stalledOr(ctx context.Context, err error) error {
	if stalled, ok := context.Cause(ctx).(stalledError); ok && err != io.EOF {
		return stalled
	}
	return err
}

// watch calls stalled when, while it is on, nothing beats for its limit.
type watch struct {
	limit time.Duration
	mu    sync.Mutex // guards on, and the timer's being set with it
	on    bool
	timer *time.Timer
}

func newWatch(limit time.Duration, stalled func()) *watch {
	w := &watch{limit: limit}
	w.timer = time.AfterFunc(limit, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.on {
			stalled()
		}
	})
	w.timer.Stop()
	return w
}

func (w *watch) start() { w.set(true) }

func (w *watch) stop() { w.set(false) }

func (w *watch) set(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.on = on; on {
		w.timer.Reset(w.limit)
	} else {
		w.timer.Stop()
	}
}

func (w *watch) beat() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.on {
		w.timer.Reset(w.limit)
	}
}

// sentBody is the body of a request. That more of it is asked for means that
// what came before has been sent.
type sentBody struct {
	io.ReadCloser
	watch *watch

	mu    sync.Mutex // guards ended, and is held while reading
	ended bool
}

func (b *sentBody) Read(p []byte) (int, error) {
	b.watch.beat()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return 0, errors.New("the request has been answered")
	}
	return b.ReadCloser.Read(p)
}

// end stops reading: a transport may go on after an early answer, when the bytes
// are the caller's again.
func (b *sentBody) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
}

// receivedBody is the body of an answer. It is watched only while it is read:
// whoever reads it may take their time in between.
type receivedBody struct {
	body   io.ReadCloser
	watch  *watch
	ctx    context.Context // of the request, for the cause of its end
	cancel context.CancelCauseFunc
}

func (b *receivedBody) Read(p []byte) (int, error) {
	b.watch.start()
	n, err := b.body.Read(p)
	b.watch.stop()
	if err != nil {
		err = stalledOr(b.ctx, err)
		b.cancel(nil)
	}
	return n, err
}

func (b *receivedBody) Close() error {
	defer b.cancel(nil)
	return b.body.Close()
}
