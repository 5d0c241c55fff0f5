package fakes3

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strings"
)

// readBody reads the whole body. It fails when the client goes away.
func (q *request) readBody() error {
	if q.ContentLength < 0 {
		var err error
		q.wire, err = io.ReadAll(q.Body)
		return err
	}
	q.wire = make([]byte, q.ContentLength)
	_, err := io.ReadFull(q.Body, q.wire)
	return err
}

// payload verifies the body, and leaves its decoded content in q.body.
func (s *Server) payload(q *request) error {
	if q.ContentLength < 0 && q.Method == "PUT" && q.Header.Get("X-Amz-Decoded-Content-Length") == "" {
		return errMissingLength
	}
	q.body = q.wire
	switch hash := q.Header.Get("X-Amz-Content-Sha256"); {
	case hash == "UNSIGNED-PAYLOAD":
	case strings.HasPrefix(hash, "STREAMING-"):
		if err := s.decodeStream(q, hash); err != nil {
			return err
		}
	default:
		if sum := sha256.Sum256(q.wire); hash != hex.EncodeToString(sum[:]) {
			return errPayloadHash
		}
	}
	if err := checkMD5(q.Header.Get("Content-Md5"), q.body); err != nil {
		return err
	}
	return s.verifyChecksums(q)
}

func checkMD5(header string, body []byte) error {
	if header == "" {
		return nil
	}
	given, err := base64.StdEncoding.DecodeString(header)
	if err != nil || len(given) != md5.Size {
		return errInvalidDigest
	}
	if [md5.Size]byte(given) != md5.Sum(body) {
		return errBadDigest
	}
	return nil
}
