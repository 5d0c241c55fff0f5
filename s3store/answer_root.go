package s3store

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"regexp"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// answerRoot is the kind of document that an answer has. The SDK does not look at it: an
// answer to another question reads as a document that has nothing.
type answerRoot struct {
	want, is string
	server   string // how the server calls itself
}

// maxSettings is the maximum size in bytes of an answer about the settings of a bucket.
const maxSettings = 1 << 20

// watch returns the options of a request whose answer is looked at.
func (a *answerRoot) watch(s *Store) func(*s3.Options) {
	return func(o *s3.Options) {
		s.withRetries(o)
		o.HTTPClient = rootWatcher{o.HTTPClient, a}
	}
}

type rootWatcher struct {
	client s3.HTTPClient
	answer *answerRoot
}

// Do implements [s3.HTTPClient].
func (w rootWatcher) Do(req *http.Request) (*http.Response, error) {
	resp, err := w.client.Do(req)
	if err != nil {
		return resp, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxSettings))
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	w.answer.server, w.answer.is = softwareOf(resp.Header), rootOf(body)
	return resp, nil
}

// rootOf returns the name of the root of an XML document, "" if it has none.
func rootOf(document []byte) string {
	for d := xml.NewDecoder(bytes.NewReader(document)); ; {
		token, err := d.Token()
		if err != nil {
			return ""
		}
		if start, ok := token.(xml.StartElement); ok {
			return start.Name.Local
		}
	}
}

// cephRequest is the number of a request to Ceph's gateway, such as
// tx0000016b61c4c411fac8f-006b0d1e24-1008-default.
var cephRequest = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^tx[0-9a-f]{21}-[0-9a-f]{10}-`) })

// softwareOf returns which software a server is. Ceph's gateway does not say, but its
// numbers of requests have a form of their own.
func softwareOf(h http.Header) string {
	if cephRequest().MatchString(h.Get("X-Amz-Request-Id")) {
		return "Ceph"
	}
	return h.Get("Server")
}
