package fakes3

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

func TestContentMD5(t *testing.T) {
	right, wrong := md5.Sum([]byte("one")), md5.Sum([]byte("two"))
	tests := []struct {
		header string
		status int
		code   string
	}{
		{base64.StdEncoding.EncodeToString(right[:]), 200, ""},
		{base64.StdEncoding.EncodeToString(wrong[:]), 400, "BadDigest"},
		{base64.StdEncoding.EncodeToString(right[:8]), 400, "InvalidDigest"},
		{"not base64!", 400, "InvalidDigest"},
	}
	for _, test := range tests {
		srv := newTestServer(Strict())
		c := newClient(srv)
		_, err := put(t.Context(), c, "k", "one", func(in *s3.PutObjectInput) { in.ContentMD5 = &test.header })
		wantError(t, err, test.status, test.code)
		if _, _, ok := srv.Object(testBucket, "k"); ok != (test.status == 200) {
			t.Errorf("%s: stored: %v", test.header, ok)
		}
	}
}

func TestChecksumAlgorithms(t *testing.T) {
	for _, algorithm := range []types.ChecksumAlgorithm{"CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"} {
		for _, endpoint := range []string{"http://s3.test", testHost} { // in the header, and behind the body
			srv := newTestServer(Strict())
			c := s3.New(clientOptions(endpoint, Transport(srv)), withDefaults)
			out, err := put(t.Context(), c, "k", "one", func(in *s3.PutObjectInput) { in.ChecksumAlgorithm = algorithm })
			if err != nil {
				t.Errorf("%s %s: %v", endpoint, algorithm, err)
				continue
			}
			if sums := aws.ToString(out.ChecksumCRC32) + aws.ToString(out.ChecksumCRC32C) + aws.ToString(out.ChecksumSHA1) +
				aws.ToString(out.ChecksumSHA256) + aws.ToString(out.ChecksumCRC64NVME); sums == "" {
				t.Errorf("%s %s: no checksum in the answer", endpoint, algorithm)
			}
			wantObject(t, srv, "k", "one")
			if got, err := get(t.Context(), c, "k"); err != nil || got != "one" { // which the client verifies
				t.Errorf("%s %s: got %q, %v", endpoint, algorithm, got, err)
			}
		}
	}
}

func TestWrongChecksums(t *testing.T) {
	srv := newTestServer(Strict())
	wrong := base64.StdEncoding.EncodeToString(crc32.NewIEEE().Sum([]byte{}))
	inHeader := func(r *http.Request) { r.Header.Set("X-Amz-Checksum-Crc32", wrong) }
	behindBody := func(r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		at := bytes.Index(body, []byte("crc32:")) + len("crc32:")
		copy(body[at:], wrong)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	c := s3.New(clientOptions(testHost, tamper{Transport(srv), behindBody}), withDefaults)
	_, err := put(t.Context(), c, "k", "one")
	wantError(t, err, 400, "BadDigest")
	c = s3.New(clientOptions(testHost, Transport(srv)))
	_, err = put(t.Context(), c, "k", "one", func(in *s3.PutObjectInput) { in.ChecksumCRC32 = &wrong })
	wantError(t, err, 400, "BadDigest")
	c = s3.New(clientOptions(testHost, tamper{Transport(srv), inHeader}))
	_, err = put(t.Context(), c, "k", "one")
	wantError(t, err, 403, "AccessDenied") // it is not signed
	wantNoObject(t, srv, "k")
}

func TestChecksumsOfParts(t *testing.T) {
	srv := newTestServer(Strict())
	c := newClient(srv, withDefaults)
	id := begin(t, c, "k")
	p := mustPart(t, c, "k", id, 1, "one")
	_, err := complete(t.Context(), c, "k", id, []types.CompletedPart{p}, func(in *s3.CompleteMultipartUploadInput) {
		in.ChecksumCRC32 = aws.String("AAAAAA==")
	})
	wantError(t, err, 501, "NotImplemented")
	if _, err := complete(t.Context(), c, "k", id, []types.CompletedPart{p}); err != nil {
		t.Error(err)
	}
	wantObject(t, srv, "k", "one")
}

func TestLinodeRefusesDefaultsForParts(t *testing.T) {
	srv := newTestServer(Linode())
	c := newClient(srv, withDefaults)
	_, err := uploadPart(t.Context(), c, "k", begin(t, c, "k"), 1, "one")
	wantError(t, err, 400, "XAmzContentSHA256Mismatch")
	if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorMessage() != "UnknownError" {
		t.Errorf("%v has a message", err)
	}
}

func TestDecodeChunks(t *testing.T) {
	tests := []struct {
		wire, body, trailer string
		ok                  bool
	}{
		{"3\r\none\r\n0\r\n\r\n", "one", "", true},
		{"3\r\none\r\nA;x=y\r\n0123456789\r\n0\r\na: b \r\n\r\n", "one0123456789", "b", true},
		{"0\r\n\r\n", "", "", true},
		{"", "", "", false},
		{"3\r\none", "", "", false},
		{"3\r\none\r\n", "", "", false},
		{"3\r\none\r\n0\r\n", "", "", false},
		{"2\r\none\r\n0\r\n\r\n", "", "", false},
		{"x\r\none\r\n0\r\n\r\n", "", "", false},
		{"7fffffffffffffff\r\none\r\n0\r\n\r\n", "", "", false},
		{"0\r\n\r\nmore", "", "", false},
	}
	for _, test := range tests {
		body, trailer, ok := decodeChunks([]byte(test.wire))
		if ok != test.ok || ok && (string(body) != test.body || trailer.Get("A") != test.trailer) {
			t.Errorf("%q: got %q, %v, %v", test.wire, body, trailer, ok)
		}
	}
}

func TestStreamsRefused(t *testing.T) {
	tests := []struct {
		what   string
		header map[string]string
		body   string
		status int
		code   string
	}{
		{"signed chunks", map[string]string{"X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}, "3\r\none\r\n0\r\n\r\n", 501, "NotImplemented"},
		{"another length", map[string]string{"X-Amz-Decoded-Content-Length": "4"}, "3\r\none\r\n0\r\n\r\n", 400, "IncompleteBody"},
		{"no framing", nil, "one", 400, "IncompleteBody"},
		{"a trailer not announced", nil, "3\r\none\r\n0\r\nx-amz-checksum-sha1:x\r\n\r\n", 400, "MalformedTrailerError"},
		{"an announced trailer missing", map[string]string{"X-Amz-Trailer": "x-amz-checksum-sha1"}, "3\r\none\r\n0\r\n\r\n", 400, "MalformedTrailerError"},
		{"nothing wrong", nil, "3\r\none\r\n0\r\n\r\n", 200, ""},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			srv := newTestServer(Strict())
			header := map[string]string{"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length": "3"}
			for k, v := range test.header {
				header[k] = v
			}
			resp := sendSigned(t, srv, "PUT", "/"+testBucket+"/k", test.body, header)
			if resp.Code != test.status || test.code != "" && !strings.Contains(resp.Body.String(), "<Code>"+test.code+"<") {
				t.Errorf("got %d %s, want %d %s", resp.Code, resp.Body, test.status, test.code)
			}
		})
	}
}

func TestMissingLength(t *testing.T) {
	srv := newTestServer(Strict())
	resp := sendSigned(t, srv, "PUT", "/"+testBucket+"/k", "one", map[string]string{"Content-Length": "-1"})
	if resp.Code != 411 || !strings.Contains(resp.Body.String(), "MissingContentLength") {
		t.Errorf("got %d %s", resp.Code, resp.Body)
	}
}

func TestAppendRefused(t *testing.T) {
	srv := newTestServer(RGW16())
	srv.PutObject(testBucket, "k", []byte("one"), nil)
	resp := sendSigned(t, srv, "PUT", "/"+testBucket+"/k?append&position=3", "two", nil)
	if resp.Code != 501 {
		t.Errorf("got %d %s", resp.Code, resp.Body)
	}
	wantObject(t, srv, "k", "one")
}
