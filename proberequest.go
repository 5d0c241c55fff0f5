package rotatelog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// key returns the key of an object of the probe, from now on to be removed.
func (p *probe) key(name string) string { return p.trash.add(p.dir + name) }

// newBody returns content that no object had before.
func (p *probe) newBody() []byte {
	return fmt.Appendf(nil, "rotatelog probe %d\n", p.trash.count())
}

// look reads an object.
func (p *probe) look(ctx context.Context, name string) (look, error) {
	got, err := p.get(ctx, p.store.getInput(p.dir+name, 0, -1))
	if isNoSuchKey(err) {
		return look{}, nil
	}
	return got, err
}

func (p *probe) get(ctx context.Context, in *s3.GetObjectInput) (look, error) {
	out, err := p.store.client.GetObject(ctx, in, p.store.forReads)
	if err != nil {
		return look{}, err
	}
	defer out.Body.Close()
	l := look{version: versionOfETag(out.ETag), versionID: aws.ToString(out.VersionId), meta: out.Metadata}
	if l.version == "" {
		return look{}, errNoETag
	}
	l.body, err = io.ReadAll(out.Body)
	return l, err
}

// put stores an object with one request, which has no condition unless change
// gives it one.
func (p *probe) put(ctx context.Context, name string, body []byte, change func(*s3.PutObjectInput), opts ...func(*s3.Options)) error {
	in := p.store.putInput(p.key(name), "", body, nil)
	in.IfNoneMatch = nil
	if change != nil {
		change(in)
	}
	_, err := p.store.client.PutObject(ctx, in, append(opts, p.store.forWrites)...)
	p.trash.noteSent(err)
	return err
}

// putInParts stores an object as one part. change may give the last request
// conditions.
func (p *probe) putInParts(ctx context.Context, name string, meta map[string]string, body []byte, change func(*s3.CompleteMultipartUploadInput)) error {
	id, err := p.begin(ctx, name, meta)
	if err != nil {
		return err
	}
	part, err := p.part(ctx, name, id, 1, body)
	if err != nil {
		return err
	}
	return p.complete(ctx, name, id, []types.CompletedPart{part}, change)
}

// appendByCopy makes an object of its first copySize bytes and tail.
func (p *probe) appendByCopy(ctx context.Context, name string, tail []byte) error {
	id, err := p.begin(ctx, name, nil)
	if err != nil {
		return err
	}
	key := p.key(name)
	in := &s3.UploadPartCopyInput{
		Bucket: &p.store.bucket, Key: &key, UploadId: &id, PartNumber: aws.Int32(1),
		CopySource:      aws.String(copySource(p.store.bucket, key)),
		CopySourceRange: aws.String(fmt.Sprintf("bytes=0-%d", copySize-1)),
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = p.store.customerKey()
	in.CopySourceSSECustomerAlgorithm, in.CopySourceSSECustomerKey, in.CopySourceSSECustomerKeyMD5 = p.store.customerKey()
	copied, err := p.store.client.UploadPartCopy(ctx, in, p.store.forWrites)
	if err != nil {
		return err
	}
	if copied.CopyPartResult == nil {
		return errors.New("the server does not tell the ETag of the part it copied")
	}
	first := types.CompletedPart{ETag: copied.CopyPartResult.ETag, PartNumber: aws.Int32(1)}
	last, err := p.part(ctx, name, id, 2, tail)
	if err != nil {
		return err
	}
	return p.complete(ctx, name, id, []types.CompletedPart{first, last}, nil)
}

// copySource escapes everything: servers differ in what they take a plus for.
func copySource(bucket, key string) string {
	return strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(bucket + "/" + key))
}

// begin is not repeated: the first upload would be one of which nobody knows.
func (p *probe) begin(ctx context.Context, name string, meta map[string]string) (id string, err error) {
	key := p.key(name)
	in := &s3.CreateMultipartUploadInput{Bucket: &p.store.bucket, Key: &key, Metadata: meta, ContentType: aws.String(contentType)}
	if p.store.opts.Encrypt {
		in.ServerSideEncryption = types.ServerSideEncryptionAes256
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = p.store.customerKey()
	out, err := p.store.client.CreateMultipartUpload(ctx, in, p.store.forWrites)
	if err != nil {
		p.trash.noteBegun(err)
		return "", err
	}
	p.trash.addUpload(key, aws.ToString(out.UploadId))
	return aws.ToString(out.UploadId), nil
}

func (p *probe) part(ctx context.Context, name, id string, number int32, body []byte) (types.CompletedPart, error) {
	key := p.key(name)
	in := &s3.UploadPartInput{
		Bucket: &p.store.bucket, Key: &key, UploadId: &id, PartNumber: &number,
		Body: bytes.NewReader(body), ContentMD5: p.store.putInput("", "", body, nil).ContentMD5,
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = p.store.customerKey()
	out, err := p.store.client.UploadPart(ctx, in, p.store.forWrites)
	if err != nil {
		return types.CompletedPart{}, err
	}
	return types.CompletedPart{ETag: out.ETag, PartNumber: &number}, nil
}

func (p *probe) complete(ctx context.Context, name, id string, parts []types.CompletedPart, change func(*s3.CompleteMultipartUploadInput)) error {
	key := p.key(name)
	in := &s3.CompleteMultipartUploadInput{
		Bucket: &p.store.bucket, Key: &key, UploadId: &id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = p.store.customerKey()
	if change != nil {
		change(in)
	}
	_, err := p.store.client.CompleteMultipartUpload(ctx, in, p.store.forWrites)
	p.trash.noteSent(err)
	return err
}

// serverClock compares this machine's clock with the dates of answers.
type serverClock struct {
	mu    sync.Mutex // guards what follows
	known bool
	ahead time.Duration
}

func (c *serverClock) note(date string) {
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
		return Finding{Answer: AnswerYes}, c.ahead
	case c.ahead > 0:
		return Finding{AnswerNo, fmt.Errorf("the clock of this machine is %v ahead of the server's; set it, and let NTP keep it right", c.ahead)}, c.ahead
	}
	return Finding{AnswerNo, fmt.Errorf("the clock of this machine is %v behind the server's; set it, and let NTP keep it right", -c.ahead)}, c.ahead
}

// clockReader is a client that notes the dates of answers.
type clockReader struct {
	client s3.HTTPClient
	clock  *serverClock
}

// Do implements [s3.HTTPClient].
func (c *clockReader) Do(req *http.Request) (*http.Response, error) {
	resp, err := c.client.Do(req)
	if err == nil {
		c.clock.note(resp.Header.Get("Date"))
	}
	return resp, err
}
