package rotatelog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strconv"
	"time"

	"example.com/rotatelog/internal/rawjson"
)

// request is one record on its way to the disk. Appends that come at once form a
// group: whoever gets the turn first writes the records of all, and syncs once.
type request struct {
	day       Day
	line      []byte   // as it is written; nil: made from pieces
	pieces    [][]byte // what the daily fetch number goes between
	n         int      // the number that line was made with, of pieces
	matches   int64
	uncounted error
	countless bool // it lacks the member that has the count

	done    chan struct{} // closed when receipt and err are set
	receipt Receipt
	err     error
}

// newRequest checks, counts and formats a fetch.
func (w *Writer) newRequest(raw []byte) (*request, error) {
	fetch, count, err := w.check(raw)
	if err != nil {
		return nil, err
	}
	r := &request{done: make(chan struct{})}
	if err := w.describe(r, fetch, count); err != nil {
		return nil, err
	}
	r.line, err = w.spool.array.line(fetch)
	return r, err
}

// newEnvelope makes the request for f, whose number is known only when its turn
// has come.
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

// check checks a fetch, and finds its count if that stands in it.
func (w *Writer) check(raw []byte) (fetch []byte, count rawjson.Found, err error) {
	f, ok := w.finders.Get().(*rawjson.Finder)
	if !ok {
		f = new(rawjson.Finder)
	}
	defer w.finders.Put(f)
	defer f.Reset(nil, nil)
	return checkFetch(f, raw, w.limits, w.cfg.countPath...)
}

// describe finds the fetch's matches, and its day if that stands in the fetch.
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
func (r *request) number(n int, line func([]byte) ([]byte, error)) error {
	if r.pieces == nil || r.n == n {
		return nil
	}
	made, err := line(bytes.Join(r.pieces, []byte(strconv.Itoa(n))))
	if err != nil {
		return err
	}
	r.line, r.n = made, n
	return nil
}

// submit queues r, and returns when its record is on disk or has failed.
func (w *Writer) submit(ctx context.Context, r *request) (Receipt, error) {
	quit := w.enqueue(ctx, r)
	if quit != nil {
		return Receipt{}, w.appendError(quit)
	}
	select {
	case <-r.done:
	case w.turn <- struct{}{}:
		w.gather()
		for !r.decided() {
			w.commit()
		}
		w.leave()
	case <-ctx.Done():
		quit = context.Cause(ctx)
	case <-w.closed:
		quit = fs.ErrClosed
	}
	if quit != nil && w.withdraw(r) {
		return Receipt{}, w.appendError(quit)
	}
	<-r.done
	w.logAppended(r)
	return r.receipt, r.err
}

func (r *request) decided() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// enqueue adds r to the queue. A fetch that does not say when it was made was
// made now, and the queue is in that order.
func (w *Writer) enqueue(ctx context.Context, r *request) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.closed:
		return fs.ErrClosed
	default:
	}
	if r.day.IsZero() {
		now := w.cfg.Clock.Now()
		if err := checkClock(now, w.cfg.Location); err != nil {
			return err
		}
		r.day = DayOf(now, w.cfg.Location)
	}
	w.queue = append(w.queue, r)
	return nil
}

// withdraw takes r out of the queue. False: it is being written already.
func (w *Writer) withdraw(r *request) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.queue, r)
	if i < 0 {
		return false
	}
	w.queue = slices.Delete(w.queue, i, i+1)
	return true
}

// gather lets the others of the last group run first, if they are not in the queue:
// they have just been told, too, and may be about to append again. Whoever is the
// first of them would else write alone, and all others wait for its fsync.
func (w *Writer) gather() {
	w.mu.Lock()
	missing := len(w.queue) < w.group
	w.mu.Unlock()
	if missing {
		runtime.Gosched()
	}
}

// take removes from the front of the queue up to n requests of one day.
func (w *Writer) take(day Day, n int) []*request {
	w.mu.Lock()
	defer w.mu.Unlock()
	end := 0
	for end < len(w.queue) && end < n && w.queue[end].day == day {
		end++
	}
	group := slices.Clone(w.queue[:end])
	w.queue = slices.Delete(w.queue, 0, end)
	return group
}

// nextDay returns the day of the first request in the queue.
func (w *Writer) nextDay() (Day, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		return Day{}, false
	}
	return w.queue[0].day, true
}

// commit writes the requests at the front of the queue that belong to one batch,
// syncs once, and seals the batch if that fills it. The caller has the turn.
func (w *Writer) commit() {
	day, ok := w.nextDay()
	if !ok {
		return
	}
	s := w.spool
	failed := s.makeReady(day, w.cfg.Clock.Now())
	before := len(s.array.records)
	group := w.take(day, max(s.max-before, 1))
	w.group = len(group)
	var written []*request
	if failed == nil {
		written, failed = w.write(group)
	}
	if failed != nil {
		written = nil
	}
	w.noteRoom(group, failed)
	w.settle(written, before)
	w.noteCounts(day, written)
	full := len(written) > 0 && (len(s.array.records) >= s.max || s.sealing != nil)
	if full {
		w.judgeCounts(day, s.array.records)
	}
	noRoom := len(s.array.records) > 0 && slices.ContainsFunc(group, func(r *request) bool { return errors.Is(r.err, ErrSpoolFull) })
	var last *request // that was written: it is told whether that sealed the batch
	if n := len(written); n > 0 && (full || noRoom) {
		last = written[n-1]
	}
	for _, r := range group {
		if r != last {
			w.decide(r, failed)
		}
	}
	var sealed bool
	switch {
	case full:
		sealed = w.seal(reasonFull)
	case noRoom: // uploading it makes room
		sealed = w.seal(reasonNoRoom)
	}
	if last != nil {
		last.receipt.Sealed = sealed
		w.decide(last, nil)
	}
}

// noteRoom notes whether there was room for the records of a group. The publisher
// may have to look for confirmed batches before they can make room.
func (w *Writer) noteRoom(group []*request, failed error) {
	full := noSpace(failed) || slices.ContainsFunc(group, func(r *request) bool { return noSpace(r.err) })
	if w.spool.setTight(full) && full {
		w.publisher.wake()
	}
}

// decide ends the wait of a request. failed is why it has no receipt, if nothing
// else is.
func (w *Writer) decide(r *request, failed error) {
	if r.receipt.Number == 0 && r.err == nil {
		r.err = failed
	}
	if r.err != nil {
		r.err = w.appendError(r.err)
	}
	close(r.done)
}

// seal seals the batch, and reports whether it did. That it could not is no
// Append's error: it is tried again.
func (w *Writer) seal(reason string) bool {
	err := w.spool.seal(w.cfg.Clock.Now(), reason)
	if err != nil {
		w.cfg.reportSealFailed(err)
	}
	return err == nil
}

// write writes and syncs the records of a group, and returns those that are
// good. The error is of all of them: none may then be acknowledged.
func (w *Writer) write(group []*request) (written []*request, err error) {
	a := &w.spool.array
	before := len(a.records)
	lines, size, ok := w.together(group)
	ok = ok && w.checkRoom(size) == nil
	if ok && before == 0 && len(group) == w.spool.max {
		err := w.spool.sealLines(lines, w.cfg.Clock.Now())
		if err == nil || w.spool.sealing != nil {
			return group, err
		}
	}
	if ok && a.write(lines...) == nil {
		written = group
	} else {
		for _, r := range group {
			if r.err = w.writeOne(r); r.err == nil {
				written = append(written, r)
			}
		}
	}
	if w.cfg.Sync == SyncAppend || a.broken {
		err = a.sync()
	}
	if err == nil {
		var ok bool
		if ok, err = a.noteLeft(); err == nil && !ok {
			err = w.spool.mend()
		}
	}
	if err != nil {
		a.drop(before)
		a.broken = true
		w.spool.mend() // At once if it can be; the next append tries again
	}
	return written, err
}

// Records of up to smallRecord bytes that come at once are copied into one buffer,
// and written at once: to copy them takes less time than so many system calls.
const (
	smallRecord  = 16 << 10
	mostTogether = 1 << 20 // bytes
)

// together returns the lines of a group whose records are to be written at once,
// and their size. False: each is to be written for itself.
func (w *Writer) together(group []*request) (lines [][]byte, size int64, ok bool) {
	a := &w.spool.array
	if len(group) < 2 || a.broken {
		return nil, 0, false
	}
	for i, r := range group {
		if r.number(w.spool.progress.First+len(a.records)+i, a.line) != nil {
			return nil, 0, false
		}
		lines = append(lines, r.line)
		size += int64(len(r.line))
		if len(r.line) > smallRecord || size > mostTogether {
			return nil, 0, false
		}
	}
	return lines, size, true
}

func (w *Writer) writeOne(r *request) error {
	s := w.spool
	if s.array.broken {
		return fmt.Errorf("the write before this one failed")
	}
	if err := r.number(s.progress.First+len(s.array.records), s.array.line); err != nil {
		return err
	}
	if err := w.checkRoom(int64(len(r.line))); err != nil {
		return err
	}
	err := s.array.write(r.line)
	if noSpace(err) && s.prune(leastUploaded) == nil && s.mend() == nil {
		err = s.array.write(r.line)
	}
	return err
}

// settle makes the receipts of records that are on disk.
func (w *Writer) settle(written []*request, before int) {
	if len(written) == 0 {
		return
	}
	uncounted := 0
	for i, r := range written {
		place := before + i + 1
		r.receipt = Receipt{Day: r.day, Number: w.spool.progress.First + place - 1, Position: place,
			BatchSize: w.spool.max, Matches: r.matches}
		if r.uncounted != nil {
			uncounted++
		}
	}
	last := written[len(written)-1].receipt
	w.stats.update(func(s *Stats) {
		s.Appended += len(written)
		s.Uncounted += uncounted
		s.Day, s.Number, s.Position = last.Day, last.Number, last.Position
	})
}

// checkRoom returns ErrSpoolFull if n more bytes would not fit the bound.
func (w *Writer) checkRoom(n int64) error {
	limit := w.cfg.MaxPendingBytes
	if limit == 0 {
		return nil
	}
	used, err := w.spool.used(limit - n)
	if err == nil && used+n > limit {
		err = fmt.Errorf("%w: what waits for the store takes %d bytes, and MaxPendingBytes is %d; see why uploading fails",
			ErrSpoolFull, used, limit)
	}
	return err
}

func (w *Writer) appendError(err error) error {
	return &Error{"append", w.cfg.path(w.spool.array.name), err}
}

func (w *Writer) logAppended(r *request) {
	if r.err != nil {
		return
	}
	if r.uncounted != nil {
		w.cfg.reportUncounted(Uncounted{Day: r.receipt.Day, Number: r.receipt.Number, Err: r.uncounted})
	}
}
