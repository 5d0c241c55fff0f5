package fakes3

import (
	"encoding/xml"
	"slices"
	"strings"
	"time"
)

// bucket is a bucket, guarded by the server's mu.
type bucket struct {
	name       string
	created    time.Time
	versioning string               // "", "Enabled" or "Suspended"
	settings   map[string][]byte    // documents, by the parameter that names them
	objects    map[string][]*object // the versions of each key, the current one last; never empty
	past       map[string][]*object // what was current at each key, the current one last; nil: nothing
	uploads    map[string]*upload   // open ones, by id
	completed  map[string]completed // completed ones, by id
}

func newBucket(name string, created time.Time) *bucket {
	return &bucket{
		name: name, created: created,
		settings: map[string][]byte{}, objects: map[string][]*object{}, past: map[string][]*object{}, uploads: map[string]*upload{}, completed: map[string]completed{},
	}
}

// nullVersion is the id of what is written while versioning is not enabled.
const nullVersion = "null"

// current returns the object at key, or nil.
func (b *bucket) current(key string) *object {
	versions := b.objects[key]
	if len(versions) == 0 || versions[len(versions)-1].deleted {
		return nil
	}
	return versions[len(versions)-1]
}

// maxStale is how many writes ago Fault.Stale reaches.
const maxStale = 4

// remember keeps what is current at key, without its content, so that a later HEAD
// can return it.
func (b *bucket) remember(key string) {
	past := b.past[key]
	if past == nil {
		past = []*object{nil} // before the first write
	}
	now := b.current(key)
	if now != nil {
		head := *now
		head.parts = nil
		now = &head
	}
	past = append(past, now)
	b.past[key] = slices.Clone(past[max(0, len(past)-1-maxStale):])
}

// stale returns what was current at key that many writes ago, nil if there was no
// object. It goes no further back than maxStale.
func (b *bucket) stale(key string, writes int) *object {
	past := b.past[key]
	if len(past) == 0 {
		return nil
	}
	return past[max(0, len(past)-1-writes)]
}

// find returns a version of the object at key; "" means the current one.
func (b *bucket) find(key, version string) (*object, error) {
	if version == "" {
		if o := b.current(key); o != nil {
			return o, nil
		}
		return nil, errNoSuchKey
	}
	for _, o := range b.objects[key] {
		if o.version == version && !o.deleted {
			return o, nil
		}
	}
	return nil, errNoSuchVersion
}

// put makes o the current version of key.
func (b *bucket) put(key string, o *object) {
	if o.version == nullVersion {
		b.drop(key, nullVersion)
	}
	b.objects[key] = append(b.objects[key], o)
	b.remember(key)
}

// remove removes a version for good.
func (b *bucket) remove(key, version string) {
	b.drop(key, version)
	b.remember(key)
}

func (b *bucket) drop(key, version string) {
	left := slices.DeleteFunc(b.objects[key], func(o *object) bool { return o.version == version })
	if len(left) == 0 {
		delete(b.objects, key)
	} else {
		b.objects[key] = left
	}
}

// version returns the id for the next version.
func (s *Server) version(b *bucket) string {
	if b.versioning == "Enabled" {
		return s.next()
	}
	return nullVersion
}

// addVersion adds the header that names o's version, if there are versions.
func (b *bucket) addVersion(header map[string]string, version string) {
	if b.versioning != "" {
		header["X-Amz-Version-Id"] = version
	}
}

func (s *Server) listBuckets(*request) (reply, error) {
	var doc listBucketsDocument
	for _, b := range s.buckets {
		doc.Buckets = append(doc.Buckets, bucketEntry{b.name, timestamp(b.created)})
	}
	slices.SortFunc(doc.Buckets, func(x, y bucketEntry) int { return strings.Compare(x.Name, y.Name) })
	return documentReply(doc), nil
}

func (s *Server) headBucket(*request) (reply, error) {
	return reply{header: map[string]string{"X-Amz-Bucket-Region": s.opts.Region}}, nil
}

func (s *Server) createBucket(q *request) (reply, error) {
	name := q.op.Bucket
	switch {
	case len(name) < 3 || len(name) > 63:
		return reply{}, errInvalidBucketName
	case q.bucket != nil:
		return reply{}, errBucketExists
	}
	return reply{
		header: map[string]string{"Location": "/" + name},
		apply:  func() { s.buckets[name] = newBucket(name, s.now()) },
	}, nil
}

func (s *Server) deleteBucket(q *request) (reply, error) {
	if len(q.bucket.objects) > 0 {
		return reply{}, errBucketNotEmpty
	}
	return reply{status: 204, apply: func() { delete(s.buckets, q.bucket.name) }}, nil
}

func (s *Server) getBucketLocation(*request) (reply, error) {
	doc := locationDocument{Region: s.opts.Region}
	if doc.Region == "us-east-1" {
		doc.Region = "" // the one that has no name here
	}
	return documentReply(doc), nil
}

func (s *Server) getBucketVersioning(q *request) (reply, error) {
	return documentReply(versioningDocument{Status: q.bucket.versioning}), nil
}

func (s *Server) putBucketVersioning(q *request) (reply, error) {
	var doc versioningDocument
	if err := xml.Unmarshal(q.body, &doc); err != nil || doc.Status != "Enabled" && doc.Status != "Suspended" {
		return reply{}, errMalformedXML
	}
	return reply{apply: func() { q.bucket.versioning = doc.Status }}, nil
}
