package fakes3

import (
	"net/http"
	"strconv"
	"time"
)

// upload is an open multipart upload.
type upload struct {
	id         string
	key        string
	initiated  time.Time
	parts      map[int]uploadedPart
	header     map[string]string
	encryption encryption
	made       *object // by completing it, if it lingers
	copying    int     // parts to be copied by requests that were kept for later
}

type uploadedPart struct {
	part
	modified time.Time
}

// completed is what became of an upload.
type completed struct{ key, etag string }

const maxPartNumber = 10_000

func (s *Server) createMultipartUpload(q *request) (reply, error) {
	kept, err := s.keptHeader(q)
	if err != nil {
		return reply{}, err
	}
	enc, err := s.encryptionOf(q)
	if err != nil {
		return reply{}, err
	}
	u := &upload{
		id: "2~" + s.next(), key: q.op.Key, initiated: s.now(),
		parts: map[int]uploadedPart{}, header: kept, encryption: enc,
	}
	p := documentReply(initiateDocument{Bucket: q.bucket.name, Key: u.key, UploadID: u.id})
	enc.addTo(p.header)
	p.apply = func() { q.bucket.uploads[u.id] = u }
	return p, nil
}

// upload returns the open upload that q names.
func (q *request) upload() (*upload, error) {
	u := q.bucket.uploads[q.query.Get("uploadId")]
	if u == nil || u.key != q.op.Key {
		return nil, errNoSuchUpload
	}
	return u, nil
}

// uploadPartTarget returns the upload and the part number that q names.
func (s *Server) uploadPartTarget(q *request) (*upload, int, error) {
	u, err := q.upload()
	if err != nil {
		return nil, 0, err
	}
	n, err := strconv.Atoi(q.query.Get("partNumber"))
	if err != nil || n < 1 || n > maxPartNumber {
		return nil, 0, invalidArgument("Part numbers are from 1 to %d.", maxPartNumber)
	}
	keySum, err := s.customerKey(q, customerPrefix)
	if err != nil {
		return nil, 0, err
	}
	return u, n, u.encryption.opens(keySum)
}

func (s *Server) uploadPart(q *request) (reply, error) {
	u, n, err := s.uploadPartTarget(q)
	if err != nil {
		return reply{}, err
	}
	p := uploadedPart{newPart(rope{q.body}), s.now()}
	header := map[string]string{"Etag": quote(p.etag())}
	u.encryption.addTo(header)
	q.checksum.addTo(header)
	return reply{header: header, apply: func() { u.parts[n] = p }}, nil
}

func (s *Server) abortMultipartUpload(q *request) (reply, error) {
	u, err := q.upload()
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent, apply: func() {
		if u.copying > 0 && s.opts.Profile.AbortSparesCopies {
			return
		}
		delete(q.bucket.uploads, u.id)
		if u.made != nil && q.bucket.current(u.key) == u.made {
			u.made.parts, u.made.size = nil, 0
		}
	}}, nil
}
