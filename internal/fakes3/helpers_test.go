package fakes3

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

const (
	testBucket = "logs"
	testHost   = "https://s3.test"
	testMin    = 1 << 10 // least part size in tests
)

// newTestServer returns a server with the bucket and small parts.
func newTestServer(p Profile) *Server {
	srv := New(Options{Profile: p, MinPartSize: testMin})
	srv.CreateBucket(testBucket)
	return srv
}

// clientOptions are right for a server of the default Options, and for Linode.
func clientOptions(endpoint string, rt http.RoundTripper) s3.Options {
	return s3.Options{
		BaseEndpoint:               aws.String(endpoint),
		Region:                     "us-east-1",
		Credentials:                credentials.NewStaticCredentialsProvider("access", "secret", ""),
		UsePathStyle:               true,
		HTTPClient:                 &http.Client{Transport: rt},
		Retryer:                    aws.NopRetryer{},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}
}

// newClient returns a client of srv, in process and with what looks like TLS.
func newClient(srv *Server, change ...func(*s3.Options)) *s3.Client {
	return s3.New(clientOptions(testHost, Transport(srv)), change...)
}

// overBoth runs a test in process, and over sockets.
func overBoth(t *testing.T, p Profile, test func(t *testing.T, srv *Server, c *s3.Client)) {
	t.Run("in process", func(t *testing.T) {
		srv := newTestServer(p)
		test(t, srv, newClient(srv))
	})
	t.Run("over sockets", func(t *testing.T) {
		srv := newTestServer(p)
		ts := httptest.NewServer(srv)
		defer ts.Close()
		tr := &http.Transport{}
		defer tr.CloseIdleConnections()
		test(t, srv, s3.New(clientOptions(ts.URL, tr)))
	})
}

// status is the HTTP status that err reports, 200 without one, 0 where none
// came.
func status(err error) int {
	if err == nil {
		return 200
	}
	var response *awshttp.ResponseError
	if !errors.As(err, &response) {
		return 0
	}
	return response.HTTPStatusCode()
}

// code is the S3 error code that err reports.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// wantError fails the test unless err has that status and code.
func wantError(t *testing.T, err error, wantStatus int, wantCode string) {
	t.Helper()
	if status(err) != wantStatus || code(err) != wantCode {
		t.Errorf("got %d %s, want %d %s (%v)", status(err), code(err), wantStatus, wantCode, err)
	}
}

func wantObject(t *testing.T, srv *Server, key, want string) {
	t.Helper()
	got, _, ok := srv.Object(testBucket, key)
	if !ok || string(got) != want {
		t.Errorf("%s holds %.80q (%v), want %.80q", key, got, ok, want)
	}
}

func wantNoObject(t *testing.T, srv *Server, key string) {
	t.Helper()
	if got, _, ok := srv.Object(testBucket, key); ok {
		t.Errorf("%s holds %.80q, want no object", key, got)
	}
}

func put(ctx context.Context, c *s3.Client, key, data string, change ...func(*s3.PutObjectInput)) (*s3.PutObjectOutput, error) {
	in := &s3.PutObjectInput{Bucket: aws.String(testBucket), Key: aws.String(key), Body: strings.NewReader(data)}
	for _, f := range change {
		f(in)
	}
	return c.PutObject(ctx, in)
}

func mustPut(t *testing.T, c *s3.Client, key, data string) (etag string) {
	t.Helper()
	out, err := put(t.Context(), c, key, data)
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.ETag)
}

func get(ctx context.Context, c *s3.Client, key string, change ...func(*s3.GetObjectInput)) (string, error) {
	in := &s3.GetObjectInput{Bucket: aws.String(testBucket), Key: aws.String(key)}
	for _, f := range change {
		f(in)
	}
	out, err := c.GetObject(ctx, in)
	if err != nil {
		return "", err
	}
	defer out.Body.Close()
	data, err := io.ReadAll(out.Body)
	return string(data), err
}

func head(ctx context.Context, c *s3.Client, key string) (*s3.HeadObjectOutput, error) {
	return c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(testBucket), Key: aws.String(key)})
}

func begin(t *testing.T, c *s3.Client, key string) (uploadID string) {
	t.Helper()
	out, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
		Bucket: aws.String(testBucket), Key: aws.String(key),
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.UploadId
}

func uploadPart(ctx context.Context, c *s3.Client, key, id string, n int32, data string) (types.CompletedPart, error) {
	out, err := c.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: aws.String(testBucket), Key: aws.String(key), UploadId: aws.String(id), PartNumber: aws.Int32(n),
		Body: strings.NewReader(data),
	})
	if err != nil {
		return types.CompletedPart{}, err
	}
	return types.CompletedPart{ETag: out.ETag, PartNumber: aws.Int32(n)}, nil
}

func mustPart(t *testing.T, c *s3.Client, key, id string, n int32, data string) types.CompletedPart {
	t.Helper()
	p, err := uploadPart(t.Context(), c, key, id, n, data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// copyPart copies a range of key into part n of an upload to the same key;
// without a rng, all of it.
func copyPart(ctx context.Context, c *s3.Client, key, id string, n int32, rng string, change ...func(*s3.UploadPartCopyInput)) (types.CompletedPart, error) {
	in := &s3.UploadPartCopyInput{
		Bucket: aws.String(testBucket), Key: aws.String(key), UploadId: aws.String(id), PartNumber: aws.Int32(n),
		CopySource: aws.String(testBucket + "/" + key),
	}
	if rng != "" {
		in.CopySourceRange = aws.String(rng)
	}
	for _, f := range change {
		f(in)
	}
	out, err := c.UploadPartCopy(ctx, in)
	if err != nil {
		return types.CompletedPart{}, err
	}
	return types.CompletedPart{ETag: out.CopyPartResult.ETag, PartNumber: aws.Int32(n)}, nil
}

func complete(ctx context.Context, c *s3.Client, key, id string, parts []types.CompletedPart, change ...func(*s3.CompleteMultipartUploadInput)) (*s3.CompleteMultipartUploadOutput, error) {
	in := &s3.CompleteMultipartUploadInput{
		Bucket: aws.String(testBucket), Key: aws.String(key), UploadId: aws.String(id),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}
	for _, f := range change {
		f(in)
	}
	return c.CompleteMultipartUpload(ctx, in)
}

// fill returns n bytes of text that differ from offset to offset.
func fill(n int, seed byte) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte((i*7+i/251+int(seed))%26)
	}
	return string(b)
}
