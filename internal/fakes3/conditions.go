package fakes3

import "strings"

// lookEarly checks the conditions of a PutObject before its body is read, and not
// again, if the profile is that careless.
func (s *Server) lookEarly(q *request) {
	p := s.opts.Profile
	if q.op.Name != "PutObject" || !p.NotAtomic && !p.VersionedNotAtomic {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q.bucket = s.buckets[q.op.Bucket]
	if q.bucket != nil && (p.NotAtomic || q.bucket.versioning == "Enabled") {
		q.early = s.writeAllowed(q, p.Put)
		q.looked = true
	}
}

// writeAllowed says whether the conditions of q let it replace or delete what
// is at its key.
func (s *Server) writeAllowed(q *request, how Conditions) error {
	match, none := q.Header.Get("If-Match"), q.Header.Get("If-None-Match")
	switch {
	case match == "" && none == "" || how == Ignored || q.blind:
		return nil
	case how == Refused:
		return errNotImplemented
	case q.looked:
		return q.early
	}
	cur := q.bucket.current(q.op.Key)
	if err := s.noneMatch(q, none, cur); err != nil {
		return err
	}
	return s.match(q, match, cur)
}

func (s *Server) noneMatch(q *request, header string, cur *object) error {
	switch {
	case header == "":
		return nil
	case header != "*":
		return errNotImplemented
	case q.op.Name == "PutObject" && q.bucket.versioning == "Enabled" && s.opts.Profile.VersionedIfNoneMatchIgnored:
		return nil
	case cur != nil:
		return errPreconditionFailed
	}
	return nil
}

func (s *Server) match(q *request, header string, cur *object) error {
	put := q.op.Name == "PutObject"
	switch {
	case header == "":
		return nil
	case put && q.bucket.versioning == "Enabled" && s.opts.Profile.VersionedIfMatchFails:
		return errPreconditionFailed
	case cur == nil && s.opts.Profile.MissingKeyFails:
		return errPreconditionFailed
	case cur == nil:
		return errNoSuchKey
	case put && s.opts.Profile.LiteralIfMatch && header != cur.etag && header != "*":
		return errPreconditionFailed
	case !matches(header, cur.etag):
		return errPreconditionFailed
	}
	return nil
}

// readAllowed says whether the conditions of q let it read o, and whether the client
// already has o.
func (s *Server) readAllowed(q *request, o *object) (unchanged bool, err error) {
	match, none := q.Header.Get("If-Match"), q.Header.Get("If-None-Match")
	switch {
	case s.opts.Profile.Read == Ignored || q.blind:
		return false, nil
	case match != "" && !matches(match, o.etag):
		return false, errPreconditionFailed
	}
	return none != "" && matches(none, o.etag), nil
}

// copyAllowed says whether the conditions of q let it copy from o.
func (s *Server) copyAllowed(q *request, o *object) error {
	match, none := q.Header.Get("X-Amz-Copy-Source-If-Match"), q.Header.Get("X-Amz-Copy-Source-If-None-Match")
	switch {
	case s.opts.Profile.CopySource == Ignored || q.blind:
		return nil
	case match != "" && !matches(match, o.etag), none != "" && matches(none, o.etag):
		return errPreconditionFailed
	}
	return nil
}

// matches reports whether a list of ETags, quoted or not, has etag in it.
func matches(header, etag string) bool {
	for given := range strings.SplitSeq(header, ",") {
		given = strings.TrimSpace(given)
		if given == "*" || unquote(given) == etag {
			return true
		}
	}
	return false
}

func unquote(etag string) string {
	if len(etag) >= 2 && etag[0] == '"' && etag[len(etag)-1] == '"' {
		return etag[1 : len(etag)-1]
	}
	return etag
}
