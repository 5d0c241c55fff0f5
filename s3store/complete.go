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

// verdict is what is known of an upload once Complete has been sent.
type verdict int

const (
	inDoubt        verdict = iota // it may yet change the object
	uploadApplied                 // it has made the object
	uploadGone                    // it will never make the object
	wronglyRefused                // the condition was refused, although it holds
)

// settled reports whether the upload will not change the object any more.
func (v verdict) settled() bool { return v == uploadApplied || v == uploadGone }

// complete ends an upload whose parts have all been sent, while the object is the
// version now. It may be called again for the same upload. The error is nil if and
// only if the upload was applied.
func (s *Store) complete(ctx context.Context, u *multipart, now rotatelog.Version, saveIntent func(string) error) (verdict, error) {
	var v verdict
	var err error
	for range 2 { // a condition that holds may be refused once by mistake
		if v, err = s.completeOnce(ctx, u, now, saveIntent); v != wronglyRefused {
			return v, err
		}
	}
	return inDoubt, err
}

// completeOnce sends Complete once, after it has saved the time.
func (s *Store) completeOnce(ctx context.Context, u *multipart, now rotatelog.Version, saveIntent func(string) error) (verdict, error) {
	before, change := u.Sent, s.condition(*u, now)
	sent := *u
	sent.Sent, sent.Bare = wallTime(), u.Bare || change == nil
	if err := saveIntent(sent.intent()); err != nil {
		return inDoubt, err
	}
	*u = sent
	s.seenVersions.forget(u.Key)
	answer := s.completeUpload(ctx, u.Key, u.Upload, u.ETags, change)
	switch {
	case answer == nil:
		if change != nil {
			s.proofs.recordHeld()
		}
		return uploadApplied, nil
	case isRefusal(answer):
		return s.judgeRefusal(ctx, u, now, answer, saveIntent)
	}
	return s.judgeFailure(ctx, u, before, answer, saveIntent)
}

// condition returns the change by which Complete depends on the object being that
// version, or nil if it depends on nothing.
func (s *Store) condition(u multipart, now rotatelog.Version) func(*s3.CompleteMultipartUploadInput) {
	switch {
	case !s.proofs.completesOr(u.Conditions):
		return nil
	case now == "":
		return func(in *s3.CompleteMultipartUploadInput) { in.IfNoneMatch = aws.String("*") }
	}
	return func(in *s3.CompleteMultipartUploadInput) { in.IfMatch = aws.String(string(now)) }
}

// judgeRefusal finds out what it means that Complete was refused, apparently for
// its condition.
func (s *Store) judgeRefusal(ctx context.Context, u *multipart, now rotatelog.Version, answer error, saveIntent func(string) error) (verdict, error) {
	err := refusedWrite(u.Old, answer)
	o, mark, lookErr := s.peekMark(ctx, u.Key)
	absent := errors.Is(lookErr, errAbsent)
	switch {
	case lookErr == nil && mark == u.Mark: // a front end has repeated the request, and answered with the second
		return uploadApplied, nil
	case lookErr != nil && !absent:
		return inDoubt, errors.Join(err, lookErr)
	case o.Version == now:
		s.proofs.recordRefusal(wallTime())
		return wronglyRefused, err
	case absent, u.Bare: // Resolve finds out later whether it was applied
		return inDoubt, err
	}
	// Every Complete of it had a condition that is proven to be honoured. No
	// version comes back, so all of them are refused for good.
	u.Refused = true
	saveIntent(u.intent()) // if that fails, Resolve waits for the upload
	return s.remove(ctx, *u), err
}

// judgeFailure finds out whether an upload is still open after Complete failed in
// any other way. before is when the previous Complete was sent, if that may still
// be executed.
func (s *Store) judgeFailure(ctx context.Context, u *multipart, before time.Time, answer error, saveIntent func(string) error) (verdict, error) {
	if isNoSuchUpload(answer) {
		return uploadGone, answer
	}
	if isRejection(answer) {
		return s.judgeRejection(ctx, u, before, answer, saveIntent)
	}
	// RGW keeps answering 500 to the Complete of an upload that has ended.
	if ended, _ := s.hasEnded(ctx, *u); ended {
		return uploadGone, answer
	}
	return inDoubt, answer
}

// isRejection reports whether a server has looked at a Complete, and refused to
// execute it.
func isRejection(answer error) bool {
	switch codeOf(answer) {
	case "InvalidPart", "InvalidPartOrder", "EntityTooSmall", "MalformedXML":
		return true
	}
	return false
}

// judgeRejection removes an upload that the server does not complete, unless an
// earlier Complete may yet do so.
func (s *Store) judgeRejection(ctx context.Context, u *multipart, before time.Time, answer error, saveIntent func(string) error) (verdict, error) {
	_, mark, lookErr := s.peekMark(ctx, u.Key)
	switch {
	case lookErr == nil && mark == u.Mark: // an earlier Complete was executed
		return uploadApplied, nil
	case lookErr != nil && !errors.Is(lookErr, errAbsent):
		return inDoubt, errors.Join(answer, lookErr)
	case before.IsZero() || timeLeft(before) <= 0:
		return s.remove(ctx, *u), answer
	}
	u.Sent = before
	saveIntent(u.intent()) // if that fails, Resolve waits longer
	return inDoubt, fmt.Errorf("%w: the server does not complete a multipart upload, which an earlier request may yet do; "+
		"nothing is written to the key until %s, when the upload is removed: %w", errUnresolved, before.Add(completeLasts).Format(time.RFC3339), answer)
}

// remove aborts an upload. If that fails the upload is in doubt.
func (s *Store) remove(ctx context.Context, u multipart) verdict {
	if s.abort(ctx, u) != nil {
		return inDoubt
	}
	return uploadGone
}
