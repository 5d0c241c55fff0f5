package s3store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/rotatelog"
)

// complete ends an upload whose parts have all been sent, while the object is the
// version now. It may be called again for the same upload. settled: what the object
// is by then will not be changed by this upload any more. With a nil error the
// upload was applied.
func (s *Store) complete(ctx context.Context, u *multipart, now rotatelog.Version, note func(string) error) (settled bool, err error) {
	for range 2 { // a condition that holds may be refused once by mistake
		var held bool
		if held, settled, err = s.completeOnce(ctx, u, now, note); !held {
			return settled, err
		}
	}
	return false, err
}

// completeOnce sends Complete once, when the time has been noted. held: its
// condition was refused, and holds.
func (s *Store) completeOnce(ctx context.Context, u *multipart, now rotatelog.Version, note func(string) error) (held, settled bool, err error) {
	before, change := u.Sent, s.condition(*u, now)
	sent := *u
	sent.Sent, sent.Bare = wallTime(), u.Bare || change == nil
	if err := note(sent.note()); err != nil {
		return false, false, err
	}
	*u = sent
	s.sights.forget(u.Key)
	answer := s.completeUpload(ctx, u.Key, u.Upload, u.ETags, change)
	switch {
	case answer == nil:
		if change != nil {
			s.proofs.held()
		}
		return false, true, nil
	case isRefusal(answer):
		return s.refused(ctx, u, now, answer, note)
	}
	settled, err = s.unknown(ctx, u, before, answer, note)
	return false, settled, err
}

// condition returns what makes Complete depend on the object's being that version;
// nil: nothing does.
func (s *Store) condition(u multipart, now rotatelog.Version) func(*s3.CompleteMultipartUploadInput) {
	switch {
	case !s.proofs.completesOr(u.Conditions):
		return nil
	case now == "":
		return func(in *s3.CompleteMultipartUploadInput) { in.IfNoneMatch = aws.String("*") }
	}
	return func(in *s3.CompleteMultipartUploadInput) { in.IfMatch = aws.String(string(now)) }
}

// refused finds out what it means that Complete was refused, it seems for its
// condition.
func (s *Store) refused(ctx context.Context, u *multipart, now rotatelog.Version, answer error, note func(string) error) (held, settled bool, _ error) {
	err := refusedWrite(u.Old, answer)
	o, mark, look := s.lookMarked(ctx, u.Key)
	absent := errors.Is(look, errAbsent)
	switch {
	case look == nil && mark == u.Mark: // a front end has repeated the request, and answered with the second
		return false, true, nil
	case look != nil && !absent:
		return false, false, errors.Join(err, look)
	case o.Version == now:
		s.proofs.refuse(wallTime())
		return true, false, err
	case absent, u.Bare: // it is settled later, in the one way or the other
		return false, false, err
	}
	// Every Complete of it was conditional, where that is proven. No version comes
	// back, so that all of them are refused for good.
	u.Refused = true
	note(u.note()) // or it is waited for
	return false, s.abort(ctx, *u) == nil, err
}

// unknown finds out whether an upload is still open after Complete failed in any
// other way. before: when the Complete before this one was sent that may yet be
// executed.
func (s *Store) unknown(ctx context.Context, u *multipart, before time.Time, answer error, note func(string) error) (settled bool, _ error) {
	if isNoSuchUpload(answer) {
		return true, answer
	}
	switch codeOf(answer) {
	case "InvalidPart", "InvalidPartOrder", "EntityTooSmall", "MalformedXML": // it has been judged, and not executed
		_, mark, look := s.lookMarked(ctx, u.Key)
		switch {
		case look == nil && mark == u.Mark:
			return true, nil // but an earlier one was
		case look != nil && !errors.Is(look, errAbsent):
			return false, errors.Join(answer, look)
		case before.IsZero() || waitFor(before) <= 0:
			return s.abort(ctx, *u) == nil, answer
		}
		u.Sent = before
		note(u.note()) // or it is waited for longer
		return false, fmt.Errorf("%w: the server does not complete a multipart upload, which an earlier request may yet do; "+
			"nothing is written to the key until %s, when the upload is removed: %w", errWaits, before.Add(completeLasts).Format(time.RFC3339), answer)
	}
	// RGW keeps answering 500 to the Complete of an upload that has ended.
	ended, _ := s.hasEnded(ctx, *u)
	return ended, answer
}
