package rotatelog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"

	"example.com/rotatelog/internal/vfs"
)

// Appends that come at once form a group: whoever gets the append semaphore first writes
// the records of all, and syncs once.

// submit queues r, and returns when its record is on disk or has failed.
func (w *Writer) submit(ctx context.Context, r *request) (Receipt, error) {
	quit := w.awaitIndex(ctx, r)
	if quit == nil {
		quit = w.enqueue(ctx, r)
	}
	if quit != nil {
		return Receipt{}, w.appendError(quit)
	}
	select {
	case <-r.done:
	case w.semaphore <- struct{}{}:
		w.yieldToGroup()
		for !r.finished() {
			w.commit()
		}
		w.release()
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

func (r *request) finished() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// enqueue adds r to the queue. A fetch that does not say when it was made was made
// now; the queue is in that order.
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

// withdraw takes r out of the queue, and reports whether it could: it may be being
// written already.
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

// yieldToGroup lets the others of the last group run first, if they are not in the
// queue: their appends have just returned too, and they may be about to append again.
// Otherwise the first of them would write alone, and all others wait for its fsync.
func (w *Writer) yieldToGroup() {
	w.mu.Lock()
	missing := len(w.queue) < w.lastGroup
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

// group is the requests that are written together: all of one batch.
type group struct {
	day      Day
	before   int // records that the batch had already
	requests []*request
	fresh    []*request // those to be written: not duplicates
	written  []*request // those that are on disk
	err      error      // why none is, if that is so for all
}

// commit writes the requests at the front of the queue that belong to one batch,
// syncs once, seals the batch if that fills it, and acknowledges them. The caller
// has the append semaphore.
func (w *Writer) commit() {
	g, ok := w.prepare()
	if !ok {
		return
	}
	w.findDuplicates(&g)
	if g.err == nil {
		g.written, g.err = w.write(g.fresh)
	}
	w.updateTight(g)
	w.makeReceipts(g)
	w.settleDuplicates(g)
	w.trackCounts(g.day, g.written)
	reason := w.sealReason(g)
	if reason == reasonFull {
		w.warnIfCountless(g.day, w.spool.array.records)
	}
	w.acknowledge(g, reason)
}

// prepare makes the spool ready for the first request in the queue, and takes it from
// there, with those that go to the same batch. ok is false if the queue is empty.
func (w *Writer) prepare() (g group, ok bool) {
	day, ok := w.nextDay()
	if !ok {
		return group{}, false
	}
	s := w.spool
	g = group{day: day, err: s.makeReady(day, w.cfg.Clock.Now())}
	g.before = len(s.array.records)
	g.requests = w.take(day, max(s.max-g.before, 1))
	w.lastGroup = len(g.requests)
	return g, true
}

// updateTight records whether there was room for a group. The publisher, which may be that
// of another process, may have to look for confirmed batches before they can make room.
func (w *Writer) updateTight(g group) {
	full := vfs.NoSpace(g.err) || slices.ContainsFunc(g.requests, func(r *request) bool { return vfs.NoSpace(r.err) })
	if w.spool.setTight(full) && full {
		w.publisher.wake()
	}
	w.spool.markTight(full)
}

// sealReason returns why the batch is to be sealed now, or "".
func (w *Writer) sealReason(g group) string {
	s := w.spool
	records := len(s.array.records)
	switch {
	case len(g.written) > 0 && (records >= s.max || s.sealing != nil):
		return reasonFull
	case records > 0 && slices.ContainsFunc(g.requests, func(r *request) bool { return errors.Is(r.err, ErrSpoolFull) }):
		return reasonNoRoom // uploading it makes room
	}
	return ""
}

// acknowledge ends the wait of all requests of a group, and seals the batch if there
// is a reason. Only the last that was written waits for that: its receipt says whether
// the batch was sealed.
func (w *Writer) acknowledge(g group, reason string) {
	var last *request
	if n := len(g.written); n > 0 && reason != "" {
		last = g.written[n-1]
	}
	for _, r := range g.requests {
		if r != last {
			w.finish(r, g.err)
		}
	}
	if reason == "" {
		return
	}
	sealed := w.seal(reason)
	if last != nil {
		last.receipt.Sealed = sealed
		w.finish(last, nil)
	}
}

// finish ends the wait of a request. err is why it has no receipt, if it has no error
// of its own.
func (w *Writer) finish(r *request, err error) {
	if r.receipt.Number == 0 && r.err == nil {
		r.err = err
	}
	if r.err != nil {
		r.err = w.appendError(r.err)
	}
	close(r.done)
}

// seal seals the batch, and reports whether it did. A failure is not an error of the
// Append: it is tried again.
func (w *Writer) seal(reason string) bool {
	err := w.spool.seal(w.cfg.Clock.Now(), reason)
	if err != nil {
		w.cfg.reportSealFailed(err)
	}
	return err == nil
}

// write writes and syncs the records of a group, and returns those that are on disk.
// After an error none may be acknowledged.
func (w *Writer) write(requests []*request) (written []*request, err error) {
	lines, together := w.together(requests)
	if together {
		switch done, err := w.writeSealed(lines); {
		case done && err != nil:
			return nil, err
		case done:
			return requests, nil
		}
	}
	a := &w.spool.array
	before := len(a.records)
	if together && a.write(lines...) == nil {
		written = requests
	} else {
		written = w.writeEach(requests)
	}
	if err := w.makeDurable(); err != nil {
		a.drop(before)
		a.broken = true
		w.spool.repairArray() // now if possible; otherwise the next append does it
		return nil, err
	}
	return written, nil
}

// Records of up to smallRecord bytes that come at once are copied into one buffer,
// and written at once: to copy them takes less time than so many system calls.
const (
	smallRecord = 16 << 10
	maxTogether = 1 << 20 // bytes
)

// together returns the lines of requests whose records are to be written at once. ok
// is false if each is to be written alone.
func (w *Writer) together(requests []*request) (lines [][]byte, ok bool) {
	a := &w.spool.array
	if len(requests) < 2 || a.broken {
		return nil, false
	}
	var size int64
	for i, r := range requests {
		if w.number(r, w.spool.progress.First+len(a.records)+i) != nil {
			return nil, false
		}
		lines = append(lines, r.line)
		size += int64(len(r.line))
		if len(r.line) > smallRecord || size > maxTogether {
			return nil, false
		}
	}
	return lines, w.checkRoom(size) == nil
}

// writeSealed writes lines that fill a batch where it waits for the store, past the
// array. done is false if they do not, or could not be written there. With an error
// they may be there all the same.
func (w *Writer) writeSealed(lines [][]byte) (done bool, err error) {
	s := w.spool
	if len(s.array.records) > 0 || len(lines) != s.max {
		return false, nil
	}
	err = s.sealLines(lines, w.cfg.Clock.Now())
	return err == nil || s.sealing != nil, err
}

// writeEach writes the records one by one, and returns those that could be written.
func (w *Writer) writeEach(requests []*request) (written []*request) {
	for _, r := range requests {
		if r.err = w.writeOne(r); r.err == nil {
			written = append(written, r)
		}
	}
	return written
}

func (w *Writer) writeOne(r *request) error {
	s := w.spool
	if s.array.broken {
		return fmt.Errorf("the write before this one failed")
	}
	if err := w.number(r, s.progress.First+len(s.array.records)); err != nil {
		return err
	}
	if err := w.checkRoom(int64(len(r.line))); err != nil {
		return err
	}
	err := s.array.write(r.line)
	if vfs.NoSpace(err) && s.prune(minUploaded) == nil && s.repairArray() == nil {
		err = s.array.write(r.line)
	}
	return err
}

// makeDurable syncs what was written, and makes sure that it is in the file that has
// the array's name.
func (w *Writer) makeDurable() error {
	a := &w.spool.array
	if w.cfg.Sync == SyncAppend || a.broken {
		if err := a.sync(); err != nil {
			return err
		}
	}
	ok, err := a.rememberLeft()
	if err == nil && !ok {
		err = w.spool.repairArray()
	}
	return err
}

// makeReceipts makes the receipts of records that are on disk.
func (w *Writer) makeReceipts(g group) {
	if len(g.written) == 0 {
		return
	}
	uncounted, matches := 0, int64(0)
	tally := &w.spool.tally
	for i, r := range g.written {
		position := g.before + i + 1
		r.receipt = Receipt{Day: r.day, Number: w.spool.progress.First + position - 1, Position: position,
			BatchSize: w.spool.max, Matches: r.matches}
		tally.fetches++
		tally.matches = addClamped(tally.matches, r.matches)
		matches = addClamped(matches, r.matches)
		if r.uncounted != nil {
			uncounted++
		}
	}
	appended := len(g.written)
	last := g.written[appended-1].receipt
	now := w.cfg.stateTime()
	w.stats.update(func(s *Stats) {
		s.Appended += appended
		s.Uncounted += uncounted
		s.Matches = addClamped(s.Matches, matches)
		s.Day, s.Number, s.Position = last.Day, last.Number, last.Position
		s.LastAppended = now
	})
	w.state.record(func(s *WriterState, today *DayCounts) {
		s.LastSuccess = now
		s.succeeded(Day{}, now)
		today.Appended += appended
		today.Uncounted += uncounted
		today.Matches = addClamped(today.Matches, matches)
		for _, r := range g.written {
			s.remember(RecentAppend{Time: now, Matches: r.matches, Uncounted: r.uncounted != nil})
		}
	})
}

// appendError returns why a fetch was not appended, and counts that.
func (w *Writer) appendError(err error) error {
	failed := newError("append", w.cfg.path(w.spool.array.name), err)
	now := w.cfg.stateTime()
	failure := failureOf(failed, now)
	w.stats.refused(failure.Code)
	w.state.record(func(s *WriterState, today *DayCounts) {
		s.failed(failure)
		today.refuse(failure.Code, 1)
		s.remember(RecentAppend{Time: now, Refused: failure.Code})
	})
	return failed
}

func (w *Writer) logAppended(r *request) {
	if r.err == nil && r.uncounted != nil && !r.receipt.Duplicate {
		w.cfg.reportUncounted(Uncounted{Day: r.receipt.Day, Number: r.receipt.Number, Err: r.uncounted})
	}
}
