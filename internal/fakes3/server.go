package fakes3

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Options configure a [Server]. The zero value is a strict server that anyone
// with the default keys can use.
type Options struct {
	// Profile says which server to behave like. The zero Profile is [Strict].
	Profile Profile

	AccessKey string // default "access"
	SecretKey string // default "secret"
	// SessionToken, if set, must come with every request.
	SessionToken string
	Region       string // default "us-east-1"

	// Now returns the time, for dates and for the age of signatures. Default
	// time.Now.
	Now func() time.Time
	// Sleep waits for d, or returns an error when ctx ends first; only faults
	// call it. Default: a timer.
	Sleep func(ctx context.Context, d time.Duration) error

	// MinPartSize is the least size in bytes of a part that is not the last,
	// and of an object that ranges can be copied from. Default 5 MiB.
	MinPartSize int64

	// CheapCopies makes the ETag of a copied part depend on its source, not on its
	// content, which then is not read: a copy of gigabytes costs nothing.
	CheapCopies bool
}

const (
	defaultMinPartSize = 5 << 20
	maxClockSkew       = 15 * time.Minute
)

// Server is an S3 server in memory. It is safe for concurrent use.
type Server struct {
	// Fault, if not nil, is called for every request when it has arrived, from many
	// goroutines and with no lock held. So it may use the Server, or a client of it, for
	// example to write between a client's look and its write. Set it before the first
	// request.
	Fault func(Op) Fault

	opts Options

	mu      sync.Mutex // guards everything below
	access  string     // the key
	secret  string
	buckets map[string]*bucket
	stats   Stats
	seq     int // numbers requests, uploads and versions
	later   []*request
}

// New returns a Server without buckets.
func New(opts Options) *Server {
	opts.Region = cmp.Or(opts.Region, "us-east-1")
	opts.MinPartSize = cmp.Or(opts.MinPartSize, defaultMinPartSize)
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Sleep == nil {
		opts.Sleep = sleep
	}
	s := &Server{opts: opts, buckets: map[string]*bucket{}, stats: newStats()}
	s.SetKey(cmp.Or(opts.AccessKey, "access"), cmp.Or(opts.SecretKey, "secret"))
	return s
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ServeHTTP implements [http.Handler]. A bucket can be named by the first
// element of the path, or by the first label of the host.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := s.receive(r)
	var fault Fault
	if s.Fault != nil {
		fault = s.Fault(q.op)
	}
	s.lookEarly(q)
	if err := q.readBody(); err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
	s.countReceived(len(q.wire))

	if err := s.admit(q); err != nil {
		s.send(w, q, s.failure(q, err), Fault{})
		return
	}
	s.send(w, q, s.serve(q, fault), fault)
}

// admit says whether the server will try to execute q, and leaves its payload in
// q.body.
func (s *Server) admit(q *request) error {
	if err := s.authenticate(q.Request); err != nil {
		return err
	}
	if err := q.supported(); err != nil {
		return err
	}
	return s.payload(q)
}

// execute does what q asks for. Without apply, it only finds out what the answer
// would be.
func (s *Server) execute(q *request, apply bool) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.run(q)
	if err != nil {
		return s.failure(q, err)
	}
	if apply && p.apply != nil {
		p.apply()
	}
	return p
}

func (s *Server) run(q *request) (reply, error) {
	if q.operation.level != service {
		q.bucket = s.buckets[q.op.Bucket]
		if q.bucket == nil && q.op.Name != "CreateBucket" {
			return reply{}, errNoSuchBucket
		}
	}
	return q.operation.run(s, q)
}

// next returns a new number, in a form that sorts as text.
func (s *Server) next() string {
	s.seq++
	return fmt.Sprintf("%016X", s.seq)
}

// now returns the time in the resolution and zone that S3 uses.
func (s *Server) now() time.Time { return s.opts.Now().UTC().Truncate(time.Millisecond) }
