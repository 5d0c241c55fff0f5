package s3store_test

import (
	"crypto/md5"
	"encoding/base64"
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

// sentKeys has a store make every kind of request that it knows, and returns the
// headers of SSE-C in each.
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
// it, the others have none, and without a key none has.
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
