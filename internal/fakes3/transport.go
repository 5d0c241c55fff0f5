package fakes3

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
)

// Transport returns a RoundTripper that hands requests to h in this process,
// without sockets, so that it works inside a testing/synctest bubble. Each request
// runs on its own goroutine, which ends when h returns. As over a network, h waits
// for a client that does not read the body, until the client closes it or the
// context ends.
//
// It fails as a network would: with ctx's error as soon as ctx ends, whatever h is
// doing, and with [io.ErrUnexpectedEOF] when h panics with
// [http.ErrAbortHandler] or writes less than its Content-Length. An address that
// begins with https makes h see a TLS connection.
func Transport(h http.Handler) http.RoundTripper { return transport{h} }

type transport struct{ handler http.Handler }

// RoundTrip implements [http.RoundTripper].
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	body := &requestBody{ReadCloser: req.Body}
	if req.Body == nil {
		body.ReadCloser = http.NoBody
	}
	defer body.Close()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	arrived, err := incoming(req, body)
	if err != nil {
		return nil, err
	}
	x := newExchange(req)
	go x.run(t.handler, arrived)
	select {
	case <-x.answered:
		return x.response, x.err
	case <-ctx.Done():
		x.reader.CloseWithError(ctx.Err())
		return nil, ctx.Err()
	}
}

// incoming returns req as a server would see it.
func incoming(req *http.Request, body io.ReadCloser) (*http.Request, error) {
	r := req.Clone(req.Context())
	r.RequestURI = req.URL.RequestURI()
	u, err := url.ParseRequestURI(r.RequestURI)
	if err != nil {
		return nil, fmt.Errorf("fakes3: %w", err)
	}
	r.URL = u
	if r.Host == "" {
		r.Host = req.URL.Host
	}
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	r.RemoteAddr = "192.0.2.1:1234"
	r.Response, r.GetBody = nil, nil
	if req.URL.Scheme == "https" {
		r.TLS = &tls.ConnectionState{}
	}
	r.Body = body
	if req.ContentLength == 0 && req.Body != nil && req.Body != http.NoBody {
		r.ContentLength = -1 // as net/http has it: a body of unknown length
	}
	return r, nil
}

// requestBody is a body that cannot be read once it is closed, since its owner may
// then use it again.
type requestBody struct {
	io.ReadCloser
	mu     sync.Mutex // guards closed
	closed bool
}

func (b *requestBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	closed := b.closed
	b.mu.Unlock()
	if closed {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.ReadCloser.Read(p)
}

func (b *requestBody) Close() error {
	b.mu.Lock()
	closed := b.closed
	b.closed = true
	b.mu.Unlock()
	if closed {
		return nil
	}
	return b.ReadCloser.Close()
}

// exchange is a request under way. It is the ResponseWriter of its handler.
type exchange struct {
	request  *http.Request
	header   http.Header
	status   int
	promised int64 // Content-Length; -1: none
	written  int64
	writer   *io.PipeWriter
	reader   *io.PipeReader

	answered chan struct{}  // closed when response or err is there
	response *http.Response // not changed after that
	err      error
}

func newExchange(req *http.Request) *exchange {
	x := &exchange{request: req, header: http.Header{}, answered: make(chan struct{})}
	x.reader, x.writer = io.Pipe()
	return x
}

// run lets h answer, and reports to the client how that ended.
func (x *exchange) run(h http.Handler, r *http.Request) {
	end := io.ErrUnexpectedEOF // also where a test's FailNow ends the goroutine
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			panic(p)
		}
		x.end(end)
	}()
	h.ServeHTTP(x, r)
	x.WriteHeader(http.StatusOK)
	if x.written >= x.promised || !x.hasBody() {
		end = nil
	}
}

// end lets the client know that nothing more will come.
func (x *exchange) end(err error) {
	if err == nil && x.promised < 0 {
		err = x.request.Context().Err() // the handler may have given up because of that
	}
	if x.status == 0 {
		x.err = fmt.Errorf("fakes3: the connection was closed before an answer came: %w", err)
		close(x.answered)
		return
	}
	x.writer.CloseWithError(err) // nil means io.EOF
}

func (x *exchange) hasBody() bool {
	return x.request.Method != "HEAD" && x.status != http.StatusNoContent && x.status != http.StatusNotModified
}

func (x *exchange) Header() http.Header { return x.header }

func (x *exchange) WriteHeader(status int) {
	if x.status != 0 {
		return
	}
	x.status = status
	x.promised = -1
	if n, err := strconv.ParseInt(x.header.Get("Content-Length"), 10, 64); err == nil {
		x.promised = n
	}
	x.response = &http.Response{
		Status:     fmt.Sprintf("%d %s", status, http.StatusText(status)),
		StatusCode: status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        x.header.Clone(),
		Body:          http.NoBody,
		ContentLength: x.promised,
		Request:       x.request,
	}
	if x.hasBody() && x.promised != 0 {
		ctx := x.request.Context()
		stop := context.AfterFunc(ctx, func() { x.writer.CloseWithError(ctx.Err()) })
		x.response.Body = &responseBody{x.reader, stop}
	}
	close(x.answered)
}

func (x *exchange) Write(p []byte) (int, error) {
	x.WriteHeader(http.StatusOK)
	if !x.hasBody() {
		return 0, http.ErrBodyNotAllowed
	}
	if x.promised >= 0 && x.written+int64(len(p)) > x.promised {
		return 0, http.ErrContentLength
	}
	n, err := x.writer.Write(p)
	x.written += int64(n)
	return n, err
}

// Flush implements [http.Flusher]. Nothing is buffered.
func (x *exchange) Flush() { x.WriteHeader(http.StatusOK) }

// responseBody is what a client reads. It fails when the context ends, unless
// everything has been read by then.
type responseBody struct {
	*io.PipeReader
	stop func() bool // waiting for the context to end
}

func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.PipeReader.Read(p)
	if err != nil {
		b.stop()
	}
	return n, err
}

func (b *responseBody) Close() error {
	b.stop()
	return b.PipeReader.Close()
}
