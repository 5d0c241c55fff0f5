package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// key returns the key of an object of the probe, and marks it for removal.
func (p *probe) key(name string) string { return p.trash.add(p.dir + name) }

// newBody returns content that no object had before.
func (p *probe) newBody() []byte {
	return fmt.Appendf(nil, "rotatelog probe %d\n", p.trash.count())
}

// inspect reads an object.
func (p *probe) inspect(ctx context.Context, name string) (snapshot, error) {
	got, err := p.get(ctx, p.store.getInput(p.dir+name, 0, -1))
	if isNoSuchKey(err) {
		return snapshot{}, nil
	}
	return got, err
}

func (p *probe) get(ctx context.Context, in *s3.GetObjectInput) (snapshot, error) {
	out, err := p.store.client.GetObject(ctx, in, p.store.withRetries)
	if err != nil {
		return snapshot{}, err
	}
	defer out.Body.Close()
	got := snapshot{version: versionOfETag(out.ETag), versionID: aws.ToString(out.VersionId), meta: out.Metadata}
	if got.version == "" {
		return snapshot{}, errNoETag
	}
	got.body, err = io.ReadAll(out.Body)
	return got, err
}

// put stores an object with one request. It has no condition unless change sets
// one.
func (p *probe) put(ctx context.Context, name string, body []byte, change func(*s3.PutObjectInput), opts ...func(*s3.Options)) error {
	in := p.store.putInput(p.key(name), "", textContent(body), nil)
	in.IfNoneMatch = nil
	if change != nil {
		change(in)
	}
	_, err := p.store.client.PutObject(ctx, in, append(opts, p.store.withoutRetries)...)
	p.trash.recordSent(err)
	return err
}

// putInParts stores an object as one part. change may set conditions of the last
// request.
func (p *probe) putInParts(ctx context.Context, name string, meta map[string]string, body []byte, change func(*s3.CompleteMultipartUploadInput)) error {
	id, err := p.begin(ctx, name, meta)
	if err != nil {
		return err
	}
	etag, err := p.store.uploadPart(ctx, p.key(name), id, 1, textContent(body), p.store.withoutRetries)
	if err != nil {
		return err
	}
	return p.complete(ctx, name, id, []string{etag}, change)
}

// appendByCopy replaces an object by its first copySize bytes and tail.
func (p *probe) appendByCopy(ctx context.Context, name string, tail []byte) error {
	id, err := p.begin(ctx, name, nil)
	if err != nil {
		return err
	}
	first, err := p.store.copyPart(ctx, p.key(name), id, 1, origin{key: p.key(name)}, byteRange{0, copySize}, p.store.withoutRetries)
	if err != nil {
		return err
	}
	last, err := p.store.uploadPart(ctx, p.key(name), id, 2, textContent(tail), p.store.withoutRetries)
	if err != nil {
		return err
	}
	return p.complete(ctx, name, id, []string{first, last}, nil)
}

func (p *probe) begin(ctx context.Context, name string, meta map[string]string) (id string, err error) {
	id, err = p.store.createUpload(ctx, p.key(name), meta)
	if err != nil {
		p.trash.recordNotBegun(err)
		return "", err
	}
	p.trash.addUpload(p.key(name), id)
	return id, nil
}

func (p *probe) complete(ctx context.Context, name, id string, etags []string, change func(*s3.CompleteMultipartUploadInput)) error {
	err := p.store.completeUpload(ctx, p.key(name), id, etags, change)
	p.trash.recordSent(err)
	return err
}

// serverClock compares this machine's clock with the dates of answers.
type serverClock struct {
	mu    sync.Mutex // guards what follows
	known bool
	ahead time.Duration
}

func (c *serverClock) record(date string) {
	t, err := http.ParseTime(date)
	if err != nil {
		return
	}
	ahead := time.Since(t).Truncate(time.Second) // the date has no fractions
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known, c.ahead = true, ahead
}

func (c *serverClock) finding() (Finding, time.Duration) {
	const tolerance = time.Minute
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.known:
		return Finding{Err: errors.New("no answer of the server has a date")}, 0
	case c.ahead.Abs() < tolerance:
		return Finding{Result: ResultYes}, c.ahead
	case c.ahead > 0:
		return Finding{ResultNo, fmt.Errorf("the clock of this machine is %v ahead of the server's; set it, and let NTP keep it right", c.ahead)}, c.ahead
	}
	return Finding{ResultNo, fmt.Errorf("the clock of this machine is %v behind the server's; set it, and let NTP keep it right", -c.ahead)}, c.ahead
}

// clockReader is a client that records the dates of answers.
type clockReader struct {
	client s3.HTTPClient
	clock  *serverClock
}

// Do implements [s3.HTTPClient].
func (c *clockReader) Do(req *http.Request) (*http.Response, error) {
	resp, err := c.client.Do(req)
	if err == nil {
		c.clock.record(resp.Header.Get("Date"))
	}
	return resp, err
}
