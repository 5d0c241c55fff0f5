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

	"example.com/rotatelog"
)

// An append to an object of more than some MiB is a multipart upload, most of whose
// parts the server copies from the old version. If PutObject honours no conditions,
// every write is a multipart upload. It takes effect with its last request,
// Complete, which may happen long after its sender has given up. So an intent with
// the time is saved before Complete is sent, and resolved before anything else is
// written to the key.

const (
	sendsAtOnce = 4               // parts
	serverWork  = 2 * time.Minute // without a byte, while the server copies or joins parts

	// markKey is the name of the metadata that says which upload made an object.
	// Only a Store uses it.
	markKey = "rotatelog-upload"
)

// multipart is a multipart upload in progress, as an intent describes it.
type multipart struct {
	Key    string            `json:"key"`
	Upload string            `json:"upload"`          // the UploadId
	Mark   string            `json:"mark"`            // of the object, once the upload is applied
	Old    rotatelog.Version `json:"old"`             // the version that it replaces
	ETags  []string          `json:"etags,omitempty"` // of all parts, in order; none: Complete was never sent

	// Sent is when the last Complete was sent that may still be executed. It is
	// zero beside ETags in an older intent, which has no time.
	Sent time.Time `json:"sent,omitzero"`
	// Conditions: Complete was proven to honour If-Match and If-None-Match when
	// the upload was begun. Bare: a Complete was sent without either. Refused: a
	// condition that is honoured has refused Complete for good.
	Conditions bool `json:"conditions,omitempty"`
	Bare       bool `json:"bare,omitempty"`
	Refused    bool `json:"refused,omitempty"`
}

// intent returns the text from which Resolve knows the upload.
func (u multipart) intent() string {
	b, _ := json.Marshal(u) // which cannot fail
	return string(b)
}

// writeInParts writes the next version of an object as pieces. If it returns
// errNotCopied, the object has to be written in another way.
func (s *Store) writeInParts(ctx context.Context, key string, old rotatelog.Version, pieces []piece, meta map[string]string, saveIntent func(string) error) error {
	u := multipart{Key: key, Mark: rand.Text(), Old: old, Conditions: s.proofs.completes()}
	var err error
	if u.Upload, err = s.createUpload(ctx, key, withMark(meta, u.Mark)); err != nil {
		return notCopied(err)
	}
	if err := saveIntent(u.intent()); err != nil {
		return errors.Join(err, s.abort(ctx, u))
	}
	u.ETags, err = s.sendPieces(ctx, u, pieces)
	if err == nil && !u.Conditions {
		err = s.isStill(ctx, key, old)
	}
	v := inDoubt
	if err == nil {
		v, err = s.complete(ctx, &u, old, saveIntent)
	}
	if u.Sent.IsZero() { // Complete was not sent
		v = s.remove(ctx, u)
	}
	if v.settled() {
		saveIntent("") // if that fails, the upload is resolved once more
	}
	return err
}

// isStill returns nil if the object is still that version.
func (s *Store) isStill(ctx context.Context, key string, v rotatelog.Version) error {
	if s.seenVersions.isCurrent(key, v) {
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

// sendPieces sends the parts of an upload, some at a time, and returns their ETags.
// Each part is retried on its own. Those with a stream come last: it is read once, so
// that it must not have been read when the server turns out not to copy parts.
func (s *Store) sendPieces(ctx context.Context, u multipart, pieces []piece) ([]string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	etags := make([]string, len(pieces))
	places := make(chan struct{}, sendsAtOnce)
	send := func(withStream bool) {
		var all sync.WaitGroup
		defer all.Wait() // no part may arrive after an abort
		for i, p := range pieces {
			if (streamed(p.body) > 0) != withStream {
				continue
			}
			places <- struct{}{}
			if ctx.Err() != nil {
				return
			}
			sendPiece, err := s.prepare(ctx, u, int32(i+1), p)
			if err != nil {
				cancel(err)
				return
			}
			all.Go(func() {
				defer func() { <-places }()
				var err error
				if etags[i], err = sendPiece(); err != nil {
					cancel(err)
				}
			})
		}
	}
	send(false)
	send(true)
	return etags, context.Cause(ctx)
}

// prepare returns what sends a piece. It reads streams itself, since pieces are
// prepared in their order.
func (s *Store) prepare(ctx context.Context, u multipart, number int32, p piece) (send func() (etag string, err error), err error) {
	if p.copied.n > 0 {
		return func() (string, error) { return s.sendCopy(ctx, u, number, p.copied) }, nil
	}
	assemble := func() (content, error) { return s.assembleBody(ctx, u.Key, u.Old, p.body) }
	if streamed(p.body) > 0 {
		body, err := assemble()
		if err != nil {
			return nil, err
		}
		assemble = func() (content, error) { return body, nil }
	}
	return func() (string, error) {
		body, err := assemble()
		if err != nil {
			return "", err
		}
		defer body.close()
		return s.uploadPart(ctx, u.Key, u.Upload, number, body, s.withRetries)
	}, nil
}

func (s *Store) sendCopy(ctx context.Context, u multipart, number int32, from byteRange) (etag string, err error) {
	etag, err = s.copyPart(ctx, u.Key, u.Upload, number, u.Old, from, s.withRetries)
	switch statusOf(err) {
	case http.StatusPreconditionFailed, http.StatusNotFound, http.StatusBadRequest, http.StatusRequestedRangeNotSatisfiable:
		// The old version is gone, or shorter than it was.
		if o, look := s.peek(ctx, u.Key); errors.Is(look, errAbsent) || look == nil && o.Version != u.Old {
			return "", errReplaced
		}
	}
	return etag, notCopied(err)
}

const (
	abortTries = 5           // to remove an upload
	abortPause = time.Second // before the second of these, and twice as long before each further one
)

// abort removes an upload, and checks that it is gone: on some servers a part that
// is still being copied keeps it. It must not be called while Complete may be in
// progress: on some servers that destroys the object.
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
		if ended || codeOf(err) == "AccessDenied" { // without the permission to ask, the answer has to be believed
			return nil
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: the multipart upload %s is still open, though the server says that it was aborted; it is retried automatically", errUnresolved, u.Upload)
}

func isNoSuchUpload(err error) bool {
	return statusOf(err) == http.StatusNotFound && codeOf(err) == "NoSuchUpload"
}

// peekMark is peek that also returns the mark of the upload that made the object.
func (s *Store) peekMark(ctx context.Context, key string) (o rotatelog.Object, mark string, err error) {
	o, err = s.peek(ctx, key)
	return o, o.Meta[markKey], err
}

// MinCopy implements [rotatelog.IntentWriter].
func (s *Store) MinCopy() int64 { return s.limits.minPart }
