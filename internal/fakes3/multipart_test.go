package fakes3

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestMultipartLifeCycle(t *testing.T) {
	overBoth(t, Strict(), func(t *testing.T, srv *Server, c *s3.Client) {
		one, two := fill(testMin, 1), "the end"
		id := begin(t, c, "k")
		mustPart(t, c, "k", id, 1, "to be replaced")
		parts := []types.CompletedPart{mustPart(t, c, "k", id, 1, one), mustPart(t, c, "k", id, 9, two)}
		wantNoObject(t, srv, "k")

		list, err := c.ListParts(t.Context(), &s3.ListPartsInput{Bucket: aws.String(testBucket), Key: aws.String("k"), UploadId: &id})
		if err != nil || len(list.Parts) != 2 || *list.Parts[0].Size != testMin || *list.Parts[1].PartNumber != 9 || *list.Parts[1].ETag != *parts[1].ETag {
			t.Fatalf("ListParts returns %+v, %v", list, err)
		}
		out, err := complete(t.Context(), c, "k", id, parts)
		if err != nil {
			t.Fatal(err)
		}
		sum1, sum2 := md5.Sum([]byte(one)), md5.Sum([]byte(two))
		sum := md5.Sum(append(sum1[:], sum2[:]...))
		if want := fmt.Sprintf(`"%s-2"`, hex.EncodeToString(sum[:])); *out.ETag != want {
			t.Errorf("ETag %s, want %s", *out.ETag, want)
		}
		wantObject(t, srv, "k", one+two)
		if h, err := head(t.Context(), c, "k"); err != nil || *h.ETag != *out.ETag || *h.ContentLength != testMin+7 {
			t.Errorf("HEAD returned %v, %v", h, err)
		}
		if got := srv.Uploads(testBucket); len(got) != 0 {
			t.Errorf("still open: %v", got)
		}
		_, err = uploadPart(t.Context(), c, "k", id, 1, "late")
		wantError(t, err, 404, "NoSuchUpload")
	})
}

func TestCompleteRefuses(t *testing.T) {
	srv := newTestServer(Strict())
	c := newClient(srv)
	id := begin(t, c, "k")
	big := mustPart(t, c, "k", id, 1, fill(testMin, 1))
	small := mustPart(t, c, "k", id, 2, fill(testMin-1, 2))
	last := mustPart(t, c, "k", id, 3, "")
	tests := []struct {
		parts []types.CompletedPart
		want  string
	}{
		{nil, "MalformedXML"},
		{[]types.CompletedPart{last, big}, "InvalidPartOrder"},
		{[]types.CompletedPart{big, big}, "InvalidPartOrder"},
		{[]types.CompletedPart{{PartNumber: aws.Int32(4), ETag: big.ETag}}, "InvalidPart"},
		{[]types.CompletedPart{{PartNumber: aws.Int32(1), ETag: small.ETag}}, "InvalidPart"},
		{[]types.CompletedPart{big, small, last}, "EntityTooSmall"},
	}
	for _, test := range tests {
		_, err := complete(t.Context(), c, "k", id, test.parts)
		wantError(t, err, 400, test.want)
	}
	wantNoObject(t, srv, "k")
	if _, err := complete(t.Context(), c, "k", id, []types.CompletedPart{big, last}); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

func TestDefaultPartSize(t *testing.T) {
	for _, test := range []struct{ size, want int }{{5<<20 - 1, 400}, {5 << 20, 200}} {
		srv := New(Options{})
		srv.CreateBucket(testBucket)
		c := newClient(srv)
		id := begin(t, c, "k")
		_, err := complete(t.Context(), c, "k", id, []types.CompletedPart{
			mustPart(t, c, "k", id, 1, fill(test.size, 1)), mustPart(t, c, "k", id, 2, "x"),
		})
		if status(err) != test.want {
			t.Errorf("a first part of %d bytes: %v, want %d", test.size, err, test.want)
		}
	}
}

func TestPartNumbers(t *testing.T) {
	c := newClient(newTestServer(Strict()))
	id := begin(t, c, "k")
	for n, want := range map[int32]int{0: 400, 1: 200, 10_000: 200, 10_001: 400} {
		if _, err := uploadPart(t.Context(), c, "k", id, n, "x"); status(err) != want {
			t.Errorf("part %d: %v, want %d", n, err, want)
		}
	}
	_, err := uploadPart(t.Context(), c, "another key", id, 1, "x")
	wantError(t, err, 404, "NoSuchUpload")
}

func TestAbort(t *testing.T) {
	srv := newTestServer(Strict())
	c := newClient(srv)
	id := begin(t, c, "k")
	parts := []types.CompletedPart{mustPart(t, c, "k", id, 1, "x")}
	abort := func() error {
		_, err := c.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{
			Bucket: aws.String(testBucket), Key: aws.String("k"), UploadId: &id,
		})
		return err
	}
	if err := abort(); err != nil {
		t.Fatal(err)
	}
	wantError(t, abort(), 404, "NoSuchUpload")
	_, err := complete(t.Context(), c, "k", id, parts)
	wantError(t, err, 404, "NoSuchUpload")
	wantNoObject(t, srv, "k")
}

func TestUploadPartCopy(t *testing.T) {
	srv := newTestServer(Strict())
	c := newClient(srv)
	source := fill(2*testMin, 1)
	etag := mustPut(t, c, "k", source)
	srv.PutObject(testBucket, "small", []byte(source[:testMin]), nil)
	id := begin(t, c, "k")
	from := func(source string) func(*s3.UploadPartCopyInput) {
		return func(in *s3.UploadPartCopyInput) { in.CopySource = &source }
	}
	tests := []struct {
		what   string
		rng    string
		change func(*s3.UploadPartCopyInput)
		status int
		code   string
	}{
		{"one byte past the end", fmt.Sprintf("bytes=0-%d", len(source)), nil, 400, "InvalidArgument"},
		{"an open range", "bytes=1-", nil, 400, "InvalidArgument"},
		{"a suffix", "bytes=-5", nil, 400, "InvalidArgument"},
		{"a backward range", "bytes=5-4", nil, 400, "InvalidArgument"},
		{"a range of a small source", "bytes=0-1", from(testBucket + "/small"), 400, "InvalidRequest"},
		{"a missing key", "", from(testBucket + "/absent"), 404, "NoSuchKey"},
		{"a missing bucket", "", from("absent/k"), 404, "NoSuchBucket"},
		{"no key", "", from(testBucket), 400, "InvalidArgument"},
		{"a stale If-Match", "", func(in *s3.UploadPartCopyInput) { in.CopySourceIfMatch = aws.String(`"x"`) }, 412, "PreconditionFailed"},
		{"a current If-None-Match", "", func(in *s3.UploadPartCopyInput) { in.CopySourceIfNoneMatch = &etag }, 412, "PreconditionFailed"},
		{"a date", "", func(in *s3.UploadPartCopyInput) { in.CopySourceIfModifiedSince = aws.Time(time.Unix(0, 0)) }, 501, "NotImplemented"},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			var changes []func(*s3.UploadPartCopyInput)
			if test.change != nil {
				changes = append(changes, test.change)
			}
			_, err := copyPart(t.Context(), c, "k", id, 1, test.rng, changes...)
			wantError(t, err, test.status, test.code)
		})
	}
	if srv.Stats().Copied != 0 || srv.Uploads(testBucket)[0].Parts != 0 {
		t.Error("a refused copy was made")
	}
	if _, err := copyPart(t.Context(), c, "k", id, 1, "", func(in *s3.UploadPartCopyInput) { in.CopySourceIfMatch = &etag }); err != nil {
		t.Errorf("with a current If-Match: %v", err)
	}
	if _, err := copyPart(t.Context(), c, "k", id, 1, "", from("%6Cogs/%73mall")); err != nil {
		t.Errorf("with an escaped source: %v", err)
	}
}

// TestGrowingByCopy appends repeatedly, as the library does.
func TestGrowingByCopy(t *testing.T) {
	srv := newTestServer(RGW16())
	c := newClient(srv)
	want := fill(testMin, 0)
	mustPut(t, c, "k", want)
	for i := range 20 {
		id := begin(t, c, "k")
		var parts []types.CompletedPart
		for off := 0; off < len(want); { // by steps, so that all but the last are as before
			n := len(want) - off
			if n >= 2*testMin {
				n = testMin
			}
			p, err := copyPart(t.Context(), c, "k", id, int32(len(parts)+1), fmt.Sprintf("bytes=%d-%d", off, off+n-1))
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, p)
			off += n
		}
		tail := fill(100+i, byte(i))
		parts = append(parts, mustPart(t, c, "k", id, int32(len(parts)+1), tail))
		if _, err := complete(t.Context(), c, "k", id, parts); err != nil {
			t.Fatal(err)
		}
		want += tail
	}
	wantObject(t, srv, "k", want)
	if got, err := get(t.Context(), c, "k", func(in *s3.GetObjectInput) { in.Range = aws.String("bytes=1000-1300") }); err != nil || got != want[1000:1301] {
		t.Errorf("a range over several parts: %q, %v", got, err)
	}
}

func TestListMultipartUploads(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Millisecond) // or signatures would be too old
	srv := New(Options{Now: func() time.Time { return now }})
	srv.CreateBucket(testBucket)
	c := newClient(srv)
	a1, b, a2 := begin(t, c, "a"), begin(t, c, "b"), begin(t, c, "a")
	want := []Upload{{a1, "a", now, 0}, {a2, "a", now, 0}, {b, "b", now, 0}}
	if got := srv.Uploads(testBucket); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("Uploads returns %v, want %v", got, want)
	}
	for size := range int32(4) {
		in := &s3.ListMultipartUploadsInput{Bucket: aws.String(testBucket)}
		if size > 0 {
			in.MaxUploads = aws.Int32(size)
		}
		var got []Upload
		pages := s3.NewListMultipartUploadsPaginator(c, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range page.Uploads {
				got = append(got, Upload{*u.UploadId, *u.Key, *u.Initiated, 0})
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("by %d: got %v, want %v", size, got, want)
		}
	}
	out, err := c.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(testBucket), Prefix: aws.String("b")})
	if err != nil || len(out.Uploads) != 1 || *out.Uploads[0].UploadId != b {
		t.Errorf("by prefix: %v, %v", out, err)
	}
}

func TestListPartsByPages(t *testing.T) {
	c := newClient(newTestServer(Strict()))
	id := begin(t, c, "k")
	for _, n := range []int32{3, 1, 2} {
		mustPart(t, c, "k", id, n, "x")
	}
	pages := s3.NewListPartsPaginator(c, &s3.ListPartsInput{
		Bucket: aws.String(testBucket), Key: aws.String("k"), UploadId: &id, MaxParts: aws.Int32(2),
	})
	var got []int32
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Parts {
			got = append(got, *p.PartNumber)
		}
	}
	if fmt.Sprint(got) != "[1 2 3]" {
		t.Errorf("parts %v", got)
	}
}

// TestCheapCopies: different copies have different ETags, and the object is the same.
func TestCheapCopies(t *testing.T) {
	srv := New(Options{MinPartSize: testMin, CheapCopies: true})
	source := fill(2*testMin, 1)
	srv.PutObject(testBucket, "k", []byte(source), nil)
	c := newClient(srv)
	id := begin(t, c, "k")
	var parts []types.CompletedPart
	seen := map[string]bool{}
	for n, rng := range []string{"bytes=0-1023", "bytes=1024-2047"} {
		p, err := copyPart(t.Context(), c, "k", id, int32(n+1), rng)
		if err != nil {
			t.Fatal(err)
		}
		if seen[*p.ETag] {
			t.Errorf("two copies have the ETag %s", *p.ETag)
		}
		seen[*p.ETag] = true
		parts = append(parts, p)
	}
	if _, err := complete(t.Context(), c, "k", id, parts); err != nil {
		t.Fatal(err)
	}
	wantObject(t, srv, "k", source)
}
