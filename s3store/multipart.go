package s3store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/rotatelog"
)

// An object of more than some MiB is appended to by a multipart upload, most of
// whose parts the server copies from the old version, and where PutObject honours
// no conditions every object is written by one. It takes effect with its last
// request, Complete, and that may do so long after its sender has given up. So
// before it is sent a note of it is kept, with the time, and it is settled before
// anything else is written to the key.

const (
	sendsAtOnce = 4               // parts
	serverWork  = 2 * time.Minute // without a byte, while the server copies or joins parts

	// markKey names the metadata by which an object tells which upload made it.
	// It is between a Store and itself.
	markKey = "rotatelog-upload"
)

// multipart is a multipart upload under way. It is what a note tells of.
type multipart struct {
	Key    string            `json:"key"`
	Upload string            `json:"upload"`          // the UploadId
	Mark   string            `json:"mark"`            // the object has it once the upload is applied
	Old    rotatelog.Version `json:"old"`             // that it replaces
	ETags  []string          `json:"etags,omitempty"` // of all parts, in order; none: Complete was never sent

	// Sent is when the last Complete was sent of which it is not known whether it is
	// over. The zero time beside ETags is that of an older note, which has none.
	Sent time.Time `json:"sent,omitzero"`
	// Conditions: when the upload was begun, Complete was proven to honour If-Match
	// and If-None-Match. Bare: some Complete was sent without one of them. Refused:
	// one that was honoured has refused Complete for good.
	Conditions bool `json:"conditions,omitempty"`
	Bare       bool `json:"bare,omitempty"`
	Refused    bool `json:"refused,omitempty"`
}

func (u multipart) note() string {
	b, _ := json.Marshal(u) // which cannot fail
	return string(b)
}

// errNotCopied means that the server does not copy parts.
var errNotCopied = errors.New("the server does not copy parts of an object")

// writeInParts makes the next version of an object of pieces. errNotCopied: it
// has to be done in another way.
func (s *Store) writeInParts(ctx context.Context, key string, old rotatelog.Version, pieces []piece, meta map[string]string, note func(string) error) error {
	u := multipart{Key: key, Mark: rand.Text(), Old: old, Conditions: s.proofs.completes()}
	var err error
	if u.Upload, err = s.createUpload(ctx, key, withMark(meta, u.Mark)); err != nil {
		return notCopied(err)
	}
	if err := note(u.note()); err != nil {
		return errors.Join(err, s.abort(ctx, u))
	}
	u.ETags, err = s.sendPieces(ctx, u, pieces)
	if err == nil && !u.Conditions {
		err = s.isStill(ctx, key, old)
	}
	var settled bool
	if err == nil {
		settled, err = s.complete(ctx, &u, old, note)
	}
	if u.Sent.IsZero() { // Complete was not sent
		settled = s.abort(ctx, u) == nil
	}
	if settled {
		note("") // or it stays, and is settled once more
	}
	return err
}

// isStill returns nil if the object has that version yet.
func (s *Store) isStill(ctx context.Context, key string, v rotatelog.Version) error {
	if s.sights.current(key, v) {
		return nil
	}
	o, err := s.peek(ctx, key)
	switch {
	case errors.Is(err, errAbsent) && v != "":
		return errMissing
	case err != nil && !errors.Is(err, errAbsent):
		return err
	case o.Version != v:
		return errReplaced
	}
	return nil
}

func withMark(meta map[string]string, mark string) map[string]string {
	marked := map[string]string{markKey: mark}
	for name, value := range meta {
		marked[name] = value
	}
	return marked
}

// notCopied makes errNotCopied of the answer of a server that lacks multipart
// uploads, or copying.
func notCopied(err error) error {
	if isNotTaken(err) {
		return fmt.Errorf("%w: %w", errNotCopied, err)
	}
	return err
}

// copying is what is known of whether the server copies parts. It is asked to again
// after a while, since a proxy may have answered in its place.
type copying struct {
	mu       sync.Mutex // guards what follows
	failures int        // in a row
	last     time.Time  // of them
}

const (
	manyNotCopied = 3         // in a row, after which it is not tried
	notCopying    = time.Hour // for so long
)

func (c *copying) allowed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failures < manyNotCopied || time.Since(c.last).Abs() >= notCopying
}

// note notes how an upload with copies ended.
func (c *copying) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		c.failures = 0
	case errors.Is(err, errNotCopied):
		c.failures, c.last = c.failures+1, time.Now()
	}
}

// sendPieces sends the parts of an upload, some at a time, and returns their
// ETags. Each is repeated by itself if it fails.
func (s *Store) sendPieces(ctx context.Context, u multipart, pieces []piece) ([]string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	etags := make([]string, len(pieces))
	places := make(chan struct{}, sendsAtOnce)
	var all sync.WaitGroup
	for i, p := range pieces {
		places <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-places }()
			var err error
			if etags[i], err = s.sendPiece(ctx, u, int32(i+1), p); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait() // no part may arrive after an abort
	return etags, context.Cause(ctx)
}

func (s *Store) sendPiece(ctx context.Context, u multipart, number int32, p piece) (etag string, err error) {
	if p.copied.n == 0 {
		body, err := s.gather(ctx, u.Key, u.Old, p.body)
		if err != nil {
			return "", err
		}
		defer body.close()
		etag, err = s.uploadPart(ctx, u.Key, u.Upload, number, body, s.forReads)
		return etag, err
	}
	etag, err = s.copyPart(ctx, u.Key, u.Upload, number, u.Old, p.copied, s.forReads)
	switch statusOf(err) {
	case http.StatusPreconditionFailed, http.StatusNotFound, http.StatusBadRequest, http.StatusRequestedRangeNotSatisfiable:
		// The old version is gone, or shorter than it was.
		if o, look := s.peek(ctx, u.Key); errors.Is(look, errAbsent) || look == nil && o.Version != u.Old {
			return "", errReplaced
		}
	}
	return etag, notCopied(err)
}

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

const (
	abortTries = 5           // at removing an upload
	abortPause = time.Second // before the second of these, and twice as long before each further one
)

// abort removes an upload, and sees to it that it is gone: there are servers on
// which a part that is still being copied keeps it. It must not be called while
// Complete may be under way: there are servers on which that destroys the object.
func (s *Store) abort(ctx context.Context, u multipart) error {
	for try := range abortTries {
		if try > 0 && !pause(ctx, abortPause<<(try-1)) {
			return context.Cause(ctx)
		}
		err := s.abortUpload(ctx, u.Key, u.Upload)
		if isNoSuchUpload(err) {
			return nil
		}
		if err != nil {
			return err
		}
		ended, err := s.hasEnded(ctx, u)
		if ended || codeOf(err) == "AccessDenied" { // who may not ask has to believe the answer
			return nil
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: the multipart upload %s is still open, though the server says that it was aborted; it is tried again", errWaits, u.Upload)
}

func isNoSuchUpload(err error) bool {
	return statusOf(err) == http.StatusNotFound && codeOf(err) == "NoSuchUpload"
}

// lookMarked is peek that also returns the mark of the upload that made the
// object.
func (s *Store) lookMarked(ctx context.Context, key string) (o rotatelog.Object, mark string, err error) {
	o, err = s.peek(ctx, key)
	return o, o.Meta[markKey], err
}

// MinCopy implements [rotatelog.IntentWriter].
func (s *Store) MinCopy() int64 { return s.limits.least }
