package fakes3

import (
	"cmp"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// matrix is what was measured on real servers: for each row what is done, and what
// each server answered.
var matrix = []struct {
	row  string
	ask  func(*testing.T, *bench) string
	want map[string]string // by profile; "": all others
}{
	{"put INM:* exists / missing", putNoneMatch, map[string]string{"": "412/200", "b2": "501/501", "noconditions": "200/200"}},
	{"put IM quoted, current", putMatchQuoted, map[string]string{
		"": "200", "rgw16": "412", "rgw18": "412", "linode": "412", "b2": "501"}},
	{"put IM bare, current / stale", putMatchBare, map[string]string{"": "200/412", "b2": "501/501", "noconditions": "200/200"}},
	{"put IM, key missing", putMatchMissing, map[string]string{
		"": "404 NoSuchKey", "rgw16": "412 PreconditionFailed", "rgw18": "412 PreconditionFailed", "linode": "412 PreconditionFailed",
		"b2": "501 NotImplemented", "noconditions": "200 ", "gofakes3": "412 PreconditionFailed"}},
	{"delete IM stale", deleteMatchStale, map[string]string{
		"": "412", "rgw16": "deletes", "rgw18": "deletes", "linode": "deletes", "minio": "deletes", "b2": "deletes", "noconditions": "deletes",
		"gofakes3": "deletes"}},
	{"complete IM stale / INM:* exists", completeConditions, map[string]string{
		"": "412/412", "rgw16": "ignored/ignored", "rgw18": "ignored/ignored", "linode": "ignored/ignored",
		"b2": "ignored/ignored", "noconditions": "ignored/ignored", "gofakes3": "ignored/ignored"}},
	{"complete a second time / after another write", completeTwice, map[string]string{
		"": "404 NoSuchUpload/404 NoSuchUpload", "rgw16": "200 bare/500 InternalError", "rgw18": "200 empty/500 InternalError",
		"rgw20": "200 empty/500 InternalError", "linode": "200 empty/500 InternalError", "versity": "200 quoted/200 quoted",
		"rclone": "200 quoted/200 quoted"}},
	{"complete without a part that was uploaded", completeSome, map[string]string{
		"": "200 ", "rgw16": "400 InvalidPart", "linode": "400 InvalidPart"}},
	{"ETag in the Complete reply", completeETag, map[string]string{
		"": "quoted", "rgw16": "empty", "linode": "empty", "rgw18": "bare"}},
	{"copy from the same key + small last part", copyAndAppend, map[string]string{"": "old[:N]+new", "gofakes3": "411 MissingContentLength"}},
	{"UploadPartCopy IM stale", copyMatchStale, map[string]string{
		"": "412", "rgw16": "ignored", "rgw18": "ignored", "rgw20": "ignored", "linode": "ignored", "b2": "ignored", "noconditions": "ignored",
		"gofakes3": "411"}},
	{"a small part that is not last", smallPart, map[string]string{"": "400 EntityTooSmall", "gofakes3": "200 ", "rclone": "200 "}},
	{"metadata on Put and CreateMultipart", metadata, map[string]string{"": "yes/yes"}},
	{"3,000 bytes of metadata", largeMetadata, map[string]string{
		"": "400 MetadataTooLarge", "rgw16": "200 ", "rgw18": "200 ", "rgw20": "200 ", "linode": "200 "}},
	{"versioned: put IM current / stale", versionedMatch, map[string]string{
		"": "200/412", "rgw16": "412/412", "rgw18": "412/412", "linode": "412/412", "b2": "501/501", "noconditions": "200/200"}},
	{"versioned: put INM:* exists", versionedNoneMatch, map[string]string{
		"": "412", "rgw16": "200", "rgw18": "200", "linode": "200", "b2": "501", "noconditions": "200"}},
	{"SSE-C over plain HTTP", customerKeyOverHTTP, map[string]string{
		"": "400", "rgw16": "ok", "rgw18": "ok", "rgw20": "ok", "linode": "ok", "versity": "ignored",
		"gofakes3": "ignored", "rclone": "501"}},
	{"wrong Content-MD5", wrongMD5, map[string]string{"": "400 BadDigest"}},
	{"wrong secret / on HEAD", wrongSecret, map[string]string{"": "403 SignatureDoesNotMatch/403 Forbidden"}},
	{"unknown key", unknownKey, map[string]string{"": "403 InvalidAccessKeyId", "versity": "404 XAdminUserNotFound"}},
	{"complete of an unknown upload", completeUnknown, map[string]string{
		"": "404 NoSuchUpload", "rgw16": "500 InternalError", "rgw18": "500 InternalError", "rgw20": "500 InternalError", "linode": "500 InternalError"}},
	{"copy range past the end", copyPastEnd, map[string]string{
		"": "400 InvalidArgument", "rgw16": "416 InvalidRange", "rgw18": "416 InvalidRange", "rgw20": "416 InvalidRange", "linode": "416 InvalidRange",
		"gofakes3": "411 MissingContentLength"}},
	{"GET IM stale", getMatchStale, map[string]string{"": "412", "gofakes3": "200", "noconditions": "200"}},
	{"list uploads where none is open", listNoUploads, map[string]string{
		"": "200 ", "gofakes3": "404 NoSuchUpload", "rclone": "404 NoSuchUpload"}},
	{"metadata of the object before", metadataBefore, map[string]string{"": "gone", "gofakes3": "kept"}},
	{"GET partNumber=1 of 2", partNumber, map[string]string{"": "part", "rgw16": "whole", "rgw18": "whole", "linode": "whole"}},

	{"TLS, trailing checksum", trailing, map[string]string{
		"": "ok", "rgw16": "400 XAmzContentSHA256Mismatch", "linode": "400 XAmzContentSHA256Mismatch", "rgw18": "ok aws-chunked"}},
	{"the same with gzip", trailingGzip, map[string]string{
		"": "ok gzip", "rgw16": "403 SignatureDoesNotMatch", "rgw18": "403 SignatureDoesNotMatch",
		"rgw20": "403 SignatureDoesNotMatch", "linode": "403 SignatureDoesNotMatch"}},
	{"plain HTTP, checksum in the header", checksumHeader, map[string]string{"": "ok", "linode": "400 XAmzContentSHA256Mismatch"}},
}

// bench is a server that answers a row's question.
type bench struct {
	endpoint      string
	transport     http.RoundTripper // nil: the default one
	key, secret   string
	region        string
	leastPartSize int
}

func (b *bench) client(change ...func(*s3.Options)) *s3.Client {
	o := clientOptions(b.endpoint, b.transport)
	o.Region = b.region
	o.Credentials = credentials.NewStaticCredentialsProvider(b.key, b.secret, "")
	return s3.New(o, change...)
}

// fresh returns a key that no other row uses, and has no object.
func (b *bench) fresh(t *testing.T) string {
	t.Helper()
	key := strings.NewReplacer(" ", "-", "/", "-", ":", "-", "*", "", ",", "", "+", "").Replace(t.Name())
	_, err := b.client().DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(testBucket), Key: aws.String(key)})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestProfilesMatchMeasurements(t *testing.T) {
	for _, p := range Profiles() {
		t.Run(p.Name, func(t *testing.T) {
			srv := newTestServer(p)
			b := &bench{"http://s3.test", Transport(srv), "access", "secret", "us-east-1", testMin}
			runMatrix(t, b, p.Name)
		})
	}
}

// TestServerMatchesProfile compares the table with real servers, which
// .ci/servers starts. Its buckets are left behind.
func TestServerMatchesProfile(t *testing.T) {
	servers := map[string]string{ // profiles by endpoint
		os.Getenv("ROTATELOG_RGW_ENDPOINT"):     cmp.Or(os.Getenv("ROTATELOG_RGW_PROFILE"), "rgw16"),
		os.Getenv("ROTATELOG_VERSITY_ENDPOINT"): "versity",
	}
	delete(servers, "")
	if len(servers) == 0 {
		t.Skip("neither ROTATELOG_RGW_ENDPOINT nor ROTATELOG_VERSITY_ENDPOINT names a server; .ci/servers starts them")
	}
	key, secret := os.Getenv("ROTATELOG_SERVERS_ACCESS_KEY"), os.Getenv("ROTATELOG_SERVERS_SECRET_KEY")
	for endpoint, profile := range servers {
		t.Run(profile, func(t *testing.T) {
			b := &bench{endpoint, nil, key, secret, "us-east-1", defaultMinPartSize}
			_, err := b.client().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(testBucket)})
			if err != nil && status(err) != 409 {
				t.Fatal(err)
			}
			runMatrix(t, b, profile)
		})
	}
}

func runMatrix(t *testing.T, b *bench, profile string) {
	for _, row := range matrix {
		t.Run(row.row, func(t *testing.T) {
			want, ok := row.want[profile]
			if !ok {
				want = row.want[""]
			}
			if got := row.ask(t, b); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func ifMatch(etag string) func(*s3.PutObjectInput) {
	return func(in *s3.PutObjectInput) { in.IfMatch = aws.String(etag) }
}

func ifMissing(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }

func putNoneMatch(t *testing.T, b *bench) string {
	c, key := b.client(), b.fresh(t)
	_, missing := put(t.Context(), c, key, "one", ifMissing)
	mustPut(t, c, key, "one")
	_, exists := put(t.Context(), c, key, "two", ifMissing)
	return fmt.Sprintf("%d/%d", status(exists), status(missing))
}

func putMatchQuoted(t *testing.T, b *bench) string {
	c, key := b.client(), b.fresh(t)
	etag := mustPut(t, c, key, "one")
	_, err := put(t.Context(), c, key, "two", ifMatch(quote(unquote(etag))))
	return fmt.Sprint(status(err))
}

func putMatchBare(t *testing.T, b *bench) string {
	c, key := b.client(), b.fresh(t)
	etag := unquote(mustPut(t, c, key, "one"))
	_, current := put(t.Context(), c, key, "two", ifMatch(etag))
	_, stale := put(t.Context(), c, key, "three", ifMatch(etag))
	return fmt.Sprintf("%d/%d", status(current), status(stale))
}

func putMatchMissing(t *testing.T, b *bench) string {
	_, err := put(t.Context(), b.client(), b.fresh(t), "one", ifMatch("0123456789abcdef0123456789abcdef"))
	return fmt.Sprintf("%d %s", status(err), code(err))
}

func getMatchStale(t *testing.T, b *bench) string {
	c, key := b.client(), b.fresh(t)
	mustPut(t, c, key, "one")
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{
		Bucket: aws.String(testBucket), Key: aws.String(key), IfMatch: aws.String("0123456789abcdef0123456789abcdef"),
	})
	if err == nil {
		out.Body.Close()
	}
	return fmt.Sprint(status(err))
}

func deleteMatchStale(t *testing.T, b *bench) string {
	c, key := b.client(), b.fresh(t)
	mustPut(t, c, key, "one")
	_, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{
		Bucket: aws.String(testBucket), Key: aws.String(key), IfMatch: aws.String("0123456789abcdef0123456789abcdef"),
	})
	_, headErr := head(t.Context(), c, key)
	if err == nil && status(headErr) == 404 {
		return "deletes"
	}
	return fmt.Sprint(status(err))
}

// effect reports whether completing took effect, by what the object holds.
func effect(t *testing.T, c *s3.Client, key, want string, err error) string {
	if got, getErr := get(t.Context(), c, key); getErr != nil || got != want {
		return fmt.Sprint(status(err))
	}
	return "ignored"
}

func completeConditions(t *testing.T, b *bench) string {
	c, key := b.client(), b.fresh(t)
	mustPut(t, c, key, "one")
	try := func(data string, change func(*s3.CompleteMultipartUploadInput)) string {
		id := begin(t, c, key)
		_, err := complete(t.Context(), c, key, id, []types.CompletedPart{mustPart(t, c, key, id, 1, data)}, change)
		return effect(t, c, key, data, err)
	}
	stale := try("two", func(in *s3.CompleteMultipartUploadInput) { in.IfMatch = aws.String("0123456789abcdef0123456789abcdef") })
	exists := try("three", func(in *s3.CompleteMultipartUploadInput) { in.IfNoneMatch = aws.String("*") })
	return stale + "/" + exists
}

func etagForm(etag *string) string {
	switch e := aws.ToString(etag); {
	case e == "":
		return "empty"
	case unquote(e) == e:
		return "bare"
	}
	return "quoted"
}

func completeTwice(t *testing.T, b *bench) string {
	c, key := b.client(), b.fresh(t)
	id := begin(t, c, key)
	parts := []types.CompletedPart{mustPart(t, c, key, id, 1, "one")}
	if _, err := complete(t.Context(), c, key, id, parts); err != nil {
		t.Fatal(err)
	}
	again := func() string {
		out, err := complete(t.Context(), c, key, id, parts)
		if err != nil {
			return fmt.Sprintf("%d %s", status(err), code(err))
		}
		return "200 " + etagForm(out.ETag)
	}
	untouched := again()
	mustPut(t, c, key, "two")
	overwritten := again()
	if data, err := get(t.Context(), c, key); err != nil || data != "two" {
		t.Errorf("the object holds %q, %v, after a repeated Complete", data, err)
	}
	return untouched + "/" + overwritten
}

func completeSome(t *testing.T, b *bench) string {
	c, key := b.client(), b.fresh(t)
	id := begin(t, c, key)
	mustPart(t, c, key, id, 1, "one")
	_, err := complete(t.Context(), c, key, id, []types.CompletedPart{mustPart(t, c, key, id, 2, "two")})
	return fmt.Sprintf("%d %s", status(err), code(err))
}

func completeETag(t *testing.T, b *bench) string {
	c, key := b.client(), b.fresh(t)
	id := begin(t, c, key)
	out, err := complete(t.Context(), c, key, id, []types.CompletedPart{mustPart(t, c, key, id, 1, "one")})
	if err != nil {
		t.Fatal(err)
	}
	return etagForm(out.ETag)
}

func copyAndAppend(t *testing.T, b *bench) string {
	c, key := b.client(), b.fresh(t)
	old := fill(b.leastPartSize+100, 1)
	mustPut(t, c, key, old)
	id := begin(t, c, key)
	first, err := copyPart(t.Context(), c, key, id, 1, fmt.Sprintf("bytes=0-%d", b.leastPartSize+9))
	if err != nil {
		return fmt.Sprintf("%d %s", status(err), code(err))
	}
	if _, err := complete(t.Context(), c, key, id, []types.CompletedPart{first, mustPart(t, c, key, id, 2, "new")}); err != nil {
		t.Fatal(err)
	}
	if got, err := get(t.Context(), c, key); err != nil || got != old[:b.leastPartSize+10]+"new" {
		return "something else"
	}
	return "old[:N]+new"
}

// listNoUploads asks in a bucket of its own.
func listNoUploads(t *testing.T, b *bench) string {
	name := aws.String("empty-" + strings.ToLower(rand.Text()))
	if _, err := b.client().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: name}); err != nil {
		t.Fatal(err)
	}
	_, err := b.client().ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: name})
	return fmt.Sprintf("%d %s", status(err), code(err))
}

func metadataBefore(t *testing.T, b *bench) string {
	c, key := b.client(), b.fresh(t)
	for _, name := range []string{"one", "two"} {
		if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(testBucket), Key: aws.String(key),
			Body: strings.NewReader(name), Metadata: map[string]string{name: "1"}}); err != nil {
			t.Fatal(err)
		}
	}
	o, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(testBucket), Key: aws.String(key)})
	if err != nil {
		t.Fatal(err)
	}
	if o.Metadata["one"] != "" {
		return "kept"
	}
	return "gone"
}

func copyMatchStale(t *testing.T, b *bench) string {
	c, key := b.client(), b.fresh(t)
	mustPut(t, c, key, "one")
	_, err := copyPart(t.Context(), c, key, begin(t, c, key), 1, "", func(in *s3.UploadPartCopyInput) {
		in.CopySourceIfMatch = aws.String("0123456789abcdef0123456789abcdef")
	})
	if err == nil {
		return "ignored"
	}
	return fmt.Sprint(status(err))
}

func smallPart(t *testing.T, b *bench) string {
	c, key := b.client(), b.fresh(t)
	id := begin(t, c, key)
	_, err := complete(t.Context(), c, key, id, []types.CompletedPart{
		mustPart(t, c, key, id, 1, fill(b.leastPartSize-1, 1)), mustPart(t, c, key, id, 2, "x"),
	})
	return fmt.Sprintf("%d %s", status(err), code(err))
}

func metadata(t *testing.T, b *bench) string {
	c, key := b.client(), b.fresh(t)
	meta := map[string]string{"upload-id": "7", "totals": "a b"}
	kept := func(key string) string {
		out, err := head(t.Context(), c, key)
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Metadata) == 2 && out.Metadata["upload-id"] == "7" && out.Metadata["totals"] == "a b" {
			return "yes"
		}
		return fmt.Sprint(out.Metadata)
	}
	if _, err := put(t.Context(), c, key, "one", func(in *s3.PutObjectInput) { in.Metadata = meta }); err != nil {
		t.Fatal(err)
	}
	out, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
		Bucket: aws.String(testBucket), Key: aws.String(key + "2"), Metadata: meta,
	})
	if err != nil {
		t.Fatal(err)
	}
	parts := []types.CompletedPart{mustPart(t, c, key+"2", *out.UploadId, 1, "one")}
	if _, err := complete(t.Context(), c, key+"2", *out.UploadId, parts); err != nil {
		t.Fatal(err)
	}
	return kept(key) + "/" + kept(key+"2")
}

func largeMetadata(t *testing.T, b *bench) string {
	meta := map[string]string{"m": strings.Repeat("x", 3000)}
	_, err := put(t.Context(), b.client(), b.fresh(t), "one", func(in *s3.PutObjectInput) { in.Metadata = meta })
	return fmt.Sprintf("%d %s", status(err), code(err))
}

// versioned returns a client whose requests go to a bucket with versions.
func versioned(t *testing.T, b *bench) *s3.Client {
	c := b.client()
	bucket := aws.String(testBucket + "-versioned")
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}); err != nil && status(err) != 409 {
		t.Fatal(err)
	}
	if _, err := c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	}); err != nil {
		t.Fatal(err)
	}
	return c
}

func inVersioned(in *s3.PutObjectInput) { in.Bucket = aws.String(testBucket + "-versioned") }

func versionedMatch(t *testing.T, b *bench) string {
	c, key := versioned(t, b), b.fresh(t)
	out, err := put(t.Context(), c, key, "one", inVersioned)
	if err != nil {
		t.Fatal(err)
	}
	etag := unquote(*out.ETag)
	_, current := put(t.Context(), c, key, "two", inVersioned, ifMatch(etag))
	if _, err := put(t.Context(), c, key, "three", inVersioned); err != nil {
		t.Fatal(err)
	}
	_, stale := put(t.Context(), c, key, "four", inVersioned, ifMatch(etag))
	return fmt.Sprintf("%d/%d", status(current), status(stale))
}

func versionedNoneMatch(t *testing.T, b *bench) string {
	c, key := versioned(t, b), b.fresh(t)
	if _, err := put(t.Context(), c, key, "one", inVersioned); err != nil {
		t.Fatal(err)
	}
	_, err := put(t.Context(), c, key, "two", inVersioned, ifMissing)
	return fmt.Sprint(status(err))
}

const customerKey32 = "0123456789abcdef0123456789ABCDEF"

// withCustomerKey sets the headers of SSE-C.
func withCustomerKey(key string) (algorithm, key64, sum64 *string) {
	sum := md5.Sum([]byte(key))
	return aws.String("AES256"), aws.String(base64.StdEncoding.EncodeToString([]byte(key))),
		aws.String(base64.StdEncoding.EncodeToString(sum[:]))
}

func customerKeyOverHTTP(t *testing.T, b *bench) string {
	c, key := b.client(), b.fresh(t)
	_, err := put(t.Context(), c, key, "one", func(in *s3.PutObjectInput) {
		in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = withCustomerKey(customerKey32)
	})
	if err != nil {
		return fmt.Sprint(status(err))
	}
	if _, err := get(t.Context(), c, key); err == nil {
		return "ignored"
	}
	data, err := get(t.Context(), c, key, func(in *s3.GetObjectInput) {
		in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = withCustomerKey(customerKey32)
	})
	if err != nil || data != "one" {
		return fmt.Sprintf("%q, %v", data, err)
	}
	return "ok"
}

func wrongMD5(t *testing.T, b *bench) string {
	sum := md5.Sum([]byte("two"))
	_, err := put(t.Context(), b.client(), b.fresh(t), "one", func(in *s3.PutObjectInput) {
		in.ContentMD5 = aws.String(base64.StdEncoding.EncodeToString(sum[:]))
	})
	return fmt.Sprintf("%d %s", status(err), code(err))
}

func wrongSecret(t *testing.T, b *bench) string {
	c := b.client(func(o *s3.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider(b.key, "wrong", "")
	})
	_, err := get(t.Context(), c, b.fresh(t))
	_, headErr := head(t.Context(), c, b.fresh(t))
	return fmt.Sprintf("%d %s/%d %s", status(err), code(err), status(headErr), code(headErr))
}

func unknownKey(t *testing.T, b *bench) string {
	_, err := get(t.Context(), b.client(func(o *s3.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider("nobody", b.secret, "")
	}), b.fresh(t))
	return fmt.Sprintf("%d %s", status(err), code(err))
}

func completeUnknown(t *testing.T, b *bench) string {
	parts := []types.CompletedPart{{ETag: aws.String("0123456789abcdef0123456789abcdef"), PartNumber: aws.Int32(1)}}
	_, err := complete(t.Context(), b.client(), b.fresh(t), "2~0123456789abcdef0123456789abcdef", parts)
	return fmt.Sprintf("%d %s", status(err), code(err))
}

func copyPastEnd(t *testing.T, b *bench) string {
	c, key := b.client(), b.fresh(t)
	size := b.leastPartSize + 10
	mustPut(t, c, key, fill(size, 1))
	_, err := copyPart(t.Context(), c, key, begin(t, c, key), 1, fmt.Sprintf("bytes=0-%d", size))
	return fmt.Sprintf("%d %s", status(err), code(err))
}

func partNumber(t *testing.T, b *bench) string {
	c, key := b.client(), b.fresh(t)
	id := begin(t, c, key)
	first := fill(b.leastPartSize, 1)
	if _, err := complete(t.Context(), c, key, id, []types.CompletedPart{
		mustPart(t, c, key, id, 1, first), mustPart(t, c, key, id, 2, "tail"),
	}); err != nil {
		t.Fatal(err)
	}
	got, err := get(t.Context(), c, key, func(in *s3.GetObjectInput) { in.PartNumber = aws.Int32(1) })
	switch {
	case err != nil:
		return err.Error()
	case got == first:
		return "part"
	case got == first+"tail":
		return "whole"
	}
	return "something else"
}

// withDefaults undoes what clientOptions do about checksums.
func withDefaults(o *s3.Options) {
	o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenSupported
}

func overTLS(t *testing.T, b *bench) func(*s3.Options) {
	if b.transport == nil {
		t.Skip("only in process")
	}
	return func(o *s3.Options) { o.BaseEndpoint = aws.String(testHost) }
}

func putByDefaults(t *testing.T, c *s3.Client, key string, change func(*s3.PutObjectInput)) string {
	if _, err := put(t.Context(), c, key, "one", change); err != nil {
		return fmt.Sprintf("%d %s", status(err), code(err))
	}
	out, err := head(t.Context(), c, key)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := get(t.Context(), c, key); err != nil || data != "one" {
		return fmt.Sprintf("%q, %v", data, err)
	}
	return strings.TrimSpace("ok " + aws.ToString(out.ContentEncoding))
}

func trailing(t *testing.T, b *bench) string {
	return putByDefaults(t, b.client(withDefaults, overTLS(t, b)), b.fresh(t), func(*s3.PutObjectInput) {})
}

func trailingGzip(t *testing.T, b *bench) string {
	c := b.client(withDefaults, overTLS(t, b))
	return putByDefaults(t, c, b.fresh(t), func(in *s3.PutObjectInput) { in.ContentEncoding = aws.String("gzip") })
}

func checksumHeader(t *testing.T, b *bench) string {
	return putByDefaults(t, b.client(withDefaults), b.fresh(t), func(*s3.PutObjectInput) {})
}
