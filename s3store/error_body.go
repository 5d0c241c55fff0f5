package s3store

import (
	"bytes"
	"io"
)

const maxErrorBody = 1 << 20 // bytes of an answer that reports an error

// readErrorBody reads the body of an answer that reports an error, and returns it in
// memory. RGW refuses a conditional PUT before it has read it all, and then closes
// the connection: what has not been read of its answer by then is lost. The status
// counts even if the body cannot be read.
func readErrorBody(body io.ReadCloser) io.ReadCloser {
	b, err := io.ReadAll(io.LimitReader(body, maxErrorBody))
	body.Close()
	if err != nil && (len(b) == 0 || b[0] == '<') { // what is not XML is not S3's, and says no more
		return brokenBody{brokenAnswer{err}}
	}
	return io.NopCloser(bytes.NewReader(b))
}

// brokenBody is the body of an answer that broke off.
type brokenBody struct{ err error }

func (b brokenBody) Read([]byte) (int, error) { return 0, b.err }

func (b brokenBody) Close() error { return nil }

type brokenAnswer struct{ err error }

func (b brokenAnswer) Error() string { return "the answer broke off: " + b.err.Error() }

func (b brokenAnswer) Unwrap() error { return b.err }
