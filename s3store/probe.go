package s3store

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/rotatelog"
)

// ProbeOptions say how far [Store.Probe] goes.
type ProbeOptions struct {
	// Quick leaves out CopyPart, for which 5 MiB are sent and read.
	Quick bool
	// Progress, unless nil, is called before each step with what is tried next,
	// such as "conditions of PutObject", and at the end with "cleaning up". It is
	// called by one goroutine.
	Progress func(step string)
}

// Probe finds out what the bucket does, by trying it on throwaway objects whose
// keys begin with prefix + "rotatelog-probe-". It removes them again, even after
// ctx has ended. It makes about 150 small requests. In a bucket that keeps versions
// it removes those too, which needs s3:DeleteObjectVersion.
//
// An error says why the probe had to stop, for example because the bucket cannot be
// reached or the key may not write to it; the Capabilities hold what was found
// until then. If a single thing fails, that is a Finding and not an error.
//
// No Writer is disturbed. The findings are about the bucket as it is: turning on
// versioning, for example, may change them.
func (s *Store) Probe(ctx context.Context, prefix string, opts ProbeOptions) (Capabilities, error) {
	return s.probe(ctx, prefix, opts, false)
}

// probe is Probe that may be hurried.
func (s *Store) probe(ctx context.Context, prefix string, opts ProbeOptions, hurried bool) (Capabilities, error) {
	p, err := newProbe(s, prefix)
	if err != nil {
		return Capabilities{}, err
	}
	p.hurried = hurried
	if opts.Progress == nil {
		opts.Progress = func(string) {}
	}
	err = p.run(ctx, opts)
	if err != nil && ctx.Err() != nil { // this is the reason, whatever else err says
		err = p.explain(ctx, "probe", context.Cause(ctx))
	}
	opts.Progress("cleaning up")
	p.clean(ctx)
	p.found.Clock, p.found.ClockAhead = p.clock.finding()
	return p.found, err
}

// probe is one run of Probe.
type probe struct {
	store *Store // its own, so that nothing it learns stays
	dir   string // the prefix of its keys

	hurried bool // something waits for it, which matters more than to leave nothing behind

	found Capabilities
	clock serverClock
	trash trash
}

func newProbe(s *Store, prefix string) (*probe, error) {
	p := &probe{dir: throwawayDir(prefix)}
	client := s3.New(s.client.Options(), func(o *s3.Options) {
		o.HTTPClient = &clockReader{o.HTTPClient, &p.clock}
		o.ExpressCredentials = nil // New would change those of s.client
	})
	opts := s.opts
	opts.Shared = false // this is what the probe finds out
	var err error
	p.store, err = New(client, s.bucket, opts)
	return p, err
}

// throwawayDir returns the beginning of the keys of throwaway objects.
func throwawayDir(prefix string) string {
	return prefix + "rotatelog-probe-" + strings.ToLower(rand.Text()) + "/"
}

func (p *probe) run(ctx context.Context, opts ProbeOptions) error {
	opts.Progress("whether the bucket can be reached")
	if err := p.reach(ctx); err != nil {
		return err
	}
	opts.Progress("storing and reading an object")
	if err := p.putAndRead(ctx); err != nil {
		return err
	}
	for _, step := range []struct {
		what string
		run  func(context.Context)
	}{
		{"listing objects", p.list},
		{"versioning of the bucket", p.versioning},
		{"metadata", p.metadata},
		{"checksums", p.checksum},
		{"creating an object only if there is none", p.createOnly},
		{"conditions of PutObject", p.ifMatch},
		{"several writers at once", p.race},
		{"multipart uploads", p.multipart},
		{"conditions of CompleteMultipartUpload", p.completes},
		{"writing as a Writer does", p.write},
		{"copying parts of an object", p.copyPart},
	} {
		if opts.Quick && step.what == "copying parts of an object" {
			p.found.CopyPart.Err = errors.New("the quick probe leaves it out")
			continue
		}
		opts.Progress(step.what)
		step.run(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// explain makes the error of an operation, unless err is one already.
func (p *probe) explain(ctx context.Context, op string, err error) error {
	if _, done := errors.AsType[*rotatelog.Error](err); done {
		return err
	}
	return p.store.explain(ctx, op, p.dir, err)
}

// failed is the Finding of a request that everything depends on. It is no if the
// request would fail again.
func (p *probe) failed(ctx context.Context, op string, err error) Finding {
	err = p.explain(ctx, op, err)
	if errors.Is(err, rotatelog.ErrPermanent) && ctx.Err() == nil {
		return Finding{ResultNo, err}
	}
	return Finding{ResultUnknown, err}
}

func yesIf(ok bool, otherwise string) Finding {
	if ok {
		return Finding{Result: ResultYes}
	}
	return Finding{ResultNo, errors.New(otherwise)}
}

// reach looks for a missing object, which is what a Writer does first.
func (p *probe) reach(ctx context.Context) error {
	_, err := p.store.Stat(ctx, p.dir+"missing")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.found.Reach.Result = ResultYes
		return nil
	case err == nil:
		err = fmt.Errorf("%w: the server has an object of a name that was made up just now, %smissing", rotatelog.ErrPermanent, p.dir)
	}
	p.found.Reach = p.failed(ctx, "stat", err)
	return p.found.Reach.Err
}

// putAndRead stores an object in the simplest way.
func (p *probe) putAndRead(ctx context.Context) error {
	body := p.newBody()
	reply := p.put(ctx, "plain", body, nil)
	got, err := p.inspect(ctx, "plain")
	switch {
	case err != nil:
		p.found.Read = p.failed(ctx, "read", err)
		return p.found.Read.Err
	case got.holds(body):
		p.found.Put.Result, p.found.Read.Result = ResultYes, ResultYes
		return nil
	case reply != nil:
		p.found.Put = p.failed(ctx, "write", reply)
		return p.found.Put.Err
	}
	p.found.Put.Result = ResultYes
	p.found.Read = Finding{ResultNo, fmt.Errorf("of %q the server returns %q", body, got.body)}
	return p.explain(ctx, "read", p.found.Read.Err)
}

func (p *probe) list(ctx context.Context) {
	out, err := p.store.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &p.store.bucket, Prefix: &p.dir}, p.store.withRetries)
	switch {
	case err == nil:
		listed := slices.ContainsFunc(out.Contents, func(o types.Object) bool { return aws.ToString(o.Key) == p.dir+"plain" })
		p.found.List = yesIf(listed, "an object that was just stored is not listed")
	case codeOf(err) == "AccessDenied":
		p.found.List = Finding{ResultNo, fmt.Errorf("the key may not do it; grant it s3:ListBucket for the bucket: %w", err)}
	default:
		p.found.List.Err = p.explain(ctx, "list", err)
	}
}

// versioning asks the server. If the key may not ask, it checks whether an object
// has the id of a version.
func (p *probe) versioning(ctx context.Context) {
	out, err := p.store.client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &p.store.bucket}, p.store.withRetries)
	if err == nil {
		p.found.Versioned = yesIf(out.Status == types.BucketVersioningStatusEnabled, "it is not turned on")
		return
	}
	if got, lookErr := p.inspect(ctx, "plain"); lookErr == nil && got.versionID != "" && got.versionID != "null" {
		p.found.Versioned.Result = ResultYes
		return
	}
	p.found.Versioned.Err = fmt.Errorf("the server does not say; it needs s3:GetBucketVersioning for the bucket: %w", err)
}

// metadata finds out how much metadata is kept.
func (p *probe) metadata(ctx context.Context) {
	p.found.Metadata = p.metadataKept(ctx, map[string]string{"probe": "a b=1,2;3", "probe-2": "7"})
	p.found.LargeMetadata = p.metadataKept(ctx, map[string]string{"probe": strings.Repeat("0123456789", 199), "probe-2": "78"})
}

func (p *probe) metadataKept(ctx context.Context, meta map[string]string) Finding {
	body := p.newBody()
	reply := p.put(ctx, "metadata", body, func(in *s3.PutObjectInput) { in.Metadata = meta })
	got, err := p.inspect(ctx, "metadata")
	switch {
	case err != nil:
		return Finding{ResultUnknown, p.explain(ctx, "read", err)}
	case got.holds(body):
		return yesIf(maps.Equal(got.meta, meta), "the metadata comes back changed, or not at all")
	case statusOf(reply) == http.StatusBadRequest:
		return Finding{ResultNo, p.explain(ctx, "write", reply)}
	}
	return Finding{ResultUnknown, p.explain(ctx, "write", orNotDone(reply))}
}

// checksum sends a body that does not match its Content-MD5.
func (p *probe) checksum(ctx context.Context) {
	other := textContent(p.newBody()).sum
	p.found.ContentMD5 = p.leaves(ctx, "md5", func(ctx context.Context, _ snapshot) ([]byte, error) {
		body := p.newBody()
		return body, p.put(ctx, "md5", body, func(in *s3.PutObjectInput) { in.ContentMD5 = &other })
	}, http.StatusBadRequest)
}

// write finds out whether the Store works as it is. It only checks that what should
// be written is written, and no condition.
func (p *probe) write(ctx context.Context) {
	const name = "write"
	proven, unknown := p.writing()
	if unknown != nil {
		p.found.Write.Err = unknown
		return
	}
	p.store.proofs.adopt(proven)
	p.found.Write = p.applies(ctx, name, func(ctx context.Context, old snapshot) ([]byte, error) {
		body := p.newBody()
		return body, p.storeWrite(ctx, name, old, rotatelog.Data(body))
	})
	if p.found.Write.Result != ResultYes {
		return
	}
	p.found.Write = p.applies(ctx, name, func(ctx context.Context, old snapshot) ([]byte, error) {
		more := p.newBody()
		return slices.Concat(old.body, more), p.storeWrite(ctx, name, old, rotatelog.Copy(0, int64(len(old.body))), rotatelog.Data(more))
	})
}

// writing returns what was found out about writing, as the Store itself would find
// it out.
func (p *probe) writing() (found proof, unknown error) {
	for _, f := range []Finding{p.found.CreateOnly, p.found.IfMatch, p.found.Multipart} {
		if f.Result == ResultUnknown {
			return proof{}, orUnknown(f.Err)
		}
	}
	found, _ = p.found.proof()
	found.Form, found.Time = proofForm, wallTime()
	return found, nil
}

func (p *probe) storeWrite(ctx context.Context, name string, old snapshot, parts ...rotatelog.Part) error {
	err := p.store.Write(ctx, p.key(name), old.version, parts, map[string]string{"probe": "1"})
	p.trash.recordSent(err)
	return err
}

// createOnly tries If-None-Match: * on a missing object, and on one that exists.
func (p *probe) createOnly(ctx context.Context) {
	const name = "create"
	create := func(ctx context.Context, _ snapshot) ([]byte, error) {
		body := p.newBody()
		return body, p.put(ctx, name, body, func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") })
	}
	p.found.CreateOnly = p.applies(ctx, name, create)
	if p.found.CreateOnly.Result == ResultYes {
		p.found.CreateOnly = p.leaves(ctx, name, create, http.StatusPreconditionFailed, http.StatusConflict)
	}
}

// ifMatch tries If-Match with the current version, and with an old one.
func (p *probe) ifMatch(ctx context.Context) {
	const name = "match"
	old, err := p.twoVersions(ctx, name)
	if err != nil {
		p.found.IfMatch.Err = err
		return
	}
	put := func(ctx context.Context, v rotatelog.Version) ([]byte, error) {
		body := p.newBody()
		return body, p.put(ctx, name, body, func(in *s3.PutObjectInput) { in.IfMatch = aws.String(string(v)) })
	}
	p.found.IfMatch = p.applies(ctx, name, func(ctx context.Context, now snapshot) ([]byte, error) { return put(ctx, now.version) })
	if p.found.IfMatch.Result == ResultYes {
		p.found.IfMatch = p.leaves(ctx, name, func(ctx context.Context, _ snapshot) ([]byte, error) { return put(ctx, old) },
			http.StatusPreconditionFailed, http.StatusConflict)
	}
}

// twoVersions stores two versions, and returns the first.
func (p *probe) twoVersions(ctx context.Context, name string) (rotatelog.Version, error) {
	var old, now snapshot
	err := p.put(ctx, name, p.newBody(), nil)
	if err == nil {
		old, err = p.inspect(ctx, name)
	}
	if err == nil {
		err = p.put(ctx, name, p.newBody(), nil)
	}
	if err == nil {
		now, err = p.inspect(ctx, name)
	}
	if err == nil && (old.version == "" || old.version == now.version) {
		err = errors.New("the server does not distinguish versions")
	}
	if err != nil {
		return "", p.explain(ctx, "write", err)
	}
	return old.version, nil
}

// multipart stores an object as one part, with metadata.
func (p *probe) multipart(ctx context.Context) {
	const name = "multipart"
	meta := map[string]string{"probe": "a b=1,2;3", "probe-2": "7"}
	p.found.Multipart = p.applies(ctx, name, func(ctx context.Context, _ snapshot) ([]byte, error) {
		body := p.newBody()
		return body, p.putInParts(ctx, name, meta, body, nil)
	})
	if p.found.Multipart.Result != ResultYes {
		p.found.MultipartMetadata.Err = p.found.Multipart.Err
		return
	}
	got, err := p.inspect(ctx, name)
	if err != nil {
		p.found.MultipartMetadata.Err = p.explain(ctx, "read", err)
		return
	}
	p.found.MultipartMetadata = yesIf(maps.Equal(got.meta, meta), "the metadata comes back changed, or not at all")
}

// completes tries the conditions of CompleteMultipartUpload.
func (p *probe) completes(ctx context.Context) {
	const name = "complete"
	old, err := p.twoVersions(ctx, name)
	if p.found.Multipart.Result != ResultYes {
		err = p.found.Multipart.Err
	}
	if err != nil {
		p.found.CompleteIfMatch.Err, p.found.CompleteCreateOnly.Err = err, err
		return
	}
	try := func(change func(*s3.CompleteMultipartUploadInput, rotatelog.Version)) func(context.Context, snapshot) ([]byte, error) {
		return func(ctx context.Context, now snapshot) ([]byte, error) {
			body := p.newBody()
			return body, p.putInParts(ctx, name, nil, body, func(in *s3.CompleteMultipartUploadInput) { change(in, now.version) })
		}
	}
	create := try(func(in *s3.CompleteMultipartUploadInput, _ rotatelog.Version) { in.IfNoneMatch = aws.String("*") })
	stale := try(func(in *s3.CompleteMultipartUploadInput, _ rotatelog.Version) { in.IfMatch = aws.String(string(old)) })
	current := try(func(in *s3.CompleteMultipartUploadInput, now rotatelog.Version) { in.IfMatch = aws.String(string(now)) })
	refusals := []int{http.StatusPreconditionFailed, http.StatusConflict}
	p.found.CompleteCreateOnly = p.leaves(ctx, name, create, refusals...)
	p.found.CompleteIfMatch = p.leaves(ctx, name, stale, refusals...)
	if p.found.CompleteIfMatch.Result == ResultYes {
		p.found.CompleteIfMatch = p.applies(ctx, name, current)
	}
}

// copySize is the minimum size of a part that is not the last, in bytes.
const copySize = 5 << 20

// copyPart replaces an object by its beginning and a small part, like an append to
// a large day.
func (p *probe) copyPart(ctx context.Context) {
	const name = "copy"
	if p.found.Multipart.Result != ResultYes {
		p.found.CopyPart.Err = p.found.Multipart.Err
		return
	}
	old := bytes.Repeat(p.newBody(), copySize/10)[:copySize+100]
	if err := p.put(ctx, name, old, nil); err != nil {
		p.found.CopyPart.Err = p.explain(ctx, "write", err)
		return
	}
	p.found.CopyPart = p.applies(ctx, name, func(ctx context.Context, _ snapshot) ([]byte, error) {
		tail := p.newBody()
		return slices.Concat(old[:copySize], tail), notCopied(p.appendByCopy(ctx, name, tail))
	})
}
