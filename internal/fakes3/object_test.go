package fakes3

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestObjectLifeCycle(t *testing.T) {
	overBoth(t, Strict(), func(t *testing.T, srv *Server, c *s3.Client) {
		out, err := put(t.Context(), c, "dir/a b.json", "hello", func(in *s3.PutObjectInput) {
			in.ContentType = aws.String("application/json")
			in.Metadata = map[string]string{"id": "7"}
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := aws.ToString(out.ETag); got != `"5d41402abc4b2a76b9719d911017c592"` {
			t.Errorf("ETag %s is not the quoted MD5 of hello", got)
		}
		h, err := head(t.Context(), c, "dir/a b.json")
		if err != nil {
			t.Fatal(err)
		}
		if *h.ContentLength != 5 || *h.ContentType != "application/json" || *h.ETag != *out.ETag || h.Metadata["id"] != "7" || h.LastModified.IsZero() {
			t.Errorf("HEAD returned %d %s %s %v %v", *h.ContentLength, *h.ContentType, *h.ETag, h.Metadata, h.LastModified)
		}
		if data, err := get(t.Context(), c, "dir/a b.json"); err != nil || data != "hello" {
			t.Errorf("GET returns %q, %v", data, err)
		}
		if _, meta, ok := srv.Object(testBucket, "dir/a b.json"); !ok || meta["id"] != "7" {
			t.Errorf("Object returns %v, %v", meta, ok)
		}
		for range 2 { // deleting what is not there is fine
			if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(testBucket), Key: aws.String("dir/a b.json")}); err != nil {
				t.Error(err)
			}
		}
		wantNoObject(t, srv, "dir/a b.json")
	})
}

func TestAbsence(t *testing.T) {
	overBoth(t, Strict(), func(t *testing.T, srv *Server, c *s3.Client) {
		_, err := get(t.Context(), c, "absent")
		wantError(t, err, 404, "NoSuchKey")
		if e := new(types.NoSuchKey); !errors.As(err, &e) {
			t.Errorf("%v is no NoSuchKey", err)
		}
		_, err = head(t.Context(), c, "absent")
		wantError(t, err, 404, "NotFound")
		if e := new(types.NotFound); !errors.As(err, &e) {
			t.Errorf("%v is no NotFound", err)
		}
		absent := aws.String("absent")
		_, err = c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: absent})
		wantError(t, err, 404, "NotFound")
		_, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: absent, Key: absent, Body: strings.NewReader("x")})
		wantError(t, err, 404, "NoSuchBucket")
		_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: absent, Key: absent})
		wantError(t, err, 404, "NoSuchBucket")
	})
}

// TestReadWhileReplaced: a GET that a write comes between fails on one server, and a HEAD on
// none.
func TestReadWhileReplaced(t *testing.T) {
	for _, p := range []Profile{Strict(), RGW16()} {
		srv := newTestServer(p)
		srv.PutObject(testBucket, "k", []byte("old"), nil)
		srv.Fault = func(op Op) Fault {
			srv.PutObject(testBucket, "k", []byte("new"), nil)
			return Fault{}
		}
		c := newClient(srv)
		want := 200
		if p.ReadFailsWhileReplaced {
			want = 500
		}
		if _, err := get(t.Context(), c, "k"); status(err) != want {
			t.Errorf("%s: GET: %v, want %d", p.Name, err, want)
		}
		if _, err := head(t.Context(), c, "k"); err != nil {
			t.Errorf("%s: HEAD: %v", p.Name, err)
		}
	}
}

func TestRanges(t *testing.T) {
	tests := []struct{ header, want string }{
		{"bytes=0-0", "0"}, {"bytes=2-4", "234"}, {"bytes=7-", "789"}, {"bytes=-3", "789"},
		{"bytes=8-100", "89"}, {"bytes=-100", "0123456789"},
		{"bytes=10-", ""}, {"bytes=-0", ""}, {"bytes=99-100", ""},
		{"bytes=4-2", "0123456789"}, {"lines=1-2", "0123456789"}, {"bytes=1-2,4-5", "0123456789"},
	}
	overBoth(t, Strict(), func(t *testing.T, srv *Server, c *s3.Client) {
		mustPut(t, c, "k", "0123456789")
		for _, test := range tests {
			got, err := get(t.Context(), c, "k", func(in *s3.GetObjectInput) { in.Range = aws.String(test.header) })
			switch {
			case test.want == "":
				wantError(t, err, 416, "InvalidRange")
			case err != nil || got != test.want:
				t.Errorf("%s: got %q, %v, want %q", test.header, got, err, test.want)
			}
		}
		out, err := c.GetObject(t.Context(), &s3.GetObjectInput{
			Bucket: aws.String(testBucket), Key: aws.String("k"), Range: aws.String("bytes=2-4"),
		})
		if err != nil {
			t.Fatal(err)
		}
		out.Body.Close()
		if *out.ContentRange != "bytes 2-4/10" || *out.ContentLength != 3 {
			t.Errorf("Content-Range %s, Content-Length %d", *out.ContentRange, *out.ContentLength)
		}
	})
}

func TestConditionalReads(t *testing.T) {
	srv := newTestServer(Strict())
	c := newClient(srv)
	etag := mustPut(t, c, "k", "one")
	try := func(change func(*s3.GetObjectInput)) int {
		_, err := get(t.Context(), c, "k", change)
		return status(err)
	}
	tests := []struct {
		what string
		in   func(*s3.GetObjectInput)
		want int
	}{
		{"If-Match current", func(in *s3.GetObjectInput) { in.IfMatch = &etag }, 200},
		{"If-Match current, bare", func(in *s3.GetObjectInput) { in.IfMatch = aws.String(unquote(etag)) }, 200},
		{"If-Match any", func(in *s3.GetObjectInput) { in.IfMatch = aws.String("*") }, 200},
		{"If-Match stale", func(in *s3.GetObjectInput) { in.IfMatch = aws.String(`"x"`) }, 412},
		{"If-None-Match current", func(in *s3.GetObjectInput) { in.IfNoneMatch = &etag }, 304},
		{"If-None-Match other", func(in *s3.GetObjectInput) { in.IfNoneMatch = aws.String(`"x", "y"`) }, 200},
		{"If-Modified-Since", func(in *s3.GetObjectInput) { in.IfModifiedSince = aws.Time(time.Unix(0, 0)) }, 501},
	}
	for _, test := range tests {
		if got := try(test.in); got != test.want {
			t.Errorf("%s: got %d, want %d", test.what, got, test.want)
		}
	}
}

func TestMetadataLimit(t *testing.T) {
	tests := []struct {
		value int
		want  int
	}{{2048 - 1, 200}, {2048, 400}} // the name counts too
	for _, test := range tests {
		srv := newTestServer(Strict())
		c := newClient(srv)
		meta := map[string]string{"m": strings.Repeat("x", test.value)}
		_, err := put(t.Context(), c, "k", "one", func(in *s3.PutObjectInput) { in.Metadata = meta })
		if status(err) != test.want {
			t.Errorf("Put with a value of %d bytes: %v, want %d", test.value, err, test.want)
		}
		_, err = c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
			Bucket: aws.String(testBucket), Key: aws.String("k"), Metadata: meta,
		})
		if status(err) != test.want {
			t.Errorf("Create with a value of %d bytes: %v, want %d", test.value, err, test.want)
		}
		if wantUploads := map[int]int{200: 1, 400: 0}[test.want]; len(srv.Uploads(testBucket)) != wantUploads {
			t.Errorf("uploads %v, want %d", srv.Uploads(testBucket), wantUploads)
		}
	}
}

func TestNeverSilentlyAccepted(t *testing.T) {
	srv := newTestServer(RGW16())
	srv.PutObject(testBucket, "k", []byte("one"), nil)
	c := newClient(srv)
	_, err := put(t.Context(), c, "k", "two", func(in *s3.PutObjectInput) { in.WriteOffsetBytes = aws.Int64(3) })
	wantError(t, err, 501, "NotImplemented")
	_, err = c.CopyObject(t.Context(), &s3.CopyObjectInput{
		Bucket: aws.String(testBucket), Key: aws.String("k2"), CopySource: aws.String(testBucket + "/k"), CopySourceIfModifiedSince: aws.Time(time.Unix(0, 0)),
	})
	wantError(t, err, 501, "NotImplemented")
	_, err = c.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: aws.String(testBucket), Key: aws.String("k")})
	wantError(t, err, 501, "NotImplemented")
	_, err = put(t.Context(), c, "k", "two", func(in *s3.PutObjectInput) { in.ServerSideEncryption = types.ServerSideEncryptionAwsKms })
	wantError(t, err, 501, "NotImplemented")
	_, err = put(t.Context(), c, strings.Repeat("k", 1025), "two")
	wantError(t, err, 400, "KeyTooLongError")
	wantObject(t, srv, "k", "one")
	if keys := srv.Keys(testBucket); !slices.Equal(keys, []string{"k"}) {
		t.Errorf("keys are %q", keys)
	}
}

func TestVersions(t *testing.T) {
	srv := newTestServer(Strict())
	c := newClient(srv)
	setVersioning := func(status types.BucketVersioningStatus) {
		t.Helper()
		if _, err := c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
			Bucket: aws.String(testBucket), VersioningConfiguration: &types.VersioningConfiguration{Status: status},
		}); err != nil {
			t.Fatal(err)
		}
		out, err := c.GetBucketVersioning(t.Context(), &s3.GetBucketVersioningInput{Bucket: aws.String(testBucket)})
		if err != nil || out.Status != status {
			t.Fatalf("versioning is %v, %v, want %v", out, err, status)
		}
	}
	version := func(v string) func(*s3.GetObjectInput) {
		return func(in *s3.GetObjectInput) { in.VersionId = &v }
	}
	wantVersion := func(v, want string) {
		t.Helper()
		if got, err := get(t.Context(), c, "k", version(v)); err != nil || got != want {
			t.Errorf("version %s holds %q, %v, want %q", v, got, err, want)
		}
	}

	mustPut(t, c, "k", "zero") // the null version
	setVersioning(types.BucketVersioningStatusEnabled)
	one, err := put(t.Context(), c, "k", "one")
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, c, "k", "two")
	wantVersion("null", "zero")
	wantVersion(*one.VersionId, "one")
	if got, err := get(t.Context(), c, "k"); err != nil || got != "two" {
		t.Errorf("current is %q, %v", got, err)
	}
	_, err = get(t.Context(), c, "k", version("nope"))
	wantError(t, err, 404, "NoSuchVersion")

	del := func(v *string) *s3.DeleteObjectOutput {
		t.Helper()
		out, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(testBucket), Key: aws.String("k"), VersionId: v})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	marker := del(nil)
	wantNoObject(t, srv, "k")
	_, err = get(t.Context(), c, "k")
	wantError(t, err, 404, "NoSuchKey")
	if !aws.ToBool(marker.DeleteMarker) {
		t.Error("no delete marker")
	}
	del(marker.VersionId) // and it is back
	wantObject(t, srv, "k", "two")

	setVersioning(types.BucketVersioningStatusSuspended)
	mustPut(t, c, "k", "three") // replaces the null version, and only that
	wantVersion("null", "three")
	wantVersion(*one.VersionId, "one")
}
