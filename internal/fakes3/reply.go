package fakes3

import (
	"bytes"
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// reply is an answer, and what must be done to make it true.
type reply struct {
	status int // 0: 200
	header map[string]string
	body   rope
	length int64  // of a body that is not at hand, for HEAD; 0: that of body
	apply  func() // called with mu held; nil: nothing changes
}

// failure returns the answer that reports err.
func (s *Server) failure(q *request, err error) reply {
	var e Error
	if !errors.As(err, &e) {
		e = Error{Status: 500, Message: err.Error()}
	}
	e = e.usual()
	if s.opts.Profile.NoMessages {
		e.Message = ""
	}
	p := documentReply(errorDocument{
		Code: e.Code, Message: e.Message, Resource: q.URL.Path, BucketName: q.op.Bucket, Key: q.op.Key, RequestID: q.id,
	})
	p.status = e.Status
	return p
}

// send writes p, as far as the fault allows.
func (s *Server) send(w http.ResponseWriter, q *request, p reply, f Fault) {
	status := cmp.Or(p.status, http.StatusOK)
	h := w.Header()
	for name, value := range p.header {
		h.Set(name, value)
	}
	h.Set("Date", s.opts.Now().UTC().Format(http.TimeFormat))
	if !f.Absent {
		h.Set("X-Amz-Request-Id", s.requestID(q))
	}
	h.Set("Server", cmp.Or(s.opts.Profile.Software, "fakes3"))
	headless := q.Method == "HEAD" && status >= 300
	if status != http.StatusNoContent && status != http.StatusNotModified && !headless {
		h.Set("Content-Length", strconv.FormatInt(cmp.Or(p.length, p.body.size()), 10))
	}
	w.WriteHeader(status)
	if q.Method == "HEAD" {
		return
	}
	s.sendBody(w, q, p.body, f)
}

// requestID returns the number of a request as it is told.
func (s *Server) requestID(q *request) string {
	if s.opts.Profile.CephRequests {
		return "tx00000" + strings.ToLower(q.id) + "-006b0d1e24-1008-default"
	}
	return q.id
}

func (s *Server) sendBody(w http.ResponseWriter, q *request, body rope, f Fault) {
	if f.Cut {
		body = body.cut(0, min(f.CutAt, body.size()))
	}
	flush := http.NewResponseController(w).Flush
	for _, piece := range body {
		step := cmp.Or(f.Trickle, len(piece))
		for len(piece) > 0 {
			n, err := w.Write(piece[:min(step, len(piece))])
			s.countSent(n)
			if err != nil {
				return // the client has gone
			}
			piece = piece[n:]
			if f.Trickle > 0 {
				flush()
				s.pause(q, f.Pause)
			}
		}
	}
	if f.Cut {
		flush() // or what was written would be lost with the connection
		panic(http.ErrAbortHandler)
	}
}

// documentReply returns an answer that consists of an XML document.
func documentReply(document any) reply {
	var b bytes.Buffer
	encode(&b, document)
	return reply{header: map[string]string{"Content-Type": "application/xml"}, body: rope{b.Bytes()}}
}
