package fakes3

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// decodeStream undoes the framing of Content-Encoding aws-chunked, as far as
// the profile knows it, and adds the trailer to the header.
func (s *Server) decodeStream(q *request, hash string) error {
	p := s.opts.Profile
	if p.ChunkedGzipForbidden && slices.Contains(contentEncodings(q.Header), "gzip") {
		return errSignature
	}
	if p.Chunked == ChunkedRefused {
		return errPayloadHash
	}
	if hash != "STREAMING-UNSIGNED-PAYLOAD-TRAILER" {
		return errNotImplemented // signed chunks
	}
	body, trailer, ok := decodeChunks(q.wire)
	if !ok || q.Header.Get("X-Amz-Decoded-Content-Length") != strconv.Itoa(len(body)) {
		return errIncompleteBody
	}
	announced := q.Header.Get("X-Amz-Trailer")
	for name, values := range trailer {
		if !strings.EqualFold(name, announced) {
			return Error{400, "MalformedTrailerError", "The trailer is not the one that was announced."}
		}
		q.Header[name] = values
	}
	if announced != "" && trailer.Get(announced) == "" {
		return Error{400, "MalformedTrailerError", "The trailer that was announced is missing."}
	}
	q.body = body
	return nil
}

// decodeChunks undoes aws-chunked framing: chunks as in RFC 9112, but a blank
// line only after the trailer.
func decodeChunks(wire []byte) (body []byte, trailer http.Header, ok bool) {
	for {
		line, rest, found := bytes.Cut(wire, []byte("\r\n"))
		length, _, _ := strings.Cut(string(line), ";")
		n, err := strconv.ParseUint(length, 16, 31)
		if !found || err != nil {
			return nil, nil, false
		}
		if n == 0 {
			trailer, ok = decodeTrailer(rest)
			return body, trailer, ok
		}
		if uint64(len(rest)) < n+2 || string(rest[n:n+2]) != "\r\n" {
			return nil, nil, false
		}
		body = append(body, rest[:n]...)
		wire = rest[n+2:]
	}
}

func decodeTrailer(wire []byte) (http.Header, bool) {
	trailer := http.Header{}
	for {
		line, rest, found := bytes.Cut(wire, []byte("\r\n"))
		if !found {
			return nil, false
		}
		if len(line) == 0 {
			return trailer, len(rest) == 0
		}
		name, value, _ := strings.Cut(string(line), ":")
		trailer.Set(name, strings.TrimSpace(value))
		wire = rest
	}
}

// contentEncodings returns the codings in Content-Encoding, in lower case.
func contentEncodings(h http.Header) []string {
	var out []string
	for coding := range strings.SplitSeq(strings.Join(h.Values("Content-Encoding"), ","), ",") {
		if coding = strings.ToLower(strings.TrimSpace(coding)); coding != "" {
			out = append(out, coding)
		}
	}
	return out
}
