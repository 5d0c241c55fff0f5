package rotatelog

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// A small object is written whole each time. Its last body is kept in the spool, a
// file for each day, so that the next append to it need not read it from the store,
// even if that is another process's. It is also the only whole copy of a day whose
// object somebody deletes or cuts short. So it is replaced by another file, never
// overwritten, and neither replaced nor removed while it holds an upload that the
// object was not seen to hold. What is torn, missing or of another version is read
// once more.

// bodyPrefix begins the names of the files, after which comes the day. Each holds a
// line of JSON, bodyHead, and then the body.
const bodyPrefix = "body-"

// bodyFile is the one file that there was for all days. It is still read; its head
// says of which day it is.
const bodyFile = "body"

type bodyHead struct {
	Place   string  `json:"place,omitempty"` // as in the names of confirmed batches
	Key     string  `json:"key"`
	Version Version `json:"version"`
	Sum     string  `json:"sha256"`
}

// of reports whether two heads are of the same object.
func (h bodyHead) of(other bodyHead) bool { return h.Place == other.Place && h.Key == other.Key }

// errBodyKept is why a body is not replaced.
var errBodyKept = errors.New("the body that is kept holds more")

func (s *spool) bodyPath(day dayKey) string { return s.path(bodyPrefix + day.String()) }

// findBody returns where the last body of an object is kept, and of which version it
// is. of says which object that is. The error is fs.ErrNotExist if there is none.
func (s *spool) findBody(day dayKey, of bodyHead) (name string, head bodyHead, err error) {
	for _, name := range []string{s.bodyPath(day), s.path(bodyFile)} {
		head, err := s.bodyHead(name)
		switch {
		case err == nil && head.of(of):
			return name, head, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errTorn):
			return "", bodyHead{}, err
		}
	}
	return "", bodyHead{}, fs.ErrNotExist
}

// body returns the last body of an object, whatever its version. The error is
// fs.ErrNotExist if there is none that is whole.
func (s *spool) body(day dayKey, of bodyHead) (bodyHead, []byte, error) {
	name, _, err := s.findBody(day, of)
	if err != nil {
		return bodyHead{}, nil, err
	}
	head, body, err := s.readBody(name)
	if errors.Is(err, errTorn) {
		err = fs.ErrNotExist
	}
	return head, body, err
}

// errTorn is about a file that was not written to its end.
var errTorn = errors.New("torn")

func (s *spool) readBody(name string) (bodyHead, []byte, error) {
	content, err := s.readFile(name)
	if err != nil {
		return bodyHead{}, nil, err
	}
	line, body, _ := bytes.Cut(content, []byte("\n"))
	var head bodyHead
	if json.Unmarshal(line, &head) != nil {
		return bodyHead{}, nil, errTorn
	}
	if sum := sha256.Sum256(body); head.Sum != hex.EncodeToString(sum[:]) {
		return bodyHead{}, nil, errTorn
	}
	return head, body, nil
}

// keepBody keeps the body of a version, which was made from the version base. If the
// body that is kept now is of neither and holds an upload that the new one does not,
// it stays, and the error is errBodyKept.
func (s *spool) keepBody(day dayKey, head bodyHead, base Version, body []byte) error {
	if err := s.mayReplaceBody(day, head, base, body); err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	head.Sum = hex.EncodeToString(sum[:])
	line, err := json.Marshal(head)
	if err != nil {
		return err
	}
	name := s.bodyPath(day)
	if err := s.writeSpare(name+".new", append(line, '\n'), body); err != nil {
		return errors.Join(err, s.remove(name+".new")) // on a full disk it is in the way
	}
	if err := s.fs.Rename(name+".new", name); err != nil {
		return err
	}
	if err := s.fs.SyncDir(s.dir); err != nil {
		return err
	}
	return s.removeOldBody(head)
}

func (s *spool) mayReplaceBody(day dayKey, head bodyHead, base Version, body []byte) error {
	name := s.bodyPath(day)
	old, err := s.bodyHead(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		name = s.path(bodyFile)
		if old, err = s.bodyHead(name); err != nil || !old.of(head) {
			return nil // it is another day's, and stays
		}
	case errors.Is(err, errTorn):
		return nil
	case err != nil:
		return err
	case !old.of(head): // the Writer writes to another place for now
		return errBodyKept
	}
	if old.Version == base || old.Version == head.Version {
		return nil
	}
	_, kept, err := s.readBody(name)
	if err != nil {
		return ignoreTorn(err)
	}
	had, err := entriesOf(day, kept)
	if err != nil {
		return nil // it is of no use
	}
	has, err := entriesOf(day, body)
	if err != nil {
		return fmt.Errorf("the body of %s: %w", head.Key, err)
	}
	if len(lacking(had, has)) > 0 {
		return errBodyKept
	}
	return nil
}

func ignoreTorn(err error) error {
	if errors.Is(err, errTorn) {
		return nil
	}
	return err
}

// bodyHead reads the head alone.
func (s *spool) bodyHead(name string) (head bodyHead, err error) {
	f, err := s.fs.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return bodyHead{}, err
	}
	defer f.Close()
	line, err := bufio.NewReader(io.NewSectionReader(f, 0, maxBodyHead)).ReadBytes('\n')
	if err == io.EOF || err == nil && json.Unmarshal(line, &head) != nil {
		return bodyHead{}, errTorn
	}
	return head, err
}

// maxBodyHead is more than a head takes: a key has at most 1024 bytes.
const maxBodyHead = 16 << 10

// writeSpare writes a file that will replace another, and syncs it.
func (s *spool) writeSpare(name string, texts ...[]byte) error {
	if err := s.remove(name); err != nil {
		return err
	}
	f, err := s.fs.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	var at int64
	for _, text := range texts {
		n, err := f.WriteAt(text, at)
		if err != nil {
			return err
		}
		at += int64(n)
	}
	return f.Sync()
}

// removeOldBody removes the one file for all days, if a file of its day has replaced
// it.
func (s *spool) removeOldBody(head bodyHead) error {
	old, err := s.bodyHead(s.path(bodyFile))
	if err != nil || !old.of(head) {
		return nil
	}
	return s.remove(s.path(bodyFile))
}

// dropBody removes the body of an object that was seen to hold all of it.
func (s *spool) dropBody(day dayKey, of bodyHead) error {
	if head, err := s.bodyHead(s.bodyPath(day)); err == nil && !head.of(of) {
		return nil
	}
	return errors.Join(s.remove(s.bodyPath(day)), s.removeOldBody(of))
}

// inline returns parts with what they copy from a small object as Data. If that
// cannot be had they stay as they are: whoever writes them reads it, or says why
// not.
func (w *dayWorker) inline(ctx context.Context, seen snapshot, parts []Part, leastCopy int64) []Part {
	var copied int64
	for _, part := range parts {
		if part.IsCopy() && part.Len >= leastCopy {
			return parts
		}
		if part.IsCopy() {
			copied += part.Len
		}
	}
	if copied == 0 {
		return parts
	}
	head, body, err := w.spool.body(w.day, w.object())
	if err != nil || head.Version != seen.version || int64(len(body)) != seen.doc.size {
		var ok bool
		if body, ok = w.readBody(ctx, seen); !ok {
			return parts
		}
	}
	inlined := slices.Clone(parts)
	for i, part := range parts {
		if part.IsCopy() {
			inlined[i] = Data(body[part.Off : part.Off+part.Len])
		}
	}
	return inlined
}

func (w *dayWorker) readBody(ctx context.Context, seen snapshot) ([]byte, bool) {
	r, err := w.cfg.Store.Read(ctx, w.key(), seen.version, 0, seen.doc.size)
	if err != nil {
		return nil, false
	}
	defer r.Close()
	body := make([]byte, seen.doc.size)
	_, err = io.ReadFull(r, body)
	return body, err == nil
}

// rememberBody keeps the body that was sent after base if it is what was seen then,
// and small enough to be sent again. Of a day that has outgrown that the object now
// holds what is kept.
func (w *dayWorker) rememberBody(base snapshot, sent []Part, doc dayState, after snapshot) {
	store, ok := w.cfg.Store.(IntentWriter)
	if !ok || doc.meta() == nil || doc.meta()[cacheKey] != after.doc.meta()[cacheKey] {
		return
	}
	if doc.size > store.MinCopy() {
		if _, head, err := w.spool.findBody(w.day, w.object()); err == nil && head.Version == base.version {
			w.spool.dropBody(w.day, w.object()) // or it stays until the day is closed
		}
		return
	}
	body := make([]byte, 0, doc.size)
	for _, part := range sent {
		if part.Data == nil {
			return
		}
		body = append(body, part.Data...)
	}
	head := w.object()
	head.Version = after.version
	w.spool.keepBody(w.day, head, base.version, body) // or the next append reads it
}

// forgetBody removes the body of a day that is closed, once its object was seen to hold
// all of it. Otherwise it stays.
func (w *dayWorker) forgetBody(ctx context.Context, seen snapshot) {
	_, head, err := w.spool.findBody(w.day, w.object())
	if err != nil {
		return
	}
	if head.Version != seen.version {
		_, body, err := w.spool.body(w.day, w.object())
		if err != nil {
			return
		}
		had, err := entriesOf(w.day, body)
		if err != nil {
			return
		}
		if seen, err = w.lookAtEntries(ctx, seen); err != nil || len(lacking(had, seen.census.entries)) > 0 {
			return
		}
	}
	w.spool.dropBody(w.day, w.object())
}
