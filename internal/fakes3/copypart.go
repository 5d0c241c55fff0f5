package fakes3

import (
	"crypto/md5"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

func (s *Server) uploadPartCopy(q *request) (reply, error) {
	if s.opts.Profile.NoCopyPart {
		return reply{}, Error{http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header."}
	}
	u, n, err := s.uploadPartTarget(q)
	if err != nil {
		return reply{}, err
	}
	src, err := s.copySource(q)
	if err != nil {
		return reply{}, err
	}
	if err := s.copyAllowed(q, src); err != nil {
		return reply{}, err
	}
	off, size, err := s.copyRange(q, src)
	if err != nil {
		return reply{}, err
	}
	p := uploadedPart{s.copied(src, off, size), s.now()}
	r := documentReply(copyPartDocument{LastModified: timestamp(p.modified), ETag: quote(p.etag())})
	u.encryption.addTo(r.header)
	r.apply = func() {
		u.parts[n] = p
		s.stats.Copied += size
	}
	return r, nil
}

// copied returns n bytes at off of src as a part.
func (s *Server) copied(src *object, off, n int64) part {
	if !s.opts.CheapCopies {
		return slice(src.parts, off, n)
	}
	return part{join(src.parts).cut(off, n), n, md5.Sum(fmt.Appendf(nil, "%s %d %d", src.etag, off, n))}
}

// copySource returns the object that q wants to copy from.
func (s *Server) copySource(q *request) (*object, error) {
	source, query, _ := strings.Cut(q.Header.Get("X-Amz-Copy-Source"), "?")
	source, err := url.PathUnescape(strings.TrimPrefix(source, "/"))
	name, key, ok := strings.Cut(source, "/")
	values, badQuery := url.ParseQuery(query)
	if err != nil || badQuery != nil || !ok || key == "" {
		return nil, invalidArgument("The copy source must be BUCKET/KEY, escaped.")
	}
	b := s.buckets[name]
	if b == nil {
		return nil, errNoSuchBucket
	}
	o, err := b.find(key, values.Get("versionId"))
	if err != nil {
		return nil, err
	}
	keySum, err := s.customerKey(q, copyCustomerPrefix)
	if err != nil {
		return nil, err
	}
	return o, o.encryption.opens(keySum)
}

// copyRange returns the range of src that q wants to copy. Unlike a Range, it
// has both ends, and they must be within the object.
func (s *Server) copyRange(q *request, src *object) (off, n int64, err error) {
	header := q.Header.Get("X-Amz-Copy-Source-Range")
	if header == "" {
		return 0, src.size, nil
	}
	spec, ok := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	off, err1 := strconv.ParseInt(first, 10, 64)
	end, err2 := strconv.ParseInt(last, 10, 64)
	switch {
	case !ok || !dash || err1 != nil || err2 != nil || off < 0 || end < off:
		return 0, 0, invalidArgument("The copy range must be bytes=FIRST-LAST.")
	case end >= src.size && s.opts.Profile.CopyRangeUnsatisfiable:
		return 0, 0, Error{http.StatusRequestedRangeNotSatisfiable, "InvalidRange", errInvalidRange.Message}
	case end >= src.size:
		return 0, 0, invalidArgument("The copy range is not within the source, which has %d bytes.", src.size)
	case src.size <= s.opts.MinPartSize && !s.opts.Profile.CopyRangeAnySource:
		return 0, 0, invalidRequest("The source is too small for copying a range of it.")
	}
	return off, end - off + 1, nil
}
