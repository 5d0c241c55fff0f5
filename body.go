package rotatelog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"slices"
)

// A small object is written whole each time. Its last body is kept in the spool,
// so that the next append to it need not read it from the store, even if that is
// another process's. It is a cache: what is torn, missing or of another version
// is read once more.

// bodyFile holds a line of JSON, bodyHead, and then the body.
const bodyFile = "body"

type bodyHead struct {
	Key     string  `json:"key"`
	Version Version `json:"version"`
	Sum     string  `json:"sha256"`
}

// keepBody remembers the body of a version.
func (s *spool) keepBody(key string, v Version, body []byte) error {
	sum := sha256.Sum256(body)
	head, err := json.Marshal(bodyHead{key, v, hex.EncodeToString(sum[:])})
	if err != nil {
		return err
	}
	name := s.path(bodyFile)
	if err := s.remove(name); err != nil {
		return err
	}
	f, err := s.fs.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteAt(slices.Concat(head, []byte("\n"), body), 0)
	return err
}

// body returns the body of a version, if it is the one that was kept.
func (s *spool) body(key string, v Version) ([]byte, bool) {
	content, err := s.readFile(s.path(bodyFile))
	if err != nil {
		return nil, false
	}
	line, body, _ := bytes.Cut(content, []byte("\n"))
	var head bodyHead
	if json.Unmarshal(line, &head) != nil || head.Key != key || head.Version != v {
		return nil, false
	}
	sum := sha256.Sum256(body)
	return body, head.Sum == hex.EncodeToString(sum[:])
}

// inline returns parts with what they copy from a small object as Data. If that
// cannot be had they stay as they are: whoever writes them reads it, or says why
// not.
func (w *dayWorker) inline(ctx context.Context, seen view, parts []Part, leastCopy int64) []Part {
	var copied int64
	for _, part := range parts {
		if part.Data == nil && part.Len >= leastCopy {
			return parts
		}
		if part.Data == nil {
			copied += part.Len
		}
	}
	if copied == 0 {
		return parts
	}
	body, ok := w.spool.body(w.key(), seen.version)
	if !ok || int64(len(body)) != seen.doc.size {
		if body, ok = w.readBody(ctx, seen); !ok {
			return parts
		}
	}
	inlined := slices.Clone(parts)
	for i, part := range parts {
		if part.Data == nil {
			inlined[i] = Data(body[part.Off : part.Off+part.Len])
		}
	}
	return inlined
}

func (w *dayWorker) readBody(ctx context.Context, seen view) ([]byte, bool) {
	r, err := w.cfg.Store.Read(ctx, w.key(), seen.version, 0, seen.doc.size)
	if err != nil {
		return nil, false
	}
	defer r.Close()
	body := make([]byte, seen.doc.size)
	_, err = io.ReadFull(r, body)
	return body, err == nil
}

// rememberBody keeps the body that was sent if it is what was seen after it, and
// small enough to be sent again.
func (w *dayWorker) rememberBody(sent []Part, doc document, after view) {
	store, ok := w.cfg.Store.(Multipart)
	if !ok || doc.size > store.LeastCopy() || doc.meta() == nil || doc.meta()[cacheKey] != after.doc.meta()[cacheKey] {
		return
	}
	body := make([]byte, 0, doc.size)
	for _, part := range sent {
		if part.Data == nil {
			return
		}
		body = append(body, part.Data...)
	}
	w.spool.keepBody(w.key(), after.version, body) // or the next append reads it
}
