package rotatelog

import (
	"errors"
	"io/fs"
)

// confirm moves a batch that the store holds to uploaded/. It has a name at every
// instant: while a seal is unfinished, only that tells that the array is not to be
// sealed again.
func (s *spool) confirm(b batch, sequence int, place string) error {
	from := s.batchPath(b)
	b.sequence, b.place = sequence, place
	to := s.batchPath(b)
	if err := s.remove(to); err != nil { // of an attempt that failed half way
		return err
	}
	if err := s.alias(from, to); err != nil { // perhaps for want of room, which a rename needs none of
		if err := s.fs.Rename(from, to); err != nil {
			return err
		}
	}
	return s.dropPending(b.pending())
}

// dropPending removes the name in pending/ of a batch that has one in uploaded/.
func (s *spool) dropPending(b batch) error {
	if err := s.fs.SyncDir(s.path(uploadedDir)); err != nil {
		return err
	}
	return s.remove(s.batchPath(b))
}

// alias gives a batch a name in another directory besides the one it has. Where there
// are no hard links it is copied: after a rename from one directory to another, a power
// cut may leave the name in neither, and with it the numbers that it tells of.
func (s *spool) alias(from, to string) error {
	linked, err := s.tryLink(from, to)
	if linked || errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	content, err := s.readFile(from)
	if err != nil {
		return err
	}
	return s.writeFile(to, content)
}

// abandon takes a pending batch that holds nothing readable out of the way; its
// bytes are in damaged/.
func (s *spool) abandon(b batch) error { return s.remove(s.batchPath(b)) }

// unconfirm moves a confirmed batch back to pending. It is never renamed: nobody else
// has the batch.
func (s *spool) unconfirm(b batch) error {
	from := s.batchPath(b)
	to := s.batchPath(b.pending())
	if err := s.alias(from, to); err != nil {
		return err
	}
	if err := s.syncPending(); err != nil {
		return err
	}
	return s.remove(from)
}
