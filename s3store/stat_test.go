package s3store_test

import (
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// TestS3Absence: only a 404 from an existing bucket means that there is no object.
func TestS3Absence(t *testing.T) {
	absent := func(t *testing.T, store rotatelog.Store, key string) {
		t.Helper()
		if _, err := store.Stat(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Stat of %s: %v, want fs.ErrNotExist", key, err)
		}
	}
	t.Run("by a GET", func(t *testing.T) {
		srv, client := s3test.NewFake(fakes3.Options{})
		store := s3test.NewStore(client, s3store.Options{})
		absent(t, store, "one")
		if got, want := srv.Stats().Requests, (map[string]int{"GetObject": 1}); !maps.Equal(got, want) {
			t.Errorf("requests %v, want %v", got, want)
		}
	})
	t.Run("by a GET after a HEAD where conditions hold", func(t *testing.T) {
		srv, client := s3test.NewFake(fakes3.Options{})
		store := s3test.NewStore(client, s3store.Options{})
		s3test.Prove(t, store, srv)
		absent(t, store, "one")
		if got, want := srv.Stats().Requests, (map[string]int{"HeadObject": 1, "GetObject": 1}); !maps.Equal(got, want) {
			t.Errorf("requests %v, want %v", got, want)
		}
	})
	t.Run("bucket goes", func(t *testing.T) {
		srv, client := s3test.NewFake(fakes3.Options{})
		store := s3test.NewStore(client, s3store.Options{})
		absent(t, store, "dir/day.json")
		if _, err := client.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String(s3test.Bucket)}); err != nil {
			t.Fatal(err)
		}
		wantExplained(t, s3Calls(t.Context(), store), true, "does not exist")
		srv.CreateBucket(s3test.Bucket)
		absent(t, store, "dir/day.json")
	})
	t.Run("appears between HEAD and GET", func(t *testing.T) {
		srv, client := s3test.NewFake(fakes3.Options{})
		for key, body := range map[string]string{"one": "a", "empty": ""} {
			srv.Fault = func(op fakes3.Op) fakes3.Fault {
				if op.Name == "GetObject" {
					srv.PutObject(s3test.Bucket, key, []byte(body), nil)
				}
				return fakes3.Fault{}
			}
			store := s3test.NewStore(client, s3store.Options{})
			mustBelieve(t, store, "s3.test")
			if o := s3test.Stat(t, store, key); o.Size != int64(len(body)) {
				t.Errorf("%s: %+v", key, o)
			}
		}
	})
	t.Run("GET fails", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for _, fault := range []fakes3.Fault{{Drop: true}, {Reply: fakes3.Error{Status: 503}}, {Reply: fakes3.Error{Status: 403}}, {Delay: time.Hour}} {
				srv, client := s3test.NewFake(fakes3.Options{})
				srv.Fault = func(op fakes3.Op) fakes3.Fault {
					if op.Name == "GetObject" {
						return fault
					}
					return fakes3.Fault{}
				}
				store := s3test.NewStore(client, s3store.Options{})
				if _, err := store.Stat(t.Context(), "key"); err == nil || errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%+v: %v", fault, err)
				}
			}
		})
	})
	t.Run("a HEAD that is refused is not believed", func(t *testing.T) {
		for _, status := range []int{403, 404} {
			srv, client := s3test.NewFake(fakes3.Options{})
			srv.PutObject(s3test.Bucket, "there", []byte("a"), nil)
			store := s3test.NewStore(client, s3store.Options{})
			mustBelieve(t, store, "s3.test")
			srv.Fault = func(op fakes3.Op) fakes3.Fault {
				if op.Name == "HeadObject" {
					return fakes3.Fault{Reply: fakes3.Error{Status: status}}
				}
				return fakes3.Fault{}
			}
			if o := s3test.Stat(t, store, "there"); o.Size != 1 {
				t.Errorf("%d: %+v", status, o)
			}
			absent(t, store, "not there")
		}
	})
	t.Run("a bare 404 to a GET", func(t *testing.T) {
		client := s3test.InProcess(s3test.NewClient("http://s3.test"), http.NotFoundHandler())
		store := s3test.NewStore(client, s3store.Options{})
		if _, err := store.Stat(t.Context(), "key"); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v", err)
		}
	})
}

// TestS3OddHeads: an answer that does not say the version is an error, never an
// Object.
func TestS3OddHeads(t *testing.T) {
	for _, tt := range []struct{ name, etag, length, want string }{
		{"plain", "v", "7", "v"},
		{"quoted", `"v-3"`, "7", "v-3"},
		{"weak", `W/"v"`, "7", "v"},
		{"none", "", "7", ""},
		{"empty", `""`, "7", ""},
		{"no length", `"v"`, "", ""},
	} {
		client := s3test.InProcess(s3test.NewClient("http://s3.test"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for name, value := range map[string]string{"Etag": tt.etag, "Content-Length": tt.length} {
				if value != "" {
					w.Header().Set(name, value)
				}
			}
		}))
		o, err := s3test.NewStore(client, s3store.Options{}).Stat(t.Context(), "key")
		if string(o.Version) != tt.want || (err == nil) != (tt.want != "") || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %+v, %v, want %q", tt.name, o, err, tt.want)
		}
	}
}
