package rotatelog

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
)

// An object of more than some MiB is appended to by a multipart upload, most of
// whose parts the server copies from the old version. It takes effect with its
// last request, Complete, and that may do so long after its sender has given up.
// So before it is sent a note of it is kept, and it is settled before anything
// else is written to the key: the same Complete is repeated until it is known
// that the upload was applied, or never will be.

const (
	sendsAtOnce = 4               // parts
	serverWork  = 2 * time.Minute // without a byte, while the server copies or joins parts
	abandoned   = 24 * time.Hour  // after which an upload that nobody knows of is removed

	// markKey names the metadata by which an object tells which upload made it.
	// It is between an S3Store and itself.
	markKey = "rotatelog-upload"
)

// multipart is a multipart upload under way. It is what a note tells of.
type multipart struct {
	Key    string   `json:"key"`
	Upload string   `json:"upload"`          // the UploadId
	Mark   string   `json:"mark"`            // the object has it once the upload is applied
	Old    Version  `json:"old"`             // that it replaces
	ETags  []string `json:"etags,omitempty"` // of all parts, in order; none: Complete was never sent
}

func (u multipart) note() string {
	b, _ := json.Marshal(u) // which cannot fail
	return string(b)
}

// errNotCopied means that the server does not copy parts.
var errNotCopied = errors.New("the server does not copy parts of an object")

// writeInParts makes the next version of an object of pieces. errNotCopied: it
// has to be done in another way.
func (s *S3Store) writeInParts(ctx context.Context, key string, old Version, pieces []piece, meta map[string]string, note func(string) error) error {
	u := multipart{Key: key, Mark: rand.Text(), Old: old}
	var err error
	if u.Upload, err = s.createUpload(ctx, key, withMark(meta, u.Mark)); err != nil {
		return notCopied(err)
	}
	if err := note(u.note()); err != nil {
		return errors.Join(err, s.abort(ctx, u))
	}
	sent := u
	if sent.ETags, err = s.sendPieces(ctx, u, pieces); err == nil {
		err = note(sent.note())
	}
	if err != nil {
		if gone := s.abort(ctx, u); gone == nil {
			note("") // or it stays, and the upload is aborted once more
		}
		return err
	}
	settled, err := s.complete(ctx, sent)
	if settled {
		note("") // or it stays, and the upload is found to be settled
	}
	return err
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
	switch statusOf(err) {
	case http.StatusNotImplemented, http.StatusMethodNotAllowed, http.StatusLengthRequired:
		return fmt.Errorf("%w: %w", errNotCopied, err)
	}
	return err
}

// sendPieces sends the parts of an upload, some at a time, and returns their
// ETags. Each is repeated by itself if it fails.
func (s *S3Store) sendPieces(ctx context.Context, u multipart, pieces []piece) ([]string, error) {
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

func (s *S3Store) sendPiece(ctx context.Context, u multipart, number int32, p piece) (etag string, err error) {
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
		if o, look := s.stat(ctx, u.Key); errors.Is(look, errAbsent) || look == nil && o.Version != u.Old {
			return "", errReplaced
		}
	}
	return etag, notCopied(err)
}

// complete ends an upload whose parts have all been sent. It may be called again
// for the same one. settled: what the object is now will not be changed by this
// upload any more. With a nil error the upload was applied.
func (s *S3Store) complete(ctx context.Context, u multipart) (settled bool, err error) {
	conditional := s.opts.Shared || s.refusals.Load() < enoughRefusals
	for {
		err := s.completeUpload(ctx, u.Key, u.Upload, u.ETags, func(in *s3.CompleteMultipartUploadInput) {
			if conditional {
				in.IfMatch = aws.String(string(u.Old))
			}
		})
		switch status := statusOf(err); {
		case err == nil:
			if conditional {
				s.refusals.Store(0)
			}
			return true, nil
		case conditional && !s.opts.Shared && status == http.StatusNotImplemented:
			s.refusals.Add(1)
			conditional = false
		case status == http.StatusPreconditionFailed, status == http.StatusConflict, isNoSuchKey(err):
			held, settled, refused := s.refused(ctx, u, err)
			if !held || !conditional || s.opts.Shared {
				return settled, refused
			}
			s.refusals.Add(1)
			conditional = false
		default:
			return s.unknown(ctx, u, err)
		}
	}
}

// refused finds out what it means that Complete was refused for its condition.
// held: the condition does hold.
func (s *S3Store) refused(ctx context.Context, u multipart, err error) (held, settled bool, _ error) {
	err = fmt.Errorf("%w: %w", ErrConflict, err)
	o, mark, look := s.lookMarked(ctx, u.Key)
	switch {
	case look == nil && mark == u.Mark:
		return false, true, nil // a front end has repeated the request, and told of the second
	case look == nil && o.Version == u.Old:
		return true, false, err
	case look == nil || errors.Is(look, errAbsent):
		// No version comes back, so that the condition fails for good, and what
		// the object is made of now does not depend on the parts.
		return false, s.abort(ctx, u) == nil, err
	}
	return false, false, errors.Join(err, look)
}

// unknown finds out whether an upload is still open after Complete failed in any
// other way.
func (s *S3Store) unknown(ctx context.Context, u multipart, err error) (settled bool, _ error) {
	if isNoSuchUpload(err) {
		return true, err
	}
	switch codeOf(err) {
	case "InvalidPart", "InvalidPartOrder", "EntityTooSmall", "MalformedXML": // it has been judged, and not executed
		if _, mark, look := s.lookMarked(ctx, u.Key); look == nil && mark == u.Mark {
			return true, nil // but an earlier one was
		} else if look == nil {
			return s.abort(ctx, u) == nil, err
		}
	}
	// RGW keeps answering 500 to the Complete of an upload that has ended.
	_, gone := s.listParts(ctx, u.Key, u.Upload)
	return isNoSuchUpload(gone) || isNoSuchKey(gone), err
}

// abort removes an upload. It must not be called once Complete may have been
// executed: there are servers on which that would destroy the object.
func (s *S3Store) abort(ctx context.Context, u multipart) error {
	if err := s.abortUpload(ctx, u.Key, u.Upload); !isNoSuchUpload(err) {
		return err
	}
	return nil
}

func isNoSuchUpload(err error) bool {
	return statusOf(err) == http.StatusNotFound && codeOf(err) == "NoSuchUpload"
}

// lookMarked is stat that also returns the mark of the upload that made the
// object.
func (s *S3Store) lookMarked(ctx context.Context, key string) (o Object, mark string, err error) {
	o, err = s.stat(ctx, key)
	return o, o.Meta[markKey], err
}

// Settle implements [Multipart].
func (s *S3Store) Settle(ctx context.Context, text string, note func(string) error) error {
	var u multipart
	if err := json.Unmarshal([]byte(text), &u); err != nil || u.Key == "" || u.Upload == "" {
		return unusable("the note of a multipart upload does not parse: %.200q", text)
	}
	err := s.settle(ctx, u)
	if err != nil {
		return s.explain(ctx, "settle", u.Key, err)
	}
	return nil
}

func (s *S3Store) settle(ctx context.Context, u multipart) error {
	if err := s.ready(ctx, u.Key); err != nil {
		return err
	}
	if len(u.ETags) == 0 {
		return s.abort(ctx, u)
	}
	settled, err := s.complete(ctx, u)
	if settled {
		return nil
	}
	return err
}

// Sweep implements [Multipart]. Only an upload without parts is removed, of which
// the server's answer was lost when it was begun: one with parts has a note, or
// may be another Writer's.
func (s *S3Store) Sweep(ctx context.Context, key string) error {
	if err := s.ready(ctx, key); err != nil {
		return s.explain(ctx, "sweep", key, err)
	}
	// By its key, since minio does not list those below a prefix.
	uploads, err := s.listUploads(ctx, key)
	for _, u := range uploads {
		if aws.ToString(u.Key) != key || u.Initiated == nil || time.Since(*u.Initiated) < abandoned {
			continue
		}
		var parts int
		if parts, err = s.listParts(ctx, key, aws.ToString(u.UploadId)); err == nil && parts == 0 {
			err = s.abort(ctx, multipart{Key: key, Upload: aws.ToString(u.UploadId)})
		}
		if err != nil {
			break
		}
	}
	if err != nil {
		return s.explain(ctx, "sweep", key, err)
	}
	return nil
}

// LeastCopy implements [Multipart].
func (s *S3Store) LeastCopy() int64 { return s.limits.least }
