package fakes3

import (
	"crypto/md5"
	"encoding/base64"
)

const (
	sseHeader          = "X-Amz-Server-Side-Encryption"
	customerPrefix     = sseHeader + "-Customer-"
	copyCustomerPrefix = "X-Amz-Copy-Source-Server-Side-Encryption-Customer-"
)

// encryption is how an object is said to be encrypted: not at all, by the server
// (SSE-S3), or with a customer's key (SSE-C).
type encryption struct {
	algorithm string // of SSE-S3: "AES256", or ""
	keySum    string // of SSE-C: the MD5 of the key in base64, or ""
}

// encryptionOf returns the encryption that q asks for.
func (s *Server) encryptionOf(q *request) (encryption, error) {
	keySum, err := s.customerKey(q, customerPrefix)
	if err != nil {
		return encryption{}, err
	}
	switch algorithm := q.Header.Get(sseHeader); {
	case algorithm == "":
		return encryption{keySum: keySum}, nil
	case keySum != "":
		return encryption{}, invalidArgument("SSE-S3 and SSE-C exclude each other.")
	case algorithm == "AES256":
		return encryption{algorithm: algorithm}, nil
	case algorithm == "aws:kms" || algorithm == "aws:kms:dsse":
		return encryption{}, errNotImplemented
	}
	return encryption{}, invalidArgument("The encryption method is not supported.")
}

// customerKey returns the MD5 of the key that the three headers with prefix
// give, or "" if there is none or the profile ignores them.
func (s *Server) customerKey(q *request, prefix string) (string, error) {
	algorithm := q.Header.Get(prefix + "Algorithm")
	key, keySum := q.Header.Get(prefix+"Key"), q.Header.Get(prefix+"Key-Md5")
	if algorithm == "" && key == "" && keySum == "" || s.opts.Profile.SSEC == SSECIgnored {
		return "", nil
	}
	if s.opts.Profile.SSEC == SSECRefused {
		return "", errNotImplemented
	}
	if q.TLS == nil && s.opts.Profile.SSEC != SSECAnywhere {
		return "", invalidRequest("A customer's key must be sent over a secure connection.")
	}
	raw, err := base64.StdEncoding.DecodeString(key)
	sum := md5.Sum(raw)
	switch {
	case algorithm != "AES256":
		return "", invalidArgument("The algorithm for a customer's key must be AES256.")
	case err != nil || len(raw) != 32:
		return "", invalidArgument("The customer's key must be 32 bytes in base64.")
	case keySum != base64.StdEncoding.EncodeToString(sum[:]):
		return "", invalidArgument("The MD5 that was sent is not that of the customer's key.")
	}
	return keySum, nil
}

// opens says whether a request with keySum may read what e encrypted.
func (e encryption) opens(keySum string) error {
	switch {
	case e.keySum == keySum:
		return nil
	case keySum == "":
		return invalidRequest("The object is encrypted with a customer's key, which must be given.")
	case e.keySum == "":
		return invalidRequest("The object is not encrypted with a customer's key.")
	}
	return errAccessDenied
}

// addTo adds the headers that say how something is encrypted.
func (e encryption) addTo(header map[string]string) {
	if e.algorithm != "" {
		header[sseHeader] = e.algorithm
	}
	if e.keySum != "" {
		header[customerPrefix+"Algorithm"] = "AES256"
		header[customerPrefix+"Key-Md5"] = e.keySum
	}
}
