package rotatelog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"

	"example.com/rotatelog/internal/hint"
	"example.com/rotatelog/internal/rawjson"
	"example.com/rotatelog/internal/vfs"
)

// recover takes over what an earlier Writer left, however it ended. Bytes that
// cannot be understood are set aside and never stop it. A file that cannot be read
// does, since guessing at it could lose or repeat a fetch.
//
// dayOf returns the day of a fetch that batch.json says nothing about.
func (s *spool) recover(today Day, dayOf func(fetch []byte, file vfs.Info) Day) error {
	found, err := s.readFound()
	if err != nil {
		return err
	}
	s.recovered = found.names
	p, err := found.plan(today, dayOf)
	if p.progressLost {
		s.report(Repaired{File: s.path(progressFile), Problem: "it was missing; rebuilt from the names in the spool"})
	}
	if p.arrayLost {
		s.report(Repaired{File: s.array.name, Problem: "it was missing; a new one was started"})
	}
	if err != nil {
		return newError("open", s.array.name, err)
	}
	s.array.left, s.array.records, s.progress = found.array.info, found.array.records, p.progress
	if p.resume != nil {
		return s.resumeSeal(p.resume)
	}
	return s.takeOver(p, found.array.end)
}

// recoveryPlan is what to do with what was found.
type recoveryPlan struct {
	progress progress // of the batch being filled
	resume   *sealing // an interrupted seal: to finish it is all there is to do

	replace      bool // the array by a new file; otherwise it is opened again
	saved        bool // progress is what batch.json and the names in the spool say, durably
	inDoubt      bool // batch.json may say what is not durable
	save         bool // write batch.json
	progressLost bool // report that batch.json was missing
	arrayLost    bool // report that the array was missing
}

// plan decides what to do. It changes nothing.
func (f foundSpool) plan(today Day, dayOf func(fetch []byte, file vfs.Info) Day) (recoveryPlan, error) {
	if b, ok := f.interruptedSeal(); ok {
		return f.planResume(b), nil
	}
	filled := len(f.array.records) > 0
	progress := f.progressBefore(math.MaxInt)
	sure := f.upToDate() || f.hasProgress() && !f.progress.Copied && f.progress.Day == progress.Day
	p := recoveryPlan{
		replace:      f.array.rewrite || f.unclean,
		saved:        sure && !f.unclean, // otherwise batch.json could be read, and yet need not be durable
		inDoubt:      f.unclean,
		save:         filled && (!sure || f.unclean),
		progressLost: !f.hasProgress() && (filled || len(f.names) > 0),
		arrayLost:    sure && !f.array.exists,
	}
	if filled && !sure {
		day := dayOf(f.array.records[0], f.array.info)
		if !day.hasName() {
			return p, hint.Add(fmt.Errorf("its fetches are of the year %d, by its modification time", day.Year), "correct that with touch")
		}
		progress = progress.startBatch(day)
	} else if progress.Day.IsZero() {
		progress = progress.startBatch(today)
	}
	p.progress = progress
	return p, nil
}

// planResume finishes the seal of b, which the array still is.
func (f foundSpool) planResume(b batch) recoveryPlan {
	p := f.progressBefore(b.order)
	p.Day, p.First, p.Order = b.day, b.first, b.order
	resume := &sealing{batch: b, reason: reasonResumed}
	if b.sequence > 0 { // it is confirmed, and so no longer in pending/
		resume.next = emptyArray
	}
	return recoveryPlan{progress: p, resume: resume}
}

// hasProgress reports whether batch.json could be read.
func (f foundSpool) hasProgress() bool { return f.progress.Order > 0 }

// upToDate reports whether nothing was sealed since batch.json was written.
func (f foundSpool) upToDate() bool {
	return f.hasProgress() && latest(f.names).order < f.progress.Order
}

// progressBefore returns the progress that batch.json and the names of the batches
// before that order say.
func (f foundSpool) progressBefore(order int) progress {
	p := f.progress
	p.Order = max(p.Order, 1)
	for _, b := range f.names {
		if b.order >= p.Order && b.order < order {
			p = p.afterSeal(b)
		}
	}
	return p
}

// interruptedSeal returns the batch that was sealed last if the array still is that
// batch: the seal was interrupted before the array began again. What the two hold does
// not say so, since fetches may be alike. But if the batch may be a copy, no fetch was
// put into a new array before batch.json was written again.
func (f foundSpool) interruptedSeal() (b batch, ok bool) {
	if f.upToDate() || len(f.array.records) == 0 || f.newest == (batch{}) {
		return batch{}, false
	}
	copied := f.progress.Copied && f.newest.order == f.progress.Order
	return f.newest, copied || f.newestFile == f.array.info.ID
}

// resumeSeal finishes a seal that was interrupted, and with it recovery.
func (s *spool) resumeSeal(g *sealing) error {
	s.sealing = g
	err := s.finishSeal()
	if vfs.NoSpace(err) { // ready finishes it
		s.array.broken = s.array.file == nil
		return nil
	}
	if err != nil {
		return newError("seal", s.array.name, err)
	}
	return nil
}

// takeOver makes the array that was found, whose records end at end, fit to be
// appended to, and saves the progress if that is planned.
func (s *spool) takeOver(p recoveryPlan, end int64) error {
	var err error
	if p.replace {
		err = s.array.replace()
	} else if err = s.checkArray(); err == nil {
		err = s.array.reopen(end)
	}
	if vfs.NoSpace(err) {
		s.array.broken, err = true, nil // what waits can be uploaded all the same, which makes room
	}
	if err != nil {
		return newError("open", s.array.name, oneDisk(err))
	}
	s.progressSaved, s.progressInDoubt = p.saved, p.inDoubt
	if !p.save {
		return nil
	}
	if err := s.saveProgress(p.progress); err != nil && !vfs.NoSpace(err) { // ready tries again
		return newError("write", s.path(progressFile), err)
	}
	return nil
}

// foundSpool is what an earlier Writer left.
type foundSpool struct {
	names    []batch  // all batches, in the order of sealing
	progress progress // of batch.json; the zero progress if it is missing or does not parse
	array    foundArray
	unclean  bool // the earlier Writer was killed

	// The batch that was sealed last, and which file it is. They are looked at only
	// if they matter: the array holds fetches, and batch.json is older.
	newest     batch
	newestFile vfs.ID
}

// readFound reads everything that recovery decides by. It leaves the mark of a Writer
// that is running, and sets aside what does not parse.
func (s *spool) readFound() (f foundSpool, err error) {
	if f.names, err = s.names(); err != nil { // first what cannot be repaired
		return f, err
	}
	if f.progress, err = s.loadProgress(); err != nil {
		return f, newError("read", s.path(progressFile), err)
	}
	if f.array, err = s.loadArray(); err != nil {
		return f, newError("read", s.array.name, err)
	}
	if f.unclean, err = s.markUnclean(); err != nil {
		return f, err
	}
	if !f.upToDate() && len(f.array.records) > 0 {
		f.newest, f.newestFile, err = s.newestBatch()
	}
	return f, err
}

// foundArray is what an earlier Writer left of the array.
type foundArray struct {
	exists  bool
	info    vfs.Info
	records [][]byte
	end     int64 // of the last record in the file
	rewrite bool  // the file is not in the form that this Writer would write
}

func (s *spool) loadArray() (foundArray, error) {
	info, err := s.array.stat()
	if err != nil {
		return foundArray{}, err
	}
	if info == (vfs.Info{}) {
		return foundArray{rewrite: true}, nil
	}
	if !info.Mode.IsRegular() { // such as a symbolic link: replace will set it aside
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
		if vfs.NoSpace(err) { // a second name for all of it takes none
			report.Quarantined, err = s.keepFile(s.array.name)
		}
		if err != nil {
			return foundArray{}, err
		}
	}
	s.report(report)
	return found, nil
}

// loadProgress reads batch.json. It returns the zero progress if that is missing, or
// does not parse and is set aside.
func (s *spool) loadProgress() (progress, error) {
	name := s.path(progressFile)
	content, err := s.readFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return progress{}, nil
	}
	if err != nil {
		return progress{}, err
	}
	var p progress
	if err := json.Unmarshal(content, &p); err == nil && p.Order > 0 && p.First > 0 && !p.Day.IsZero() {
		return p, nil
	}
	aside, err := s.keep(name, content)
	if vfs.NoSpace(err) {
		aside, err = s.keepFile(name)
	}
	if err == nil {
		s.report(Repaired{File: name, Problem: "it does not parse; rebuilt from the names in the spool", Quarantined: aside})
	}
	return progress{}, err
}

// markUnclean leaves a mark that closing removes, and reports whether there was one.
// After a Writer was killed, the kernel may hold pages of the array that it failed to
// write and then called clean, and names that it has not written: only new files can be
// trusted. A power cut forgets what is not on disk, so the mark need not be durable.
//
// Closing only renames the mark, so that leaving it again needs no room.
func (s *spool) markUnclean() (was bool, err error) {
	mark := s.path(uncleanFile)
	if _, err := s.fs.Stat(mark); !errors.Is(err, fs.ErrNotExist) {
		return err == nil, err
	}
	if err := s.fs.Rename(s.path(cleanFile), mark); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return false, s.reserve.WithRoom(func() error {
		f, err := s.fs.OpenFile(mark, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		return f.Close()
	})
}

// newestBatch returns the batch that was sealed last, if there is one, and which file
// it is.
func (s *spool) newestBatch() (batch, vfs.ID, error) {
	for {
		names, err := s.names()
		if err != nil || len(names) == 0 {
			return batch{}, vfs.ID{}, err
		}
		newest := latest(names)
		info, err := s.fs.Stat(s.batchPath(newest))
		if errors.Is(err, fs.ErrNotExist) {
			continue // moved by the process that publishes
		}
		return newest, info.ID, err
	}
}

// closeClean removes the mark of markUnclean, unless the files cannot be trusted.
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
