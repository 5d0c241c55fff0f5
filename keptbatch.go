package rotatelog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"example.com/rotatelog/internal/packed"
	"example.com/rotatelog/internal/rawjson"
	"example.com/rotatelog/internal/vfs"
)

// A batch that is kept has one of two forms: a JSON array, as it was sealed, or the same
// bytes as one zstd frame, which takes a fortieth of the room. A frame has a checksum at
// its end: either all of it is as it was written, or nothing of it is believed.

// errDamagedBatch says that the compressed file of a batch is not as it was written.
var errDamagedBatch = errors.New("the compressed file is damaged")

const damagedProblem = "it is compressed, and damaged: nothing in it is believed"

// readBatch calls each for every fetch of a batch. Only one is in memory at a time, and it
// is valid until each returns. size is the size of the text, about, and read how much of it
// was used so far. whole is false if the text does not parse as a whole. If err matches
// errDamagedBatch, each was not called.
func (s *spool) readBatch(b batch, each func(fetch []byte, read, size int64) error) (whole bool, err error) {
	f, err := s.openBatch(b)
	if err != nil {
		return false, err
	}
	defer f.Close()
	if f.zst {
		return readFrame(f, b.fetches(), each)
	}
	return rawjson.ReadArray(f.bytes(), func(fetch []byte, read int64) error {
		return each(fetch, read, f.size)
	})
}

// scanBatch calls each for every fetch of a batch, as readBatch does, but reads a compressed
// file once. So each may have been called for one that then turns out to be damaged, which
// is an error.
func (s *spool) scanBatch(b batch, each func(fetch []byte)) error {
	f, err := s.openBatch(b)
	if err != nil {
		return err
	}
	defer f.Close()
	file := &diskReader{r: f.bytes()}
	text := io.Reader(file)
	if f.zst {
		text, err = packed.NewFrameReader(file)
	}
	if err == nil {
		_, err = rawjson.ReadArray(text, func(fetch []byte, _ int64) error { each(fetch); return nil })
	}
	if f.zst && err == nil {
		_, err = io.Copy(io.Discard, text) // if it is no whole array there is more, and the checksum is at the end
	}
	return file.explain(err)
}

// openedBatch is the file of a batch.
type openedBatch struct {
	vfs.File
	size int64
	zst  bool
}

func (f openedBatch) bytes() io.Reader { return io.NewSectionReader(f, 0, f.size) }

// openBatch opens the file of a batch, in the form in which it is there.
func (s *spool) openBatch(b batch) (openedBatch, error) {
	f, err := s.fs.OpenFile(s.batchPath(b), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		b = s.present(b)
		f, err = s.fs.OpenFile(s.batchPath(b), os.O_RDONLY, 0)
	}
	if err != nil {
		return openedBatch{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return openedBatch{}, errors.Join(err, f.Close())
	}
	return openedBatch{f, info.Size, b.zst}, nil
}

// readFrame is readBatch of a compressed file. It decompresses it twice, since the checksum
// is at the end.
func readFrame(f openedBatch, fetches int, each func(fetch []byte, read, size int64) error) (whole bool, err error) {
	if err := checkFrame(f); err != nil {
		return false, err
	}
	text, err := packed.NewFrameReader(f.bytes())
	if err != nil {
		return false, err
	}
	n := int64(0)
	return rawjson.ReadArray(text, func(fetch []byte, read int64) error {
		n++
		return each(fetch, read, max(read, read/n*int64(fetches)))
	})
}

// checkFrame returns an error that matches errDamagedBatch if a compressed file is not as it was
// written, and another one if it cannot be read.
func checkFrame(f openedBatch) error {
	file := &diskReader{r: f.bytes()}
	text, err := packed.NewFrameReader(file)
	n := int64(0)
	if err == nil {
		n, err = io.Copy(io.Discard, text)
	}
	if err == nil && n == 0 {
		err = errors.New("it is empty")
	}
	return file.explain(err)
}

// diskReader remembers the error of the disk.
type diskReader struct {
	r   io.Reader
	err error
}

// Read implements io.Reader.
func (d *diskReader) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if err != nil && err != io.EOF {
		d.err = err
	}
	return n, err
}

// explain returns why what was read could not be decompressed: because of the disk, or
// because it is damaged.
func (d *diskReader) explain(err error) error {
	switch {
	case d.err != nil:
		return d.err
	case err != nil:
		return fmt.Errorf("%w: %w", errDamagedBatch, err)
	}
	return nil
}

// twin returns the batch in its other form, which is there as well if a process died while
// it was being compressed.
func (b batch) twin() batch {
	b.zst = !b.zst
	return b
}

// present returns a batch in the form in which it is there: it may have been compressed
// since it was listed.
func (s *spool) present(b batch) batch {
	if b.zst {
		return b
	}
	if _, err := s.fs.Stat(s.batchPath(b)); !errors.Is(err, fs.ErrNotExist) {
		return b
	}
	if _, err := s.fs.Stat(s.batchPath(b.twin())); err != nil {
		return b
	}
	return b.twin()
}

// inOneForm returns a confirmed batch in the form in which it is there. If it is there in
// both, as a process leaves it that dies while it compresses, the compressed one is
// deleted: it must not stay behind when the batch gets another name.
func (s *spool) inOneForm(b batch) (batch, error) {
	if b = s.present(b); b.zst {
		return b, nil
	}
	return b, s.remove(s.batchPath(b.twin()))
}

// confirm moves a batch that the store holds to uploaded/. It has a name at every
// instant: while a seal is unfinished, only that says that the array must not be sealed
// again.
func (s *spool) confirm(b batch, sequence int, place string) error {
	from := s.batchPath(b)
	b.sequence, b.place = sequence, place
	to := s.batchPath(b)
	if err := s.remove(to); err != nil { // of an attempt that failed half way
		return err
	}
	err := s.alias(from, to)
	if vfs.NoSpace(err) {
		return s.confirmByRename(from, to)
	}
	if err != nil {
		return err
	}
	return s.dropPending(b.pending())
}

// confirmByRename moves a batch where there is no room for a second name. If that may not
// be durable it is taken back, so that the batch is confirmed again.
func (s *spool) confirmByRename(from, to string) error {
	if err := s.fs.Rename(from, to); err != nil {
		return err
	}
	if err := s.fs.SyncDir(s.path(uploadedDir)); err != nil {
		return errors.Join(err, s.fs.Rename(to, from))
	}
	return nil
}

// dropPending removes the name in pending/ of a batch that has one in uploaded/.
func (s *spool) dropPending(b batch) error {
	if err := s.fs.SyncDir(s.path(uploadedDir)); err != nil {
		return err
	}
	return s.remove(s.batchPath(b))
}

// unconfirm moves a confirmed batch back to pending, and returns it as it is then. It is
// never renamed, since it may be the only copy. A name that is in pending/ already is made
// again: it may be of an attempt whose sync failed, for which no later one makes up. One of
// the other form goes: a power cut brings back that of a batch that was compressed since.
func (s *spool) unconfirm(b batch) (batch, error) {
	defer s.move()()
	b, err := s.inOneForm(b)
	if err != nil {
		return b, err
	}
	from := s.batchPath(b)
	to := s.batchPath(b.pending())
	if _, err := s.fs.Stat(from); err != nil {
		return b, err
	}
	if err := s.remove(to); err != nil {
		return b, err
	}
	failed := s.syncs.failures()
	if err := s.alias(from, to); err != nil {
		return b, err
	}
	if err := s.syncPending(); err != nil {
		return b, err
	}
	if failed != s.syncs.failures() {
		return b, errors.New("a sync of pending/ has failed meanwhile")
	}
	return b.pending(), errors.Join(s.remove(s.batchPath(b.pending().twin())), s.remove(from))
}

// withoutTwins returns batches without the compressed form of those that are there as they
// were sealed.
func withoutTwins(batches []batch) []batch {
	plain := map[batch]bool{}
	for _, b := range batches {
		if !b.zst {
			plain[b] = true
		}
	}
	return slices.DeleteFunc(batches, func(b batch) bool { return b.zst && plain[b.twin()] })
}

// loadKept reads what this machine has of the uploads of the day, and returns uploaded
// without the batches that are damaged. What cannot be read any more must not keep the rest
// from being uploaded.
func (w *dayWorker) loadKept(k *kept, uploaded []batch) []batch {
	if _, body, err := w.spool.body(w.day, w.object()); err == nil {
		if entries, err := entriesOf(w.day, body); err == nil {
			k.body, k.whole = entries, body
		}
	}
	var left []batch
	for _, b := range uploaded {
		e, err := w.entryOf(b)
		b = w.spool.present(b)
		if errors.Is(err, errDamagedBatch) && w.discardDamaged(b) == nil {
			continue
		}
		k.uploaded = append(k.uploaded, confirmed{b, e})
		left = append(left, b)
	}
	k.distrust()
	return left
}

// entryOf returns the entry of a confirmed batch. With an error, or if not all of the file
// can be read, it says what the name does: a rest is not what was uploaded.
func (w *dayWorker) entryOf(b batch) (entry, error) {
	e := entry{
		upload:   upload{Timestamp: w.cfg.timestamp(b), ID: b.id, Fetches: b.fetches()},
		sequence: b.sequence, written: int64(b.sequence),
	}
	t := tally{count: w.cfg.Count}
	whole, err := w.spool.readBatch(b, func(fetch []byte, _, _ int64) error {
		t.add(fetch)
		return nil
	})
	if err == nil && whole {
		e.Fetches, e.Matches, e.text = t.n, t.matches, t.digest()
	}
	e.stated, e.counted = int64(e.Fetches), e.Matches
	return e, err
}

// discardDamaged moves a confirmed batch whose file is damaged to damaged/, so that it is
// not taken for one that is kept.
func (w *dayWorker) discardDamaged(b batch) error {
	name := w.spool.batchPath(b)
	aside, err := w.spool.keepFile(name)
	if err == nil {
		err = w.spool.remove(name)
	}
	if err != nil {
		return err
	}
	w.state.record(func(_ *WriterState, today *DayCounts) { today.Repaired++ })
	w.cfg.reportRepaired(Repaired{File: name, Problem: damagedProblem, Quarantined: aside})
	return nil
}
