// Package s3test has what tests of S3 stores share: a server in the process,
// clients for it, and checks of what is stored there.
package s3test

import (
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/s3store"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	Bucket = "logs"
	Secret = "SECRET-that-must-not-be-seen"
	Token  = "TOKEN-that-must-not-be-seen"
)

// SmallParts returns opts with multipart uploads for copies of at least minPart
// bytes, and temporary files for three times as many.
func SmallParts(opts s3store.Options, minPart int64) s3store.Options {
	opts.MinPartSize, opts.MaxCopySize, opts.MaxInMemory = minPart, 3*minPart, 3*minPart
	return opts
}

// NewFake returns a server with a bucket, and a client for it, without sockets.
func NewFake(opts fakes3.Options) (*fakes3.Server, *s3.Client) {
	opts.SecretKey, opts.SessionToken = Secret, Token
	srv := fakes3.New(opts)
	srv.CreateBucket(Bucket)
	return srv, InProcess(NewClient("http://s3.test"), srv)
}

func NewClient(endpoint string) *s3.Client {
	return s3store.NewClient(endpoint, "us-east-1", credentials.NewStaticCredentialsProvider("access", Secret, Token))
}

// InProcess returns client with h in place of the network.
func InProcess(client *s3.Client, h http.Handler) *s3.Client {
	return s3.New(client.Options(), func(o *s3.Options) { o.HTTPClient = &http.Client{Transport: fakes3.Transport(h)} })
}

// Profiles are the servers that a Store is for.
func Profiles() []fakes3.Profile {
	return []fakes3.Profile{fakes3.Strict(), fakes3.Linode(), fakes3.RGW20(), fakes3.MinIO(), fakes3.Versity(), fakes3.RGW16(), fakes3.RGW18()}
}

// CustomerKey is a key for SSE-C.
var CustomerKey = []byte("KEY-that-must-not-be-seen-either")

func Stat(t *testing.T, s rotatelog.Store, key string) rotatelog.Object {
	t.Helper()
	o, err := s.Stat(t.Context(), key)
	if err != nil {
		t.Fatalf("Stat: %v", err)
	}
	return o
}

func Write(t *testing.T, s rotatelog.Store, key string, old rotatelog.Version, meta map[string]string, parts ...rotatelog.Part) {
	t.Helper()
	if err := s.Write(t.Context(), key, old, parts, meta); err != nil {
		t.Fatalf("Write: %v", err)
	}
}

func WantContent(t *testing.T, s rotatelog.Store, key, want string) {
	t.Helper()
	if got, err := ReadAll(t.Context(), s, key, Stat(t, s, key).Version, 0, -1); err != nil || got != want {
		t.Errorf("%s is %.100q, %v, want %.100q", key, got, err, want)
	}
}

func ReadAll(ctx context.Context, s rotatelog.Store, key string, v rotatelog.Version, off, n int64) (string, error) {
	r, err := s.Read(ctx, key, v, off, n)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

// MinPart is the minimum part size of these tests, in place of 5 MiB.
const MinPart = 100

// NewSmallParts returns a store that makes multipart uploads of small objects,
// and its server.
func NewSmallParts(profile fakes3.Profile, opts s3store.Options) (*s3store.Store, *fakes3.Server) {
	return NewPartsFrom(MinPart, profile, opts)
}

func NewPartsFrom(minPart int64, profile fakes3.Profile, opts s3store.Options) (*s3store.Store, *fakes3.Server) {
	srv, client := NewFake(fakes3.Options{Profile: profile, MinPartSize: minPart})
	return NewStore(client, SmallParts(opts, minPart)), srv
}

// Intents keeps the intents that it is given.
type Intents []string

func (n *Intents) Save(text string) error {
	*n = append(*n, text)
	return nil
}

func (n Intents) Last() string { return n[len(n)-1] }

// WantOpen checks that one upload of each of these keys is open.
func WantOpen(t *testing.T, srv *fakes3.Server, want ...string) {
	t.Helper()
	var open []string
	for _, u := range srv.Uploads(Bucket) {
		open = append(open, u.Key)
	}
	if !slices.Equal(open, want) {
		t.Errorf("left open: %q, want %q", open, want)
	}
}

// Through returns client with a transport between it and the server.
func Through(client *s3.Client, srv *fakes3.Server, wrap func(http.RoundTripper) http.RoundTripper) *s3.Client {
	return s3.New(client.Options(), func(o *s3.Options) { o.HTTPClient = &http.Client{Transport: wrap(fakes3.Transport(srv))} })
}

type RoundTripper func(*http.Request) (*http.Response, error)

func (f RoundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func WantNoSecret(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{Secret, Token, string(CustomerKey), base64.StdEncoding.EncodeToString(CustomerKey)} {
		if strings.Contains(text, secret) {
			t.Errorf("a secret is in %q", text)
		}
	}
}

// IsProof reports whether a request is about a throwaway object.
func IsProof(key string) bool { return strings.Contains(key, "rotatelog-probe-") }

// Prove lets a store find out what the server does, before a test counts requests.
func Prove(t *testing.T, store rotatelog.Store, srv *fakes3.Server) (text string) {
	t.Helper()
	text, err := store.(rotatelog.Prover).Prove(t.Context(), "probe", "")
	if err != nil {
		t.Fatalf("Prove: %v", err)
	}
	srv.Reset()
	return text
}

// ExceptProofs returns a fault that spares throwaway objects, and does not count
// their requests.
func ExceptProofs(fault func(fakes3.Op) fakes3.Fault) func(fakes3.Op) fakes3.Fault {
	var mu sync.Mutex
	n := map[string]int{}
	return func(op fakes3.Op) fakes3.Fault {
		if IsProof(op.Key) {
			return fakes3.Fault{}
		}
		mu.Lock()
		n[op.Name]++
		op.N = n[op.Name]
		mu.Unlock()
		return fault(op)
	}
}

// CloseIdle closes the connections that a client keeps.
func CloseIdle(client *s3.Client) {
	client.Options().HTTPClient.(interface{ CloseIdleConnections() }).CloseIdleConnections()
}

// ConnCount counts a server's connections.
type ConnCount struct {
	mu   sync.Mutex
	all  int
	live int
	none *sync.Cond
}

func NewConnCount() *ConnCount {
	c := new(ConnCount)
	c.none = sync.NewCond(&c.mu)
	return c
}

func (c *ConnCount) Change(_ net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.all++
		c.live++
	case http.StateClosed:
		c.live--
		c.none.Broadcast()
	}
}

func (c *ConnCount) Opened() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all
}

// Wait returns when none is open.
func (c *ConnCount) Wait() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.live > 0 {
		c.none.Wait()
	}
}

// NewStore returns a store of the bucket.
func NewStore(client *s3.Client, opts s3store.Options) *s3store.Store {
	return Must(s3store.New(client, Bucket, opts))
}

// Must returns the store, and panics on an error.
func Must(store *s3store.Store, err error) *s3store.Store {
	if err != nil {
		panic(err)
	}
	return store
}
