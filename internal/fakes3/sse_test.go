package fakes3

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestServerSideKeys(t *testing.T) {
	srv := newTestServer(Strict())
	c := newClient(srv)
	out, err := put(t.Context(), c, "k", "one", func(in *s3.PutObjectInput) { in.ServerSideEncryption = types.ServerSideEncryptionAes256 })
	if err != nil || out.ServerSideEncryption != types.ServerSideEncryptionAes256 {
		t.Errorf("Put returns %v, %v", out, err)
	}
	if h, err := head(t.Context(), c, "k"); err != nil || h.ServerSideEncryption != types.ServerSideEncryptionAes256 {
		t.Errorf("Head returns %v, %v", h, err)
	}
	created, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
		Bucket: aws.String(testBucket), Key: aws.String("k2"), ServerSideEncryption: types.ServerSideEncryptionAes256,
	})
	if err != nil || created.ServerSideEncryption != types.ServerSideEncryptionAes256 {
		t.Fatalf("Create returns %v, %v", created, err)
	}
	done, err := complete(t.Context(), c, "k2", *created.UploadId, []types.CompletedPart{mustPart(t, c, "k2", *created.UploadId, 1, "x")})
	if err != nil || done.ServerSideEncryption != types.ServerSideEncryptionAes256 {
		t.Errorf("Complete returns %v, %v", done, err)
	}
	_, err = put(t.Context(), c, "k", "one", func(in *s3.PutObjectInput) { in.ServerSideEncryption = "rot13" })
	wantError(t, err, 400, "InvalidArgument")
}

func TestCustomerKeys(t *testing.T) {
	srv := newTestServer(Strict())
	c := newClient(srv)
	const other = "another key of two and thirty by"
	if _, err := put(t.Context(), c, "k", "one", func(in *s3.PutObjectInput) {
		in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = withCustomerKey(customerKey32)
	}); err != nil {
		t.Fatal(err)
	}
	mustPut(t, c, "open", "one")
	tests := []struct {
		what, object, key string
		status            int
	}{
		{"its key", "k", customerKey32, 200},
		{"no key", "k", "", 400},
		{"another key", "k", other, 403},
		{"a short key", "k", "short", 400},
		{"a key for an open object", "open", customerKey32, 400},
	}
	for _, test := range tests {
		getIn := &s3.GetObjectInput{Bucket: aws.String(testBucket), Key: &test.object}
		headIn := &s3.HeadObjectInput{Bucket: aws.String(testBucket), Key: &test.object}
		copyFrom := func(in *s3.UploadPartCopyInput) {}
		if test.key != "" {
			getIn.SSECustomerAlgorithm, getIn.SSECustomerKey, getIn.SSECustomerKeyMD5 = withCustomerKey(test.key)
			headIn.SSECustomerAlgorithm, headIn.SSECustomerKey, headIn.SSECustomerKeyMD5 = withCustomerKey(test.key)
			copyFrom = func(in *s3.UploadPartCopyInput) {
				in.CopySourceSSECustomerAlgorithm, in.CopySourceSSECustomerKey, in.CopySourceSSECustomerKeyMD5 = withCustomerKey(test.key)
			}
		}
		_, err := c.GetObject(t.Context(), getIn)
		if status(err) != test.status {
			t.Errorf("GET with %s: %v, want %d", test.what, err, test.status)
		}
		_, err = c.HeadObject(t.Context(), headIn)
		if status(err) != test.status {
			t.Errorf("HEAD with %s: %v, want %d", test.what, err, test.status)
		}
		_, err = copyPart(t.Context(), c, test.object, begin(t, c, test.object), 1, "", copyFrom)
		if status(err) != test.status {
			t.Errorf("copying with %s: %v, want %d", test.what, err, test.status)
		}
	}
	_, err := put(t.Context(), c, "k2", "one", func(in *s3.PutObjectInput) {
		in.SSECustomerAlgorithm, in.SSECustomerKey, _ = withCustomerKey(customerKey32)
		_, _, in.SSECustomerKeyMD5 = withCustomerKey(other)
	})
	wantError(t, err, 400, "InvalidArgument")
}

func TestCustomerKeyOfUpload(t *testing.T) {
	srv := newTestServer(Strict())
	c := newClient(srv)
	in := &s3.CreateMultipartUploadInput{Bucket: aws.String(testBucket), Key: aws.String("k")}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = withCustomerKey(customerKey32)
	out, err := c.CreateMultipartUpload(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	_, err = uploadPart(t.Context(), c, "k", *out.UploadId, 1, "one")
	wantError(t, err, 400, "InvalidRequest")
}
