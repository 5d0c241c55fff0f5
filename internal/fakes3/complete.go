package fakes3

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"strings"
)

func (s *Server) completeMultipartUpload(q *request) (reply, error) {
	var doc completeDocument
	if err := xml.Unmarshal(q.body, &doc); err != nil || len(doc.Parts) == 0 {
		return reply{}, errMalformedXML
	}
	u, err := q.upload()
	if err != nil {
		return s.completeAgain(q, doc)
	}
	if u.made != nil {
		p, err := s.completeAgain(q, doc)
		if err != nil {
			return reply{}, err
		}
		p.apply = func() { delete(q.bucket.uploads, u.id) }
		return p, nil
	}
	parts, err := s.chosenParts(doc, u)
	if err != nil {
		return reply{}, err
	}
	if err := s.writeAllowed(q, s.opts.Profile.Complete); err != nil {
		return reply{}, err
	}
	o := &object{
		parts: parts, size: join(parts).size(), etag: multipartETag(parts), modified: s.now(), version: s.version(q.bucket),
		header: u.header, encryption: u.encryption,
	}
	p := completeReply(q, s.opts.Profile.CompleteETag.write(o.etag))
	o.encryption.addTo(p.header)
	q.bucket.addVersion(p.header, o.version)
	p.apply = func() {
		if q.linger {
			u.made = o
		} else {
			delete(q.bucket.uploads, u.id)
		}
		q.bucket.completed[u.id] = completed{u.key, o.etag}
		q.bucket.put(u.key, o)
	}
	return p, nil
}

// completeAgain answers for an upload that is not open. Whatever the answer,
// the object stays as it is.
func (s *Server) completeAgain(q *request, doc completeDocument) (reply, error) {
	done, known := q.bucket.completed[q.query.Get("uploadId")]
	switch s.opts.Profile.Repeated {
	case RepeatedSame:
		if known && done.key == q.op.Key {
			return completeReply(q, s.opts.Profile.RepeatedETag.write(done.etag)), nil
		}
	case RepeatedByETag:
		cur := q.bucket.current(q.op.Key)
		if cur == nil || cur.etag != doc.etag() {
			return reply{}, Error{500, "InternalError", "This completion is already in progress."}
		}
		return completeReply(q, s.opts.Profile.RepeatedETag.write(cur.etag)), nil
	}
	return reply{}, errNoSuchUpload
}

// chosenParts returns the parts of u that doc lists.
func (s *Server) chosenParts(doc completeDocument, u *upload) ([]part, error) {
	var parts []part
	for i, chosen := range doc.Parts {
		if i > 0 && chosen.PartNumber <= doc.Parts[i-1].PartNumber {
			return nil, errInvalidPartOrder
		}
		p, ok := u.parts[chosen.PartNumber]
		if !ok || p.etag() != unquote(chosen.ETag) {
			return nil, errInvalidPart
		}
		parts = append(parts, p.part)
	}
	for _, p := range parts[:len(parts)-1] {
		if p.size < s.opts.MinPartSize && !s.opts.Profile.SmallParts {
			return nil, errEntityTooSmall
		}
	}
	if len(parts) < len(u.parts) && s.opts.Profile.EveryPart {
		return nil, errInvalidPart
	}
	return parts, nil
}

// multipartETag returns the ETag of an object that consists of parts.
func multipartETag(parts []part) string {
	var sums []byte
	for _, p := range parts {
		sums = append(sums, p.sum[:]...)
	}
	return etagOfSums(sums, len(parts))
}

// etag returns the ETag of the object that doc describes.
func (doc completeDocument) etag() string {
	var sums []byte
	for _, p := range doc.Parts {
		sum, _ := hex.DecodeString(unquote(p.ETag)) // no MD5 would match nothing
		sums = append(sums, sum...)
	}
	return etagOfSums(sums, len(doc.Parts))
}

// etagOfSums is the MD5 of the MD5s of n parts, and n.
func etagOfSums(sums []byte, n int) string {
	sum := md5.Sum(sums)
	return fmt.Sprintf("%s-%d", hex.EncodeToString(sum[:]), n)
}

// write returns the ETag in that form.
func (f ETagForm) write(etag string) string {
	switch f {
	case ETagBare:
		return etag
	case ETagEmpty:
		return ""
	case ETagOther:
		return quote(strings.Repeat("0", 32))
	}
	return quote(etag)
}

func completeReply(q *request, etag string) reply {
	return documentReply(completeResultDocument{
		Location: "http://" + q.Host + q.URL.EscapedPath(), Bucket: q.bucket.name, Key: q.op.Key, ETag: etag,
	})
}
