// Package s3store keeps the objects of a [rotatelog.Writer] in a bucket of an S3
// server: Linode Object Storage first, and others that [Store] names. docs/S3.md says
// which permissions a key needs, and what was measured of each server.
package s3store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/sleep"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Store is a [rotatelog.Store] in a bucket of Amazon S3, Linode Object Storage, or
// another server that speaks S3.
//
// Before its first write, and then once a day, a store tries on a throwaway object
// beside the key which conditions the server honours; see Prove. No PutObject is
// sent without a condition that was proven in this way. Where PutObject honours
// none, every Write is a multipart upload, which can be settled if it arrives late;
// where there are none of these either, nothing is written.
//
// A [rotatelog.Version] is an object's ETag. A Write that copies less than 5 MiB of the old
// version is one PutObject, with If-Match or If-None-Match and a Content-MD5; what
// it copies is read first. One that copies more is a multipart upload, in which
// the server copies by itself, in ranges of at most 128 MiB, four at a time: the
// client sends what is new, and no whole object is ever in its memory. Only what
// comes before a copy may have to be made up to 5 MiB, since no part but the last
// may have less: up to 10 MiB of the old version are then read and sent. Where the
// server does not copy, or where several Writers share a key and it ignores
// conditions on CompleteMultipartUpload, the object is put together in a temporary
// file and sent whole, as long as it has no more than 5 GiB; a larger one is sent in
// parts.
//
// The SDK's retries are on for reads and for parts, and off for what takes
// effect, whatever the client's own settings, since a repeated conditional write
// may answer that it was refused after it was applied. Its checksums are off. A
// request fails in which no byte moves for 30 s, or for 2 minutes while the server
// copies.
//
// The key needs s3:GetObject, s3:PutObject, s3:AbortMultipartUpload and
// s3:ListMultipartUploadParts for the objects, s3:DeleteObject for those whose keys
// begin with "rotatelog-probe-" after the last slash of the others', and
// s3:ListBucket and s3:ListBucketMultipartUploads for the bucket: without
// s3:ListBucket, AWS does not tell that an object is missing. Errors say what is wrong and what to do
// about it; those that no retry will mend match [rotatelog.ErrPermanent].
type Store struct {
	client   *s3.Client
	bucket   string
	opts     Options
	endpoint string // for messages
	host     string // of the endpoint, in lower case and without a default port
	retryer  aws.Retryer

	unencrypted atomic.Bool // an object was stored, but not encrypted as it should
	proofs      proofs
	copying     copying
	sights      sights
	limits      partLimits
	inMemory    int64 // bytes of an old version that are held in memory
}

// Options say how a Store treats its bucket. The zero value is a good
// choice.
type Options struct {
	// Encrypt asks the server to encrypt each object with a key of its own
	// (SSE-S3, AES256).
	Encrypt bool
	// Shared says that several Writers write to the same keys, each from its own
	// directory. It takes a server with compare-and-swap, which is proven on
	// throwaway keys once a day, with about 180 small requests (see Probe); where
	// there is none, writing is refused. Otherwise each key has one Writer, and a
	// second one is refused.
	Shared bool
	// EncryptionKey, 32 bytes, is the key with which the server is to encrypt
	// each object and decrypt it again (SSE-C). The server does not keep it, and
	// nothing can be read without it. It is refused where the endpoint is plain
	// http, unless that is on this machine.
	EncryptionKey []byte
	// TempDir is the directory in which an object is put together that has to be
	// sent whole though it is large. It should not be in memory, as /tmp is on
	// some systems. Default: that of os.TempDir.
	TempDir string

	// MinPartSize is how many bytes each part of a multipart upload has at least, but
	// the last. Default: 5 MiB, as S3 has it.
	MinPartSize int64
	// MaxCopySize is how many bytes the server copies by one request, at least twice
	// MinPartSize. Default: 128 MiB.
	MaxCopySize int64
	// MaxInMemory is how many bytes of an old version are held in memory when an
	// object is put together here. A larger one goes through TempDir. Default: 16 MiB.
	MaxInMemory int64
}

// String tells the options without the key, so that no log can hold it.
func (o Options) String() string {
	return fmt.Sprintf("{Encrypt:%t Shared:%t EncryptionKey:%t TempDir:%q}", o.Encrypt, o.Shared, o.EncryptionKey != nil, o.TempDir)
}

// GoString is String.
func (o Options) GoString() string { return o.String() }

func (o Options) partLimits() partLimits {
	l := s3Limits
	l.least, l.most = cmp.Or(o.MinPartSize, l.least), cmp.Or(o.MaxCopySize, l.most)
	return l
}

const (
	maxPut    = 5 << 30 // bytes of one PutObject
	maxObject = 5 << 40 // bytes of an object
	maxMeta   = 2 << 10 // bytes of user metadata: names and values
	maxKey    = 1 << 10 // bytes of a key
)

// New returns the Store of a bucket. Any client will do; [NewClient] makes
// one that is right for Linode. An error, which matches [rotatelog.ErrPermanent], says what is
// wrong with the client, the bucket's name or the options, as far as no request is
// needed to see it.
func New(client *s3.Client, bucket string, opts Options) (*Store, error) {
	opts.EncryptionKey = bytes.Clone(opts.EncryptionKey)
	s := &Store{client: client, bucket: bucket, opts: opts, retryer: retry.NewStandard(), limits: opts.partLimits(), inMemory: cmp.Or(opts.MaxInMemory, maxInMemory),
		proofs: proofs{turn: make(chan struct{}, 1)}}
	var err error
	if s.endpoint, err = checkS3(client, bucket, opts); err != nil {
		return nil, fmt.Errorf("s3store: %w", err)
	}
	s.host = hostOf(client.Options())
	return s, nil
}

// String names the bucket and the endpoint, and nothing that is secret.
func (s *Store) String() string { return fmt.Sprintf("bucket %q at %s", s.bucket, s.endpoint) }

// GoString is String.
func (s *Store) GoString() string { return s.String() }

// Stat implements [rotatelog.Store].
func (s *Store) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	o, err := s.stat(ctx, key)
	if err != nil {
		return rotatelog.Object{}, s.explain(ctx, "stat", key, err)
	}
	delete(o.Meta, markKey)
	return o, nil
}

// Stat asks with a HEAD where CompleteMultipartUpload honours conditions, so that
// an answer which is wrong cannot lead to a wrong write, and else with a GET.
// That there is no object only a GET tells: the answer to a HEAD has no body, so
// that the server's 404 looks like that of a proxy, or of a missing bucket.
func (s *Store) stat(ctx context.Context, key string) (rotatelog.Object, error) {
	if err := s.ready(ctx, key); err != nil {
		return rotatelog.Object{}, err
	}
	if !s.proofs.completes() {
		return s.peek(ctx, key)
	}
	o, err := withETag(ctx, func() (rotatelog.Object, error) { return s.head(ctx, key) })
	if status := statusOf(err); status < 300 || status >= 500 {
		return o, err
	}
	return s.peek(ctx, key)
}

// head asks for the object with a HEAD.
func (s *Store) head(ctx context.Context, key string) (rotatelog.Object, error) {
	in := &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = s.customerKey()
	out, err := s.client.HeadObject(ctx, in, s.forReads)
	if err != nil {
		return rotatelog.Object{}, err
	}
	if out.ContentLength == nil {
		return rotatelog.Object{}, errNoSize
	}
	return s.seen(out.ETag, *out.ContentLength, out.Metadata, out.SSECustomerKeyMD5)
}

// peek asks for the object with a GET of its first byte. errAbsent: there is none.
func (s *Store) peek(ctx context.Context, key string) (rotatelog.Object, error) {
	o, err := withETag(ctx, func() (rotatelog.Object, error) { return s.peekOnce(ctx, key) })
	if err == nil || errors.Is(err, errAbsent) {
		s.sights.note(key, o.Version)
	}
	return o, err
}

func (s *Store) peekOnce(ctx context.Context, key string) (rotatelog.Object, error) {
	out, err := s.client.GetObject(ctx, s.getInput(key, 0, 1), s.forReads)
	if statusOf(err) == http.StatusRequestedRangeNotSatisfiable { // it is empty
		out, err = s.client.GetObject(ctx, s.getInput(key, 0, -1), s.forReads)
	}
	if isNoSuchKey(err) {
		return rotatelog.Object{}, errAbsent
	}
	if err != nil {
		return rotatelog.Object{}, err
	}
	defer out.Body.Close()
	io.CopyN(io.Discard, out.Body, 2) // so that the connection can be used again
	size := out.ContentLength
	if out.ContentRange != nil {
		var first, last, all int64
		if _, err := fmt.Sscanf(*out.ContentRange, "bytes %d-%d/%d", &first, &last, &all); err != nil {
			return rotatelog.Object{}, fmt.Errorf("the server says that it sends %q", *out.ContentRange)
		}
		size = &all
	}
	if size == nil {
		return rotatelog.Object{}, errNoSize
	}
	return s.seen(out.ETag, *size, out.Metadata, out.SSECustomerKeyMD5)
}

// seen makes an Object of what an answer says of it.
func (s *Store) seen(etag *string, size int64, meta map[string]string, keySum *string) (rotatelog.Object, error) {
	o := rotatelog.Object{Version: versionOfETag(etag), Size: size, Meta: meta}
	switch {
	case o.Version == "":
		return rotatelog.Object{}, errNoETag
	case s.opts.EncryptionKey != nil && keySum == nil:
		return rotatelog.Object{}, errNotEncrypted
	}
	return o, nil
}

const (
	etagTries = 3                      // at an answer that has no ETag
	etagPause = 100 * time.Millisecond // between them
)

// withETag asks again if an answer has no ETag: while an object is replaced, it
// may lack one for an instant.
func withETag[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	for try := 1; ; try++ {
		o, err := ask()
		if !errors.Is(err, errNoETag) || try == etagTries || !pause(ctx, etagPause) {
			return o, err
		}
	}
}

// pause reports whether ctx lasted for d.
func pause(ctx context.Context, d time.Duration) bool {
	sleep.For(ctx, d)
	return ctx.Err() == nil
}

// sights are what a store saw last of some keys. They save a request: before an
// upload that no condition protects is completed, the object must still be what it
// was, and it need not be asked for what was just seen.
type sights struct {
	mu   sync.Mutex // guards last
	last map[string]sight
}

type sight struct {
	version rotatelog.Version
	at      time.Time
}

const (
	maxSights = 64               // keys
	sightAge  = 30 * time.Second // for which one is good
)

func (v *sights) note(key string, version rotatelog.Version) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.last == nil || len(v.last) >= maxSights {
		v.last = map[string]sight{}
	}
	v.last[key] = sight{version, time.Now()}
}

// current reports whether that version was seen a short time ago, and no other
// since.
func (v *sights) current(key string, version rotatelog.Version) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	s, ok := v.last[key]
	return ok && s.version == version && time.Since(s.at) < sightAge
}

// forget makes the next look one at the object.
func (v *sights) forget(key string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.last, key)
}

// Read implements [rotatelog.Store].
func (s *Store) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	r, err := withETag(ctx, func() (io.ReadCloser, error) {
		r, _, err := s.read(ctx, key, v, off, n)
		return r, err
	})
	if err != nil {
		return nil, s.explain(ctx, "read", key, err)
	}
	return &explainedReader{r, func(err error) error { return s.explain(ctx, "read", key, err) }}, nil
}

// explainedReader tells what an error of a reader means.
type explainedReader struct {
	io.ReadCloser
	explain func(error) error
}

func (r *explainedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = r.explain(err)
	}
	return n, err
}

// read also returns the size of the version. It sends no If-Match: servers
// differ in how they want it quoted, and the answer names its version itself.
func (s *Store) read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, int64, error) {
	if err := s.ready(ctx, key); err != nil {
		return nil, 0, err
	}
	if v == "" {
		return nil, 0, errors.New("the zero Version cannot be read")
	}
	if off < 0 || n > math.MaxInt64-off {
		return nil, 0, fmt.Errorf("cannot read %d bytes at %d", n, off)
	}
	if n == 0 {
		return s.readNothing(ctx, key, v, off, n)
	}
	out, err := s.client.GetObject(ctx, s.getInput(key, off, n), s.forReads)
	switch {
	case err == nil:
	case statusOf(err) == http.StatusRequestedRangeNotSatisfiable:
		return s.readNothing(ctx, key, v, off, n)
	case isNoSuchKey(err):
		return nil, 0, errMissing
	default:
		return nil, 0, err
	}
	r, size, err := answeredRange(out, v, off, n)
	if err != nil {
		out.Body.Close()
		return nil, 0, err
	}
	return r, size, nil
}

// readNothing reads n bytes at off, where no GET can: an empty range, or one
// that the server refuses.
func (s *Store) readNothing(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, int64, error) {
	o, err := s.stat(ctx, key)
	switch {
	case errors.Is(err, errAbsent):
		return nil, 0, errMissing
	case err != nil:
		return nil, 0, err
	case o.Version != v:
		return nil, 0, errReplaced
	case n > 0 || off > o.Size || n < 0 && off < o.Size:
		return nil, 0, fmt.Errorf("cannot read %d bytes at %d: it has %d", n, off, o.Size)
	}
	return http.NoBody, o.Size, nil
}

// answeredRange returns a reader of exactly what was asked for, and the size of
// the object.
func answeredRange(out *s3.GetObjectOutput, v rotatelog.Version, off, n int64) (io.ReadCloser, int64, error) {
	got := versionOfETag(out.ETag)
	switch {
	case got == "":
		return nil, 0, errNoETag
	case got != v:
		return nil, 0, errReplaced
	case out.ContentLength == nil:
		return nil, 0, errors.New("the server does not tell how much it sends")
	}
	begin, length, size := int64(0), *out.ContentLength, *out.ContentLength
	if out.ContentRange != nil {
		var last int64
		if _, err := fmt.Sscanf(*out.ContentRange, "bytes %d-%d/%d", &begin, &last, &size); err != nil || last-begin+1 != length {
			return nil, 0, fmt.Errorf("the server says that it sends %q in %d bytes", *out.ContentRange, length)
		}
	}
	if n < 0 {
		n = size - off
	}
	if n < 0 || off > size-n {
		return nil, 0, fmt.Errorf("cannot read %d bytes at %d: it has %d", n, off, size)
	}
	// A server that does not know ranges sends more than was asked for.
	skip := off - begin
	if skip < 0 || length-skip < n {
		return nil, 0, fmt.Errorf("asked for %d bytes at %d, the server sends %d at %d", n, off, length, begin)
	}
	return &rangeReader{out.Body, skip, n}, size, nil
}

// rangeReader reads exactly left bytes, after those to be skipped.
type rangeReader struct {
	io.ReadCloser
	skip, left int64
}

func (r *rangeReader) Read(p []byte) (int, error) {
	if r.skip > 0 {
		n, err := io.CopyN(io.Discard, r.ReadCloser, r.skip)
		if r.skip -= n; err != nil {
			return 0, noEOF(err)
		}
	}
	if r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.ReadCloser.Read(p[:min(int64(len(p)), r.left)])
	if r.left -= int64(n); r.left > 0 {
		err = noEOF(err)
	} else if err == nil {
		err = io.EOF
	}
	return n, err
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Write implements [rotatelog.Store]. What it notes of a multipart upload is lost: a Writer
// uses WriteIntent.
func (s *Store) Write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	return s.WriteIntent(ctx, key, old, parts, meta, func(string) error { return nil })
}

// WriteIntent implements [rotatelog.IntentWriter].
func (s *Store) WriteIntent(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string, note func(string) error) error {
	if err := s.write(ctx, key, old, parts, meta, note); err != nil {
		return s.explain(ctx, "write", key, err)
	}
	return nil
}

func (s *Store) write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string, note func(string) error) error {
	if err := s.ready(ctx, key); err != nil {
		return err
	}
	if err := checkMeta(meta); err != nil {
		return err
	}
	if err := checkParts(old, parts); err != nil {
		return err
	}
	proven, err := s.proven(ctx, key)
	if err != nil {
		return err
	}
	inParts := proven.protectsParts()
	if pieces := s.limits.plan(parts); inParts && copiesAny(pieces) && s.copying.allowed() {
		err := s.writeInParts(ctx, key, old, pieces, meta, note)
		s.copying.note(err)
		if !errors.Is(err, errNotCopied) {
			return err
		}
	}
	total, _, _ := measure(parts)
	switch {
	case proven.Put && total <= maxPut:
		return s.writeWhole(ctx, key, old, parts, meta)
	case inParts:
		return s.writeInParts(ctx, key, old, s.limits.planSent(parts), meta, note)
	case proven.Put:
		return unusable("the object would have %d bytes, and the server takes at most %d at once; it would have to take multipart uploads, "+
			"and to honour conditions on CompleteMultipartUpload where Writers share a key", total, int64(maxPut))
	}
	return s.unprotected()
}

// protectsParts reports whether an object may be written by a multipart upload. Where
// a key has one Writer nothing else is needed, since an upload can be settled.
func (p proof) protectsParts() bool {
	return p.Multipart && (!p.Shared || p.completes())
}

// writeWhole makes the next version of an object by one PutObject.
func (s *Store) writeWhole(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	body, err := s.gather(ctx, key, old, parts)
	if err != nil {
		return err
	}
	defer body.close()
	s.sights.forget(key)
	out, err := s.client.PutObject(ctx, s.putInput(key, old, body, meta), s.forWrites)
	s.noteAnswer(ctx, key, old, err)
	if err != nil {
		return refusedWrite(old, err)
	}
	return s.noteEncryption(out)
}

// noteEncryption returns an error if an object was not encrypted as it should be.
func (s *Store) noteEncryption(out *s3.PutObjectOutput) error {
	if s.opts.Encrypt && out.ServerSideEncryption == "" || s.opts.EncryptionKey != nil && out.SSECustomerKeyMD5 == nil {
		s.unencrypted.Store(true)
		return errNotEncrypted
	}
	return nil
}

// refusedWrite tells the answers that say that a write was not applied from
// those that leave it open.
func refusedWrite(old rotatelog.Version, err error) error {
	switch status := statusOf(err); {
	case status == http.StatusPreconditionFailed,
		status == http.StatusConflict,
		old != "" && isNoSuchKey(err):
		return fmt.Errorf("%w: %w", rotatelog.ErrConflict, err)
	}
	return err
}

func (s *Store) getInput(key string, off, n int64) *s3.GetObjectInput {
	in := &s3.GetObjectInput{Bucket: &s.bucket, Key: &key}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = s.customerKey()
	switch {
	case n >= 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", off, off+n-1))
	case off > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", off))
	}
	return in
}

// putInput makes the request of a write. If-Match goes without the quotes that
// the standard asks for: the gateway behind Linode compares them, too.
func (s *Store) putInput(key string, old rotatelog.Version, body content, meta map[string]string) *s3.PutObjectInput {
	in := &s3.PutObjectInput{
		Bucket:        &s.bucket,
		Key:           &key,
		Body:          body,
		ContentLength: &body.size,
		ContentMD5:    &body.sum,
		ContentType:   aws.String(contentTypeOf(key)),
		Metadata:      meta,
	}
	if old == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = aws.String(string(old))
	}
	if s.opts.Encrypt {
		in.ServerSideEncryption = types.ServerSideEncryptionAes256
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = s.customerKey()
	return in
}

// customerKey returns what a request says of EncryptionKey.
func (s *Store) customerKey() (algorithm, key, sum *string) {
	if s.opts.EncryptionKey == nil {
		return nil, nil, nil
	}
	digest := md5.Sum(s.opts.EncryptionKey)
	encode := base64.StdEncoding.EncodeToString
	return aws.String("AES256"), aws.String(encode(s.opts.EncryptionKey)), aws.String(encode(digest[:]))
}

// forReads and forWrites set what must be so in any client.
func (s *Store) forReads(o *s3.Options) {
	s.forAll(o)
	o.Retryer = s.retryer
}

func (s *Store) forWrites(o *s3.Options) {
	s.forAll(o)
	o.Retryer = aws.NopRetryer{}
}

func (s *Store) forAll(o *s3.Options) {
	careful(o)
	o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	o.ContinueHeaderThresholdBytes = -1
	o.ExpressCredentials = nil // they race where two clients have the same Options
	if _, ok := o.HTTPClient.(*guard); !ok {
		o.HTTPClient = &guard{client: o.HTTPClient}
	}
}

// ready says why no request can be made.
func (s *Store) ready(ctx context.Context, key string) error {
	if s.unencrypted.Load() {
		return errNotEncrypted
	}
	if err := checkS3Key(key); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// versionOfETag returns the zero Version where there is no ETag. Servers differ
// in how they quote the same one.
func versionOfETag(etag *string) rotatelog.Version {
	v := strings.TrimPrefix(strings.TrimSpace(aws.ToString(etag)), "W/")
	return rotatelog.Version(strings.Trim(v, `"`))
}
