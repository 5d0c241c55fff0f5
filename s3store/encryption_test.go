package s3store_test

import (
	"crypto/md5"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
	gocmp "github.com/google/go-cmp/cmp"
)

// operationOf returns a name for what a request asks for.
func operationOf(r *http.Request) string {
	name := r.Method
	for _, parameter := range []string{"uploads", "uploadId", "list-type", "versioning"} {
		if r.URL.Query().Has(parameter) {
			name += " " + parameter
		}
	}
	if r.Header.Get("X-Amz-Copy-Source") != "" {
		name += " copy"
	}
	return name
}

// customerHeaders returns the headers of SSE-C that a request has, with their values.
func customerHeaders(r *http.Request) []string {
	var headers []string
	for name, values := range r.Header {
		if strings.Contains(name, "Customer") {
			headers = append(headers, name+": "+strings.Join(values, ","))
		}
	}
	slices.Sort(headers)
	return headers
}

// sentKeys makes a store send every kind of request, and returns the headers of
// SSE-C in each.
func sentKeys(t *testing.T, opts s3store.Options) map[string][]string {
	t.Helper()
	opts = s3test.SmallParts(opts, s3test.MinPart)
	srv, _ := s3test.NewFake(fakes3.Options{MinPartSize: s3test.MinPart})
	rec := &recorder{Handler: srv}
	store := s3test.NewStore(s3test.InProcess(s3test.NewClient("https://s3.test"), rec), opts)
	if _, err := store.Probe(t.Context(), "", s3store.ProbeOptions{}); err != nil {
		t.Fatal(err)
	}
	whole := strings.Repeat("a", 3*s3test.MinPart)
	s3test.Write(t, store, "key", "", nil, rotatelog.Data([]byte(whole)))
	v := s3test.Stat(t, store, "key").Version
	s3test.Write(t, store, "key", v, nil, rotatelog.Copy(0, int64(len(whole))), rotatelog.Data([]byte("b")))
	s3test.WantContent(t, store, "key", whole+"b")
	if err := store.Copy(t.Context(), "key", s3test.Stat(t, store, "key").Version, "copy"); err != nil {
		t.Fatal(err)
	}
	// An upload whose parts cannot be sent is aborted, and its parts are listed then.
	v = s3test.Stat(t, store, "key").Version
	srv.Fault = s3test.ExceptProofs(denied("UploadPartCopy"))
	if err := store.Write(t.Context(), "key", v, []rotatelog.Part{rotatelog.Copy(0, int64(len(whole))), rotatelog.Data([]byte("c"))}, nil); err == nil {
		t.Error("a write succeeded whose parts were refused")
	}
	if err := store.Sweep(t.Context(), "key", nil); err != nil {
		t.Error(err)
	}
	sent := map[string][]string{}
	for _, r := range rec.seen {
		name, headers := operationOf(r), customerHeaders(r)
		if before, ok := sent[name]; ok && !slices.Equal(before, headers) {
			t.Errorf("%s was sent with %q, and with %q", name, before, headers)
		}
		sent[name] = headers
	}
	return sent
}

// TestCustomerKeyIsSentWhereItIsTaken: each request that takes the key of SSE-C has
// it, the others do not, and without a key none has.
func TestCustomerKeyIsSentWhereItIsTaken(t *testing.T) {
	sum := md5.Sum(s3test.CustomerKey)
	triple := func(prefix string) []string {
		return []string{
			prefix + "Algorithm: AES256",
			prefix + "Key-Md5: " + base64.StdEncoding.EncodeToString(sum[:]),
			prefix + "Key: " + base64.StdEncoding.EncodeToString(s3test.CustomerKey),
		}
	}
	key := triple("X-Amz-Server-Side-Encryption-Customer-")
	want := map[string][]string{
		"HEAD": key, "GET": key, "PUT": key, // of objects
		"POST uploads": key, "PUT uploadId": key, "POST uploadId": key, "GET uploadId": key,
		"PUT copy":          slices.Concat(triple("X-Amz-Copy-Source-Server-Side-Encryption-Customer-"), key),
		"PUT uploadId copy": slices.Concat(triple("X-Amz-Copy-Source-Server-Side-Encryption-Customer-"), key),
		"DELETE":            nil, "DELETE uploadId": nil, "GET uploads": nil, "GET list-type": nil, "GET versioning": nil,
	}
	if diff := gocmp.Diff(want, sentKeys(t, s3store.Options{EncryptionKey: s3test.CustomerKey})); diff != "" {
		t.Errorf("with a key: -want +got\n%s", diff)
	}
	for name := range want {
		want[name] = nil
	}
	for _, opts := range []s3store.Options{{}, {Encrypt: true}} {
		if diff := gocmp.Diff(want, sentKeys(t, opts)); diff != "" {
			t.Errorf("without a key, %v: -want +got\n%s", opts, diff)
		}
	}
}

func TestS3Encryption(t *testing.T) {
	for _, tt := range []struct {
		name    string
		profile fakes3.Profile
		opts    s3store.Options
		header  string
	}{
		{"SSE-S3", fakes3.Strict(), s3store.Options{Encrypt: true}, "X-Amz-Server-Side-Encryption"},
		{"SSE-C", fakes3.Strict(), s3store.Options{EncryptionKey: s3test.CustomerKey}, "X-Amz-Server-Side-Encryption-Customer-Algorithm"},
		{"SSE-C", fakes3.Linode(), s3store.Options{EncryptionKey: s3test.CustomerKey}, "X-Amz-Server-Side-Encryption-Customer-Algorithm"},
	} {
		t.Run(tt.name+" "+tt.profile.Name, func(t *testing.T) {
			srv, _ := s3test.NewFake(fakes3.Options{Profile: tt.profile})
			rec := &recorder{Handler: srv}
			client := s3test.InProcess(s3test.NewClient("https://s3.test"), rec)
			store := s3test.NewStore(client, tt.opts)
			s3test.Write(t, store, "key", "", nil, rotatelog.Data([]byte("abc")))
			s3test.WantContent(t, store, "key", "abc")
			v := s3test.Stat(t, store, "key").Version
			other := s3test.NewStore(client, tt.opts)
			s3test.Write(t, other, "key", v, nil, rotatelog.Copy(0, 3), rotatelog.Data([]byte("d")))
			s3test.WantContent(t, store, "key", "abcd")
			for _, r := range rec.seen {
				if s3test.IsProof(r.URL.Path) {
					continue
				}
				if sent := r.Header.Get(tt.header) == "AES256"; sent != (r.Method == "PUT" || !tt.opts.Encrypt) {
					t.Errorf("%s: %s was sent: %t", r.Method, tt.header, sent)
				}
			}
			if tt.opts.EncryptionKey == nil {
				return
			}
			plain := s3test.NewStore(client, s3store.Options{})
			_, err := plain.Stat(t.Context(), "key")
			if e, ok := errors.AsType[*rotatelog.Error](err); !ok || !errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(e.Hint, "encryption") {
				t.Errorf("Stat without the key: %v", err)
			}
			s3test.WantNoSecret(t, err.Error())
		})
	}
}

// TestS3EncryptionIgnored: if objects are not encrypted as asked, none is stored.
func TestS3EncryptionIgnored(t *testing.T) {
	srv, _ := s3test.NewFake(fakes3.Options{Profile: fakes3.Versity()})
	client := s3test.InProcess(s3test.NewClient("https://s3.test"), srv)
	store := s3test.NewStore(client, s3store.Options{EncryptionKey: s3test.CustomerKey})
	for _, key := range []string{"one", "two"} {
		if err := store.Write(t.Context(), key, "", nil, nil); !errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), "encryption") {
			t.Errorf("Write: %v", err)
		}
	}
	if got := srv.Keys(s3test.Bucket); len(got) > 0 {
		t.Errorf("there are %q, want nothing", got)
	}
	srv.PutObject(s3test.Bucket, "one", nil, nil)
	if _, err := store.Stat(t.Context(), "one"); !errors.Is(err, rotatelog.ErrPermanent) {
		t.Errorf("Stat: %v", err)
	}
}

// TestS3EncryptionStops: after the first object that is not encrypted as asked,
// none is stored, even if earlier ones were encrypted.
func TestS3EncryptionStops(t *testing.T) {
	srv, _ := s3test.NewFake(fakes3.Options{Profile: fakes3.Versity()})
	client := s3test.InProcess(s3test.NewClient("https://s3.test"), srv)
	store := s3test.NewStore(client, s3store.Options{EncryptionKey: s3test.CustomerKey})
	mustBelieve(t, store, "s3.test")
	for _, key := range []string{"one", "two"} {
		if err := store.Write(t.Context(), key, "", nil, nil); !errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), "encryption") {
			t.Errorf("Write: %v", err)
		}
	}
	if got := srv.Keys(s3test.Bucket); !slices.Equal(got, []string{"one"}) {
		t.Errorf("there are %q, want only the first", got)
	}
}
