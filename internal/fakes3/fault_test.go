package fakes3

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// once returns a Server.Fault for the first request of one name.
func once(name string, f Fault) func(Op) Fault {
	return func(op Op) Fault {
		if op.Name == name && op.N == 1 {
			return f
		}
		return Fault{}
	}
}

func TestFaultsOfWrites(t *testing.T) {
	tests := []struct {
		what    string
		fault   Fault
		status  int // 0: no answer
		code    string
		applied bool
	}{
		{"none", Fault{}, 200, "", true},
		{"500 before", Fault{Reply: Error{Status: 500}}, 500, "InternalError", false},
		{"500 after", Fault{Reply: Error{Status: 500, Code: "UnknownError"}, After: true}, 500, "UnknownError", true},
		{"503 before", Fault{Reply: Error{Status: 503}}, 503, "SlowDown", false},
		{"503 after", Fault{Reply: Error{Status: 503}, After: true}, 503, "SlowDown", true},
		{"412 after a success", Fault{Reply: Error{Status: 412}, After: true}, 412, "PreconditionFailed", true},
		{"409 before", Fault{Reply: Error{Status: 409}}, 409, "ConditionalRequestConflict", false},
		{"drop before", Fault{Drop: true}, 0, "", false},
		{"drop after", Fault{Drop: true, After: true}, 0, "", true},
		{"lost", Fault{Lost: true}, 200, "", false},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			t.Run("PutObject", func(t *testing.T) {
				overBoth(t, Strict(), func(t *testing.T, srv *Server, c *s3.Client) {
					srv.Fault = once("PutObject", test.fault)
					_, err := put(t.Context(), c, "k", "one", ifMissing)
					wantError(t, err, test.status, test.code)
					if _, _, ok := srv.Object(testBucket, "k"); ok != test.applied {
						t.Errorf("applied: %v, want %v", ok, test.applied)
					}
				})
			})
			t.Run("CompleteMultipartUpload", func(t *testing.T) {
				overBoth(t, Strict(), func(t *testing.T, srv *Server, c *s3.Client) {
					srv.Fault = once("CompleteMultipartUpload", test.fault)
					id := begin(t, c, "k")
					_, err := complete(t.Context(), c, "k", id, []types.CompletedPart{mustPart(t, c, "k", id, 1, "one")})
					wantError(t, err, test.status, test.code)
					if _, _, ok := srv.Object(testBucket, "k"); ok != test.applied {
						t.Errorf("applied: %v, want %v", ok, test.applied)
					}
					if open := len(srv.Uploads(testBucket)) == 1; open == test.applied {
						t.Errorf("open: %v", open)
					}
				})
			})
		})
	}
}

func TestFaultsOfReads(t *testing.T) {
	overBoth(t, Strict(), func(t *testing.T, srv *Server, c *s3.Client) {
		srv.PutObject(testBucket, "k", []byte("one"), nil)
		srv.Fault = func(op Op) Fault {
			switch {
			case op.Name == "GetObject" && op.N == 1:
				return Fault{Drop: true}
			case op.Name == "HeadObject" && op.N <= 2:
				return Fault{Reply: Error{Status: 503}}
			}
			return Fault{}
		}
		_, err := get(t.Context(), c, "k")
		wantError(t, err, 0, "")
		if err == nil {
			t.Error("no error")
		}
		for n := range 3 {
			_, err = head(t.Context(), c, "k")
			if want := []int{503, 503, 200}[n]; status(err) != want {
				t.Errorf("HEAD %d: %v, want %d", n+1, err, want)
			}
		}
		if got, err := get(t.Context(), c, "k"); err != nil || got != "one" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestLostRaceIsAnswered200(t *testing.T) {
	srv := newTestServer(Strict())
	c := newClient(srv)
	mustPut(t, c, "k", "one")
	srv.Fault = func(op Op) Fault { return Fault{Lost: op.Name == "PutObject"} }
	out, err := put(t.Context(), c, "k", "two", ifMatch("stale"))
	if err != nil || aws.ToString(out.ETag) != `"b8a9f715dbb64fd5c56e7783c6820a61"` {
		t.Errorf("got %v, %v", out, err)
	}
	wantObject(t, srv, "k", "one")
}

func TestCutBodies(t *testing.T) {
	data := fill(100_000, 1)
	for _, at := range []int64{0, 1, 5000, 99_999} {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			overBoth(t, Strict(), func(t *testing.T, srv *Server, c *s3.Client) {
				srv.PutObject(testBucket, "k", []byte(data), nil)
				srv.Fault = once("GetObject", Fault{Cut: true, CutAt: at})
				got, err := get(t.Context(), c, "k")
				if !errors.Is(err, io.ErrUnexpectedEOF) || got != data[:at] {
					t.Errorf("got %d bytes, %v", len(got), err)
				}
				if got, err := get(t.Context(), c, "k"); err != nil || got != data {
					t.Errorf("then %d bytes, %v", len(got), err)
				}
			})
		})
	}
}

// TestTornRead: the object is replaced between the look at its ETag and the read.
func TestTornRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newTestServer(Versity())
		c := newClient(srv)
		mustPut(t, c, "k", "one")
		before, err := head(t.Context(), c, "k")
		if err != nil {
			t.Fatal(err)
		}
		srv.Fault = once("GetObject", Fault{Torn: true, Delay: time.Minute})
		go func() {
			time.Sleep(time.Second)
			mustPut(t, c, "k", "two, longer")
		}()
		out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(testBucket), Key: aws.String("k"), IfMatch: before.ETag})
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(out.Body)
		if err != nil || string(content) != "two, longer" || *out.ETag != *before.ETag {
			t.Errorf("read %q under %s, %v; want the content of the next version under %s", content, *out.ETag, err, *before.ETag)
		}
	})
}

// TestHeadThatLies: a HEAD says that there is no object, or describes one from some
// writes ago. A GET with the second fault is right.
func TestHeadThatLies(t *testing.T) {
	overBoth(t, Strict(), func(t *testing.T, srv *Server, c *s3.Client) {
		var fault Fault
		srv.Fault = func(op Op) Fault {
			if op.Name == "HeadObject" || op.Name == "GetObject" {
				return fault
			}
			return Fault{}
		}
		wantStale := func(writes int, content string) {
			t.Helper()
			fault = Fault{Stale: writes}
			out, err := head(t.Context(), c, "k")
			if content == "" {
				wantError(t, err, 404, "NotFound")
				return
			}
			sum := md5.Sum([]byte(content))
			if err != nil || *out.ETag != quote(hex.EncodeToString(sum[:])) || *out.ContentLength != int64(len(content)) || out.Metadata["n"] != content {
				t.Errorf("%d writes ago: got %v, %v, want the head of %q", writes, out, err, content)
			}
			if got, err := get(t.Context(), c, "k"); err != nil || got == content {
				t.Errorf("GET with %d writes ago: got %q, %v, want what is there now", writes, got, err)
			}
		}
		wantStale(1, "")
		texts := []string{"one", "two, longer", "three", "four", "five, longer", "six"}
		for _, text := range texts {
			srv.PutObject(testBucket, "k", []byte(text), map[string]string{"n": text})
		}
		wantStale(1, "five, longer")
		wantStale(4, "two, longer")
		wantStale(9, "two, longer") // no further back than it remembers
		srv.PutObject(testBucket, "other", []byte("x"), nil)
		wantStale(2, "four")

		fault = Fault{Absent: true}
		_, err := head(t.Context(), c, "k")
		wantError(t, err, 404, "NotFound")
		_, err = get(t.Context(), c, "k")
		if status(err) != 404 || code(err) == "NoSuchKey" {
			t.Errorf("GET: got %v, want a 404 that does not name a code of S3", err)
		}
		fault = Fault{}
		if got, err := get(t.Context(), c, "k"); err != nil || got != "six" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

// TestStaleAbsence: before its first write, and after its deletion, an object was
// not there, and a HEAD may still say so.
func TestStaleAbsence(t *testing.T) {
	srv := newTestServer(Strict())
	c := newClient(srv)
	mustPut(t, c, "k", "one")
	srv.Fault = once("HeadObject", Fault{Stale: 1})
	_, err := head(t.Context(), c, "k")
	wantError(t, err, 404, "NotFound")
	if _, err := head(t.Context(), c, "k"); err != nil {
		t.Error(err)
	}
	if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(testBucket), Key: aws.String("k")}); err != nil {
		t.Fatal(err)
	}
	srv.Fault = func(op Op) Fault { return Fault{Stale: 1} }
	if out, err := head(t.Context(), c, "k"); err != nil || *out.ContentLength != 3 {
		t.Errorf("got %v, %v, want the object that was deleted", out, err)
	}
}

func TestDelay(t *testing.T) {
	for _, after := range []bool{false, true} {
		var slept time.Duration
		var there bool
		var srv *Server
		srv = New(Options{Sleep: func(_ context.Context, d time.Duration) error {
			slept += d
			_, _, there = srv.Object(testBucket, "k")
			return nil
		}})
		srv.CreateBucket(testBucket)
		srv.Fault = once("PutObject", Fault{Delay: time.Hour, After: after})
		mustPut(t, newClient(srv), "k", "one")
		if slept != time.Hour || there != after {
			t.Errorf("slept %v, applied meanwhile: %v, want %v", slept, there, after)
		}
		wantObject(t, srv, "k", "one")
	}
}

func TestTrickle(t *testing.T) {
	overBoth(t, Strict(), func(t *testing.T, srv *Server, c *s3.Client) {
		var pauses atomic.Int64
		srv.opts.Sleep = func(_ context.Context, d time.Duration) error {
			if d != time.Second {
				t.Errorf("pause of %v", d)
			}
			pauses.Add(1)
			return nil
		}
		srv.PutObject(testBucket, "k", []byte("0123456789"), nil)
		srv.Fault = once("GetObject", Fault{Trickle: 3, Pause: time.Second})
		if got, err := get(t.Context(), c, "k"); err != nil || got != "0123456789" {
			t.Errorf("got %q, %v", got, err)
		}
		if pauses.Load() < 3 {
			t.Errorf("%d pauses", pauses.Load())
		}
	})
}

func TestLaterIsExecutedAtRelease(t *testing.T) {
	overBoth(t, Strict(), func(t *testing.T, srv *Server, c *s3.Client) {
		srv.Fault = func(op Op) Fault {
			switch {
			case op.Name == "PutObject" && op.N == 1:
				return Fault{Later: true}
			case op.Name == "PutObject" && op.N == 2:
				return Fault{Later: true, Reply: Error{Status: 500}}
			}
			return Fault{}
		}
		_, err := put(t.Context(), c, "k", "abandoned", ifMissing)
		if err == nil || status(err) != 0 {
			t.Errorf("first: %v, want a broken connection", err)
		}
		_, err = put(t.Context(), c, "other", "abandoned")
		wantError(t, err, 500, "InternalError")
		if keys := srv.Keys(testBucket); len(keys) != 0 {
			t.Errorf("applied at once: %q", keys)
		}
		mustPut(t, c, "k", "one") // overtakes
		if got := srv.Release(); !slices.Equal(got, []int{412, 200}) {
			t.Errorf("released with %v", got)
		}
		wantObject(t, srv, "k", "one")
		wantObject(t, srv, "other", "abandoned")
		if got := srv.Release(); len(got) != 0 {
			t.Errorf("released again: %v", got)
		}
	})
}

// Without conditions, an abandoned request undoes a later one.
func TestLaterWithoutConditions(t *testing.T) {
	srv := newTestServer(NoConditions())
	c := newClient(srv)
	srv.Fault = once("PutObject", Fault{Later: true})
	if _, err := put(t.Context(), c, "k", "abandoned", ifMissing); err == nil {
		t.Error("no error")
	}
	mustPut(t, c, "k", "one")
	if got := srv.Release(); !slices.Equal(got, []int{200}) {
		t.Errorf("released with %v", got)
	}
	wantObject(t, srv, "k", "abandoned")
}

// A late request is kept for as long as the test wants, whatever is written
// meanwhile.
func TestLaterIsKeptForManyWrites(t *testing.T) {
	srv := newTestServer(Strict())
	c := newClient(srv)
	etag := srv.PutObject(testBucket, "k", []byte("zero"), nil)
	srv.Fault = func(op Op) Fault { return Fault{Later: op.Name == "PutObject" && op.N <= 2} }
	for _, change := range []func(*s3.PutObjectInput){ifMatch(etag), func(*s3.PutObjectInput) {}} {
		if _, err := put(t.Context(), c, "k", "abandoned", change); err == nil {
			t.Fatal("no error")
		}
	}
	for n := range 30 {
		mustPut(t, c, "k", fmt.Sprint("write ", n))
	}
	if got := srv.Release(); !slices.Equal(got, []int{412, 200}) {
		t.Errorf("released with %v", got)
	}
	wantObject(t, srv, "k", "abandoned") // by the one without a condition
}

func TestFaultsSpareBadRequests(t *testing.T) {
	srv := newTestServer(Strict())
	srv.Fault = func(Op) Fault { return Fault{Lost: true} }
	c := newClient(srv, func(o *s3.Options) { o.Credentials = aws.AnonymousCredentials{} })
	_, err := put(t.Context(), c, "k", "one")
	wantError(t, err, 403, "AccessDenied")
}

func TestFaultSeesTheRequest(t *testing.T) {
	srv := newTestServer(Strict())
	var ops []string
	srv.Fault = func(op Op) Fault {
		ops = append(ops, fmt.Sprint(op))
		if op.N == 2 {
			srv.PutObject(testBucket, "a/b", []byte("a stranger"), nil) // no lock is held
		}
		return Fault{}
	}
	c := newClient(srv)
	mustPut(t, c, "a/b", "one")
	_, err := put(t.Context(), c, "a/b", "two", ifMatch("f97c5d29941bfb1b2fdab0874906ab82"))
	wantError(t, err, 412, "PreconditionFailed")
	if _, err := head(t.Context(), c, "a/b"); err != nil {
		t.Error(err)
	}
	_, err = put(t.Context(), c, "a/b", "three", ifMissing)
	wantError(t, err, 412, "PreconditionFailed")
	want := []string{"{PutObject logs a/b 1  }", "{PutObject logs a/b 2 f97c5d29941bfb1b2fdab0874906ab82 }", "{HeadObject logs a/b 1  }", "{PutObject logs a/b 3  *}"}
	if !slices.Equal(ops, want) {
		t.Errorf("asked about %q, want %q", ops, want)
	}
}

func TestParseFault(t *testing.T) {
	fault, err := ParseFault("PutObject:3:500, HeadObject:*:503/Busy,CompleteMultipartUpload:1:delay=5s+drop-after," +
		"GetObject:2-3:cut=10,GetObject:5-:trickle=4/1s,UploadPart:1:lost,*:7:later+409,DeleteObject:1:412-after+delay=1ms,ListParts:1:delay=1s-after,UploadPartCopy:1:absent,ListObjectsV2:1:stale=2")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		n    int
		want Fault
	}{
		{"PutObject", 2, Fault{}},
		{"PutObject", 3, Fault{Reply: Error{Status: 500}}},
		{"PutObject", 4, Fault{}},
		{"PutObject", 7, Fault{Later: true, Reply: Error{Status: 409}}},
		{"HeadObject", 7, Fault{Reply: Error{Status: 503, Code: "Busy"}}},
		{"CompleteMultipartUpload", 1, Fault{Delay: 5 * time.Second, Drop: true, After: true}},
		{"GetObject", 1, Fault{}},
		{"GetObject", 2, Fault{Cut: true, CutAt: 10}},
		{"GetObject", 3, Fault{Cut: true, CutAt: 10}},
		{"GetObject", 4, Fault{}},
		{"GetObject", 4, Fault{}},
		{"UploadPartCopy", 1, Fault{Absent: true}},
		{"GetObject", 99, Fault{Trickle: 4, Pause: time.Second}},
		{"UploadPart", 1, Fault{Lost: true}},
		{"DeleteObject", 1, Fault{Reply: Error{Status: 412}, After: true, Delay: time.Millisecond}},
		{"ListParts", 1, Fault{Delay: time.Second, After: true}},
	}
	for _, test := range tests {
		if got := fault(Op{Name: test.name, N: test.n}); got != test.want {
			t.Errorf("%s %d: got %+v, want %+v", test.name, test.n, got, test.want)
		}
	}
	for _, bad := range []string{
		"PutObject", "PutObject:1", "PutObject:1:", "PutObjekt:1:500", "PutObject:0:500", "PutObject:x:500", "PutObject:3-2:500",
		"PutObject:1:200", "PutObject:1:600", "PutObject:1:boom", "PutObject:1:lost-after", "PutObject:1:cut=x", "PutObject:1:cut=-1",
		"PutObject:1:delay=5", "PutObject:1:trickle=0/1s", "PutObject:1:trickle=5", "HeadObject:1:stale=0", "HeadObject:1:stale=5", "HeadObject:1:stale", "PutObject:1:500:x",
	} {
		if _, err := ParseFault(bad); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
	none, err := ParseFault("")
	if err != nil || none(Op{Name: "PutObject", N: 1}) != (Fault{}) {
		t.Errorf("the empty text makes faults: %v", err)
	}
}
