package fakes3

import (
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const writers, rounds = 8, 25

// addLines lets writers add lines to one object, each by reading it and writing
// it again, until all are in or one fails. A read may fail where it does so while the object
// is replaced.
func addLines(t *testing.T, c *s3.Client, mayFail bool, write func(data, etag string) error) {
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range rounds {
				line := fmt.Sprintf("%d-%d\n", w, n)
				for {
					out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(testBucket), Key: aws.String("k")})
					if status(err) == 500 && mayFail {
						continue
					}
					if err != nil {
						t.Error(err)
						return
					}
					data, err := io.ReadAll(out.Body)
					out.Body.Close()
					if err != nil {
						t.Error(err)
						return
					}
					err = write(string(data)+line, unquote(*out.ETag))
					if err == nil {
						break
					}
					if status(err) != 412 {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

func lines(srv *Server) int {
	data, _, _ := srv.Object(testBucket, "k")
	return strings.Count(string(data), "\n")
}

func TestWritersByPutLoseNothing(t *testing.T) {
	for _, p := range []Profile{Strict(), RGW16(), RGW20()} {
		t.Run(p.Name, func(t *testing.T) {
			srv := newTestServer(p)
			srv.PutObject(testBucket, "k", nil, nil)
			c := newClient(srv)
			addLines(t, c, p.ReadFailsWhileReplaced, func(data, etag string) error {
				_, err := put(t.Context(), c, "k", data, ifMatch(etag))
				return err
			})
			if got := lines(srv); got != writers*rounds {
				t.Errorf("%d lines of %d", got, writers*rounds)
			}
		})
	}
}

func TestWritersByCompleteLoseNothing(t *testing.T) {
	for _, p := range []Profile{Strict(), RGW20()} {
		t.Run(p.Name, func(t *testing.T) {
			srv := newTestServer(p)
			srv.PutObject(testBucket, "k", nil, nil)
			c := newClient(srv)
			addLines(t, c, p.ReadFailsWhileReplaced, func(data, etag string) error {
				created, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String(testBucket), Key: aws.String("k")})
				if err != nil {
					return err
				}
				part, err := uploadPart(t.Context(), c, "k", *created.UploadId, 1, data)
				if err != nil {
					return err
				}
				_, err = complete(t.Context(), c, "k", *created.UploadId, []types.CompletedPart{part}, func(in *s3.CompleteMultipartUploadInput) {
					in.IfMatch = aws.String(quote(etag))
				})
				return err
			})
			if got := lines(srv); got != writers*rounds {
				t.Errorf("%d lines of %d", got, writers*rounds)
			}
		})
	}
}

// meanwhile is a body that lets something happen when it is first read.
type meanwhile struct {
	io.Reader
	happen func()
}

func (m *meanwhile) Read(p []byte) (int, error) {
	if m.happen != nil {
		m.happen()
		m.happen = nil
	}
	return m.Reader.Read(p)
}

// While a body is on its way someone else writes: only where a server, or its
// versioned bucket, is not atomic is that other write lost.
func TestConditionsAreLookedAtOnlyBefore(t *testing.T) {
	tests := []struct {
		profile   Profile
		versioned bool
		want      int
	}{
		{RGW20(), true, 200}, {RGW20(), false, 412}, {Rclone(), true, 200}, {Rclone(), false, 200}, {Strict(), true, 412}, {Strict(), false, 412},
	}
	for _, test := range tests {
		srv := newTestServer(test.profile)
		if test.versioned {
			srv.buckets[testBucket].versioning = "Enabled"
		}
		etag := srv.PutObject(testBucket, "k", []byte("one"), nil)
		r := signedRequest("PUT", "/"+testBucket+"/k", "two", map[string]string{"If-Match": etag})
		r.Body = io.NopCloser(&meanwhile{r.Body, func() { srv.PutObject(testBucket, "k", []byte("a stranger"), nil) }})
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		if w.Code != test.want {
			t.Errorf("%s, versioned %v: got %d, want %d", test.profile.Name, test.versioned, w.Code, test.want)
		}
		want := map[int]string{200: "two", 412: "a stranger"}[test.want]
		wantObject(t, srv, "k", want)
	}
}
