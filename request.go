package rotatelog

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"example.com/rotatelog/internal/rawjson"
)

// request is one record on its way to the disk.
type request struct {
	day       Day
	line      []byte   // as it is written; nil: still to be made from pieces
	pieces    [][]byte // the daily fetch number goes between them
	n         int      // the number that line was made with, if from pieces
	matches   int64
	uncounted error
	countless bool // the member with the count is missing

	identity  string        // by Config.Identity; of a fetch from pieces it is known with the number
	duplicate *storedAt     // it is stored already
	twin      *request      // of the same group, to be written first
	done      chan struct{} // closed when receipt and err are set
	receipt   Receipt
	err       error
}

// newRequest checks, counts and formats a fetch.
func (w *Writer) newRequest(raw []byte) (*request, error) {
	fetch, count, err := w.check(raw)
	if err != nil {
		return nil, err
	}
	r := &request{done: make(chan struct{})}
	identity := w.cfg.beginIdentity(fetch)
	if err = w.describe(r, fetch, count); err == nil {
		r.line, err = w.spool.array.line(fetch)
	}
	id, noID := identity()
	if err == nil {
		err = noID
	}
	r.identity = id
	return r, err
}

// newEnvelope makes the request for f, whose number is known only when it is written.
func (w *Writer) newEnvelope(f Fetch) (*request, error) {
	newYork, err := time.LoadLocation(defaultZone) // which nyc_timestamp is in, wherever days end
	if err != nil {
		return nil, err
	}
	now := w.cfg.Clock.Now()
	if err := checkClock(now, w.cfg.Location); err != nil {
		return nil, err
	}
	pieces, err := f.encode(now, newYork)
	if err != nil {
		return nil, err
	}
	fetch, count, err := w.check(bytes.Join(pieces, []byte("0")))
	if err != nil {
		return nil, err
	}
	r := &request{day: DayOf(now, w.cfg.Location), pieces: pieces, done: make(chan struct{})}
	return r, w.describe(r, fetch, count)
}

// check checks a fetch, and finds its count if that is a member of it.
func (w *Writer) check(raw []byte) (fetch []byte, count rawjson.Found, err error) {
	f, ok := w.finders.Get().(*rawjson.Finder)
	if !ok {
		f = new(rawjson.Finder)
	}
	defer w.finders.Put(f)
	defer f.Reset(nil, nil)
	return checkFetch(f, raw, w.limits, w.cfg.countPath...)
}

// describe finds the fetch's matches, and its day if the fetch says that.
func (w *Writer) describe(r *request, fetch []byte, count rawjson.Found) (err error) {
	if path := w.cfg.countPath; path != nil {
		r.matches, r.uncounted = countAt(count, path)
		r.countless = count.Value == nil
	} else {
		r.matches, r.uncounted = checkedCount(w.cfg.Count, fetch)
	}
	if r.uncounted != nil && w.cfg.StrictCount {
		return fmt.Errorf("%w: %w", ErrInvalidFetch, r.uncounted)
	}
	if w.cfg.TimeOf != nil {
		r.day, err = w.cfg.dayOf(fetch)
	}
	return err
}

// number puts the daily fetch number into an envelope.
func (w *Writer) number(r *request, n int) error {
	if r.pieces == nil || r.n == n {
		return nil
	}
	text := bytes.Join(r.pieces, []byte(strconv.Itoa(n)))
	made, err := w.spool.array.line(text)
	if err != nil {
		return err
	}
	id, err := w.cfg.identityOf(text)
	if err != nil {
		return err
	}
	r.line, r.n, r.identity = made, n, id
	return nil
}
