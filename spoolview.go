package rotatelog

import (
	"encoding/json"
	"errors"
	"io/fs"

	"example.com/rotatelog/internal/rawjson"
	"example.com/rotatelog/internal/vfs"
)

// spoolView is what is in a spool at one moment, beside a Writer.
type spoolView struct {
	batches []batch  // the sealed ones, each once, in the order of sealing
	filling batch    // the one being filled, without what it gets when it is sealed
	records [][]byte // its fetches
	mark    spoolMark
}

// A spoolMark changes whenever a fetch comes.
type spoolMark struct {
	newest int    // order of the batch that was sealed last
	file   vfs.ID // of the array
	size   int64
}

// view returns what is in the spool. A Writer may move on meanwhile, so it looks until no
// batch was sealed or begun between two looks.
func (r *SpoolReader) view() (spoolView, error) {
	for {
		f, err := r.found()
		if err != nil {
			return spoolView{}, err
		}
		content, err := r.spool.readFile(r.spool.array.name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return spoolView{}, r.fail("read", r.spool.array.name, err)
		}
		again, err := r.found()
		if err != nil {
			return spoolView{}, err
		}
		if f.isSameBatch(again) {
			f.array.records, _, _ = rawjson.SplitArray(dropBOM(content))
			return r.viewOf(f)
		}
	}
}

// viewOf returns the view of what was found.
func (r *SpoolReader) viewOf(f foundSpool) (spoolView, error) {
	v := spoolView{mark: f.mark()}
	for _, b := range f.names {
		if b.order != latest(v.batches).order {
			v.batches = append(v.batches, b)
		}
	}
	plan, err := f.plan(Day{}, func(_ []byte, file vfs.Info) Day { return DayOf(file.ModTime, r.cfg.Location) })
	if err != nil {
		return spoolView{}, r.fail("read", r.spool.array.name, err)
	}
	p := plan.progress
	if plan.resume != nil { // it is sealed, and the array not emptied yet
		p = p.afterSeal(plan.resume.batch)
	} else {
		v.records = f.array.records
	}
	v.filling = batch{day: p.Day, order: p.Order, first: p.First}
	return v, nil
}

// mark returns the mark of what is in the spool now.
func (r *SpoolReader) mark() (spoolMark, error) {
	f, err := r.found()
	return f.mark(), err
}

func (f foundSpool) mark() spoolMark {
	return spoolMark{f.newest.order, f.array.info.ID, f.array.info.Size}
}

// isSameBatch reports whether the array was that of the same batch at another look.
func (f foundSpool) isSameBatch(other foundSpool) bool {
	p, q := f.progress, other.progress
	return f.newest.order == other.newest.order && f.array.info.ID == other.array.info.ID &&
		p.Day == q.Day && p.First == q.First && p.Order == q.Order && p.Copied == q.Copied
}

// found returns what recovery would decide by, but for what the array holds. It changes
// nothing.
func (r *SpoolReader) found() (f foundSpool, err error) {
	s := r.spool
	for {
		if f.names, err = r.names(); err != nil {
			return f, r.fail("list", s.dir, err)
		}
		if f.newest = latest(f.names); f.newest == (batch{}) {
			break
		}
		info, err := s.fs.Stat(s.batchPath(f.newest))
		if err == nil {
			f.newestFile = info.ID
			break
		}
		if !errors.Is(err, fs.ErrNotExist) { // or it has just been moved
			return f, r.fail("read", s.batchPath(f.newest), err)
		}
	}
	content, err := s.readFile(s.path(progressFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return f, r.fail("read", s.path(progressFile), err)
	}
	if json.Unmarshal(content, &f.progress) != nil {
		f.progress = progress{}
	}
	info, err := s.fs.Stat(s.array.name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return f, r.fail("read", s.array.name, err)
	}
	f.array.info, f.array.exists = info, err == nil
	return f, nil
}
