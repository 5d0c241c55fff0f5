package main

import (
	"bytes"
	"context"
	"io"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/s3store"
)

// s3Server is a server at which an operator has buckets.
type s3Server struct{ endpoint, accessKey, secretKey string }

// onServers runs a test with a fake of Linode's server and, if the environment names one,
// with Ceph's gateway, which Linode runs: .ci/servers starts it.
func onServers(t *testing.T, test func(t *testing.T, s s3Server)) {
	t.Run("fake", func(t *testing.T) {
		ts := httptest.NewServer(fakes3.New(fakes3.Options{Profile: fakes3.Linode(), AccessKey: accessKey, SecretKey: secretKey}))
		t.Cleanup(ts.Close)
		test(t, s3Server{ts.URL, accessKey, secretKey})
	})
	t.Run("rgw", func(t *testing.T) {
		endpoint := os.Getenv("ROTATELOG_RGW_ENDPOINT")
		if endpoint == "" {
			t.Skip("ROTATELOG_RGW_ENDPOINT names no server; .ci/servers starts one")
		}
		test(t, s3Server{endpoint, os.Getenv("ROTATELOG_SERVERS_ACCESS_KEY"), os.Getenv("ROTATELOG_SERVERS_SECRET_KEY")})
	})
}

// onFake runs a test with a fake of Linode's server, whose key can be replaced.
func onFake(t *testing.T, test func(t *testing.T, s s3Server, setKey func(key string))) {
	srv := fakes3.New(fakes3.Options{Profile: fakes3.Linode(), AccessKey: accessKey, SecretKey: secretKey})
	ts := httptest.NewServer(srv)
	t.Cleanup(ts.Close)
	test(t, s3Server{ts.URL, accessKey, secretKey}, func(key string) { srv.SetKey(key, secretKey) })
}

// objects is what a bucket of a test has.
type objects struct {
	t      *testing.T
	client *s3.Client
	name   string
}

// newBucket makes a bucket, which is removed after the test.
func (s s3Server) newBucket(t *testing.T, name string) objects {
	t.Helper()
	o := objects{t, s3store.NewClient(s.endpoint, "us-east-1", credentials.NewStaticCredentialsProvider(s.accessKey, s.secretKey, "")), name}
	if _, err := o.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.remove(context.WithoutCancel(t.Context())) })
	return o
}

func (o objects) remove(ctx context.Context) {
	list, err := o.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &o.name})
	if err != nil {
		o.t.Fatal(err)
	}
	for _, object := range list.Contents {
		if _, err := o.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &o.name, Key: object.Key}); err != nil {
			o.t.Error(err)
		}
	}
	if _, err := o.client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &o.name}); err != nil {
		o.t.Error(err)
	}
}

// edit changes an object as somebody does who knows no better, and leaves its metadata.
func (o objects) edit(key, from, to string) {
	o.t.Helper()
	object, err := o.client.GetObject(o.t.Context(), &s3.GetObjectInput{Bucket: &o.name, Key: &key})
	if err != nil {
		o.t.Fatal(err)
	}
	defer object.Body.Close()
	text, err := io.ReadAll(object.Body)
	if err != nil || !strings.Contains(string(text), from) {
		o.t.Fatalf("%s has no %s, %v", key, from, err)
	}
	text = bytes.Replace(text, []byte(from), []byte(to), 1)
	if _, err := o.client.PutObject(o.t.Context(), &s3.PutObjectInput{Bucket: &o.name, Key: &key, Body: bytes.NewReader(text), Metadata: object.Metadata}); err != nil {
		o.t.Fatal(err)
	}
}
