package fakes3

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// level says what an operation is about.
type level int

const (
	service level = iota
	inBucket
	inObject
)

// operation is one thing that a client can ask for. Rows that need a parameter or a
// header come before those that do not.
type operation struct {
	name    string
	method  string
	level   level
	needs   string   // the query parameter that names the operation
	header  string   // the header that names it
	accepts []string // further query parameters
	run     func(*Server, *request) (reply, error)
}

var operations = []operation{
	{name: "ListBuckets", method: "GET", level: service, run: (*Server).listBuckets},

	{name: "HeadBucket", method: "HEAD", level: inBucket, run: (*Server).headBucket},
	{name: "GetBucketLocation", method: "GET", level: inBucket, needs: "location", run: (*Server).getBucketLocation},
	{name: "GetBucketVersioning", method: "GET", level: inBucket, needs: "versioning", run: (*Server).getBucketVersioning},
	{name: "PutBucketVersioning", method: "PUT", level: inBucket, needs: "versioning", run: (*Server).putBucketVersioning},
	{name: "GetBucketLifecycleConfiguration", method: "GET", level: inBucket, needs: "lifecycle", run: (*Server).getSetting},
	{name: "PutBucketLifecycleConfiguration", method: "PUT", level: inBucket, needs: "lifecycle", run: (*Server).putSetting},
	{name: "GetBucketEncryption", method: "GET", level: inBucket, needs: "encryption", run: (*Server).getSetting},
	{name: "PutBucketEncryption", method: "PUT", level: inBucket, needs: "encryption", run: (*Server).putSetting},
	{name: "GetBucketLogging", method: "GET", level: inBucket, needs: "logging", run: (*Server).getSetting},
	{name: "PutBucketLogging", method: "PUT", level: inBucket, needs: "logging", run: (*Server).putSetting},
	{name: "ListMultipartUploads", method: "GET", level: inBucket, needs: "uploads", run: (*Server).listMultipartUploads,
		accepts: []string{"prefix", "key-marker", "upload-id-marker", "max-uploads"}},
	{name: "ListObjectsV2", method: "GET", level: inBucket, needs: "list-type", run: (*Server).listObjects,
		accepts: []string{"prefix", "delimiter", "max-keys", "continuation-token", "start-after", "encoding-type", "fetch-owner"}},
	{name: "CreateBucket", method: "PUT", level: inBucket, run: (*Server).createBucket},
	{name: "DeleteBucket", method: "DELETE", level: inBucket, run: (*Server).deleteBucket},

	{name: "ListParts", method: "GET", level: inObject, needs: "uploadId", run: (*Server).listParts,
		accepts: []string{"max-parts", "part-number-marker"}},
	{name: "UploadPartCopy", method: "PUT", level: inObject, needs: "uploadId", header: "X-Amz-Copy-Source",
		run: (*Server).uploadPartCopy, accepts: []string{"partNumber"}},
	{name: "UploadPart", method: "PUT", level: inObject, needs: "uploadId", run: (*Server).uploadPart,
		accepts: []string{"partNumber"}},
	{name: "CreateMultipartUpload", method: "POST", level: inObject, needs: "uploads", run: (*Server).createMultipartUpload},
	{name: "CompleteMultipartUpload", method: "POST", level: inObject, needs: "uploadId", run: (*Server).completeMultipartUpload},
	{name: "AbortMultipartUpload", method: "DELETE", level: inObject, needs: "uploadId", run: (*Server).abortMultipartUpload},
	{name: "CopyObject", method: "PUT", level: inObject, header: "X-Amz-Copy-Source", run: (*Server).copyObject},

	{name: "GetObject", method: "GET", level: inObject, run: (*Server).getObject, accepts: []string{"versionId", "partNumber"}},
	{name: "HeadObject", method: "HEAD", level: inObject, run: (*Server).headObject, accepts: []string{"versionId", "partNumber"}},
	{name: "PutObject", method: "PUT", level: inObject, run: (*Server).putObject},
	{name: "DeleteObject", method: "DELETE", level: inObject, run: (*Server).deleteObject, accepts: []string{"versionId"}},
}

func (s *Server) notImplemented(*request) (reply, error) { return reply{}, errNotImplemented }

// request is one request on its way through the server.
type request struct {
	*http.Request
	id        string
	op        Op
	operation operation
	query     url.Values
	wire      []byte // the body as it came
	body      []byte // the payload in it
	checksum  checksum
	bucket    *bucket

	blind  bool    // the conditions are not checked
	linger bool    // what is completed stays open
	absent bool    // a read is answered 404
	stale  int     // a HEAD is answered with the version of that many writes ago
	looked bool    // the conditions have been checked
	began  *object // what was current when it arrived
	early  error
}

// receive finds out what r asks for, and counts it.
func (s *Server) receive(r *http.Request) *request {
	q := &request{Request: r, query: r.URL.Query()}
	s.mu.Lock()
	defer s.mu.Unlock()
	q.id = s.next()
	q.op.Bucket, q.op.Key = s.target(r)
	q.operation = find(r, q.op.Bucket, q.op.Key, q.query)
	q.op.Name = q.operation.name
	s.stats.Requests[q.op.Name]++
	q.op.N = s.stats.Requests[q.op.Name]
	q.op.IfMatch, q.op.IfNoneMatch = r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
	if b := s.buckets[q.op.Bucket]; b != nil {
		q.began = b.current(q.op.Key)
	}
	return q
}

// target returns the bucket and the key that r is about.
func (s *Server) target(r *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if b, ok := s.bucketOfHost(r, path); ok {
		return b, path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

// bucketOfHost returns the bucket that r's host begins with. Nothing says which
// hosts are the server's own, so the bucket must exist; but a request without a path
// that can only be about a bucket must name it in the host.
func (s *Server) bucketOfHost(r *http.Request, path string) (string, bool) {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if net.ParseIP(host) != nil {
		return "", false
	}
	for i, c := range host {
		if c == '.' && s.buckets[host[:i]] != nil {
			return host[:i], true
		}
	}
	label, _, ok := strings.Cut(host, ".")
	query := r.URL.Query()
	isList := r.Method == "GET" && !slices.ContainsFunc(operations, func(o operation) bool {
		return o.level == inBucket && query.Has(o.needs)
	})
	return label, ok && path == "" && !isList
}

func find(r *http.Request, bucket, key string, query url.Values) operation {
	at := inObject
	switch {
	case bucket == "":
		at = service
	case key == "":
		at = inBucket
	}
	i := slices.IndexFunc(operations, func(o operation) bool {
		return o.method == r.Method && o.level == at &&
			(o.needs == "" || query.Has(o.needs)) && (o.header == "" || r.Header.Get(o.header) != "")
	})
	if i < 0 {
		return operation{name: "Unknown", level: at, run: (*Server).notImplemented}
	}
	return operations[i]
}

// supported says whether the server supports everything that q asks for.
func (q *request) supported() error {
	for name := range q.query {
		if name != "x-id" && name != q.operation.needs && !slices.Contains(q.operation.accepts, name) {
			return errNotImplemented
		}
	}
	for _, name := range []string{
		"X-Amz-Write-Offset-Bytes",
		"If-Modified-Since", "If-Unmodified-Since",
		"X-Amz-Copy-Source-If-Modified-Since", "X-Amz-Copy-Source-If-Unmodified-Since",
	} {
		if q.Header.Get(name) != "" {
			return errNotImplemented
		}
	}
	if len(q.op.Key) > 1024 {
		return errKeyTooLong
	}
	return nil
}
