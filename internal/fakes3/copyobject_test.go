package fakes3

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func copyObject(t *testing.T, c *s3.Client, from, to string, change func(*s3.CopyObjectInput)) (string, error) {
	in := &s3.CopyObjectInput{Bucket: aws.String(testBucket), Key: &to, CopySource: aws.String(testBucket + "/" + from)}
	if change != nil {
		change(in)
	}
	out, err := c.CopyObject(t.Context(), in)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.CopyObjectResult.ETag), nil
}

func TestCopyObject(t *testing.T) {
	srv := newTestServer(Strict())
	c := newClient(srv)
	etag := srv.PutObject(testBucket, "k", []byte("one"), map[string]string{"n": "1"})
	got, err := copyObject(t, c, "k", "k2", nil)
	if err != nil || got != quote(etag) {
		t.Errorf("copying: ETag %s, %v, want %q", got, err, etag)
	}
	wantObject(t, srv, "k2", "one")
	if _, meta, _ := srv.Object(testBucket, "k2"); meta["n"] != "1" {
		t.Errorf("metadata %v", meta)
	}
	replace := func(in *s3.CopyObjectInput) {
		in.MetadataDirective, in.Metadata, in.ContentType = types.MetadataDirectiveReplace, map[string]string{"m": "2"}, aws.String("a/b")
	}
	if _, err := copyObject(t, c, "k", "k2", replace); err != nil {
		t.Error(err)
	}
	if _, meta, _ := srv.Object(testBucket, "k2"); len(meta) != 1 || meta["m"] != "2" {
		t.Errorf("metadata %v", meta)
	}
	if copied := srv.Stats().Copied; copied != 6 {
		t.Errorf("%d bytes were copied", copied)
	}
	_, err = copyObject(t, c, "none", "k3", nil)
	wantError(t, err, 404, "NoSuchKey")
	_, err = copyObject(t, c, "k", "k", nil)
	wantError(t, err, 400, "InvalidRequest")
	if _, err = copyObject(t, c, "k", "k", replace); err != nil {
		t.Errorf("with other metadata: %v", err)
	}
	_, err = copyObject(t, c, "k", "k3", func(in *s3.CopyObjectInput) { in.MetadataDirective = "SOME" })
	wantError(t, err, 400, "InvalidArgument")
}

// TestCopyObjectConditions: of the source and of the destination, by profile. What is
// assumed of them is beside the fields of Profile.
func TestCopyObjectConditions(t *testing.T) {
	for _, p := range Profiles() {
		if p.NoCopyObject {
			continue
		}
		srv := newTestServer(p)
		c := newClient(srv)
		etag := srv.PutObject(testBucket, "k", []byte("one"), nil)
		srv.PutObject(testBucket, "k2", []byte("two"), nil)
		for _, tt := range []struct {
			name    string
			refused bool
			change  func(*s3.CopyObjectInput)
		}{
			{"If-None-Match", p.CopyTarget == Honoured, func(in *s3.CopyObjectInput) { in.IfNoneMatch = aws.String("*") }},
			{"If-Match", p.CopyTarget == Honoured, func(in *s3.CopyObjectInput) { in.IfMatch = aws.String(etag) }},
			{"the source's If-Match", p.CopySource == Honoured, func(in *s3.CopyObjectInput) { in.CopySourceIfMatch = aws.String("stale") }},
		} {
			_, err := copyObject(t, c, "k", "k2", tt.change)
			if got := status(err) == 412; got != tt.refused {
				t.Errorf("%s, %s: %v, want refused: %t", p.Name, tt.name, err, tt.refused)
			}
		}
		if _, err := copyObject(t, c, "k", "k3", func(in *s3.CopyObjectInput) {
			in.IfNoneMatch, in.CopySourceIfMatch = aws.String("*"), aws.String(etag)
		}); err != nil {
			t.Errorf("%s, with conditions that hold: %v", p.Name, err)
		}
	}
}

// TestCopyObjectIsOfFiveGiB at most.
func TestCopyObjectIsOfFiveGiB(t *testing.T) {
	srv := New(Options{MinPartSize: testMin, CheapCopies: true})
	srv.PutObject(testBucket, "k0", make([]byte, 1<<20), nil)
	for i, name := range []string{"k0", "k1"} { // each time 72 times as large
		c := newClient(srv)
		id := begin(t, c, "k")
		var parts []types.CompletedPart
		for n := int32(1); n <= 72; n++ {
			out, err := c.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{
				Bucket: aws.String(testBucket), Key: aws.String("k"), UploadId: &id, PartNumber: &n, CopySource: aws.String(testBucket + "/" + name)})
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, types.CompletedPart{PartNumber: &n, ETag: out.CopyPartResult.ETag})
		}
		if _, err := complete(t.Context(), c, "k", id, parts); err != nil {
			t.Fatal(err)
		}
		_, err := copyObject(t, c, "k", "k1", nil)
		if i == 0 && err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			wantError(t, err, 400, "InvalidRequest")
		}
	}
}
