package fakes3

import (
	"net/http"
	"slices"
	"time"
)

// SetKey replaces the key that requests must be signed with.
func (s *Server) SetKey(access, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.access, s.secret = access, secret
}

// key returns the key that requests must be signed with.
func (s *Server) key() (access, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.access, s.secret
}

// CreateBucket creates a bucket, unless there is one with that name.
func (s *Server) CreateBucket(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ensureBucket(name)
}

func (s *Server) ensureBucket(name string) *bucket {
	if s.buckets[name] == nil {
		s.buckets[name] = newBucket(name, s.now())
	}
	return s.buckets[name]
}

// PutObject creates an object, and the bucket if there is none, without a
// request: nothing is counted and no fault strikes. It returns the ETag,
// without quotes. The names of meta are without x-amz-meta-.
func (s *Server) PutObject(bucket, key string, data []byte, meta map[string]string) string {
	p := newPart(rope{slices.Clone(data)})
	header := map[string]string{"Content-Type": "binary/octet-stream"}
	for name, value := range meta {
		header[http.CanonicalHeaderKey(metaPrefix+name)] = value
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.ensureBucket(bucket)
	b.put(key, &object{
		parts: []part{p}, size: p.size, etag: p.etag(), modified: s.now(), version: s.version(b), header: header,
	})
	return p.etag()
}

// DeleteObject removes an object without a request, as a stranger might.
func (s *Server) DeleteObject(bucket, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ensureBucket(bucket).objects, key)
}

// Object returns a copy of the current object at key, and its user metadata by
// names in lower case.
func (s *Server) Object(bucket, key string) (data []byte, meta map[string]string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[bucket]
	if b == nil {
		return nil, nil, false
	}
	o := b.current(key)
	if o == nil {
		return nil, nil, false
	}
	return join(o.parts).bytes(), o.meta(), true
}

// Keys returns the keys in a bucket, sorted.
func (s *Server) Keys(bucket string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.buckets[bucket]; b != nil {
		return b.keys()
	}
	return nil
}

// Upload is an open multipart upload.
type Upload struct {
	ID, Key   string
	Initiated time.Time
	Parts     int
}

// Uploads returns the open multipart uploads in a bucket, by key and age.
func (s *Server) Uploads(bucket string) []Upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[bucket]
	if b == nil {
		return nil
	}
	var uploads []Upload
	for _, u := range b.openUploads() {
		uploads = append(uploads, Upload{u.id, u.key, u.initiated, len(u.parts)})
	}
	return uploads
}
