package s3store_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// TestS3Copies counts the requests that a write makes to read what it copies.
func TestS3Copies(t *testing.T) {
	big := strings.Repeat("0123456789", 60_000)
	for _, tt := range []struct {
		name  string
		parts []rotatelog.Part
		gets  int
		want  string
	}{
		{"one", []rotatelog.Part{rotatelog.Copy(0, 500_000), rotatelog.Data([]byte("x"))}, 1, big[:500_000] + "x"},
		{"with a small gap", []rotatelog.Part{rotatelog.Copy(0, 5), rotatelog.Data([]byte("x")), rotatelog.Copy(60_000, 500_000)}, 1, big[:5] + "x" + big[60_000:560_000]},
		{"adjacent", []rotatelog.Part{rotatelog.Copy(0, 5), rotatelog.Copy(5, 5)}, 1, big[:10]},
		{"with a large gap", []rotatelog.Part{rotatelog.Copy(0, 5), rotatelog.Copy(599_990, 10)}, 2, big[:5] + big[599_990:]},
		{"backwards", []rotatelog.Part{rotatelog.Copy(100, 5), rotatelog.Copy(0, 5)}, 2, big[100:105] + big[:5]},
		{"overlapping", []rotatelog.Part{rotatelog.Copy(0, 10), rotatelog.Copy(5, 10)}, 2, big[:10] + big[5:15]},
		{"nothing", []rotatelog.Part{rotatelog.Copy(600_000, 0), rotatelog.Data([]byte("x"))}, 0, "x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv, client := s3test.NewFake(fakes3.Options{})
			v := rotatelog.Version(srv.PutObject(s3test.Bucket, "key", []byte(big), nil))
			store := s3test.NewStore(client, s3store.Options{})
			mustBelieve(t, store, "s3.test")
			s3test.Write(t, store, "key", v, nil, tt.parts...)
			if got, _, _ := srv.Object(s3test.Bucket, "key"); string(got) != tt.want {
				t.Errorf("got %.100q, want %.100q", got, tt.want)
			}
			if n := srv.Stats().Requests["GetObject"]; n != tt.gets {
				t.Errorf("%d GETs, want %d", n, tt.gets)
			}
		})
	}
}

// TestS3OddReads: the server gives wrong answers to GETs.
func TestS3OddReads(t *testing.T) {
	const body, v = "0123456789", rotatelog.Version("v")
	for _, tt := range []struct {
		name   string
		answer func(w http.ResponseWriter, r *http.Request)
		want   string // of bytes 2 to 6; "": an error
		err    error
	}{
		{"range", func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(body))
		}, "23456", nil},
		{"weak and unquoted ETag", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Etag", "W/v")
			io.WriteString(w, body)
		}, "23456", nil},
		{"no ranges", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) }, "23456", nil},
		{"no ranges, cut short", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, body[:5])
		}, "", io.ErrUnexpectedEOF},
		{"no ranges, cut shorter", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, body[:1])
		}, "", io.ErrUnexpectedEOF},
		{"cut short", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "5")
			w.Header().Set("Content-Range", "bytes 2-6/10")
			w.WriteHeader(206)
			io.WriteString(w, "23")
		}, "", io.ErrUnexpectedEOF},
		{"another range", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", "bytes 3-7/10")
			w.WriteHeader(206)
			io.WriteString(w, "34567")
		}, "", nil},
		{"less of it", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", "bytes 2-5/10")
			w.WriteHeader(206)
			io.WriteString(w, "2345")
		}, "", nil},
		{"nonsense", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", "bytes */10")
			w.WriteHeader(206)
			io.WriteString(w, "23456")
		}, "", nil},
		{"lengths that differ", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", "bytes 2-6/10")
			w.WriteHeader(206)
			io.WriteString(w, "2345")
		}, "", nil},
		{"no ETag", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Del("Etag")
			io.WriteString(w, body)
		}, "", rotatelog.ErrPermanent},
		{"another ETag", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Etag", `"w"`)
			io.WriteString(w, body)
		}, "", rotatelog.ErrConflict},
	} {
		t.Run(tt.name, func(t *testing.T) {
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Etag", `"v"`)
				tt.answer(w, r)
			}))
			defer web.Close()
			store := s3test.NewStore(s3test.NewClient(web.URL), s3store.Options{})
			got, err := s3test.ReadAll(t.Context(), store, "key", v, 2, 5)
			if tt.want != "" && (err != nil || got != tt.want) {
				t.Errorf("%q, %v, want %q", got, err, tt.want)
			}
			if tt.want == "" && (err == nil || tt.err != nil && !errors.Is(err, tt.err)) {
				t.Errorf("%q, %v, want an error: %v", got, err, tt.err)
			}
		})
	}
}
