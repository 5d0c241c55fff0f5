package s3store

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/hint"
)

const (
	completeLasts = 15 * time.Minute // for which a Complete may be in progress at the server
	abandoned     = 24 * time.Hour   // after which an upload that no intent names is removed
)

// errUnresolved means that a key cannot be written yet.
var errUnresolved = errors.New("an earlier write is not settled")

// Resolve implements [rotatelog.IntentWriter]. It looks at the object before it
// does anything. If the object is neither the version that the upload was to
// replace nor the one that it makes, the upload may be taking effect at this
// moment. Then, unless a condition has refused the upload, Resolve returns an error
// until 15 minutes after it was last sent, and then removes it.
func (s *Store) Resolve(ctx context.Context, text string, saveIntent func(string) error) error {
	u, err := parseIntent(text)
	if err == nil {
		err = s.resolve(ctx, u, saveIntent)
	}
	if err != nil {
		return s.explain(ctx, "settle", u.Key, err)
	}
	return nil
}

func parseIntent(text string) (multipart, error) {
	var u multipart
	if err := json.Unmarshal([]byte(text), &u); err != nil || u.Key == "" || u.Upload == "" {
		return u, permanentError("the intent of a multipart upload does not parse: %.200q", text)
	}
	return u, nil
}

func (s *Store) resolve(ctx context.Context, u multipart, saveIntent func(string) error) error {
	if err := s.ready(ctx, u.Key); err != nil {
		return err
	}
	if len(u.ETags) == 0 || u.Refused {
		return s.abort(ctx, u)
	}
	if u.Sent.IsZero() || u.Sent.After(wallTime()) {
		u.Sent = wallTime()
		if err := saveIntent(u.intent()); err != nil {
			return err
		}
	}
	o, mark, err := s.peekMark(ctx, u.Key)
	absent := errors.Is(err, errAbsent)
	switch {
	case err != nil && !absent:
		return err
	case !absent && u.Mark != "" && mark == u.Mark:
		return nil
	case (absent || o.Version == u.Old) && s.mayComplete(u):
		if v, err := s.complete(ctx, &u, o.Version, saveIntent); !v.settled() {
			return err
		}
		return nil
	}
	return s.removeWhenOver(ctx, u)
}

// mayComplete reports whether Complete may be sent once more. A key that Writers
// share is written only under a condition.
func (s *Store) mayComplete(u multipart) bool {
	return !s.opts.Shared || s.proofs.completesOr(u.Conditions)
}

// timeLeft returns for how long a Complete that was sent then may still be in
// progress.
func timeLeft(sent time.Time) time.Duration { return sent.Add(completeLasts).Sub(wallTime()) }

// removeWhenOver removes an upload that was not applied, once no Complete of it can
// be in progress any more.
func (s *Store) removeWhenOver(ctx context.Context, u multipart) error {
	ended, err := s.hasEnded(ctx, u)
	if ended {
		return nil
	}
	if err != nil && codeOf(err) != "AccessDenied" {
		return err
	}
	if timeLeft(u.Sent) > 0 {
		return fmt.Errorf("%w: the object is another than the one that a multipart upload was to replace, and the upload may still take effect; "+
			"nothing is written to the key until %s, when the upload is removed", errUnresolved, u.Sent.Add(completeLasts).Format(time.RFC3339))
	}
	if err := s.abort(ctx, u); err != nil {
		return err
	}
	if err := s.readEnd(ctx, u.Key); err != nil {
		return hint.Add(fmt.Errorf("a multipart upload that was not applied was removed, and now the end of the object cannot be read: %w", err), "see whether the object is whole")
	}
	return nil
}

// readEnd reads the last byte of an object.
func (s *Store) readEnd(ctx context.Context, key string) error {
	o, err := s.peek(ctx, key)
	if err != nil || o.Size == 0 {
		return err
	}
	r, _, err := s.read(ctx, key, o.Version, o.Size-1, 1)
	if errors.Is(err, rotatelog.ErrConflict) {
		return nil // it has just been replaced
	}
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err
}

// Sweep implements [rotatelog.IntentWriter]. It removes the uploads of the key that
// were begun more than a day ago by the server's clock. If Writers share a key it
// removes none, since any may be another Writer's: a lifecycle rule of the bucket
// has to do it.
func (s *Store) Sweep(ctx context.Context, key string, keep []string) error {
	if s.opts.Shared {
		return nil
	}
	if err := s.sweep(ctx, key, keep); err != nil {
		return s.explain(ctx, "sweep", key, err)
	}
	return nil
}

func (s *Store) sweep(ctx context.Context, key string, keep []string) error {
	if err := s.ready(ctx, key); err != nil {
		return err
	}
	kept := map[string]bool{}
	for _, text := range keep {
		u, err := parseIntent(text)
		if err != nil {
			return err
		}
		kept[u.Upload] = true
	}
	uploads, now, err := s.listUploads(ctx, key) // by key, since minio does not list by a prefix
	if err != nil {
		return err
	}
	for _, listed := range uploads {
		u := multipart{Key: aws.ToString(listed.Key), Upload: aws.ToString(listed.UploadId)}
		if u.Key != key || kept[u.Upload] || listed.Initiated == nil {
			continue
		}
		if now.IsZero() {
			return errors.New("the server does not say what time it is, so that the age of unfinished uploads is not known")
		}
		if now.Sub(*listed.Initiated) < abandoned {
			continue
		}
		if err := s.sweepUpload(ctx, u); err != nil {
			return err
		}
	}
	return nil
}

// sweepUpload removes an upload, unless it made the object: RGW may leave an upload
// open that it has completed, and aborting that would destroy the object.
func (s *Store) sweepUpload(ctx context.Context, u multipart) error {
	parts, err := s.listParts(ctx, u.Key, u.Upload)
	if isNoSuchUpload(err) || isNoSuchKey(err) {
		return nil
	}
	if err != nil {
		return err
	}
	o, err := s.peek(ctx, u.Key)
	if err != nil && !errors.Is(err, errAbsent) {
		return err
	}
	if len(parts) > 0 && mayConsistOf(o.Version, parts) {
		return nil
	}
	return s.abort(ctx, u)
}

// mayConsistOf reports whether a version may be the object that consists of parts
// with these ETags. Its ETag is the MD5 of theirs, and their number. If theirs are
// not MD5s, only the number is compared.
func mayConsistOf(v rotatelog.Version, etags []string) bool {
	hash := md5.New()
	for _, e := range etags {
		sum, err := hex.DecodeString(e)
		if err != nil || len(sum) != md5.Size {
			return strings.HasSuffix(string(v), fmt.Sprintf("-%d", len(etags)))
		}
		hash.Write(sum)
	}
	return string(v) == fmt.Sprintf("%x-%d", hash.Sum(nil), len(etags))
}
