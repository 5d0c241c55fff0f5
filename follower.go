package rotatelog

import (
	"errors"
	"io/fs"
	"iter"
)

// A SpoolFollower reads fetches as they come into a spool, each once: from the local file
// or, if its batch is sealed by then, from that. It takes no lock and changes nothing. A
// fetch whose batch was uploaded and deleted between two reads is not seen; the Number of
// the next one tells.
//
// A fetch may be seen a moment before it is durable. If the disk fails at that moment, it
// is not acknowledged. A SpoolFollower is for one goroutine.
type SpoolFollower struct {
	r       *SpoolReader
	order   int       // of the batch that was read last
	fetches int       // of that batch that were read
	read    spoolMark // where everything had been read
}

// A SpoolFetch is a fetch in a spool.
type SpoolFetch struct {
	Day      Day
	Number   int    // on its day
	Position int    // in its batch, from 1
	Text     []byte // as it is in the file, good until the next step
}

// Follow returns a follower that begins with the last n fetches, as far as the spool has
// them.
func (r *SpoolReader) Follow(n int) (*SpoolFollower, error) {
	v, err := r.view()
	if err != nil {
		return nil, err
	}
	f := &SpoolFollower{r: r, order: v.filling.order, fetches: max(0, len(v.records)-n)}
	n -= len(v.records)
	for i := len(v.batches) - 1; i >= 0 && n > 0; i-- {
		b := v.batches[i]
		f.order, f.fetches = b.order, max(0, b.fetches()-n)
		n -= b.fetches()
	}
	return f, nil
}

// Fetches returns the fetches that have come since it was last read. After an error, a
// later call continues.
func (f *SpoolFollower) Fetches() iter.Seq2[SpoolFetch, error] {
	return func(yield func(SpoolFetch, error) bool) {
		each := func(fetch SpoolFetch) error {
			if !yield(fetch, nil) {
				return errStopped
			}
			return nil
		}
		err := f.readNew(each)
		for errors.Is(err, fs.ErrNotExist) { // a batch was moved or deleted since it was listed
			err = f.readNew(each)
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(SpoolFetch{}, err)
		}
	}
}

// errStopped says that the loop over fetches has ended.
var errStopped = errors.New("stopped")

// readNew calls each for every fetch that was not read.
func (f *SpoolFollower) readNew(each func(SpoolFetch) error) error {
	if mark, err := f.r.mark(); err != nil || mark == f.read {
		return err
	}
	v, err := f.r.view()
	if err != nil {
		return err
	}
	for _, b := range v.batches {
		if b.order < f.order || b.order == f.order && b.fetches() <= f.fetches {
			continue
		}
		n := 0
		_, err := f.r.spool.load(b, true, func(fetch []byte, _, _ int64) error {
			n++
			return f.take(b, n, fetch, each)
		})
		if err != nil {
			return f.r.fail("read", f.r.spool.batchPath(b), err)
		}
	}
	for i, fetch := range v.records {
		if err := f.take(v.filling, i+1, fetch, each); err != nil {
			return err
		}
	}
	f.read = v.mark
	return nil
}

// take calls each for the nth fetch of a batch, unless it was read.
func (f *SpoolFollower) take(b batch, n int, fetch []byte, each func(SpoolFetch) error) error {
	if b.order == f.order && n <= f.fetches {
		return nil
	}
	f.order, f.fetches = b.order, n
	return each(SpoolFetch{b.day, b.first + n - 1, n, fetch})
}
