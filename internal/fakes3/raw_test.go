package fakes3

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// sendSigned sends, properly signed, what no client would send. A Content-Length of
// -1 means none.
func sendSigned(t *testing.T, srv *Server, method, path, body string, header map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	r := signedRequest(method, path, body, header)
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, r)
	return w
}

func signedRequest(method, path, body string, header map[string]string) *http.Request {
	r := httptest.NewRequest(method, "http://127.0.0.1"+path, strings.NewReader(body))
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	date := time.Now().UTC().Format(signatureTime)
	r.Header.Set("X-Amz-Date", date)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	if r.Header.Get("Content-Length") == "-1" {
		r.Header.Del("Content-Length")
		r.ContentLength = -1
	}
	signed := []string{"host"}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		signed = append(signed, strings.ToLower(name))
	}
	slices.Sort(signed)
	where := scope{date[:8], "us-east-1", "s3", "aws4_request"}
	r.Header.Set("Authorization", signatureAlgorithm+" Credential=access/"+where.String()+
		", SignedHeaders="+strings.Join(signed, ";")+
		", Signature="+sign("secret", where, date, canonicalRequest(r, signed)))
	return r
}
