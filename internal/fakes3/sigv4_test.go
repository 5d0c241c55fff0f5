package fakes3

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// TestSignatureOfPublishedExample compares the signature with that of the example
// "GET Object" in the S3 API reference.
func TestSignatureOfPublishedExample(t *testing.T) {
	r, err := http.NewRequest("GET", "https://examplebucket.s3.amazonaws.com/test.txt", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Range", "bytes=0-9")
	r.Header.Set("X-Amz-Content-Sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
	r.Header.Set("X-Amz-Date", "20130524T000000Z")
	signed := []string{"host", "range", "x-amz-content-sha256", "x-amz-date"}
	got := sign("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", scope{"20130524", "us-east-1", "s3", "aws4_request"},
		"20130524T000000Z", canonicalRequest(r, signed))
	if want := "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSignedKeys(t *testing.T) {
	keys := []string{
		"plain", "with space", "a+b", "a%2Fb", "a%b", "Zürich/日本", "q?x=1&y", "semi;colon:at@eq=", "(paren)!*'", "~tilde_-.", "a//b", "/lead", "tail/", "#hash", "./dot/../x",
	}
	overBoth(t, Strict(), func(t *testing.T, srv *Server, c *s3.Client) {
		for _, key := range keys {
			if _, err := put(t.Context(), c, key, key); err != nil {
				t.Errorf("put %q: %v", key, err)
				continue
			}
			wantObject(t, srv, key, key)
			if got, err := get(t.Context(), c, key); err != nil || got != key {
				t.Errorf("get %q: %q, %v", key, got, err)
			}
			out, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(testBucket), Prefix: aws.String(key)})
			if err != nil || len(out.Contents) != 1 || *out.Contents[0].Key != key {
				t.Errorf("list %q: %v, %v", key, out, err)
			}
		}
	})
}

// tamper changes requests after they have been signed.
type tamper struct {
	rt     http.RoundTripper
	change func(*http.Request)
}

func (tr tamper) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	tr.change(r)
	return tr.rt.RoundTrip(r)
}

func TestTamperedRequests(t *testing.T) {
	replace := func(header, old, now string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(header, strings.Replace(r.Header.Get(header), old, now, 1)) }
	}
	body := func(s string) func(*http.Request) {
		return func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(s)) }
	}
	tests := []struct {
		what   string
		change func(*http.Request)
		status int
		code   string
	}{
		{"nothing", func(*http.Request) {}, 200, ""},
		{"an unsigned header", func(r *http.Request) { r.Header.Set("User-Agent", "x") }, 200, ""},
		{"a signed header", func(r *http.Request) { r.Header.Set("Content-Type", "x") }, 403, "SignatureDoesNotMatch"},
		{"a header of Amazon's more", func(r *http.Request) { r.Header.Set("X-Amz-Acl", "public-read") }, 403, "AccessDenied"},
		{"the body", body("two"), 400, "XAmzContentSHA256Mismatch"},
		{"the body's hash", func(r *http.Request) {
			body("two")(r)
			sum := sha256.Sum256([]byte("two"))
			r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
		}, 403, "SignatureDoesNotMatch"},
		{"the path", func(r *http.Request) { r.URL.Path += "2"; r.URL.RawPath = "" }, 403, "SignatureDoesNotMatch"},
		{"the query", func(r *http.Request) { r.URL.RawQuery += "&versionId=1" }, 403, "SignatureDoesNotMatch"},
		{"the method", func(r *http.Request) { r.Method = "DELETE" }, 403, "SignatureDoesNotMatch"},
		{"the host", func(r *http.Request) { r.Host = "other.test" }, 403, "SignatureDoesNotMatch"},
		{"the signature", replace("Authorization", "Signature=", "Signature=0"), 403, "SignatureDoesNotMatch"},
		{"no authorization", func(r *http.Request) { r.Header.Del("Authorization") }, 403, "AccessDenied"},
		{"signature version 2", func(r *http.Request) { r.Header.Set("Authorization", "AWS access:x") }, 403, "AccessDenied"},
		{"half an authorization", func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=access") }, 400, "AuthorizationHeaderMalformed"},
		{"another service", replace("Authorization", "/s3/", "/ec2/"), 400, "AuthorizationHeaderMalformed"},
		{"another day", replace("Authorization", "access/", "access/1"), 400, "AuthorizationHeaderMalformed"},
		{"the host unsigned", replace("Authorization", ";host", ""), 403, "AccessDenied"},
		{"no date", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, 403, "AccessDenied"},
		{"no hash", func(r *http.Request) { r.Header.Del("X-Amz-Content-Sha256") }, 400, "InvalidRequest"},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			srv := newTestServer(Strict())
			// Over plain HTTP the client signs the body, too.
			o := clientOptions("http://s3.test", tamper{Transport(srv), test.change})
			_, err := put(t.Context(), s3.New(o), "k", "one", func(in *s3.PutObjectInput) { in.ContentType = aws.String("text/plain") })
			wantError(t, err, test.status, test.code)
			if _, _, ok := srv.Object(testBucket, "k"); ok != (test.status == 200) {
				t.Errorf("stored: %v", ok)
			}
		})
	}
}

func TestUnsignedPayload(t *testing.T) {
	srv := newTestServer(Strict())
	var hash string
	c := s3.New(clientOptions(testHost, tamper{Transport(srv), func(r *http.Request) { hash = r.Header.Get("X-Amz-Content-Sha256") }}))
	mustPut(t, c, "k", "one")
	if hash != "UNSIGNED-PAYLOAD" {
		t.Errorf("the client sent %s", hash)
	}
	wantObject(t, srv, "k", "one")
}

func TestCredentials(t *testing.T) {
	now := time.Now()
	tests := []struct {
		what   string
		opts   Options
		client func(*s3.Options)
		status int
		code   string
	}{
		{"session token", Options{SessionToken: "token"}, func(o *s3.Options) {
			o.Credentials = credentials.NewStaticCredentialsProvider("access", "secret", "token")
		}, 200, ""},
		{"session token missing", Options{SessionToken: "token"}, func(*s3.Options) {}, 400, "InvalidToken"},
		{"session token superfluous", Options{}, func(o *s3.Options) {
			o.Credentials = credentials.NewStaticCredentialsProvider("access", "secret", "token")
		}, 400, "InvalidToken"},
		{"other keys", Options{AccessKey: "ak", SecretKey: "sk"}, func(o *s3.Options) {
			o.Credentials = credentials.NewStaticCredentialsProvider("ak", "sk", "")
		}, 200, ""},
		{"another region", Options{Region: "us-ord-1"}, func(o *s3.Options) { o.Region = "us-ord-1" }, 200, ""},
		{"the wrong region", Options{Region: "us-ord-1"}, func(*s3.Options) {}, 400, "AuthorizationHeaderMalformed"},
		{"anonymous", Options{}, func(o *s3.Options) { o.Credentials = aws.AnonymousCredentials{} }, 403, "AccessDenied"},
		{"14 minutes ahead", Options{Now: func() time.Time { return now.Add(-14 * time.Minute) }}, func(*s3.Options) {}, 200, ""},
		{"16 minutes ahead", Options{Now: func() time.Time { return now.Add(-16 * time.Minute) }}, func(*s3.Options) {}, 403, "RequestTimeTooSkewed"},
		{"16 minutes late", Options{Now: func() time.Time { return now.Add(16 * time.Minute) }}, func(*s3.Options) {}, 403, "RequestTimeTooSkewed"},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			srv := New(test.opts)
			srv.CreateBucket(testBucket)
			_, err := put(t.Context(), newClient(srv, test.client), "k", "one")
			wantError(t, err, test.status, test.code)
		})
	}
}
