package s3store

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"example.com/rotatelog/internal/sleep"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	cleanLimit   = time.Minute     // for all of it
	hurriedLimit = 2 * time.Second // the same, when Close waits
	arrivalTime  = 2 * time.Second // in which a request that was cut off may arrive
	maxTries     = 3               // to remove one thing
	maxVersions  = 1000            // of an object that it removes
)

// begunUpload is an upload in parts that was begun.
type begunUpload struct{ key, id string }

// trash is what a probe has to remove.
type trash struct {
	mu      sync.Mutex // guards what follows
	bodies  int
	keys    []string
	uploads []begunUpload
	cutOff  bool // a write got no answer, and may yet be applied
	arrived bool // a write got an answer
	unnamed bool // an upload may have been begun whose id did not arrive
}

// count returns 1, 2, 3, …
func (t *trash) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bodies++
	return t.bodies
}

func (t *trash) add(key string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.Contains(t.keys, key) {
		t.keys = append(t.keys, key)
	}
	return key
}

func (t *trash) addUpload(key, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.uploads = append(t.uploads, begunUpload{key, id})
}

// forgetUpload removes an upload that is known to have ended.
func (t *trash) forgetUpload(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.uploads = slices.DeleteFunc(t.uploads, func(u begunUpload) bool { return u.id == id })
}

// recordSent saves how a write ended.
func (t *trash) recordSent(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cutOff = t.cutOff || err != nil && statusOf(err) == 0
	t.arrived = t.arrived || err == nil || statusOf(err) > 0
}

// recordNotBegun saves how beginning an upload failed.
func (t *trash) recordNotBegun(err error) {
	t.recordSent(err)
	t.mu.Lock()
	defer t.mu.Unlock()
	status := statusOf(err)
	t.unnamed = t.unnamed || status < 400 || status >= 500
}

// clean removes what the probe left. It continues after the end of ctx, when it
// matters most.
func (p *probe) clean(ctx context.Context) {
	t := &p.trash
	if len(t.keys) == 0 || p.hurried && !t.arrived {
		return
	}
	ctx, cancel := p.cleaning(ctx)
	defer cancel()
	if t.cutOff && !p.hurried {
		sleep.For(ctx, arrivalTime)
	}
	if len(t.uploads) > 0 || t.unnamed {
		p.abortUploads(ctx)
	}
	p.found.Delete = Finding{Result: ResultYes}
	for _, key := range t.keys {
		if err := p.remove(ctx, key); err != nil {
			p.found.Leftover = append(p.found.Leftover, key)
			p.found.Delete = p.found.Delete.and(p.notDeleted(ctx, err))
		}
	}
}

// cleaning returns a context that outlives ctx, but only briefly if the probe is
// hurried.
func (p *probe) cleaning(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanLimit)
	if !p.hurried {
		return longer, cancel
	}
	stop := context.AfterFunc(ctx, func() {
		sleep.For(longer, hurriedLimit)
		cancel()
	})
	return longer, func() { stop(); cancel() }
}

func (p *probe) notDeleted(ctx context.Context, err error) Finding {
	switch {
	case codeOf(err) == "AccessDenied":
		return Finding{ResultNo, fmt.Errorf("the key may not do it, which no Writer needs; to remove what is left, grant "+
			"s3:DeleteObject for the objects, or s3:DeleteObjectVersion where the bucket keeps versions: %w", err)}
	case statusOf(err) == http.StatusMethodNotAllowed, statusOf(err) == http.StatusNotImplemented:
		return Finding{ResultNo, fmt.Errorf("the server does not do it: %w", err)}
	}
	return Finding{ResultUnknown, p.explain(ctx, "delete", err)}
}

// abortUploads aborts all uploads, even those that were completed according to the
// server. What the server lists counts for more than what it answers.
func (p *probe) abortUploads(ctx context.Context) {
	left := p.trash.uploads
	for range maxTries {
		left = slices.DeleteFunc(left, func(u begunUpload) bool { return p.abort(ctx, u) })
		listed, err := p.listUploads(ctx)
		if err != nil {
			if p.trash.unnamed {
				p.found.Leftover = append(p.found.Leftover, p.dir+" (perhaps an unfinished upload)")
			}
			break
		}
		if left = listed; len(left) == 0 {
			break
		}
	}
	for _, u := range left {
		p.found.Leftover = append(p.found.Leftover, fmt.Sprintf("%s (unfinished upload %s)", u.key, u.id))
	}
}

// abort reports whether an upload has ended.
func (p *probe) abort(ctx context.Context, u begunUpload) bool {
	err := p.store.abortUpload(ctx, u.key, u.id)
	return err == nil || statusOf(err) == http.StatusNotFound
}

func (p *probe) listUploads(ctx context.Context) (list []begunUpload, err error) {
	open, _, err := p.store.listUploads(ctx, p.dir)
	for _, u := range open {
		list = append(list, begunUpload{aws.ToString(u.Key), aws.ToString(u.UploadId)})
	}
	return list, err
}

// remove removes an object, and if the bucket keeps versions, each of them by its
// id: that leaves no marker behind.
func (p *probe) remove(ctx context.Context, key string) error {
	return repeat(ctx, func() (done bool, err error) {
		out, err := p.store.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &p.store.bucket, Key: &key}, p.store.withRetries)
		if statusOf(err) == http.StatusNotFound {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		_, err = p.store.client.DeleteObject(ctx,
			&s3.DeleteObjectInput{Bucket: &p.store.bucket, Key: &key, VersionId: out.VersionId}, p.store.withRetries)
		return false, err
	})
}

// repeat calls f until it is done, or has failed maxTries times.
func repeat(ctx context.Context, f func() (done bool, err error)) error {
	failures := 0
	for range maxVersions {
		done, err := f()
		if done {
			return nil
		}
		if err == nil {
			continue
		}
		if failures++; failures == maxTries || ctx.Err() != nil {
			return err
		}
	}
	return errors.New("the server says that it was deleted, which it was not")
}
