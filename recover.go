package rotatelog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"example.com/rotatelog/internal/rawjson"
	"example.com/rotatelog/internal/vfs"
)

// recover takes over what an earlier Writer left, however it ended. Bytes that
// cannot be understood are set aside and never stand in the way; a file that
// cannot be read does, since guessing at it could lose or repeat a fetch.
//
// dayOf says which day a fetch is of that batch.json tells nothing about.
func (s *spool) recover(today Day, dayOf func(fetch []byte, file vfs.Info) Day) error {
	names, err := s.names() // first what cannot be mended
	if err != nil {
		return err
	}
	known, err := s.loadProgress()
	if err != nil {
		return &Error{"read", s.path(progressFile), err}
	}
	found, err := s.loadArray()
	if err != nil {
		return &Error{"read", s.array.name, err}
	}
	unclean, err := s.markUnclean()
	if err != nil {
		return err
	}

	s.array.left, s.array.records = found.info, found.records
	s.progressSaved = known && latest(names).order < s.progress.Order // nothing was sealed since
	if !s.progressSaved {
		if finished, err := s.resumeFromNames(found, names, known); err != nil || finished {
			return err
		}
	}
	if s.progressSaved && !found.exists {
		s.report(Repaired{File: s.array.name, Problem: "it was missing; a new one was begun"})
	}
	if !s.progressSaved && len(found.records) > 0 {
		day := dayOf(found.records[0], found.info)
		if !day.hasName() {
			return &Error{"open", s.array.name, fmt.Errorf("its fetches are of the year %d, by its modification time; correct that with touch", day.Year)}
		}
		s.progress = s.progress.begun(day)
	} else if s.progress.Day.IsZero() {
		s.progress = s.progress.begun(today)
	}

	if found.rewrite || unclean {
		err = s.array.replace()
	} else if err = s.checkArray(); err == nil {
		err = s.array.reopen(found.end)
	}
	if noSpace(err) {
		s.array.broken, err = true, nil // as it is what waits can be uploaded, which makes room
	}
	if err != nil {
		return &Error{"open", s.array.name, oneDisk(err)}
	}
	if unclean { // batch.json could be read, and yet need not be durable
		s.progressSaved, s.progressInDoubt = false, true
	}
	if !s.progressSaved && len(found.records) > 0 {
		if err := s.saveProgress(s.progress); err != nil && !noSpace(err) { // ready tries again
			return &Error{"write", s.path(progressFile), err}
		}
	}
	return nil
}

// resumeFromNames goes on where batch.json does not tell: the names in the spool do. If
// a seal was interrupted it is finished, and with it recovery.
func (s *spool) resumeFromNames(found foundArray, names []batch, known bool) (finished bool, err error) {
	ghost, err := s.ghost(found, known)
	if err != nil {
		return false, err
	}
	told := s.progress
	s.progress.Order = max(s.progress.Order, 1)
	for _, b := range names {
		if b.order >= s.progress.Order && (ghost == nil || b.order < ghost.order) {
			s.progress = s.progress.afterSeal(b)
		}
	}
	if ghost != nil {
		s.progress.Day, s.progress.First, s.progress.Order = ghost.day, ghost.first, ghost.order
		s.sealing = &sealing{batch: *ghost, reason: reasonResumed}
		if ghost.sequence > 0 { // it is confirmed, and so no longer in pending/
			s.sealing.next = emptyArray
		}
		err := s.finishSeal()
		if noSpace(err) {
			s.array.broken, err = s.array.file == nil, nil // ready finishes it
		}
		if err != nil {
			return false, &Error{"seal", s.array.name, err}
		}
		return true, nil
	}
	s.progressSaved = known && !told.Copied && told.Day == s.progress.Day
	if !known && (len(found.records) > 0 || len(names) > 0) {
		s.report(Repaired{File: s.path(progressFile), Problem: "it was missing; rebuilt from the names in the spool"})
	}
	return false, nil
}

// foundArray is what an earlier Writer left of the array.
type foundArray struct {
	exists  bool
	info    vfs.Info
	records [][]byte
	end     int64 // of the last record in the file
	rewrite bool  // the file is not as this Writer would have it
}

func (s *spool) loadArray() (foundArray, error) {
	info, err := s.array.stat()
	if err != nil {
		return foundArray{}, err
	}
	if info == (vfs.Info{}) {
		return foundArray{rewrite: true}, nil
	}
	if !info.Mode.IsRegular() { // a symbolic link, say: replace will set it aside
		return foundArray{exists: true, rewrite: true}, nil
	}
	content, err := s.readFile(s.array.name)
	if err != nil {
		return foundArray{}, err
	}
	text := dropBOM(content)
	records, end, whole := rawjson.SplitArray(text)
	rest := string(text[end:])
	found := foundArray{
		exists: true, info: info, records: records, end: int64(end),
		rewrite: !whole || rest != closing || len(text) != len(content),
	}
	if whole {
		return found, nil
	}
	report := Repaired{File: s.array.name, Problem: fmt.Sprintf("it did not end as it should; its %d complete fetches stay", len(records))}
	if len(bytes.Trim(text[end:], ", \t\r\n]")) > 0 {
		report.Quarantined, err = s.keep(s.array.name, text[end:])
		if noSpace(err) { // a second name for all of it takes none
			report.Quarantined, err = s.keepFile(s.array.name)
		}
		if err != nil {
			return foundArray{}, err
		}
	}
	s.report(report)
	return found, nil
}

// names returns all batches that the spool knows of, one perhaps twice. The
// process that publishes may move them from pending to uploaded meanwhile, and
// back; so it looks until nothing has moved.
func (s *spool) names() ([]batch, error) {
	pending, err := s.pending()
	for err == nil {
		var uploaded, again []batch
		if uploaded, err = s.uploaded(); err == nil {
			again, err = s.pending()
		}
		if err == nil && slices.Equal(pending, again) {
			names := append(pending, uploaded...)
			slices.SortFunc(names, byOrder)
			return names, nil
		}
		pending = again
	}
	return nil, err
}

// latest returns the batch that was sealed last, or the zero batch.
func latest(names []batch) batch {
	if len(names) == 0 {
		return batch{}
	}
	return names[len(names)-1]
}

// loadProgress reads batch.json. False: it is missing, or says nothing.
func (s *spool) loadProgress() (bool, error) {
	name := s.path(progressFile)
	content, err := s.readFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var p progress
	if err := json.Unmarshal(content, &p); err == nil && p.Order > 0 && p.First > 0 && !p.Day.IsZero() {
		s.progress = p
		return true, nil
	}
	aside, err := s.keep(name, content)
	if noSpace(err) {
		aside, err = s.keepFile(name)
	}
	if err == nil {
		s.report(Repaired{File: name, Problem: "it does not parse; rebuilt from the names in the spool", Quarantined: aside})
	}
	return false, err
}

// markUnclean leaves a mark that closing takes away, and reports whether there
// was one. After a Writer was killed, the kernel may hold pages of the array
// that it failed to write and then called clean, and names that it has not
// written: only new files are to be trusted. A power cut forgets what is not on
// disk, so the mark need not be durable.
//
// A mark that was taken away is there by another name, so that to leave it again
// needs no room.
func (s *spool) markUnclean() (was bool, err error) {
	mark := s.path(uncleanFile)
	if _, err := s.fs.Stat(mark); !errors.Is(err, fs.ErrNotExist) {
		return err == nil, err
	}
	if err := s.fs.Rename(s.path(cleanFile), mark); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return false, s.reserve.helped(func() error {
		f, err := s.fs.OpenFile(mark, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		return f.Close()
	})
}

// ghost returns the batch that was sealed last if the array still is that
// batch: a seal was interrupted before the array began anew. What stands in them
// does not tell, since fetches may be alike; but if the batch may be a copy, no
// fetch was put into a new array before batch.json was written again.
func (s *spool) ghost(found foundArray, known bool) (*batch, error) {
	for {
		names, err := s.names()
		if err != nil || len(found.records) == 0 || len(names) == 0 {
			return nil, err
		}
		newest := latest(names)
		if known && s.progress.Copied && newest.order == s.progress.Order {
			return &newest, nil
		}
		info, err := s.fs.Stat(s.batchPath(newest))
		if errors.Is(err, fs.ErrNotExist) {
			continue // moved by the process that publishes
		}
		if err != nil || info.ID != found.info.ID {
			return nil, err
		}
		return &newest, nil
	}
}

// closeClean takes the mark of markUnclean away, unless the files are not to be
// trusted.
func (s *spool) closeClean() error {
	if s.array.broken || s.progressInDoubt {
		return nil
	}
	err := s.fs.Rename(s.path(uncleanFile), s.path(cleanFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
