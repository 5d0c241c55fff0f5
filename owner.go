package rotatelog

import (
	"context"
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
	e, ok := s.(Exclusive)
	return ok && e.Exclusive()
}

// meta returns the metadata to write with a document.
func (p *publisher) meta(doc document) (map[string]string, error) {
	meta := doc.meta()
	if !exclusive(p.cfg.Store) {
		return meta, nil
	}
	owner, err := p.spool.ownerID()
	if err != nil {
		return nil, err
	}
	if meta == nil {
		meta = map[string]string{}
	}
	meta[ownerKey] = owner
	return meta, nil
}

// checkOwner returns an error if another Writer owns the object that was seen.
func (p *publisher) checkOwner(seen view) error {
	if seen.owner == "" || !exclusive(p.cfg.Store) {
		return nil
	}
	owner, err := p.spool.ownerID()
	if err != nil {
		return err
	}
	if seen.owner == owner {
		return nil
	}
	return &Error{"upload", p.cfg.key(seen.doc.daily()), fmt.Errorf(
		"%w: it belongs to another Writer, %s, and this one is %s: give each its own Name or Prefix, or set S3Options.Shared in both",
		ErrPermanent, seen.owner, owner)}
}

// checkLost notices that an upload which was confirmed is gone from the object:
// something else replaced or removed it. Those that are still in uploaded/ then
// wait again.
func (p *publisher) checkLost(ctx context.Context, day daily, seen view) error {
	last, ok := p.confirmed[day]
	if !ok {
		return nil
	}
	if _, there := seen.sequence(last.id); there || seen.ids == nil && !seen.doc.covers(last.sequence-1) {
		return nil
	}
	seen, err := p.look(ctx, day, 0) // all of it
	if err != nil {
		return err
	}
	old, err := p.spool.uploaded()
	if err != nil {
		return err
	}
	back := 0
	for _, b := range old {
		if _, there := seen.sequence(b.id); there || b.daily() != day {
			continue
		}
		if err := p.spool.unconfirm(b); err != nil {
			return &Error{"take back", p.cfg.path(p.spool.batchPath(b)), err}
		}
		back++
	}
	p.confirmed = nil // to be learned again
	p.wake()
	return &Error{"upload", p.cfg.key(day), fmt.Errorf(
		"%w: uploads that were in it are gone, so something else wrote or removed it; the %d that are still on disk are uploaded again. If another Writer uses the same key, give each its own Name or Prefix, or set S3Options.Shared in both",
		ErrPermanent, back)}
}

// ownerID returns the id by which this spool's objects are known, made when it
// is first asked for. It is written again by each process: one that was killed
// may have left a name that is not durable, and an object that carries the id
// would have no owner after a power cut.
func (s *spool) ownerID() (string, error) {
	if s.owner != "" {
		return s.owner, nil
	}
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
	s.owner = id
	return id, nil
}

// unconfirm moves a confirmed batch back to pending.
func (s *spool) unconfirm(b batch) error {
	from := s.batchPath(b)
	b.sequence = 0
	to := s.batchPath(b)
	if err := s.fs.Link(from, to); err != nil && !errors.Is(err, fs.ErrExist) {
		if err := s.fs.Rename(from, to); err != nil {
			return err
		}
	}
	if err := s.syncPending(); err != nil {
		return err
	}
	return s.remove(from)
}

// anySequence asks look for the document alone: no upload is after it.
const anySequence = math.MaxInt
