package fakes3

import (
	"cmp"
	"net/http"
	"time"
)

// Op tells of a request that has arrived.
type Op struct {
	Name   string // of the operation, as the S3 API calls it
	Bucket string
	Key    string
	N      int // how many requests of this name there have been, this one included

	IfMatch, IfNoneMatch string // the conditions, as they came; "": none
}

// Fault says how to mistreat a request. The zero Fault does not. The fields
// compose: {Delay: time.Minute, After: true, Drop: true} applies the request,
// and cuts the connection a minute later.
//
// Requests that are not signed properly, or ask for what the server does not
// know, are refused as ever, whatever the Fault.
type Fault struct {
	// Reply is answered instead of the true answer, with the usual code where
	// it has none.
	Reply Error
	// Drop breaks the connection instead of answering.
	Drop bool
	// After: Delay, Reply and Drop strike when the request has been executed.
	// Without it a Reply or a Drop keeps it from being executed at all.
	After bool

	// Blind executes the request as if it had no condition, as a server does that
	// honours some conditions, and not this one.
	Blind bool

	// Lost answers as if the request had been applied, whatever its conditions,
	// and applies nothing: a lost race that is answered 200.
	Lost bool
	// Later keeps the request, to be executed by [Server.Release]; the answer
	// now is Reply or, without one, a broken connection.
	Later bool

	// Linger executes CompleteMultipartUpload, and leaves the upload open, as RGW
	// may when it is slow. To complete it again then ends it; to abort it takes
	// the object with it (ceph#60771).
	Linger bool

	// Short is how many bytes too few HeadObject tells, as versitygw may while an
	// object is replaced: the size is then of the version before, and the ETag and
	// the metadata are of the next.
	Short int64

	// NoETag leaves the ETag out of the answer to HeadObject or GetObject, as rclone
	// may for an instant while an object is replaced.
	NoETag bool

	// Torn answers GetObject with the ETag of the version that is there when it
	// arrives, and all else of the one that is there after Delay, as versitygw may
	// while an object is replaced.
	Torn bool

	// Absent answers HeadObject and GetObject with a 404 that has neither a body,
	// and so no code, nor a request id, as a proxy does that knows nothing of S3.
	Absent bool
	// Stale answers HeadObject with the version that was current that many writes
	// ago: its ETag, its size and its metadata, or 404 if there was no object then.
	// The server remembers the last four; beyond that it is the oldest of them.
	Stale int

	// Delay passes before the request is executed, or with After, before it is
	// answered. If the client leaves meanwhile, the request ends there.
	Delay time.Duration

	// Cut breaks the connection after the first CutAt bytes of the body of the
	// answer, whose header promises all of it.
	Cut   bool
	CutAt int64
	// Trickle sends the body in pieces of that many bytes, with a Pause after
	// each.
	Trickle int
	Pause   time.Duration
}

// serve executes q as the fault lets it.
func (s *Server) serve(q *request, f Fault) reply {
	var p reply
	executed := true
	q.linger, q.absent, q.stale, q.blind = f.Linger, f.Absent, f.Stale, f.Blind
	switch {
	case f.Later:
		s.keep(q)
		f.Drop = f.Drop || f.Reply == Error{}
	case f.Lost:
		q.blind = true
		p = s.execute(q, false)
	case f.Torn:
		p = s.execute(q, false)
		executed = p.status >= 300
		q.blind = true // its conditions were held against this version
	case f.After:
		p = s.execute(q, true)
	default:
		executed = false
	}
	s.pause(q, f.Delay)
	switch {
	case f.Drop:
		panic(http.ErrAbortHandler)
	case f.Reply != Error{}:
		return s.failure(q, f.Reply)
	case executed:
		return p
	}
	before := p
	p = s.execute(q, true)
	if f.Torn && p.header["Etag"] != "" {
		p.header["Etag"] = before.header["Etag"]
	}
	if f.NoETag {
		delete(p.header, "Etag")
	}
	if f.Short > 0 {
		p.body = p.body.cut(0, max(p.body.size()-f.Short, 0))
	}
	return p
}

// pause waits for d, and ends the request if the client leaves meanwhile.
func (s *Server) pause(q *request, d time.Duration) {
	if d > 0 && s.opts.Sleep(q.Context(), d) != nil {
		panic(http.ErrAbortHandler)
	}
}

func (s *Server) keep(q *request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.later = append(s.later, q)
	s.noteCopying(q, 1)
}

// noteCopying counts the copies of an upload that were kept for later.
func (s *Server) noteCopying(q *request, n int) {
	b := s.buckets[q.op.Bucket]
	if q.op.Name != "UploadPartCopy" || b == nil {
		return
	}
	if u := b.uploads[q.query.Get("uploadId")]; u != nil {
		u.copying += n
	}
}

// Release executes the requests that a Fault kept for later, as they came, and
// returns the status of each. Nobody is told of it.
func (s *Server) Release() []int {
	s.mu.Lock()
	later := s.later
	s.later = nil
	for _, q := range later {
		s.noteCopying(q, -1)
	}
	s.mu.Unlock()
	var statuses []int
	for _, q := range later {
		statuses = append(statuses, cmp.Or(s.execute(q, true).status, http.StatusOK))
	}
	return statuses
}
