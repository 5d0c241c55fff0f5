package fakes3

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// object is one version of an object. It never changes.
type object struct {
	parts      []part
	size       int64
	etag       string // without quotes
	modified   time.Time
	version    string
	deleted    bool // it marks that the key was deleted
	header     map[string]string
	encryption encryption
	checksum   checksum
}

const (
	metaPrefix  = "X-Amz-Meta-"
	maxMetaSize = 2 << 10
)

// storedHeaders are kept with an object and returned with it.
var storedHeaders = []string{
	"Content-Type", "Cache-Control", "Content-Disposition", "Content-Language", "Expires",
}

// keptHeader returns the part of q's header that an object keeps.
func (s *Server) keptHeader(q *request) (map[string]string, error) {
	kept := map[string]string{"Content-Type": "binary/octet-stream"}
	for _, name := range storedHeaders {
		if v := q.Header.Get(name); v != "" {
			kept[name] = v
		}
	}
	codings := contentEncodings(q.Header)
	if s.opts.Profile.Chunked != ChunkedKeepsCoding {
		codings = slices.DeleteFunc(codings, func(c string) bool { return c == "aws-chunked" })
	}
	if len(codings) > 0 {
		kept["Content-Encoding"] = strings.Join(codings, ",")
	}
	size := 0
	for name, values := range q.Header {
		if bare, ok := strings.CutPrefix(name, metaPrefix); ok {
			kept[name] = strings.Join(values, ",")
			size += len(bare) + len(kept[name])
		}
	}
	if size > maxMetaSize && !s.opts.Profile.MetadataUnlimited {
		return nil, errMetadataTooLarge
	}
	return kept, nil
}

func (s *Server) putObject(q *request) (reply, error) {
	if err := s.writeAllowed(q, s.opts.Profile.Put); err != nil {
		return reply{}, err
	}
	kept, err := s.keptHeader(q)
	if err != nil {
		return reply{}, err
	}
	enc, err := s.encryptionOf(q)
	if err != nil {
		return reply{}, err
	}
	if old := q.bucket.current(q.op.Key); old != nil && s.opts.Profile.MergesMetadata {
		for name, value := range old.header {
			if _, set := kept[name]; !set && strings.HasPrefix(name, metaPrefix) {
				kept[name] = value
			}
		}
	}
	p := newPart(rope{q.body})
	o := &object{
		parts: []part{p}, size: p.size, etag: p.etag(), modified: s.now(), version: s.version(q.bucket),
		header: kept, encryption: enc, checksum: q.checksum,
	}
	header := map[string]string{"Etag": quote(o.etag)}
	enc.addTo(header)
	q.checksum.addTo(header)
	q.bucket.addVersion(header, o.version)
	return reply{header: header, apply: func() { q.bucket.put(q.op.Key, o) }}, nil
}

func (s *Server) headObject(q *request) (reply, error) {
	if q.stale == 0 {
		return s.getObject(q)
	}
	o := q.bucket.stale(q.op.Key, q.stale)
	if o == nil {
		return reply{}, errNoSuchKey
	}
	header := o.headers()
	q.bucket.addVersion(header, o.version)
	return reply{header: header, length: o.size}, nil
}

func (s *Server) getObject(q *request) (reply, error) {
	if q.absent {
		return reply{status: http.StatusNotFound}, nil
	}
	o, err := q.bucket.find(q.op.Key, q.query.Get("versionId"))
	if err != nil {
		return reply{}, err
	}
	if s.opts.Profile.ReadFailsWhileReplaced && q.op.Name == "GetObject" && q.isBeingReplaced() {
		return reply{}, Error{Status: http.StatusInternalServerError, Code: "UnknownError"}
	}
	keySum, err := s.customerKey(q, customerPrefix)
	if err != nil {
		return reply{}, err
	}
	if err := o.encryption.opens(keySum); err != nil {
		return reply{}, err
	}
	header := o.headers()
	q.bucket.addVersion(header, o.version)
	if unchanged, err := s.readAllowed(q, o); err != nil {
		return reply{}, err
	} else if unchanged {
		return reply{status: http.StatusNotModified, header: header}, nil
	}
	return s.readRange(q, o, header)
}

// isBeingReplaced reports whether the object was replaced since q arrived.
func (q *request) isBeingReplaced() bool {
	return q.began != nil && q.bucket.current(q.op.Key) != q.began
}

// readRange answers with what q wants of o.
func (s *Server) readRange(q *request, o *object, header map[string]string) (reply, error) {
	r, err := s.rangeOf(q, o, header)
	if err != nil {
		return reply{}, err
	}
	if r == nil {
		if q.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
			o.checksum.addTo(header)
		}
		return reply{header: header, body: join(o.parts)}, nil
	}
	header["Content-Range"] = r.contentRange(o.size)
	return reply{status: http.StatusPartialContent, header: header, body: join(o.parts).cut(r.off, r.n)}, nil
}

// rangeOf returns the range of o that q wants; nil: all of it.
func (s *Server) rangeOf(q *request, o *object, header map[string]string) (*byteRange, error) {
	number := q.query.Get("partNumber")
	if number == "" || s.opts.Profile.PartNumberIgnored {
		return parseRange(q.Header.Get("Range"), o.size)
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || q.Header.Get("Range") != "" {
		return nil, invalidArgument("A part number is positive, and excludes a range.")
	}
	if n > len(o.parts) {
		return nil, Error{416, "InvalidPartNumber", "The object does not have that many parts."}
	}
	header["X-Amz-Mp-Parts-Count"] = strconv.Itoa(len(o.parts))
	r := byteRange{n: o.parts[n-1].size}
	for _, p := range o.parts[:n-1] {
		r.off += p.size
	}
	if r.n == 0 {
		return nil, nil // an empty part can only be all there is, or the end
	}
	return &r, nil
}

func (s *Server) deleteObject(q *request) (reply, error) {
	b, key, version := q.bucket, q.op.Key, q.query.Get("versionId")
	header := map[string]string{}
	if version != "" {
		header["X-Amz-Version-Id"] = version
		return reply{status: http.StatusNoContent, header: header, apply: func() { b.remove(key, version) }}, nil
	}
	if err := s.writeAllowed(q, s.opts.Profile.Delete); err != nil {
		return reply{}, err
	}
	if b.versioning == "" {
		return reply{status: http.StatusNoContent, apply: func() { b.remove(key, nullVersion) }}, nil
	}
	marker := &object{deleted: true, modified: s.now(), version: s.version(b)}
	header["X-Amz-Delete-Marker"] = "true"
	b.addVersion(header, marker.version)
	return reply{status: http.StatusNoContent, header: header, apply: func() { b.put(key, marker) }}, nil
}

// headers returns the headers that describe o.
func (o *object) headers() map[string]string {
	header := map[string]string{
		"Etag":          quote(o.etag),
		"Last-Modified": o.modified.Format(http.TimeFormat),
		"Accept-Ranges": "bytes",
	}
	for name, value := range o.header {
		header[name] = value
	}
	o.encryption.addTo(header)
	return header
}

// meta returns o's user metadata, by names in lower case.
func (o *object) meta() map[string]string {
	meta := map[string]string{}
	for name, value := range o.header {
		if bare, ok := strings.CutPrefix(name, metaPrefix); ok {
			meta[strings.ToLower(bare)] = value
		}
	}
	return meta
}

// addTo adds the header that carries c.
func (c checksum) addTo(header map[string]string) {
	if c.header != "" {
		header[c.header] = c.value
	}
}

func quote(etag string) string { return `"` + etag + `"` }
