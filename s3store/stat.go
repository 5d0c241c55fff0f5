package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/sleep"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Stat implements [rotatelog.Store].
func (s *Store) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	o, err := s.stat(ctx, key)
	if err != nil {
		return rotatelog.Object{}, s.explain(ctx, "stat", key, err)
	}
	delete(o.Meta, markKey)
	return o, nil
}

// stat sends a HEAD where CompleteMultipartUpload honours conditions, since a wrong
// answer then cannot lead to a wrong write, and otherwise a GET. Only a GET shows
// that there is no object: the answer to a HEAD has no body, so that the server's
// 404 looks like that of a proxy, or of a missing bucket.
func (s *Store) stat(ctx context.Context, key string) (rotatelog.Object, error) {
	if err := s.ready(ctx, key); err != nil {
		return rotatelog.Object{}, err
	}
	if !s.proofs.completes() {
		return s.peek(ctx, key)
	}
	o, err := onceReplaced(ctx, func() (rotatelog.Object, error) { return s.head(ctx, key) })
	if status := statusOf(err); status < 300 || status >= 500 {
		return o, err
	}
	return s.peek(ctx, key)
}

// head looks at the object with a HEAD.
func (s *Store) head(ctx context.Context, key string) (rotatelog.Object, error) {
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key}, s.withRetries)
	if err != nil {
		return rotatelog.Object{}, err
	}
	if out.ContentLength == nil {
		return rotatelog.Object{}, errNoSize
	}
	return s.seen(out.ETag, *out.ContentLength, out.Metadata, out.SSECustomerKeyMD5)
}

// peek looks at the object with a GET of its first byte. It returns errAbsent if
// there is none.
func (s *Store) peek(ctx context.Context, key string) (rotatelog.Object, error) {
	o, err := onceReplaced(ctx, func() (rotatelog.Object, error) { return s.peekOnce(ctx, key) })
	if err == nil || errors.Is(err, errAbsent) {
		s.seenVersions.record(key, o.Version)
	}
	return o, err
}

func (s *Store) peekOnce(ctx context.Context, key string) (rotatelog.Object, error) {
	out, err := s.client.GetObject(ctx, s.getInput(key, 0, 1), s.withRetries)
	if statusOf(err) == http.StatusRequestedRangeNotSatisfiable { // it is empty
		out, err = s.client.GetObject(ctx, s.getInput(key, 0, -1), s.withRetries)
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

// seen makes an Object of what an answer says about it.
func (s *Store) seen(etag *string, size int64, meta map[string]string, keySum *string) (rotatelog.Object, error) {
	o := rotatelog.Object{Version: versionOfETag(etag), Size: size, Meta: meta}
	switch {
	case o.Version == "":
		return rotatelog.Object{}, errNoETag
	case s.opts.EncryptionKey != nil && keySum == nil:
		return rotatelog.Object{}, notEncrypted()
	}
	return o, nil
}

// pause waits for d, and reports whether ctx is still alive then.
func pause(ctx context.Context, d time.Duration) bool {
	sleep.For(ctx, d)
	return ctx.Err() == nil
}
