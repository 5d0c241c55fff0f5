package s3store_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// copyBench is a store with an object to be copied.
type copyBench struct {
	*s3store.Store
	srv    *fakes3.Server
	client *s3.Client
	v      rotatelog.Version
}

const copyFrom, copyTo, copyText = "logs/day +1.json.gz", "logs/kept/day +1.json.gz-20250711T010203Z", "0123456789"

func newCopyBench(t *testing.T, profile fakes3.Profile, opts s3store.Options) *copyBench {
	t.Helper()
	srv, client := s3test.NewFake(fakes3.Options{Profile: profile})
	b := &copyBench{Store: s3test.NewStore(client, opts), srv: srv, client: client}
	s3test.Write(t, b, copyFrom, "", map[string]string{"n": "1"}, rotatelog.Data([]byte(copyText)))
	b.v = s3test.Stat(t, b, copyFrom).Version
	srv.Reset()
	return b
}

func (b *copyBench) copy(t *testing.T) error {
	return b.Copy(t.Context(), copyFrom, b.v, copyTo)
}

func (b *copyBench) wantNoCopy(t *testing.T) {
	t.Helper()
	if _, err := b.Stat(t.Context(), copyTo); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is something at the place of the copy: %v", err)
	}
	s3test.WantOpen(t, b.srv)
}

// TestCopyIsOneRequest where the server copies, besides two looks before and two after.
func TestCopyIsOneRequest(t *testing.T) {
	t.Parallel()
	for _, profile := range fakes3.Profiles() {
		b := newCopyBench(t, profile, s3store.Options{})
		if err := b.copy(t); err != nil {
			t.Errorf("%s: %v", profile.Name, err)
		}
		st := b.srv.Stats()
		if !profile.NoCopyObject && (st.Requests["CopyObject"] != 1 || st.Requests["GetObject"] != 4 || st.Total() != 5 || st.Copied != 10) {
			t.Errorf("%s: %v, and %d bytes copied", profile.Name, st.Requests, st.Copied)
		}
		s3test.WantContent(t, b, copyTo, copyText)
		meta := s3test.Stat(t, b, copyTo).Meta
		if want := map[string]string{"n": "1", "rotatelog-copy-of": meta["rotatelog-copy-of"]}; !maps.Equal(meta, want) || !strings.HasPrefix(meta["rotatelog-copy-of"], string(b.v)+" 10 ") {
			t.Errorf("%s: the metadata is %v, want %v", profile.Name, meta, want)
		}
		out, err := b.client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(s3test.Bucket), Key: aws.String(copyTo)})
		if err != nil || !profile.NoCopyObject && aws.ToString(out.ContentType) != "application/gzip" {
			t.Errorf("%s: the type is %q, %v", profile.Name, aws.ToString(out.ContentType), err)
		}
		b.srv.Reset()
		if err := b.copy(t); err != nil || b.srv.Stats().Total() != 1 {
			t.Errorf("%s, again: %v, %v", profile.Name, err, b.srv.Stats().Requests)
		}
		s3test.WantOpen(t, b.srv)
	}
}

// TestCopyWhereTheServerDoesNot is by reading and writing.
func TestCopyWhereTheServerDoesNot(t *testing.T) {
	t.Parallel()
	for _, answer := range []fakes3.Error{{Status: 501}, {Status: 411, Code: "MissingContentLength"}, {Status: 405, Code: "MethodNotAllowed"}, {Status: 412}} {
		b := newCopyBench(t, fakes3.Linode(), s3store.Options{})
		b.srv.Fault = func(op fakes3.Op) fakes3.Fault {
			if op.Name == "CopyObject" {
				return fakes3.Fault{Reply: answer}
			}
			return fakes3.Fault{}
		}
		if err := b.copy(t); err != nil {
			t.Errorf("%v: %v", answer, err)
		}
		s3test.WantContent(t, b, copyTo, copyText)
		if err := b.copy(t); err != nil {
			t.Errorf("%v, again: %v", answer, err)
		}
		if meta := s3test.Stat(t, b, copyTo).Meta; meta["n"] != "1" {
			t.Errorf("%v: metadata %v", answer, meta)
		}
	}
}

// TestCopyOfWhatIsReplacedMeanwhile: before the server copies it, and after.
func TestCopyOfWhatIsReplacedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, profile := range []fakes3.Profile{fakes3.Strict(), fakes3.Linode(), fakes3.Rclone()} {
		for _, at := range []string{"CopyObject 1", "GetObject 3", "GetObject 4"} {
			for _, other := range []string{"abcdefghij", "longer than before", ""} {
				b := newCopyBench(t, profile, s3store.Options{})
				b.srv.Fault = s3test.ExceptProofs(func(op fakes3.Op) fakes3.Fault {
					if fmt.Sprint(op.Name, " ", op.N) == at {
						if b.srv.PutObject(s3test.Bucket, copyFrom, []byte(other), nil); other == "" {
							b.srv.DeleteObject(s3test.Bucket, copyFrom)
						}
					}
					return fakes3.Fault{}
				})
				err := b.copy(t)
				b.srv.Fault = nil
				if err == nil && (at == "GetObject 4" || profile.NoCopyObject) { // it was copied before
					s3test.WantContent(t, b, copyTo, copyText)
					continue
				}
				if !errors.Is(err, rotatelog.ErrConflict) {
					t.Errorf("%s, replaced by %q at %s: %v, want ErrConflict", profile.Name, other, at, err)
				}
				b.wantNoCopy(t)
			}
		}
	}
}

// TestCopyThatCannotBeRemoved is named.
func TestCopyThatCannotBeRemoved(t *testing.T) {
	t.Parallel()
	b := newCopyBench(t, fakes3.Linode(), s3store.Options{})
	b.srv.Fault = func(op fakes3.Op) fakes3.Fault {
		switch op.Name {
		case "CopyObject":
			b.srv.PutObject(s3test.Bucket, copyFrom, []byte("abcdefghij-"), nil)
		case "DeleteObject":
			return fakes3.Fault{Reply: fakes3.Error{Status: 403}}
		}
		return fakes3.Fault{}
	}
	if err := b.copy(t); !errors.Is(err, rotatelog.ErrConflict) || !strings.Contains(err.Error(), "could not be removed from "+copyTo) {
		t.Errorf("%v", err)
	}
	b.srv.Fault = nil
	if err := b.copy(t); !errors.Is(err, fs.ErrExist) { // it has another size
		t.Errorf("what is left there is taken for a copy: %v", err)
	}
}

// TestCopyWhoseReplyIsLost is looked for at once, and by the next one.
func TestCopyWhoseReplyIsLost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		fault fakes3.Fault
		ok    bool
	}{
		{"applied", fakes3.Fault{Drop: true, After: true}, true},
		{"applied, and refused", fakes3.Fault{Reply: fakes3.Error{Status: 412}, After: true}, true},
		{"applied, and 500", fakes3.Fault{Reply: fakes3.Error{Status: 500}, After: true}, true},
		{"not applied", fakes3.Fault{Drop: true}, false},
		{"busy", fakes3.Fault{Reply: fakes3.Error{Status: 503}}, false},
		{"a lie", fakes3.Fault{Lost: true}, false},
		{"late", fakes3.Fault{Later: true}, false},
	} {
		b := newCopyBench(t, fakes3.Strict(), s3store.Options{})
		b.srv.Fault = func(op fakes3.Op) fakes3.Fault {
			if op.Name == "CopyObject" && op.N == 1 {
				return tt.fault
			}
			return fakes3.Fault{}
		}
		err := b.copy(t)
		if (err == nil) != tt.ok || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) || errors.Is(err, rotatelog.ErrConflict) {
			t.Errorf("%s: %v, want nil: %t", tt.name, err, tt.ok)
		}
		b.srv.Release()
		if err := b.copy(t); err != nil {
			t.Errorf("%s, again: %v", tt.name, err)
		}
		s3test.WantContent(t, b, copyTo, copyText)
	}
}

// TestCopyOverWhatAppears between the look and the request.
func TestCopyOverWhatAppears(t *testing.T) {
	t.Parallel()
	for _, profile := range []fakes3.Profile{fakes3.Strict(), fakes3.Rclone()} {
		b := newCopyBench(t, profile, s3store.Options{})
		b.srv.Fault = func(op fakes3.Op) fakes3.Fault {
			if op.Name == "CopyObject" {
				b.srv.PutObject(s3test.Bucket, copyTo, []byte("foreign"), nil)
			}
			return fakes3.Fault{}
		}
		if err := b.copy(t); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v, want fs.ErrExist", profile.Name, err)
		}
		s3test.WantContent(t, b, copyTo, "foreign")
	}
}

// TestCopyIsEncrypted like what a Write stores.
func TestCopyIsEncrypted(t *testing.T) {
	t.Parallel()
	b := newCopyBench(t, fakes3.Strict(), s3store.Options{Encrypt: true})
	if err := b.copy(t); err != nil {
		t.Error(err)
	}
	out, err := b.client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(s3test.Bucket), Key: aws.String(copyTo)})
	if err != nil || out.ServerSideEncryption != types.ServerSideEncryptionAes256 {
		t.Errorf("encrypted by %q, %v", out.ServerSideEncryption, err)
	}

	srv, _ := s3test.NewFake(fakes3.Options{Profile: fakes3.RGW20()})
	web := httptest.NewServer(srv) // on this machine, where a key may be sent
	t.Cleanup(web.Close)
	store := s3test.NewStore(s3test.NewClient(web.URL), s3store.Options{EncryptionKey: s3test.CustomerKey})
	s3test.Write(t, store, copyFrom, "", nil, rotatelog.Data([]byte(copyText)))
	if err := store.Copy(t.Context(), copyFrom, s3test.Stat(t, store, copyFrom).Version, copyTo); err != nil {
		t.Error(err)
	}
	s3test.WantContent(t, store, copyTo, copyText)
}

// newLargeObject puts an object of more than 5 GiB, which costs nothing, at copyFrom.
func newLargeObject(t *testing.T, profile fakes3.Profile) *copyBench {
	t.Helper()
	ctx := t.Context()
	srv, client := s3test.NewFake(fakes3.Options{Profile: profile, CheapCopies: true})
	srv.PutObject(s3test.Bucket, "8m", make([]byte, 8<<20), nil)
	bucket, source := aws.String(s3test.Bucket), "8m"
	for _, key := range []string{"256m", copyFrom} {
		u, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: &key, Metadata: map[string]string{"n": "1"}})
		if err != nil {
			t.Fatal(err)
		}
		parts := &types.CompletedMultipartUpload{}
		for n := int32(1); n <= 32; n++ {
			out, err := client.UploadPartCopy(ctx, &s3.UploadPartCopyInput{Bucket: bucket, Key: &key, UploadId: u.UploadId, PartNumber: &n, CopySource: aws.String(s3test.Bucket + "/" + source)})
			if err != nil {
				t.Fatal(err)
			}
			parts.Parts = append(parts.Parts, types.CompletedPart{PartNumber: &n, ETag: out.CopyPartResult.ETag})
		}
		if _, err := client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: &key, UploadId: u.UploadId, MultipartUpload: parts}); err != nil {
			t.Fatal(err)
		}
		source = key
	}
	b := &copyBench{Store: s3test.NewStore(client, s3store.Options{}), srv: srv, client: client}
	b.v = s3test.Stat(t, b, copyFrom).Version
	srv.Reset()
	return b
}

// TestLargeCopy is a multipart upload, which is given up if the source is replaced.
func TestLargeCopy(t *testing.T) {
	t.Parallel()
	for _, profile := range []fakes3.Profile{fakes3.Strict(), fakes3.Linode()} {
		b := newLargeObject(t, profile)
		if err := b.copy(t); err != nil {
			t.Fatalf("%s: %v", profile.Name, err)
		}
		st := b.srv.Stats()
		if st.Requests["CopyObject"] != 0 || st.Copied != 8<<30 || st.Received > 100_000 {
			t.Errorf("%s: %v, %d bytes copied, %d received", profile.Name, st.Requests, st.Copied, st.Received)
		}
		if o := s3test.Stat(t, b, copyTo); o.Size != 8<<30 || o.Meta["n"] != "1" || len(o.Meta) != 2 {
			t.Errorf("%s: the copy is %+v", profile.Name, o)
		}
		if err := b.copy(t); err != nil {
			t.Errorf("%s, again: %v", profile.Name, err)
		}
		b.srv.DeleteObject(s3test.Bucket, copyTo)
		b.srv.Fault = func(op fakes3.Op) fakes3.Fault {
			if op.Name == "UploadPartCopy" && op.Key == copyTo {
				b.srv.PutObject(s3test.Bucket, copyFrom, []byte("other"), nil)
			}
			return fakes3.Fault{}
		}
		if err := b.copy(t); !errors.Is(err, rotatelog.ErrConflict) {
			t.Errorf("%s, replaced meanwhile: %v, want ErrConflict", profile.Name, err)
		}
		b.wantNoCopy(t)
	}
}

// TestLargeCopyReplacedAtItsEnd: where the server does not check the version, the source
// is looked at before Complete is sent.
func TestLargeCopyReplacedAtItsEnd(t *testing.T) {
	t.Parallel()
	b := newLargeObject(t, fakes3.Linode())
	var copies atomic.Int64
	var replace sync.Once
	b.srv.Fault = func(op fakes3.Op) fakes3.Fault {
		switch {
		case op.Name == "UploadPartCopy" && op.Key == copyTo:
			copies.Add(1)
		case op.Name == "GetObject" && op.Key == copyFrom && copies.Load() == 64:
			replace.Do(func() { b.srv.PutObject(s3test.Bucket, copyFrom, []byte("other"), nil) })
		case op.Name == "CompleteMultipartUpload" && op.Key == copyTo:
			t.Error("Complete was sent")
		}
		return fakes3.Fault{}
	}
	if err := b.copy(t); !errors.Is(err, rotatelog.ErrConflict) || copies.Load() != 64 {
		t.Errorf("%v after %d copies, want ErrConflict", err, copies.Load())
	}
	b.wantNoCopy(t)
}
