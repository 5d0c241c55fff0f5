package s3store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The time limits of a client. There is none on a whole request: what is slow
// but moves may take as long as it needs.
const (
	dialTimeout = 10 * time.Second
	tlsTimeout  = 10 * time.Second
	idleTimeout = 45 * time.Second // less than the servers', lest a request meet a closing connection
	stallLimit  = 30 * time.Second // without a byte in either direction

	maxIdleConns = 16
	maxErrorBody = 1 << 20 // bytes of an answer that tells of an error
)

// NewClient returns a client that is right for Linode Object Storage and its
// kin. endpoint is an address such as https://us-ord-1.linodeobjects.com,
// without the bucket, and with a path only where a gateway has one; region is such
// as us-ord-1. New reports what is wrong with them.
//
// It addresses buckets by path, and sends none of the SDK's checksums, which
// these servers refuse. It keeps connections for 45 s, gives up on a request
// after 30 s in which no byte moves, and follows no redirects. A proxy is taken
// from the environment, as [http.ProxyFromEnvironment] has it.
//
// creds are asked for each request: wrap what is slow in an
// [aws.CredentialsCache].
func NewClient(endpoint, region string, creds aws.CredentialsProvider) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint:                 aws.String(strings.TrimRight(endpoint, "/")),
		Region:                       region,
		Credentials:                  creds,
		UsePathStyle:                 true,
		RequestChecksumCalculation:   aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation:   aws.ResponseChecksumValidationWhenRequired,
		ContinueHeaderThresholdBytes: -1, // never
		HTTPClient: &guard{client: &http.Client{
			Transport: newTransport(),
			// A redirect means another region, for which the signature is not.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}},
	})
}

func newTransport() *http.Transport {
	var http1 http.Protocols
	http1.SetHTTP1(true) // HTTP/2 would put all requests at the mercy of one connection
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		OnProxyConnectResponse: checkConnect,
		DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout:    tlsTimeout,
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    maxIdleConns,
		IdleConnTimeout:        idleTimeout,
		DisableCompression:     true,
		Protocols:              &http1,
	}
}

// refusedTunnel is the error of a proxy that answers CONNECT, but does not
// connect.
type refusedTunnel struct{ status int }

func (e refusedTunnel) Error() string {
	return fmt.Sprintf("the proxy answered CONNECT with %d %s", e.status, http.StatusText(e.status))
}

func checkConnect(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return refusedTunnel{resp.StatusCode}
	}
	return nil
}

// careful changes the options of one request: the key is checked,
// Accept-Encoding is not signed, and a web page is no answer.
func careful(o *s3.Options) {
	if o.Credentials != nil {
		o.Credentials = checkedKeys{o.Credentials}
	}
	o.APIOptions = append(slices.Clip(o.APIOptions), leaveOutEncoding, refusePages)
}

// checkedKeys provides keys that can be right.
type checkedKeys struct{ aws.CredentialsProvider }

// Retrieve implements [aws.CredentialsProvider].
func (c checkedKeys) Retrieve(ctx context.Context) (aws.Credentials, error) {
	keys, err := c.CredentialsProvider.Retrieve(ctx)
	if err == nil {
		err = checkKeys(keys)
	}
	return keys, err
}

// IsCredentialsProvider reports what is known of the provider within.
func (c checkedKeys) IsCredentialsProvider(target aws.CredentialsProvider) bool {
	return aws.IsCredentialsProvider(c.CredentialsProvider, target)
}

// leaveOutEncoding keeps the header Accept-Encoding out of the signature. Many
// proxies change it, and the signature would no longer be that of the request.
func leaveOutEncoding(stack *middleware.Stack) error {
	const header, signing = "Accept-Encoding", "Signing"
	var kept []string
	move := func(id string, do func(http.Header)) middleware.FinalizeMiddleware {
		return middleware.FinalizeMiddlewareFunc(id, func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
			middleware.FinalizeOutput, middleware.Metadata, error,
		) {
			if req, ok := in.Request.(*smithyhttp.Request); ok {
				do(req.Header)
			}
			return next.HandleFinalize(ctx, in)
		})
	}
	take := move("TakeAcceptEncoding", func(h http.Header) {
		kept = h.Values(header)
		h.Del(header)
	})
	putBack := move("PutBackAcceptEncoding", func(h http.Header) {
		if kept != nil {
			h[header] = kept
		}
	})
	if err := stack.Finalize.Insert(take, signing, middleware.Before); err != nil {
		return err
	}
	return stack.Finalize.Insert(putBack, signing, middleware.After)
}

// refusePages makes a web page in place of an answer an error, before it is taken
// for an answer in which something is missing.
func refusePages(stack *middleware.Stack) error {
	refuse := func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
		out middleware.DeserializeOutput, metadata middleware.Metadata, err error,
	) {
		out, metadata, err = next.HandleDeserialize(ctx, in)
		resp, ok := out.RawResponse.(*smithyhttp.Response)
		if err == nil && ok && resp.StatusCode < 300 && resp.Header.Get("ETag") == "" && strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
			resp.Body.Close()
			err = webPage{}
		}
		return out, metadata, err
	}
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("RefuseWebPages", refuse), middleware.After)
}

// guard is an HTTP client for S3 that does not hang, and that reads the whole
// body of an error before it returns it. RGW refuses a conditional PUT before it
// has read it all, and then closes the connection: what has not been read of
// its answer by then is lost.
type guard struct{ client s3.HTTPClient }

// stalledError is the cause that ends a request without progress.
type stalledError struct{ limit time.Duration }

func (e stalledError) Error() string { return "no byte moved for " + e.limit.String() }
func (stalledError) Timeout() bool   { return true }

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
func (b brokenBody) Close() error             { return nil }

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
func (w *watch) stop()  { w.set(false) }

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
