package rotatelog

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
)

// ownerKey names the metadata that holds who owns an object: a random id that
// the spool keeps.
const ownerKey = "rotatelog-owner"

// exclusive reports whether each object of the store has one Writer, because
// nothing would keep two from overwriting each other.
func exclusive(s Store) bool {
	e, ok := s.(SingleWriter)
	return ok && e.SingleWriter()
}

// meta returns the metadata to write with a document.
func (w *dayWorker) meta(doc dayState) map[string]string {
	meta := doc.meta()
	if !exclusive(w.cfg.Store) {
		return meta
	}
	if meta == nil {
		meta = map[string]string{}
	}
	meta[ownerKey] = w.owner
	return meta
}

// checkOwner returns an error if another Writer owns the object that was seen.
func (w *dayWorker) checkOwner(seen snapshot) error {
	if seen.owner == "" || seen.owner == w.owner || !exclusive(w.cfg.Store) {
		return nil
	}
	return &Error{"upload", w.key(), fmt.Errorf(
		"%w: it belongs to another Writer, %s, and this one is %s: give each its own Name or Prefix, or set s3store.Options.Shared in both. "+
			"If this directory's spool was lost, see that no other Writer runs, close this one, and write %s, without a line end, into %s; "+
			"otherwise the batches of the day wait, and the next day's object will be this Writer's",
		ErrPermanent, seen.owner, w.owner, seen.owner, w.cfg.path(w.spool.path(ownerFile)))}
}

// ownerID returns the id by which this spool's objects are known, made when it
// is first asked for. It is written again by each process: one that was killed
// may have left a name that is not durable, and an object that carries the id
// would have no owner after a power cut.
func (s *spool) ownerID() (string, error) {
	name := s.path(ownerFile)
	content, err := s.readFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", &Error{"read", name, err}
	}
	id := string(content)
	if !validUploadID(id) {
		id = s.newID()
	}
	if err := s.writeFile(name, []byte(id)); err != nil {
		return "", &Error{"write", name, err}
	}
	return id, nil
}

// anySequence asks look for the document alone: no upload is after it.
const anySequence = math.MaxInt
