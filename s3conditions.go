package rotatelog

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Exclusive implements the interface of that name.
func (s *S3Store) Exclusive() bool { return !s.opts.Shared }

// sharing is what is known of sharing keys in the bucket.
type sharing struct {
	turn    chan struct{} // holds a value while somebody finds out
	proven  bool
	inParts bool // by multipart uploads, too
}

// proveSharing returns an error unless the keys need not be shared, or the
// server was seen to keep Writers that share one from overwriting each other.
// inParts: that holds for multipart uploads, too.
func (s *S3Store) proveSharing(ctx context.Context, key string) (inParts bool, _ error) {
	if !s.opts.Shared {
		return true, nil
	}
	select {
	case s.sharing.turn <- struct{}{}:
		defer func() { <-s.sharing.turn }()
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	if s.sharing.proven {
		return s.sharing.inParts, nil
	}
	found, err := s.Probe(ctx, key[:strings.LastIndex(key, "/")+1], ProbeOptions{Quick: true})
	if err != nil {
		return false, err
	}
	if err := found.CanShare(); err != nil {
		return false, unusable("Writers cannot share a key here: %w; give each its own Name or Prefix, and leave S3Options.Shared unset", err)
	}
	s.sharing.proven, s.sharing.inParts = true, found.CompleteIfMatch.Answer == AnswerYes
	return s.sharing.inParts, nil
}

// enoughRefusals is how often in a row a server must refuse a condition that
// holds until it is not asked any more. Once may be a lie.
const enoughRefusals = 2

// put sends one conditional PutObject. Some servers know no conditions, and
// refuse the request for them; some, where the bucket has versions, refuse one
// that holds. A key with one Writer needs none, so it is then written without.
func (s *S3Store) put(ctx context.Context, key string, old Version, body content, meta map[string]string) (*s3.PutObjectOutput, error) {
	in := s.putInput(key, old, body, meta)
	if s.opts.Shared || s.refusals.Load() < enoughRefusals {
		out, err := s.client.PutObject(ctx, in, s.forWrites)
		if err == nil {
			s.refusals.Store(0)
		}
		if err == nil || s.opts.Shared || !s.conditionsFail(ctx, key, old, err) {
			return out, err
		}
		in = s.putInput(key, old, body, meta)
		if _, err := body.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		s.refusals.Add(1)
	}
	in.IfMatch, in.IfNoneMatch = nil, nil
	return s.client.PutObject(ctx, in, s.forWrites)
}

// conditionsFail reports whether err refuses a condition that holds.
func (s *S3Store) conditionsFail(ctx context.Context, key string, old Version, err error) bool {
	switch statusOf(err) {
	case http.StatusNotImplemented:
		return true
	case http.StatusPreconditionFailed, http.StatusConflict, http.StatusNotFound:
		o, err := s.stat(ctx, key)
		return err == nil && o.Version == old || errors.Is(err, errAbsent) && old == ""
	}
	return false
}
