package s3store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// slowly waits for pause after each n bytes that are read.
type slowly struct {
	io.ReadCloser
	n     int
	pause time.Duration
}

func (r slowly) Read(p []byte) (int, error) {
	time.Sleep(r.pause)
	return r.ReadCloser.Read(p[:min(r.n, len(p))])
}

// TestS3Progress: a request fails after 30 s in which nothing moves, however long
// it has taken before, and not earlier.
func TestS3Progress(t *testing.T) {
	body := strings.Repeat("x", 1000)
	for _, tt := range []struct {
		name   string
		fault  fakes3.Fault
		upload time.Duration // of 50 bytes
		want   map[string]bool
	}{
		{"slow to answer", fakes3.Fault{Delay: 29 * time.Second}, 0, map[string]bool{"stat": true, "read": true, "write": true}},
		{"too slow to answer", fakes3.Fault{Delay: 31 * time.Second}, 0, map[string]bool{}},
		{"slow to send", fakes3.Fault{Trickle: 10, Pause: 29 * time.Second}, 0, map[string]bool{"stat": true, "read": true, "write": true}},
		{"too slow to send", fakes3.Fault{Trickle: 10, Pause: 31 * time.Second}, 0, map[string]bool{"stat": true, "write": true}},
		{"slow to receive", fakes3.Fault{}, 29 * time.Second, map[string]bool{"stat": true, "read": true, "write": true}},
		{"too slow to receive", fakes3.Fault{}, 31 * time.Second, map[string]bool{"stat": true, "read": true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, _ := s3test.NewFake(fakes3.Options{})
				v := rotatelog.Version(srv.PutObject(s3test.Bucket, "key", []byte(body), nil))
				slow := false
				client := s3test.InProcess(s3test.NewClient("http://s3.test"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if slow {
						r.Body = slowly{r.Body, 50, tt.upload}
					}
					srv.ServeHTTP(w, r)
				}))
				store := s3test.NewStore(client, s3store.Options{})
				s3test.Prove(t, store, srv)
				slow = true
				srv.Fault = func(fakes3.Op) fakes3.Fault { return tt.fault }
				_, statErr := store.Stat(t.Context(), "key")
				got, readErr := s3test.ReadAll(t.Context(), store, "key", v, 0, -1)
				if readErr == nil && got != body {
					t.Errorf("read %q", got)
				}
				writeErr := store.Write(t.Context(), "key", v, []rotatelog.Part{rotatelog.Data([]byte(body))}, nil)
				for op, err := range map[string]error{"stat": statErr, "read": readErr, "write": writeErr} {
					if tt.want[op] != (err == nil) {
						t.Errorf("%s: %v", op, err)
					}
					if err != nil && (!strings.Contains(err.Error(), "no byte moved for 30s") || errors.Is(err, rotatelog.ErrPermanent)) {
						t.Errorf("%s: %v", op, err)
					}
				}
				time.Sleep(time.Hour) // until the server has noticed
			})
		})
	}
}

// TestServerMayWorkForTwoMinutes: while a server copies or joins parts, no byte moves.
func TestServerMayWorkForTwoMinutes(t *testing.T) {
	for _, operation := range []string{"UploadPartCopy", "CompleteMultipartUpload", "CopyObject"} {
		for _, takes := range []time.Duration{119 * time.Second, 121 * time.Second} {
			t.Run(fmt.Sprint(operation, takes), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store, srv := s3test.NewSmallParts(fakes3.Linode(), s3store.Options{})
					s3test.Prove(t, store, srv)
					v := rotatelog.Version(srv.PutObject(s3test.Bucket, "key", bytes.Repeat([]byte("o"), 400), nil))
					srv.Fault = func(op fakes3.Op) fakes3.Fault {
						if op.Name == operation {
							return fakes3.Fault{Delay: takes}
						}
						return fakes3.Fault{}
					}
					var err error
					if operation == "CopyObject" {
						err = store.Copy(t.Context(), "key", v, "copy")
					} else {
						err = store.Write(t.Context(), "key", v, []rotatelog.Part{rotatelog.Copy(0, 400), rotatelog.Data([]byte("+"))}, nil)
					}
					if inTime := takes < 2*time.Minute; inTime != (err == nil) {
						t.Errorf("%v", err)
					} else if !inTime && (!strings.Contains(err.Error(), "no byte moved for 2m0s") || errors.Is(err, rotatelog.ErrPermanent)) {
						t.Errorf("%v", err)
					}
					time.Sleep(time.Hour) // until the server has noticed
				})
			})
		}
	}
}

// TestS3SlowReader: the reader of an object may take any time.
func TestS3SlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := s3test.NewFake(fakes3.Options{})
		v := rotatelog.Version(srv.PutObject(s3test.Bucket, "key", make([]byte, 1000), nil))
		r, err := s3test.NewStore(client, s3store.Options{}).Read(t.Context(), "key", v, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if b, err := io.ReadAll(slowly{r, 100, time.Hour}); err != nil || len(b) != 1000 {
			t.Errorf("%d bytes, %v", len(b), err)
		}
	})
}

// trackedBody records whether it was read to its end, and closed.
type trackedBody struct {
	io.Reader
	left, closed bool
}

func (b *trackedBody) Read(p []byte) (int, error) {
	if b.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.Reader.Read(p)
	b.left = err == nil
	return n, err
}

func (b *trackedBody) Close() error { b.closed = true; return nil }

// answer is an HTTP client that always gives the same answer.
type answer struct {
	status int
	body   io.ReadCloser
}

func (a answer) Do(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Header: http.Header{"Etag": {"v"}, "Content-Length": {"1"}}, Body: a.body, ContentLength: -1, Request: req}, nil
}

// TestS3ErrorBodiesAreReadWhole before the request that failed ends.
func TestS3ErrorBodiesAreReadWhole(t *testing.T) {
	const document = `<?xml version="1.0"?><Error><Code>QuotaExceeded</Code></Error>`
	for _, tt := range []struct {
		name string
		body io.Reader
		left bool
		want string
	}{
		{"whole", strings.NewReader(document), false, "quota of the bucket"},
		{"broken off", io.MultiReader(strings.NewReader(document[:40]), iotest.ErrReader(net.ErrClosed)), false, "broke off"},
		{"endless", io.MultiReader(strings.NewReader(document), endless{}), true, "quota of the bucket"},
	} {
		body := &trackedBody{Reader: tt.body}
		client := s3.New(s3test.NewClient("http://s3.test").Options(), func(o *s3.Options) { o.HTTPClient = answer{403, body} })
		err := s3test.NewStore(client, s3store.Options{}).Write(t.Context(), "key", "", nil, nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want in it: %s", tt.name, err, tt.want)
		}
		if broken := tt.name == "broken off"; errors.Is(err, rotatelog.ErrPermanent) == broken {
			t.Errorf("%s: permanent: %t", tt.name, !broken)
		}
		if !body.closed || body.left != tt.left {
			t.Errorf("%s: closed is %t, something was left is %t", tt.name, body.closed, body.left)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// TestS3EarlyRefusal: RGW answers a conditional PUT when it has read the header,
// and closes the connection on the body.
func TestS3EarlyRefusal(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go refuseEarly(conn)
		}
	}()
	store := s3test.NewStore(s3test.NewClient("http://"+l.Addr().String()), s3store.Options{})
	mustBelieve(t, store, "127.0.0.1"+l.Addr().String()[strings.LastIndex(l.Addr().String(), ":"):])
	body := bytes.Repeat([]byte("x"), 1<<20)
	for i := range 30 {
		err := store.Write(t.Context(), "key", "v", []rotatelog.Part{rotatelog.Data(body)}, nil)
		if !errors.Is(err, rotatelog.ErrConflict) {
			t.Fatalf("write %d: %v, want ErrConflict", i, err)
		}
	}
}

func refuseEarly(conn net.Conn) {
	defer conn.Close()
	header := make([]byte, 1<<10)
	if _, err := conn.Read(header); err != nil {
		return
	}
	const document = `<?xml version="1.0"?><Error><Code>PreconditionFailed</Code></Error>`
	fmt.Fprintf(conn, "HTTP/1.1 412 Precondition Failed\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", len(document))
	io.WriteString(conn, document)
	conn.(*net.TCPConn).CloseWrite()
	io.Copy(io.Discard, conn) // or the reset would throw away the answer on its way
}

// TestS3FollowsNoRedirects: a request signed for one endpoint goes to no other.
func TestS3FollowsNoRedirects(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was sent on", r.Method) }))
	defer other.Close()
	for status, permanent := range map[int]bool{301: true, 302: false, 303: false, 307: false, 308: true} {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.Path, status)
		}))
		store := s3test.NewStore(s3test.NewClient(web.URL), s3store.Options{})
		wantExplained(t, s3Calls(t.Context(), store), permanent, web.URL+" redirects to "+other.URL, "set the endpoint and the region")
		web.Close()
	}
}

// TestS3ClientKeepsConnections, and leaves none behind.
func TestS3ClientKeepsConnections(t *testing.T) {
	srv, _ := s3test.NewFake(fakes3.Options{})
	conns := s3test.NewConnCount()
	web := httptest.NewUnstartedServer(srv)
	web.Config.ConnState = conns.Change
	web.Start()
	defer web.Close()
	client := s3test.NewClient(web.URL)
	store := s3test.NewStore(client, s3store.Options{})
	mustBelieve(t, store, strings.TrimPrefix(web.URL, "http://"))
	var v rotatelog.Version
	for range 10 {
		s3test.Write(t, store, "key", v, nil, rotatelog.Data([]byte(v)), rotatelog.Data([]byte("a")))
		if err := store.Write(t.Context(), "key", "", nil, nil); !errors.Is(err, rotatelog.ErrConflict) {
			t.Errorf("Write: %v", err)
		}
		v = s3test.Stat(t, store, "key").Version
		if _, err := s3test.ReadAll(t.Context(), store, "key", v, 0, -1); err != nil {
			t.Errorf("Read: %v", err)
		}
	}
	if n := conns.Opened(); n != 1 {
		t.Errorf("%d connections for one request after the other, want 1", n)
	}
	s3test.CloseIdle(client)
	conns.Wait()
}

// answersEarly answers a request before it has read its body, as RGW refuses a PUT.
type answersEarly struct{}

func (answersEarly) Do(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusNotFound, Body: io.NopCloser(whileSending{req.Body})}, nil
}

// whileSending is an answer that breaks off once the request's body is not sent any more.
type whileSending struct{ request io.Reader }

func (r whileSending) Read(p []byte) (int, error) {
	if _, err := r.request.Read(make([]byte, 1)); err != nil {
		return 0, err
	}
	return copy(p, "<Error/>"), io.EOF
}

// TestErrorIsReadWhileItsRequestIsSent: an early answer ends the sending of the request,
// and the server then closes the connection, with what was not read of its answer.
func TestErrorIsReadWhileItsRequestIsSent(t *testing.T) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "https://s3.test/logs/key", strings.NewReader("content"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s3store.Guarded(answersEarly{}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); string(b) != "<Error/>" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}
