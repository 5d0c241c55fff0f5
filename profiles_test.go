package rotatelog_test

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	gocmp "github.com/google/go-cmp/cmp"

	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
)

// dialogue is what a server was asked about a topic, and how it answered.
type dialogue struct {
	t      *testing.T
	client *s3.Client
	bucket string
	key    string // for the questions of one topic, and no others
	said   []exchange
}

// exchange is a question, its answer and its effect.
type exchange struct {
	Question string
	Outcome  []string
}

// TestServerLikeItsProfile asks a real server and the fake with its profile the same
// questions, and wants the same answers and effects.
func TestServerLikeItsProfile(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		profile, err := fakes3.ProfileByName(s.profile)
		if err != nil {
			t.Skip(err)
		}
		_, fake := s3test.NewFake(fakes3.Options{Profile: profile})
		for _, topic := range slices.Sorted(maps.Keys(topics)) {
			t.Run(topic, func(t *testing.T) {
				key := newPrefix() + "key"
				real := dialogue{t: t, client: once(s.client), bucket: s.bucket, key: key}
				topics[topic](&real)
				pretended := dialogue{t: t, client: once(fake), bucket: s3test.Bucket, key: key}
				topics[topic](&pretended)
				real.forget(differences[s.profile], topic)
				pretended.forget(differences[s.profile], topic)
				if diff := gocmp.Diff(real.said, pretended.said); diff != "" {
					t.Errorf("- the server, + its profile:\n%s", diff)
				}
			})
		}
	})
}

// differences are the questions that a profile is known to answer differently from
// its server.
var differences = map[string][]string{
	"rgw16": {
		"odd complete: parts out of order", // it sorts them
	},
	"versity": {
		"conditional put: large, stale",                            // at times it closes the connection, with no answer
		"conditional put versioned: If-None-Match: *, key deleted", // 412 for good
		"copied parts: of a missing key",                           // 500
		"odd complete: parts out of order",                         // sizes are looked at first
		"repeated complete: after a delete",                        // 404
	},
}

// once returns the client without retries.
func once(c *s3.Client) *s3.Client {
	return s3.New(c.Options(), func(o *s3.Options) { o.Retryer = aws.NopRetryer{} })
}

// topics are what servers are asked about.
var topics = map[string]func(*dialogue){
	"conditional put":           askConditionalPut,
	"conditional put versioned": askVersioned,
	"conditional delete":        askDelete,
	"conditional complete":      askConditionalComplete,
	"repeated complete":         askRepeatedComplete,
	"odd complete":              askOddComplete,
	"unknown upload":            askUnknownUpload,
	"open uploads":              askOpenUploads,
	"copied parts":              askCopiedParts,
	"metadata":                  askMetadata,
	"ranges":                    askRanges,
	"conditional get":           askConditionalGet,
	"checksums":                 askChecksums,
	"encryption":                askEncryption,
	"missing bucket":            askMissingBucket,
	"credentials":               askCredentials,
	"lists":                     askLists,
}

// staleETag is an ETag that no object has.
const staleETag = "0123456789abcdef0123456789abcdef"

func quoted(etag string) string   { return `"` + etag + `"` }
func unquoted(etag string) string { return strings.Trim(etag, `"`) }

// outcome is the status of an answer, and the code of an error.
func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	status, code := "no answer", ""
	if e, ok := errors.AsType[*awshttp.ResponseError](err); ok && e.HTTPStatusCode() != 0 {
		status = fmt.Sprint(e.HTTPStatusCode())
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		code = e.ErrorCode()
	}
	return strings.TrimSpace(status + " " + code)
}

// Note records a question and its answer.
func (d *dialogue) note(question string, err error) {
	d.said = append(d.said, exchange{question, []string{outcome(err)}})
}

// add records an effect of the last question.
func (d *dialogue) add(format string, args ...any) {
	last := &d.said[len(d.said)-1]
	last.Outcome = append(last.Outcome, fmt.Sprintf(format, args...))
}

// forget removes the questions that are known to be answered differently.
func (d *dialogue) forget(known []string, topic string) {
	d.said = slices.DeleteFunc(d.said, func(e exchange) bool { return slices.Contains(known, topic+": "+e.Question) })
}

// look records what is at the key.
func (d *dialogue) look() {
	out, err := d.client.GetObject(d.t.Context(), &s3.GetObjectInput{Bucket: &d.bucket, Key: &d.key})
	if err != nil {
		d.add("get: %s", outcome(err))
		return
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		d.t.Error(err)
	}
	d.add("there are %s, ETag %s, metadata %v, type %s", short(body), form(out.ETag, body), out.Metadata, aws.ToString(out.ContentType))
	head, err := d.client.HeadObject(d.t.Context(), &s3.HeadObjectInput{Bucket: &d.bucket, Key: &d.key})
	if err != nil || aws.ToInt64(head.ContentLength) != int64(len(body)) || aws.ToString(head.ETag) != aws.ToString(out.ETag) ||
		!maps.Equal(head.Metadata, out.Metadata) {
		d.add("head reports something else: %+v, %v", head, err)
	}
}

// short replaces a long body by its hash.
func short(body []byte) string {
	if len(body) < 100 {
		return fmt.Sprintf("%q", body)
	}
	return fmt.Sprintf("%d bytes, %x", len(body), md5.Sum(body))
}

// form returns how an ETag is written, and what it is.
func form(etag *string, body []byte) string {
	text := aws.ToString(etag)
	sum := md5.Sum(body)
	kind := "other"
	switch {
	case unquoted(text) == hex.EncodeToString(sum[:]):
		kind = "MD5"
	case strings.Contains(text, "-"):
		kind = "of parts" + strings.TrimRight(text[strings.Index(text, "-"):], `"`)
	}
	switch {
	case text == "":
		return "empty"
	case text == unquoted(text):
		return "bare " + kind
	}
	return "quoted " + kind
}

// put asks to put, and returns the ETag without quotes.
func (d *dialogue) put(question, body string, change func(*s3.PutObjectInput)) string {
	in := &s3.PutObjectInput{Bucket: &d.bucket, Key: &d.key, Body: strings.NewReader(body)}
	if change != nil {
		change(in)
	}
	out, err := d.client.PutObject(d.t.Context(), in)
	d.note(question, err)
	if err != nil {
		return ""
	}
	d.add("ETag %s", form(out.ETag, []byte(body)))
	return unquoted(aws.ToString(out.ETag))
}

func ifMatch(etag string) func(*s3.PutObjectInput) {
	return func(in *s3.PutObjectInput) { in.IfMatch = &etag }
}

func ifNoneMatch(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }

// begin creates a multipart upload.
func (d *dialogue) begin(meta map[string]string) string {
	d.t.Helper()
	out, err := d.client.CreateMultipartUpload(d.t.Context(), &s3.CreateMultipartUploadInput{
		Bucket: &d.bucket, Key: &d.key, Metadata: meta, ContentType: aws.String("application/json"),
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return *out.UploadId
}

func (d *dialogue) part(id string, n int32, body string) types.CompletedPart {
	d.t.Helper()
	out, err := d.client.UploadPart(d.t.Context(), &s3.UploadPartInput{
		Bucket: &d.bucket, Key: &d.key, UploadId: &id, PartNumber: &n, Body: strings.NewReader(body),
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return types.CompletedPart{PartNumber: &n, ETag: out.ETag}
}

func (d *dialogue) complete(question, id string, parts []types.CompletedPart, change func(*s3.CompleteMultipartUploadInput)) {
	in := &s3.CompleteMultipartUploadInput{
		Bucket: &d.bucket, Key: &d.key, UploadId: &id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}
	if change != nil {
		change(in)
	}
	out, err := d.client.CompleteMultipartUpload(d.t.Context(), in)
	d.note(question, err)
	if err == nil {
		d.add("ETag %s", form(out.ETag, nil))
	}
}

func (d *dialogue) abort(question, id string) {
	_, err := d.client.AbortMultipartUpload(d.t.Context(), &s3.AbortMultipartUploadInput{Bucket: &d.bucket, Key: &d.key, UploadId: &id})
	d.note(question, err)
}

func askConditionalPut(d *dialogue) {
	d.put("If-Match, key missing", "zero", ifMatch(staleETag))
	d.look()
	d.put("If-None-Match: *, key missing", "one", ifNoneMatch)
	d.put("If-None-Match: *, key exists", "two", ifNoneMatch)
	d.look()
	etag := d.put("no condition", "three", nil)
	etag = cmp.Or(d.put("If-Match quoted, current", "four", ifMatch(quoted(etag))), etag)
	d.look()
	etag = cmp.Or(d.put("If-Match bare, current", "five", ifMatch(etag)), etag)
	d.look()
	d.put("If-Match quoted, stale", "six", ifMatch(quoted(staleETag)))
	d.put("If-Match bare, stale", "seven", ifMatch(staleETag))
	d.look()
	d.put("empty", "", ifMatch(etag))
	d.look()
	d.put("large, stale", strings.Repeat("large", 1<<20), ifMatch(staleETag))
	d.look()
}

func askVersioned(d *dialogue) {
	d.bucket = server{client: d.client}.versioned(d.t).bucket
	etag := d.put("first", "one", nil)
	d.put("If-None-Match: *, key exists", "two", ifNoneMatch)
	d.look()
	etag = cmp.Or(d.put("no condition", "three", nil), etag)
	d.put("If-Match bare, current", "four", ifMatch(etag))
	d.look()
	d.put("If-Match bare, stale", "five", ifMatch(staleETag))
	d.look()
	d.delete("delete", nil)
	d.look()
	d.put("If-None-Match: *, key deleted", "six", ifNoneMatch)
	d.look()
}

func (d *dialogue) delete(question string, match *string) {
	_, err := d.client.DeleteObject(d.t.Context(), &s3.DeleteObjectInput{Bucket: &d.bucket, Key: &d.key, IfMatch: match})
	d.note(question, err)
}

func askDelete(d *dialogue) {
	d.delete("key missing", nil)
	d.put("put", "one", nil)
	d.delete("If-Match stale", aws.String(staleETag))
	d.look()
	etag := d.put("put", "two", nil)
	d.delete("If-Match current", &etag)
	d.look()
}

func askConditionalComplete(d *dialogue) {
	etag := ""
	try := func(question, body string, change func(*s3.CompleteMultipartUploadInput)) {
		id := d.begin(nil)
		d.complete(question, id, []types.CompletedPart{d.part(id, 1, body)}, change)
		d.look()
		d.abort("abort", id)
		d.look()
	}
	match := func(etag string) func(*s3.CompleteMultipartUploadInput) {
		return func(in *s3.CompleteMultipartUploadInput) { in.IfMatch = &etag }
	}
	none := func(in *s3.CompleteMultipartUploadInput) { in.IfNoneMatch = aws.String("*") }
	try("If-None-Match: *, key missing", "one", none)
	try("If-None-Match: *, key exists", "two", none)
	etag = d.put("put", "three", nil)
	try("If-Match bare, current", "four", match(etag))
	etag = d.put("put", "five", nil)
	try("If-Match quoted, current", "six", match(quoted(etag)))
	try("If-Match bare, stale", "seven", match(staleETag))
	d.delete("delete", nil)
	try("If-Match, key missing", "eight", match(staleETag))
}

func askRepeatedComplete(d *dialogue) {
	id := d.begin(map[string]string{"name": "value"})
	parts := []types.CompletedPart{d.part(id, 1, "one")}
	d.complete("first", id, parts, nil)
	d.complete("second", id, parts, nil)
	d.look()
	d.abort("abort after it", id)
	d.look()
	d.put("put", "two", nil)
	d.complete("after another write", id, parts, nil)
	d.look()
	d.delete("delete", nil)
	d.complete("after a delete", id, parts, nil)
	d.look()
}

func askOddComplete(d *dialogue) {
	try := func(question string, choose func(first, second types.CompletedPart) []types.CompletedPart) {
		id := d.begin(nil)
		first, second := d.part(id, 1, strings.Repeat("a", 5<<20)), d.part(id, 2, "b")
		d.complete(question, id, choose(first, second), nil)
		d.look()
		d.delete("delete", nil)
	}
	type parts = []types.CompletedPart
	try("parts in order", func(first, second types.CompletedPart) parts { return parts{first, second} })
	try("parts out of order", func(first, second types.CompletedPart) parts { return parts{second, first} })
	try("a wrong ETag", func(first, second types.CompletedPart) parts {
		return parts{first, {PartNumber: second.PartNumber, ETag: aws.String(staleETag)}}
	})
	try("a bare ETag", func(first, second types.CompletedPart) parts {
		return parts{first, {PartNumber: second.PartNumber, ETag: aws.String(unquoted(*second.ETag))}}
	})
	try("a part that was not sent", func(first, second types.CompletedPart) parts {
		return parts{first, {PartNumber: aws.Int32(3), ETag: second.ETag}}
	})
	try("without a part that was sent", func(first, second types.CompletedPart) parts { return parts{first} })

	id := d.begin(nil)
	d.part(id, 1, "replaced")
	d.complete("a part sent twice", id, parts{d.part(id, 1, "replacement")}, nil)
	d.look()
	id = d.begin(nil)
	d.complete("a small part before the last", id, parts{d.part(id, 1, "c"), d.part(id, 2, "d")}, nil)
	d.look()
	id = d.begin(nil)
	d.complete("a first part with number 7", id, parts{d.part(id, 7, "e")}, nil)
	d.look()
}

func askUnknownUpload(d *dialogue) {
	const unknown = "2~0123456789abcdef0123456789abcdef"
	_, err := d.client.UploadPart(d.t.Context(), &s3.UploadPartInput{
		Bucket: &d.bucket, Key: &d.key, UploadId: aws.String(unknown), PartNumber: aws.Int32(1), Body: strings.NewReader("one"),
	})
	d.note("part", err)
	d.complete("complete", unknown, []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: aws.String(staleETag)}}, nil)
	_, err = d.client.ListParts(d.t.Context(), &s3.ListPartsInput{Bucket: &d.bucket, Key: &d.key, UploadId: aws.String(unknown)})
	d.note("list its parts", err)
	d.abort("abort", unknown)
	id := d.begin(nil)
	part := d.part(id, 1, "one")
	d.abort("abort of one that is open", id)
	d.abort("once more", id)
	d.complete("complete of an aborted one", id, []types.CompletedPart{part}, nil)
	d.look()
}

// askOpenUploads lists leftovers.
func askOpenUploads(d *dialogue) {
	dir := strings.TrimSuffix(d.key, "key")
	list := func() {
		out, err := d.client.ListMultipartUploads(d.t.Context(), &s3.ListMultipartUploadsInput{Bucket: &d.bucket, Prefix: &dir})
		d.note("list", err)
		if err != nil {
			return
		}
		for _, u := range out.Uploads {
			d.add("%s, id %t, begun %t", *u.Key, aws.ToString(u.UploadId) != "", u.Initiated != nil && !u.Initiated.IsZero())
		}
	}
	list()
	first, second := d.begin(nil), d.begin(nil)
	list()
	d.complete("complete", first, []types.CompletedPart{d.part(first, 1, "one")}, nil)
	list()
	d.abort("abort", second)
	list()
}

func askCopiedParts(d *dialogue) {
	const mib = 1 << 20
	old := strings.Repeat("0123456789abcdef", 6*mib/16)
	etag := d.put("put", old, func(in *s3.PutObjectInput) { in.Metadata = map[string]string{"old": "yes"} })
	copyPart := func(question, id string, n int32, bytes string, change func(*s3.UploadPartCopyInput)) types.CompletedPart {
		in := &s3.UploadPartCopyInput{Bucket: &d.bucket, Key: &d.key, UploadId: &id, PartNumber: &n, CopySource: aws.String(d.bucket + "/" + d.key)}
		if bytes != "" {
			in.CopySourceRange = aws.String("bytes=" + bytes)
		}
		if change != nil {
			change(in)
		}
		out, err := d.client.UploadPartCopy(d.t.Context(), in)
		d.note(question, err)
		if err != nil {
			return types.CompletedPart{}
		}
		return types.CompletedPart{PartNumber: &n, ETag: out.CopyPartResult.ETag}
	}
	match := func(etag string) func(*s3.UploadPartCopyInput) {
		return func(in *s3.UploadPartCopyInput) { in.CopySourceIfMatch = &etag }
	}
	id := d.begin(map[string]string{"new": "yes"})
	copyPart("past the end", id, 1, fmt.Sprintf("0-%d", 6*mib), nil)
	copyPart("all past the end", id, 1, fmt.Sprintf("%d-%d", 7*mib, 8*mib), nil)
	copyPart("If-Match stale", id, 1, "", match(staleETag))
	copyPart("If-Match quoted, current", id, 1, "", match(quoted(etag)))
	copyPart("of a missing key", id, 1, "", func(in *s3.UploadPartCopyInput) { in.CopySource = aws.String(d.bucket + "/" + d.key + "/missing") })
	copyPart("of a missing bucket", id, 1, "", func(in *s3.UploadPartCopyInput) { in.CopySource = aws.String("no-such-bucket-here/key") })
	first := copyPart("a range, If-Match bare, current", id, 1, fmt.Sprintf("0-%d", 5*mib-1), match(etag))
	last := copyPart("a small range", id, 2, fmt.Sprintf("%d-%d", 5*mib, 5*mib+4), nil)
	d.look()
	d.complete("complete", id, []types.CompletedPart{first, last}, nil)
	d.look()
	d.put("put", "small", nil)
	id = d.begin(nil)
	part := copyPart("a range of a small object", id, 1, "0-2", nil)
	if part.ETag != nil {
		d.complete("complete", id, []types.CompletedPart{part}, nil)
	}
	d.look()
}

func askMetadata(d *dialogue) {
	d.put("some", "one", func(in *s3.PutObjectInput) {
		in.Metadata = map[string]string{"a": "1", "long-name-0": `"quotes", a  b; c=d \ ~`}
		in.ContentType = aws.String("application/json")
	})
	d.look()
	d.put("none", "two", nil)
	d.look()
	for _, n := range []int{1900, 3000} {
		d.put(fmt.Sprint(n, " bytes"), "three", func(in *s3.PutObjectInput) { in.Metadata = map[string]string{"m": strings.Repeat("x", n)} })
		d.look()
	}
	id := d.begin(map[string]string{"of": "parts"})
	d.complete("parts", id, []types.CompletedPart{d.part(id, 1, "four")}, nil)
	d.look()
}

func askRanges(d *dialogue) {
	d.put("put", "0123456789", nil)
	get := func(key, bytes string) {
		out, err := d.client.GetObject(d.t.Context(), &s3.GetObjectInput{Bucket: &d.bucket, Key: &key, Range: aws.String("bytes=" + bytes)})
		d.note(bytes, err)
		if err != nil {
			return
		}
		defer out.Body.Close()
		body, err := io.ReadAll(out.Body)
		d.add("%q, %v, %s, %d", body, err, aws.ToString(out.ContentRange), aws.ToInt64(out.ContentLength))
	}
	for _, bytes := range []string{"0-0", "3-5", "5-", "-3", "5-100", "9-9", "10-", "10-20", "-20"} {
		get(d.key, bytes)
	}
	d.put("put nothing", "", nil)
	get(d.key, "0-")
	get(d.key, "0-0")
	get(d.key+"/missing", "0-0")
}

func askConditionalGet(d *dialogue) {
	etag := d.put("put", "one", nil)
	get := func(question string, match, none *string) {
		_, err := d.client.GetObject(d.t.Context(), &s3.GetObjectInput{Bucket: &d.bucket, Key: &d.key, IfMatch: match, IfNoneMatch: none})
		d.note("get "+question, err)
		_, err = d.client.HeadObject(d.t.Context(), &s3.HeadObjectInput{Bucket: &d.bucket, Key: &d.key, IfMatch: match, IfNoneMatch: none})
		d.note("head "+question, err)
	}
	get("If-Match quoted, current", aws.String(quoted(etag)), nil)
	get("If-Match bare, current", &etag, nil)
	get("If-Match stale", aws.String(staleETag), nil)
	get("If-None-Match quoted, current", nil, aws.String(quoted(etag)))
	get("If-None-Match bare, current", nil, &etag)
	get("If-None-Match stale", nil, aws.String(staleETag))
	d.key += "/missing"
	get("key missing", nil, nil)
	get("If-Match, key missing", &etag, nil)
	get("If-None-Match, key missing", nil, &etag)
}

func askChecksums(d *dialogue) {
	sum := func(body string) *string {
		sum := md5.Sum([]byte(body))
		return aws.String(base64.StdEncoding.EncodeToString(sum[:]))
	}
	d.put("Content-MD5", "one", func(in *s3.PutObjectInput) { in.ContentMD5 = sum("one") })
	d.put("Content-MD5 of something else", "two", func(in *s3.PutObjectInput) { in.ContentMD5 = sum("one") })
	d.put("Content-MD5 that is none", "three", func(in *s3.PutObjectInput) { in.ContentMD5 = aws.String("none") })
	d.look()
	d.put("CRC32", "four", func(in *s3.PutObjectInput) { in.ChecksumCRC32 = aws.String("1F0nHg==") })
	d.look()
	id := d.begin(nil)
	_, err := d.client.UploadPart(d.t.Context(), &s3.UploadPartInput{
		Bucket: &d.bucket, Key: &d.key, UploadId: &id, PartNumber: aws.Int32(1), Body: strings.NewReader("two"), ContentMD5: sum("one"),
	})
	d.note("a part with the Content-MD5 of something else", err)
	d.abort("abort", id)
}

func askEncryption(d *dialogue) {
	d.put("SSE-S3", "one", func(in *s3.PutObjectInput) { in.ServerSideEncryption = types.ServerSideEncryptionAes256 })
	d.look()
	key := bytes.Repeat([]byte("k"), 32)
	sum := md5.Sum(key)
	algorithm, key64, sum64 := aws.String("AES256"), aws.String(base64.StdEncoding.EncodeToString(key)), aws.String(base64.StdEncoding.EncodeToString(sum[:]))
	out, err := d.client.PutObject(d.t.Context(), &s3.PutObjectInput{
		Bucket: &d.bucket, Key: &d.key, Body: strings.NewReader("two"),
		SSECustomerAlgorithm: algorithm, SSECustomerKey: key64, SSECustomerKeyMD5: sum64,
	})
	d.note("SSE-C over http", err)
	if err != nil {
		return
	}
	d.add("confirmed %t", out.SSECustomerKeyMD5 != nil)
	_, err = d.client.HeadObject(d.t.Context(), &s3.HeadObjectInput{Bucket: &d.bucket, Key: &d.key})
	d.note("head without the key", err)
	head, err := d.client.HeadObject(d.t.Context(), &s3.HeadObjectInput{
		Bucket: &d.bucket, Key: &d.key, SSECustomerAlgorithm: algorithm, SSECustomerKey: key64, SSECustomerKeyMD5: sum64,
	})
	d.note("head with the key", err)
	if err == nil {
		d.add("confirmed %t, %d bytes", head.SSECustomerKeyMD5 != nil, aws.ToInt64(head.ContentLength))
	}
}

func askMissingBucket(d *dialogue) {
	d.bucket = "no-such-bucket-here"
	d.put("put", "one", nil)
	d.put("If-Match", "one", ifMatch(staleETag))
	d.look()
	_, err := d.client.HeadObject(d.t.Context(), &s3.HeadObjectInput{Bucket: &d.bucket, Key: &d.key})
	d.note("head", err)
	_, err = d.client.HeadBucket(d.t.Context(), &s3.HeadBucketInput{Bucket: &d.bucket})
	d.note("head of the bucket", err)
	_, err = d.client.CreateMultipartUpload(d.t.Context(), &s3.CreateMultipartUploadInput{Bucket: &d.bucket, Key: &d.key})
	d.note("create a multipart upload", err)
	_, err = d.client.ListObjectsV2(d.t.Context(), &s3.ListObjectsV2Input{Bucket: &d.bucket})
	d.note("list", err)
}

func askCredentials(d *dialogue) {
	right, err := d.client.Options().Credentials.Retrieve(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	d.put("put", "one", nil)
	honest := d.client
	for _, with := range []struct{ what, key, secret string }{
		{"wrong secret", right.AccessKeyID, "wrong"},
		{"unknown key", "nobody", right.SecretAccessKey},
	} {
		d.client = s3.New(honest.Options(), func(o *s3.Options) {
			o.Credentials = credentials.NewStaticCredentialsProvider(with.key, with.secret, right.SessionToken)
		})
		d.put(with.what+": put", "two", nil)
		_, err := d.client.GetObject(d.t.Context(), &s3.GetObjectInput{Bucket: &d.bucket, Key: &d.key})
		d.note(with.what+": get", err)
		_, err = d.client.HeadObject(d.t.Context(), &s3.HeadObjectInput{Bucket: &d.bucket, Key: &d.key})
		d.note(with.what+": head", err)
	}
	d.client = honest
	d.look()
}

func askLists(d *dialogue) {
	dir := strings.TrimSuffix(d.key, "key")
	for _, name := range []string{"a", "b c", "b+c", "d/e", "d/f", "größe", "x&y"} {
		d.key = dir + name
		d.put(name, name, nil)
	}
	list := func(question string, in *s3.ListObjectsV2Input) {
		in.Bucket, in.Prefix = &d.bucket, aws.String(dir+aws.ToString(in.Prefix))
		pages := s3.NewListObjectsV2Paginator(d.client, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(d.t.Context())
			d.note(question, err)
			if err != nil {
				return
			}
			for _, o := range page.Contents {
				d.add("%s %d %s", strings.TrimPrefix(*o.Key, dir), *o.Size, form(o.ETag, []byte(strings.TrimPrefix(*o.Key, dir))))
			}
			for _, p := range page.CommonPrefixes {
				d.add("%s", strings.TrimPrefix(*p.Prefix, dir))
			}
		}
	}
	list("all", &s3.ListObjectsV2Input{})
	list("by threes", &s3.ListObjectsV2Input{MaxKeys: aws.Int32(3)})
	list("folders", &s3.ListObjectsV2Input{Delimiter: aws.String("/")})
	list("after b+c", &s3.ListObjectsV2Input{StartAfter: aws.String(dir + "b+c")})
	list("d/", &s3.ListObjectsV2Input{Prefix: aws.String("d/")})
	list("nothing", &s3.ListObjectsV2Input{Prefix: aws.String("nothing")})
}
