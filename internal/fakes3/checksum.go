package fakes3

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"strings"
)

// crc64NVME is the polynomial of CRC-64/NVME, reversed.
const crc64NVME = 0x9a6c9329ac4bc9b5

const checksumPrefix = "X-Amz-Checksum-"

// checksum is one of the digests that x-amz-checksum-* headers carry. The zero
// checksum is none.
type checksum struct {
	header string
	value  string // in base64
}

// newHash returns the hash that a checksum header names, or nil.
func newHash(header string) hash.Hash {
	switch header {
	case checksumPrefix + "Crc32":
		return crc32.NewIEEE()
	case checksumPrefix + "Crc32c":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case checksumPrefix + "Crc64nvme":
		return crc64.New(crc64.MakeTable(crc64NVME))
	case checksumPrefix + "Sha1":
		return sha1.New()
	case checksumPrefix + "Sha256":
		return sha256.New()
	}
	return nil
}

// verifyChecksums verifies the payload of an upload by the checksum that came
// with it, and leaves it in q.checksum.
func (s *Server) verifyChecksums(q *request) error {
	how := s.opts.Profile.Checksums
	upload := q.op.Name == "PutObject" || q.op.Name == "UploadPart"
	for header := range q.Header {
		if how == ChecksumsRefused && upload && announcesChecksum(header) {
			return errPayloadHash
		}
		h := newHash(header)
		if h == nil || how != ChecksumsVerified {
			continue
		}
		if q.op.Name == "CompleteMultipartUpload" {
			return errNotImplemented // a checksum of the whole object
		}
		h.Write(q.body)
		value := base64.StdEncoding.EncodeToString(h.Sum(nil))
		if q.Header.Get(header) != value {
			return errBadDigest
		}
		q.checksum = checksum{header, value}
	}
	return nil
}

// announcesChecksum reports whether a header belongs to the integrity
// protection that SDKs add by default since 2025.
func announcesChecksum(header string) bool {
	return strings.HasPrefix(header, checksumPrefix) && header != checksumPrefix+"Mode" ||
		header == "X-Amz-Sdk-Checksum-Algorithm"
}
