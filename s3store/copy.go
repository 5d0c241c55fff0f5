package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/copymark"
	"example.com/rotatelog/internal/hint"
)

// Copy implements [rotatelog.Copier]. The server copies up to 5 GiB by one request, and
// more by a multipart upload, which is as whole as a write of it. If the server does not
// copy, the content is read and written. A server that ignores the version of the source
// may have copied another one: the source is looked at again, and the copy is removed
// if it was replaced, for which the key needs s3:DeleteObject for the copies.
func (s *Store) Copy(ctx context.Context, from string, v rotatelog.Version, to string) error {
	if err := s.copy(ctx, origin{from, v}, to); err != nil {
		return s.explain(ctx, "copy", to, err)
	}
	return nil
}

func (s *Store) copy(ctx context.Context, from origin, to string) error {
	for _, key := range []string{from.key, to} {
		if err := s.ready(ctx, key); err != nil {
			return err
		}
	}
	if made, err := s.copied(ctx, from, to); made || err != nil {
		return err
	}
	o, err := s.source(ctx, from)
	if err != nil {
		return err
	}
	meta := copymark.Meta(from.key, o)
	err = s.copyInside(ctx, from, o.Size, to, meta)
	if errors.Is(err, errNotCopied) {
		err = s.copyByStream(ctx, from, o.Size, to, meta)
	}
	if err == nil || errors.Is(err, errBadCopy) || errors.Is(err, rotatelog.ErrPermanent) {
		return err
	}
	// The request may have been applied, or another have made the copy.
	if made, look := s.copied(ctx, from, to); errors.Is(look, fs.ErrExist) {
		return look
	} else if made {
		return s.checkCopy(ctx, from, o.Size, to)
	}
	return err
}

// copied reports whether to is a copy already. It is an error if it is anything else.
func (s *Store) copied(ctx context.Context, from origin, to string) (bool, error) {
	o, err := s.peek(ctx, to)
	switch {
	case errors.Is(err, errAbsent):
		return false, nil
	case err != nil:
		return false, err
	case !copymark.IsCopy(o, from.key, from.version):
		return false, hint.Add(fmt.Errorf("%w: it is not a copy of that version of %s", fs.ErrExist, from.key), "use another name for the copy")
	}
	return true, nil
}

// source looks at what is to be copied. It is a conflict if that is another version.
func (s *Store) source(ctx context.Context, from origin) (rotatelog.Object, error) {
	o, err := s.peek(ctx, from.key)
	switch {
	case errors.Is(err, errAbsent):
		err = errMissing
	case err == nil && o.Version != from.version:
		err = errReplaced
	}
	if err != nil {
		return rotatelog.Object{}, fmt.Errorf("the source, %s: %w", from.key, err)
	}
	delete(o.Meta, markKey)
	return o, nil
}

// copyInside has the server copy an object. If it returns errNotCopied, the object has
// to be copied in another way.
func (s *Store) copyInside(ctx context.Context, from origin, size int64, to string, meta map[string]string) error {
	if size > s.limits.maxBody {
		proven, err := s.proven(ctx, to)
		if err != nil {
			return err
		}
		if !proven.protectsParts() {
			return errNotCopied
		}
		pieces := splitCopy(byteRange{0, size}, max(s.limits.maxCopy, size/s.limits.maxParts+1))
		return s.writeInParts(ctx, to, "", from, pieces, meta, func(string) error { return nil })
	}
	if err := s.copyObject(ctx, from, to, meta); err != nil {
		return err
	}
	return s.checkCopy(ctx, from, size, to)
}

// copyObject sends a CopyObject. Both its conditions may be ignored.
func (s *Store) copyObject(ctx context.Context, from origin, to string, meta map[string]string) error {
	in := &s3.CopyObjectInput{
		Bucket: &s.bucket, Key: &to, IfNoneMatch: aws.String("*"),
		CopySource: aws.String(copySource(s.bucket, from.key)), CopySourceIfMatch: aws.String(string(from.version)),
		MetadataDirective: types.MetadataDirectiveReplace, Metadata: meta, ContentType: aws.String(contentTypeOf(from.key)),
	}
	if s.opts.Encrypt {
		in.ServerSideEncryption = types.ServerSideEncryptionAes256
	}
	s.seenVersions.forget(to)
	out, err := s.client.CopyObject(context.WithValue(ctx, stallLimitKey{}, serverWork), in, s.withoutRetries)
	switch {
	case isNotTaken(err):
		return notCopied(err)
	case statusOf(err) == http.StatusPreconditionFailed, isNoSuchKey(err):
		if _, look := s.source(ctx, from); look != nil {
			return look
		}
		return fmt.Errorf("%w: %w", errNotCopied, err) // the server refuses a condition that holds
	case err != nil:
		return err
	}
	return s.checkEncrypted(out.ServerSideEncryption, out.SSECustomerKeyMD5)
}

// copyByStream reads the source and writes it to another key.
func (s *Store) copyByStream(ctx context.Context, from origin, size int64, to string, meta map[string]string) error {
	content := rotatelog.Stream(size, func() (io.ReadCloser, error) {
		r, _, err := s.read(ctx, from.key, from.version, 0, size)
		return r, err
	})
	return s.write(ctx, to, "", []rotatelog.Part{content}, meta, func(string) error { return nil })
}

// errBadCopy means that what was made is not a copy of the version.
var errBadCopy = errors.New("what was copied may not be that version")

// checkCopy looks at the source again after it was copied, and at the copy. It removes
// what may not be a copy of the version.
func (s *Store) checkCopy(ctx context.Context, from origin, size int64, to string) error {
	_, bad := s.source(ctx, from)
	if bad != nil && !errors.Is(bad, rotatelog.ErrConflict) {
		return bad
	}
	if bad == nil {
		o, err := s.peek(ctx, to)
		switch {
		case errors.Is(err, errAbsent):
			return errors.New("the server says that it has made the copy, which is not there")
		case err != nil || o.Size == size:
			return err
		}
		bad = fmt.Errorf("the server has copied %d bytes of %d", o.Size, size)
	}
	if _, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &to}, s.withRetries); err != nil {
		return fmt.Errorf("%w: %w, and it could not be removed from %s: %w", bad, errBadCopy, to, err)
	}
	return fmt.Errorf("%w: %w, and was removed again", bad, errBadCopy)
}
