package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"

	"example.com/rotatelog"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Read implements [rotatelog.Store].
func (s *Store) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	r, err := onceReplaced(ctx, func() (io.ReadCloser, error) {
		r, _, err := s.read(ctx, key, v, off, n)
		return r, err
	})
	if err != nil {
		return nil, s.explain(ctx, "read", key, err)
	}
	return &explainedReader{r, func(err error) error { return s.explain(ctx, "read", key, err) }}, nil
}

// explainedReader adds to an error of a reader what it means.
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

// read also returns the size of the version. It sends no If-Match: servers differ
// in how it must be quoted, and the answer names the version.
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
	out, err := s.client.GetObject(ctx, s.getInput(key, off, n), s.withRetries)
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

// readNothing reads n bytes at off where no GET can: an empty range, or one that
// the server refuses.
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

// answeredRange returns a reader of exactly the range that was asked for, and the
// size of the object.
func answeredRange(out *s3.GetObjectOutput, v rotatelog.Version, off, n int64) (io.ReadCloser, int64, error) {
	got := versionOfETag(out.ETag)
	switch {
	case got == "":
		return nil, 0, errNoETag
	case got != v:
		return nil, 0, errReplaced
	case out.ContentLength == nil:
		return nil, 0, errors.New("the server does not say how much it sends")
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
	// A server that does not support ranges sends more than was asked for.
	skip := off - begin
	if skip < 0 || length-skip < n {
		return nil, 0, fmt.Errorf("asked for %d bytes at %d, the server sends %d at %d", n, off, length, begin)
	}
	return &rangeReader{out.Body, skip, n}, size, nil
}

// rangeReader skips some bytes, and then reads exactly left bytes.
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

func (s *Store) getInput(key string, off, n int64) *s3.GetObjectInput {
	in := &s3.GetObjectInput{Bucket: &s.bucket, Key: &key}
	switch {
	case n >= 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", off, off+n-1))
	case off > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", off))
	}
	return in
}
