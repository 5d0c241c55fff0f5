package fakes3

import (
	"encoding/xml"
	"maps"
)

const maxCopyObject = 5 << 30

type copyObjectDocument struct {
	XMLName            xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CopyObjectResult"`
	LastModified, ETag string
}

func (s *Server) copyObject(q *request) (reply, error) {
	if s.opts.Profile.NoCopyObject {
		return reply{}, errNotImplemented
	}
	src, err := s.copySource(q)
	if err != nil {
		return reply{}, err
	}
	if err := s.copyAllowed(q, src); err != nil {
		return reply{}, err
	}
	if err := s.writeAllowed(q, s.opts.Profile.CopyTarget); err != nil {
		return reply{}, err
	}
	if src.size > maxCopyObject {
		return reply{}, invalidRequest("The copy source is larger than %d bytes.", int64(maxCopyObject))
	}
	kept, err := s.copiedHeader(q, src)
	if err != nil {
		return reply{}, err
	}
	enc, err := s.encryptionOf(q)
	if err != nil {
		return reply{}, err
	}
	p := s.copied(src, 0, src.size)
	o := &object{
		parts: []part{p}, size: p.size, etag: p.etag(), modified: s.now(), version: s.version(q.bucket),
		header: kept, encryption: enc,
	}
	r := documentReply(copyObjectDocument{LastModified: timestamp(o.modified), ETag: quote(o.etag)})
	enc.addTo(r.header)
	q.bucket.addVersion(r.header, o.version)
	r.apply = func() {
		q.bucket.put(q.op.Key, o)
		s.stats.Copied += o.size
	}
	return r, nil
}

// copiedHeader returns the header that the copy of an object keeps.
func (s *Server) copiedHeader(q *request, src *object) (map[string]string, error) {
	switch q.Header.Get("X-Amz-Metadata-Directive") {
	case "REPLACE":
		return s.keptHeader(q)
	case "", "COPY":
		if src == q.bucket.current(q.op.Key) {
			return nil, invalidRequest("The object would be copied onto itself, without a change.")
		}
		return maps.Clone(src.header), nil
	}
	return nil, invalidArgument("The metadata directive must be COPY or REPLACE.")
}
