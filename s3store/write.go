package s3store

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/hint"
	"example.com/rotatelog/internal/stream"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Write implements [rotatelog.Store]. It does not save the intent of a multipart
// upload: a Writer uses WriteIntent.
func (s *Store) Write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	return s.WriteIntent(ctx, key, old, parts, meta, func(string) error { return nil })
}

// WriteIntent implements [rotatelog.IntentWriter].
func (s *Store) WriteIntent(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string, saveIntent func(string) error) error {
	if err := s.write(ctx, key, old, parts, meta, saveIntent); err != nil {
		return s.explain(ctx, "write", key, err)
	}
	return nil
}

func (s *Store) write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string, saveIntent func(string) error) error {
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
	parts, done, err := stream.Once(parts)
	if err != nil {
		return err
	}
	defer done()
	inParts := proven.protectsParts()
	if pieces := s.limits.plan(parts); inParts && copiesAny(pieces) && s.copying.allowed() {
		err := s.writeInParts(ctx, key, old, origin{key, old}, pieces, meta, saveIntent)
		s.copying.record(err)
		if !errors.Is(err, errNotCopied) {
			return err
		}
	}
	total, _, _ := measure(parts)
	switch {
	case inParts && streamed(parts) > s.inMemory:
		return s.writeInParts(ctx, key, old, origin{key, old}, s.limits.planSent(parts), meta, saveIntent)
	case proven.Put && total <= maxPut:
		return s.writeWhole(ctx, key, old, parts, meta)
	case inParts:
		return s.writeInParts(ctx, key, old, origin{key, old}, s.limits.planSent(parts), meta, saveIntent)
	case proven.Put:
		return hint.Add(permanentError("the object would have %d bytes, and the server takes at most %d at once", total, int64(maxPut)),
			"it would have to take multipart uploads, and to honour conditions on CompleteMultipartUpload where Writers share a key")
	}
	return s.unprotected()
}

// protectsParts reports whether an object may be written by a multipart upload. If
// a key has one Writer nothing else is needed, since an upload can be resolved.
func (p proof) protectsParts() bool {
	return p.Multipart && (!p.Shared || p.completes())
}

// writeWhole writes the next version of an object with one PutObject.
func (s *Store) writeWhole(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	body, err := s.assembleBody(ctx, key, old, parts)
	if err != nil {
		return err
	}
	defer body.close()
	s.seenVersions.forget(key)
	out, err := s.client.PutObject(ctx, s.putInput(key, old, body, meta), s.withoutRetries)
	s.recordAnswer(ctx, key, old, err)
	if err != nil {
		return refusedWrite(old, err)
	}
	return s.checkEncrypted(out.ServerSideEncryption, out.SSECustomerKeyMD5)
}

// checkEncrypted returns an error if an object was not encrypted as the options
// ask, by what the answer says.
func (s *Store) checkEncrypted(by types.ServerSideEncryption, keySum *string) error {
	if s.opts.Encrypt && by == "" || s.opts.EncryptionKey != nil && keySum == nil {
		s.unencrypted.Store(true)
		return notEncrypted()
	}
	return nil
}

// refusedWrite makes rotatelog.ErrConflict of an answer that says that a write was
// not applied. Other answers leave that open.
func refusedWrite(old rotatelog.Version, err error) error {
	switch status := statusOf(err); {
	case status == http.StatusPreconditionFailed,
		status == http.StatusConflict,
		old != "" && isNoSuchKey(err):
		return fmt.Errorf("%w: %w", rotatelog.ErrConflict, err)
	}
	return err
}

// putInput makes the request of a write. If-Match goes without the quotes of the
// standard: the gateway behind Linode compares them too.
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
	return in
}
