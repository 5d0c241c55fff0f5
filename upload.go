package rotatelog

import (
	"crypto/sha256"
	"hash"
	"slices"

	"example.com/rotatelog/internal/packed"
	"example.com/rotatelog/internal/rawjson"
)

// load reads the first of waiting, as many as go into one write. It returns
// waiting without the batches in which nothing can be read; their bytes were set
// aside.
func (w *dayWorker) load(waiting []batch) ([]upload, []batch, error) {
	var uploads []upload
	for size := 0; len(uploads) < min(len(waiting), maxBatches) && size < maxWrite; {
		b := waiting[len(uploads)]
		u, err := w.encode(b)
		if err != nil {
			return nil, waiting, err
		}
		if u.Fetches == 0 {
			if err := w.spool.abandon(b); err != nil {
				return nil, waiting, newError("remove", w.cfg.path(w.spool.batchPath(b)), err)
			}
			waiting = slices.Delete(waiting, len(uploads), len(uploads)+1)
			continue
		}
		uploads = append(uploads, u)
		size += len(u.Data)
	}
	return uploads, waiting, nil
}

// encode reads a pending batch and makes its upload.
func (w *dayWorker) encode(b batch) (upload, error) {
	u := upload{Timestamp: w.cfg.timestamp(b), ID: b.id}
	var to *packed.Writer
	text := sha256.New()
	odd, err := w.spool.load(b, w.damaged[b.id], func(fetch []byte, read, size int64) (err error) {
		if err := u.addFetch(w.cfg.Count, fetch, text); err != nil {
			return err
		}
		if b.pack == Uncompressed {
			u.reserve(read, size)
			return nil
		}
		if to == nil {
			to, err = packed.NewWriter(b.pack.format(), size)
		}
		if err == nil {
			err = u.packInto(to)
		}
		return err
	})
	if err != nil {
		return upload{}, newError("read", w.cfg.path(w.spool.batchPath(b)), err)
	}
	if to != nil {
		if err := u.packed(to); err != nil {
			return upload{}, newError("compress", w.cfg.path(w.spool.batchPath(b)), err)
		}
	}
	u.SHA256 = u.checksum(text)
	if odd != nil {
		w.damaged[b.id] = true
		w.state.record(func(_ *WriterState, today *DayCounts) { today.Repaired++ })
		w.cfg.reportRepaired(*odd)
	}
	w.counts[b.id] = counts{u.Fetches, u.Matches}
	w.stats.setTally(b.id, w.counts[b.id])
	return u, nil
}

// addFetch adds a fetch to u, and to the text that is hashed.
func (u *upload) addFetch(count CountFunc, fetch []byte, text hash.Hash) (err error) {
	added := len(u.Data)
	if u.Fetches++; u.Fetches > 1 {
		u.Data = append(u.Data, fetchSeparator...)
	}
	begin := len(u.Data)
	if u.Data, err = rawjson.AppendCompact(u.Data, fetch); err != nil {
		return err
	}
	text.Write(u.Data[added:])
	if n, err := checkedCount(count, u.Data[begin:]); err == nil { // reported when it was appended
		u.Matches = addClamped(u.Matches, n)
	}
	return nil
}

// reserve makes room for the other fetches, now and not by doubling, once the
// first has used read bytes of a file of that size: they are as long.
func (u *upload) reserve(read, size int64) {
	if u.Fetches == 1 && read > 0 {
		more := float64(len(u.Data)) * float64(size-read) / float64(read)
		u.Data = slices.Grow(u.Data, int(more*1.05)+len(fetchSeparator))
	}
}

// pack compresses the Data of u.
func (u *upload) pack(c Compression) error {
	if c == Uncompressed {
		return nil
	}
	to, err := packed.NewWriter(c.format(), int64(len(u.Data)))
	if err != nil {
		return err
	}
	if err := u.packInto(to); err != nil {
		return err
	}
	return u.packed(to)
}

// packInto gives to what there is of the Data of u.
func (u *upload) packInto(to *packed.Writer) error {
	_, err := to.Write(u.Data)
	u.Data = u.Data[:0]
	return err
}

// packed makes the piece that to has compressed the Data of u.
func (u *upload) packed(to *packed.Writer) (err error) {
	u.Data = append(u.Data, entryClose...)
	if err := u.packInto(to); err != nil {
		return err
	}
	u.Data, u.sum, err = to.Finish()
	return err
}
