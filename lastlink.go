package rotatelog

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"example.com/rotatelog/internal/vfs"
)

// The batch that was sealed last has a second name beside the array, such as
// all_api.last.json, so that its fetches can be looked at once the array is empty. It is a
// hard link, a convenience that nothing depends on: where there are no links, or no room
// for one, there is none. A file of that name that is no batch of the spool belongs to
// somebody else, and is left alone.

// The ends of the names of the array and of the link to the last batch.
const (
	arrayEnd = ".json"
	lastEnd  = ".last.json"
)

// linkName is the name of a link in the spool, before it is renamed into place.
const linkName = "last.json.new"

// lastName returns the name of the link.
func (s *spool) lastName() string { return strings.TrimSuffix(s.dir, ".spool") + lastEnd }

// linkLast has the link lead to a batch that was just sealed. If that is confirmed
// already, the link stays as it is until the next one.
func (s *spool) linkLast(b batch) {
	if !s.ownsLast() {
		return
	}
	fresh := s.path(linkName)
	if s.remove(fresh) != nil || s.fs.Link(s.batchPath(b), fresh) != nil {
		return
	}
	info, err := s.fs.Stat(fresh)
	if err == nil && s.fs.Rename(fresh, s.lastName()) == nil {
		s.linked = info.ID
	}
	s.remove(fresh) // renaming one name of a file to another does nothing
}

// ownsLast reports whether the link may be replaced: it is missing, or a batch.
func (s *spool) ownsLast() bool {
	info, err := s.fs.Stat(s.lastName())
	if errors.Is(err, fs.ErrNotExist) || err == nil && s.linked != (vfs.ID{}) && info.ID == s.linked {
		return true
	}
	if err != nil || !info.Mode.IsRegular() {
		return false
	}
	names, err := s.names()
	return err == nil && slices.ContainsFunc(names, func(b batch) bool { return s.isFile(b, info.ID) })
}

// unlinkLast removes the link if it leads to a confirmed batch that is about to be deleted,
// whose room it would keep. Nobody would know then that it is ours.
func (s *spool) unlinkLast(b batch) {
	if info, err := s.fs.Stat(s.lastName()); err == nil && s.isFile(b, info.ID) {
		s.remove(s.lastName())
	}
}

// renameAsBatch has a file take the place of that of a batch, and of the link if that leads
// to the batch: nobody would know then that it is ours.
func (s *spool) renameAsBatch(name string, b batch) error {
	info, err := s.fs.Stat(s.lastName())
	linked := err == nil && s.isFile(b, info.ID)
	if linked {
		s.unlinkLast(b)
	}
	if err := s.fs.Rename(name, s.batchPath(b)); err != nil {
		return err
	}
	if linked {
		s.linkLast(b)
	}
	return nil
}

// isFile reports whether a batch is that file.
func (s *spool) isFile(b batch, file vfs.ID) bool {
	info, err := s.fs.Stat(s.batchPath(b))
	return err == nil && info.ID == file
}
