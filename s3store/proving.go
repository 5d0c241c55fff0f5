package s3store

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/rotatelog"
)

var errUnclear = errors.New("the server's answers do not fit together")

func orUnknown(err error) error {
	if err == nil {
		return errUnclear
	}
	return err
}

// dirOf returns the key up to and including its last slash.
func dirOf(key string) string { return key[:strings.LastIndex(key, "/")+1] }

// proving finds out what a key with one Writer relies on, by writing different
// bodies to one throwaway object. What it holds afterwards counts, not only what
// the server replied.
type proving struct {
	*probe
	now     snapshot          // the object, when it was last inspected
	old     rotatelog.Version // an earlier one
	created bool              // If-None-Match let it be created, and did not let it be replaced
	found   proof
}

const provingName = "proof"

// tryOwned finds out what the bucket does for one Writer, with about twenty
// requests.
func (s *Store) tryOwned(ctx context.Context, key string) (proof, error) {
	v := &proving{probe: &probe{store: s, dir: throwawayDir(dirOf(key)), hurried: true}}
	defer v.clean(ctx)
	for _, step := range []func(context.Context) error{v.creates, v.replaces, v.completes} {
		if err := step(ctx); err != nil {
			if ctx.Err() != nil {
				return proof{}, context.Cause(ctx)
			}
			return proof{}, fmt.Errorf("which conditions the server honours could not be tried on the object %s: %w", v.dir+provingName, err)
		}
	}
	return v.found, nil
}

// creates tries If-None-Match on PutObject.
func (v *proving) creates(ctx context.Context) error {
	create := func() ([]byte, error) {
		return v.send(ctx, func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") })
	}
	first, created, err := v.takes(ctx, create)
	if err != nil {
		return err
	}
	var kept bool
	if created {
		if kept, err = v.refuses(ctx, create); err != nil {
			return err
		}
	}
	if err := v.inspectNow(ctx); err != nil {
		return err
	}
	v.created = created && kept && v.now.holds(first)
	if v.now.version == "" {
		return v.storePlain(ctx)
	}
	return nil
}

// replaces tries If-Match on PutObject.
func (v *proving) replaces(ctx context.Context) error {
	v.old = v.now.version
	if !v.created {
		return v.storePlain(ctx)
	}
	replace := func() ([]byte, error) {
		return v.send(ctx, func(in *s3.PutObjectInput) { in.IfMatch = aws.String(string(v.old)) })
	}
	second, replaced, err := v.takes(ctx, replace)
	if err != nil {
		return err
	}
	var stale bool
	if replaced {
		if stale, err = v.refuses(ctx, replace); err != nil {
			return err
		}
	}
	if err := v.inspectNow(ctx); err != nil {
		return err
	}
	v.found.Put = v.created && replaced && stale && v.now.holds(second)
	if v.now.version == v.old {
		return v.storePlain(ctx)
	}
	return nil
}

// completes tries multipart uploads, and their conditions.
func (v *proving) completes(ctx context.Context) error {
	u, err := v.beginPart(ctx)
	if isNotTaken(err) {
		return nil
	}
	if err != nil {
		return err
	}
	honoured, err := u.honours(ctx)
	if err != nil {
		return err
	}
	if !u.taken {
		if _, _, err := u.takes(ctx, func() ([]byte, error) { return u.complete(ctx, nil) }); err != nil && !isNotTaken(err) {
			return err
		}
	}
	if err := v.inspectNow(ctx); err != nil {
		return err
	}
	v.found.Multipart = v.now.holds(u.body)
	v.found.Complete = honoured && v.found.Multipart
	v.found.CompleteCreate = v.found.Complete
	if v.found.Multipart {
		v.trash.forgetUpload(u.id)
	}
	return nil
}

// send stores the object with one PutObject, and returns the body.
func (v *proving) send(ctx context.Context, change func(*s3.PutObjectInput)) ([]byte, error) {
	body := v.newBody()
	return body, v.put(ctx, provingName, body, change)
}

// inspectNow inspects the object.
func (v *proving) inspectNow(ctx context.Context) (err error) {
	v.now, err = v.inspect(ctx, provingName)
	return err
}

// storePlain stores the object without a condition.
func (v *proving) storePlain(ctx context.Context) error {
	body, _, err := v.takes(ctx, func() ([]byte, error) { return v.send(ctx, nil) })
	if err != nil {
		return err
	}
	if err := v.inspectNow(ctx); err != nil {
		return err
	}
	if !v.now.holds(body) {
		return fmt.Errorf("%w: an object that was stored reads back as another, or is not there", errUnclear)
	}
	return nil
}

// provingTries is how many answers of one kind may be inconclusive.
const provingTries = 3

// mayRetry reports whether a request with an inconclusive answer may be sent again,
// for example because the reply was lost.
func mayRetry(ctx context.Context, err error, unknown int) bool {
	status := statusOf(err)
	return unknown < provingTries && ctx.Err() == nil && (status < 400 || status >= 500)
}

// takes sends a write that should be applied, and returns its body. A refusal must
// come twice to be believed.
func (v *proving) takes(ctx context.Context, send func() ([]byte, error)) (body []byte, ok bool, err error) {
	for refusals, unknown := 0, 0; refusals < 2; {
		body, err = send()
		switch {
		case err == nil:
			return body, true, nil
		case isRefusal(err) && statusOf(err) != http.StatusNotImplemented && unknown > 0: // perhaps because the one before was applied
			return nil, false, fmt.Errorf("%w: %w", errUnclear, err)
		case isRefusal(err):
			refusals++
			continue
		}
		if unknown++; !mayRetry(ctx, err, unknown) {
			return nil, false, err
		}
		if err := v.inspectNow(ctx); err != nil {
			return nil, false, err
		}
		if v.now.holds(body) {
			return body, true, nil
		}
	}
	return nil, false, nil
}

// refuses sends a write that should be refused, twice.
func (v *proving) refuses(ctx context.Context, send func() ([]byte, error)) (ok bool, err error) {
	for refusals, unknown := 0, 0; refusals < 2; {
		switch _, err := send(); {
		case err == nil, statusOf(err) == http.StatusNotImplemented:
			return false, nil
		case isRefusal(err):
			refusals++
		default:
			if unknown++; !mayRetry(ctx, err, unknown) {
				return false, err
			}
		}
	}
	return true, nil
}

// isNotTaken reports whether a server says that it does not support such requests.
func isNotTaken(err error) bool {
	switch statusOf(err) {
	case http.StatusNotImplemented, http.StatusMethodNotAllowed, http.StatusLengthRequired:
		return true
	}
	return false
}

// provenUpload is a multipart upload of one part, for trying Complete.
type provenUpload struct {
	*proving
	body     []byte
	id, etag string
	taken    bool // Complete has succeeded
}

func (v *proving) beginPart(ctx context.Context) (*provenUpload, error) {
	u := &provenUpload{proving: v}
	return u, u.begin(ctx)
}

func (u *provenUpload) begin(ctx context.Context) (err error) {
	u.body = u.newBody()
	for unknown := 1; ; unknown++ {
		if u.id, err = u.probe.begin(ctx, provingName, nil); err == nil || !mayRetry(ctx, err, unknown) {
			break
		}
	}
	if err != nil {
		return err
	}
	u.etag, err = u.store.uploadPart(ctx, u.key(provingName), u.id, 1, textContent(u.body), u.store.withRetries)
	return err
}

// honours reports whether Complete was answered as its conditions require.
func (u *provenUpload) honours(ctx context.Context) (bool, error) {
	with := func(change func(*s3.CompleteMultipartUploadInput)) func() ([]byte, error) {
		return func() ([]byte, error) { return u.complete(ctx, change) }
	}
	for _, change := range []func(*s3.CompleteMultipartUploadInput){
		func(in *s3.CompleteMultipartUploadInput) { in.IfNoneMatch = aws.String("*") },
		func(in *s3.CompleteMultipartUploadInput) { in.IfMatch = aws.String(string(u.old)) },
	} {
		if ok, err := u.refuses(ctx, with(change)); !ok {
			return false, err
		}
	}
	_, ok, err := u.takes(ctx, with(func(in *s3.CompleteMultipartUploadInput) { in.IfMatch = aws.String(string(u.now.version)) }))
	return ok, err
}

// complete sends one Complete, for another upload if this one is gone: some servers
// remove an upload that they refuse to complete.
func (u *provenUpload) complete(ctx context.Context, change func(*s3.CompleteMultipartUploadInput)) ([]byte, error) {
	err := u.probe.complete(ctx, provingName, u.id, []string{u.etag}, change)
	if isNoSuchUpload(err) {
		u.trash.forgetUpload(u.id)
		if err := u.begin(ctx); err != nil {
			return nil, err
		}
		err = u.probe.complete(ctx, provingName, u.id, []string{u.etag}, change)
	}
	u.taken = err == nil
	return u.body, err
}
