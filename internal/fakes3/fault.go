package fakes3

import (
	"cmp"
	"net/http"
	"time"
)

// Op is a request that has arrived.
type Op struct {
	Name   string // of the operation in the S3 API
	Bucket string
	Key    string
	N      int // how many requests of this name there have been, this one included

	IfMatch, IfNoneMatch string // the conditions, as they came; "": none
}

// Fault says what goes wrong with a request. The zero Fault is no fault. The fields
// combine: {Delay: time.Minute, After: true, Drop: true} applies the request,
// and cuts the connection a minute later.
//
// Requests that are not signed properly, or ask for what the server does not
// support, are refused whatever the Fault.
type Fault struct {
	// Reply replaces the true answer. If it has no code, it gets the usual one.
	Reply Error
	// Drop breaks the connection instead of answering.
	Drop bool
	// After: Delay, Reply and Drop strike after the request has been executed.
	// Otherwise a Reply or a Drop keeps it from being executed.
	After bool

	// Blind executes the request as if it had no condition, as a server that does not
	// honour this one.
	Blind bool

	// Lost answers as if the request had been applied, whatever its conditions,
	// and applies nothing: a lost race that is answered 200.
	Lost bool
	// Later keeps the request, to be executed by [Server.Release]; the answer
	// now is Reply or, without one, a broken connection.
	Later bool

	// Linger executes CompleteMultipartUpload and leaves the upload open, as RGW
	// may when it is slow. Completing it again then ends it; aborting it deletes the
	// object (ceph#60771).
	Linger bool

	// Short is how many bytes too few HeadObject reports, as versitygw may while an
	// object is being replaced: the size is that of the old version, the ETag and the
	// metadata are those of the new one.
	Short int64

	// NoETag leaves the ETag out of the answer to HeadObject or GetObject, as rclone
	// may for an instant while an object is being replaced.
	NoETag bool

	// Torn answers GetObject with the ETag of the version that is current when it
	// arrives, and with everything else of the version that is current after Delay, as
	// versitygw may while an object is being replaced.
	Torn bool

	// Absent answers HeadObject and GetObject with a 404 that has no body (and so no
	// code) and no request id, as a proxy that knows nothing about S3.
	Absent bool
	// Stale answers HeadObject with the version that was current that many writes
	// ago: its ETag, its size and its metadata, or 404 if there was no object then.
	// The server remembers the last four; beyond that it is the oldest of them.
	Stale int

	// Delay passes before the request is executed, or with After, before it is
	// answered. If the client leaves meanwhile, the request ends there.
	Delay time.Duration

	// Cut breaks the connection after the first CutAt bytes of the answer's body,
	// whose header promises all of it.
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
		q.blind = true // its conditions were checked against this version
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
	s.countCopying(q, 1)
}

// countCopying counts the copies of an upload that were kept for later.
func (s *Server) countCopying(q *request, n int) {
	b := s.buckets[q.op.Bucket]
	if q.op.Name != "UploadPartCopy" || b == nil {
		return
	}
	if u := b.uploads[q.query.Get("uploadId")]; u != nil {
		u.copying += n
	}
}

// Release executes the requests that a Fault kept for later, in order, and returns
// the status of each. Their clients get no reply.
func (s *Server) Release() []int {
	s.mu.Lock()
	later := s.later
	s.later = nil
	for _, q := range later {
		s.countCopying(q, -1)
	}
	s.mu.Unlock()
	var statuses []int
	for _, q := range later {
		statuses = append(statuses, cmp.Or(s.execute(q, true).status, http.StatusOK))
	}
	return statuses
}
