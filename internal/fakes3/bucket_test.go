package fakes3

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestBuckets(t *testing.T) {
	overBoth(t, Strict(), func(t *testing.T, srv *Server, c *s3.Client) {
		name := aws.String("photos")
		if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: name}); err != nil {
			t.Fatal(err)
		}
		_, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: name})
		wantError(t, err, 409, "BucketAlreadyOwnedByYou")
		_, err = c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("ab")})
		wantError(t, err, 400, "InvalidBucketName")
		if _, err := c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: name}); err != nil {
			t.Error(err)
		}
		if _, err := c.GetBucketLocation(t.Context(), &s3.GetBucketLocationInput{Bucket: name}); err != nil {
			t.Error(err)
		}
		list, err := c.ListBuckets(t.Context(), &s3.ListBucketsInput{})
		if err != nil || len(list.Buckets) != 2 || *list.Buckets[0].Name != testBucket || *list.Buckets[1].Name != "photos" {
			t.Errorf("ListBuckets returns %v, %v", list, err)
		}
		srv.PutObject("photos", "k", nil, nil)
		_, err = c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: name})
		wantError(t, err, 409, "BucketNotEmpty")
		if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: name, Key: aws.String("k")}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: name}); err != nil {
			t.Error(err)
		}
		_, err = c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: name})
		wantError(t, err, 404, "NotFound")
	})
}

func TestVirtualHostStyle(t *testing.T) {
	srv := newTestServer(Strict())
	c := newClient(srv, func(o *s3.Options) { o.UsePathStyle = false })
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("photos")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("photos")}); err != nil {
		t.Error(err)
	}
	mustPut(t, c, "dir/k", "one")
	if got, err := get(t.Context(), c, "dir/k"); err != nil || got != "one" {
		t.Errorf("got %q, %v", got, err)
	}
	wantObject(t, srv, "dir/k", "one")
	list, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(testBucket)})
	if err != nil || len(list.Contents) != 1 {
		t.Errorf("listed %v, %v", list, err)
	}
	_, err = c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("absent")})
	wantError(t, err, 404, "NotFound")
}

func TestListObjects(t *testing.T) {
	keys := []string{"a", "b/", "b/1", "b/2", "c/1", "d e+é", "z"}
	overBoth(t, Strict(), func(t *testing.T, srv *Server, c *s3.Client) {
		for _, key := range keys {
			srv.PutObject(testBucket, key, []byte(key), nil)
		}
		if got := srv.Keys(testBucket); !slices.Equal(got, keys) {
			t.Errorf("Keys returns %q", got)
		}
		tests := []struct {
			in   s3.ListObjectsV2Input
			want string
		}{
			{s3.ListObjectsV2Input{}, "a b/ b/1 b/2 c/1 d e+é z"},
			{s3.ListObjectsV2Input{Prefix: aws.String("b/")}, "b/ b/1 b/2"},
			{s3.ListObjectsV2Input{Delimiter: aws.String("/")}, "a d e+é z | b/ c/"},
			{s3.ListObjectsV2Input{Prefix: aws.String("b/"), Delimiter: aws.String("/")}, "b/ b/1 b/2"},
			{s3.ListObjectsV2Input{StartAfter: aws.String("b/1")}, "b/2 c/1 d e+é z"},
			{s3.ListObjectsV2Input{StartAfter: aws.String("b/1"), Delimiter: aws.String("/")}, "d e+é z | b/ c/"},
			{s3.ListObjectsV2Input{Prefix: aws.String("nope")}, ""},
		}
		for _, test := range tests {
			for size := range int32(4) {
				in := test.in
				if size > 0 {
					in.MaxKeys = aws.Int32(size)
				}
				if got := listAll(t, c, in); got != test.want {
					t.Errorf("prefix %q, delimiter %q, by %d: got %q, want %q",
						aws.ToString(in.Prefix), aws.ToString(in.Delimiter), size, got, test.want)
				}
			}
		}
		_, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(testBucket), ContinuationToken: aws.String("!")})
		wantError(t, err, 400, "InvalidArgument")
		out, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{
			Bucket: aws.String(testBucket), Prefix: aws.String("d"), EncodingType: types.EncodingTypeUrl,
		})
		if err != nil || *out.Contents[0].Key != "d%20e%2B%C3%A9" {
			t.Errorf("url-encoded: %v, %v", out, err)
		}
	})
}

// listAll returns keys, and behind a bar common prefixes, of all pages.
func listAll(t *testing.T, c *s3.Client, in s3.ListObjectsV2Input) string {
	t.Helper()
	in.Bucket = aws.String(testBucket)
	var keys, prefixes []string
	pages := s3.NewListObjectsV2Paginator(c, &in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if in.MaxKeys != nil && *page.KeyCount > *in.MaxKeys {
			t.Errorf("%d on a page of %d", *page.KeyCount, *in.MaxKeys)
		}
		for _, o := range page.Contents {
			keys = append(keys, *o.Key)
			if *o.Size != int64(len(*o.Key)) || len(*o.ETag) != 34 {
				t.Errorf("%s is listed with %d bytes, ETag %s", *o.Key, *o.Size, *o.ETag)
			}
		}
		for _, p := range page.CommonPrefixes {
			prefixes = append(prefixes, *p.Prefix)
		}
	}
	if len(prefixes) > 0 {
		keys = append(append(keys, "|"), prefixes...)
	}
	return strings.Join(keys, " ")
}

func TestErrorDocuments(t *testing.T) {
	srv := newTestServer(Strict())
	r := httptest.NewRequest("GET", "http://127.0.0.1/"+testBucket+"/k", nil)
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, r)
	want := "<Error><Code>AccessDenied</Code><Message>Access Denied.</Message><Resource>/logs/k</Resource>" +
		"<BucketName>logs</BucketName><Key>k</Key><RequestId>0000000000000001</RequestId></Error>"
	if w.Code != 403 || !strings.HasSuffix(w.Body.String(), want) {
		t.Errorf("got %d %s, want …%s", w.Code, w.Body, want)
	}
	if w.Header().Get("X-Amz-Request-Id") != "0000000000000001" || w.Header().Get("Date") == "" {
		t.Errorf("header %v", w.Header())
	}

	r = httptest.NewRequest("HEAD", "http://127.0.0.1/"+testBucket+"/k", nil)
	w = httptest.NewRecorder()
	srv.ServeHTTP(w, r)
	if w.Code != 403 || w.Body.Len() != 0 {
		t.Errorf("HEAD got %d %q", w.Code, w.Body)
	}
}

func TestStats(t *testing.T) {
	srv := newTestServer(Strict())
	c := newClient(srv)
	data := fill(2*testMin, 1)
	mustPut(t, c, "k", data)
	if _, err := get(t.Context(), c, "k"); err != nil {
		t.Fatal(err)
	}
	if _, err := head(t.Context(), c, "k"); err != nil {
		t.Fatal(err)
	}
	id := begin(t, c, "k")
	if _, err := copyPart(t.Context(), c, "k", id, 1, fmt.Sprintf("bytes=0-%d", testMin-1)); err != nil {
		t.Fatal(err)
	}
	st := srv.Stats()
	if st.Total() != 5 || st.Requests["PutObject"] != 1 || st.Requests["UploadPartCopy"] != 1 {
		t.Errorf("requests %v", st.Requests)
	}
	if st.Received != 2*testMin || st.Copied != testMin {
		t.Errorf("received %d, copied %d", st.Received, st.Copied)
	}
	if st.Sent < 2*testMin || st.Sent > 2*testMin+1000 { // and two small documents
		t.Errorf("sent %d", st.Sent)
	}
	srv.Reset()
	if st := srv.Stats(); st.Total() != 0 || st.Sent != 0 || st.Received != 0 || st.Copied != 0 {
		t.Errorf("after Reset: %+v", st)
	}
}

func TestProfileByName(t *testing.T) {
	for _, p := range Profiles() {
		got, err := ProfileByName(strings.ToUpper(p.Name))
		if err != nil || got != p {
			t.Errorf("%s: got %+v, %v", p.Name, got, err)
		}
	}
	if _, err := ProfileByName("s4"); err == nil || !strings.Contains(err.Error(), "linode") {
		t.Errorf("error %v does not list the names", err)
	}
	if Strict() != (Profile{Name: "strict"}) {
		t.Error("the zero Profile is not the strict one")
	}
}

func TestReadBodyOfLeavingClient(t *testing.T) {
	srv := newTestServer(Strict())
	r := httptest.NewRequest("PUT", "http://127.0.0.1/"+testBucket+"/k", strings.NewReader("one"))
	r.ContentLength = 10
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("recovered %v, want the connection to be dropped", p)
		}
	}()
	srv.ServeHTTP(httptest.NewRecorder(), r)
	t.Error(errors.New("a request with half a body was answered"))
}
