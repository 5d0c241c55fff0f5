package rotatelog

import (
	"context"
	"time"
)

// Today is what is known of the day it is, by Config.Clock: what its object holds, and
// what is on its way there.
type Today struct {
	// Totals are those of the day's object when a Writer of this spool looked at it last,
	// before a restart perhaps. They are zero if there was none, or nobody has looked.
	Totals
	// Size is that of the object as stored, in bytes; 0 if there is none.
	Size int64
	// Looked is when that was. It is zero if nobody has looked today.
	Looked time.Time
	// Waiting is how many fetches of the day are in the spool, and not in the object.
	Waiting int
	// WaitingMatches are their matches; -1 if they are not known, as when the spool has
	// lost its state.
	WaitingMatches int64
}

// Today returns what is known of the day it is. It does no I/O. The publisher looks at
// the day's object a second after Open and a second after midnight, unless it has looked
// for an upload, and again at each upload. Programs that open a Writer for each fetch
// rely on the look of another one, as long as that is not older than ten minutes.
//
// With Config.TimeOf, today is the day it is all the same, not that of the last fetch.
func (w *Writer) Today() Today {
	day := w.cfg.today()
	c := &w.stats
	c.mu.Lock()
	defer c.mu.Unlock()
	t := Today{Totals: Totals{Name: w.cfg.Name, Day: day}}
	if l := c.look; l.Day == day {
		t.Uploads, t.Fetches, t.Matches, t.Size, t.Looked = l.Uploads, l.Fetches, l.Matches, l.Size, l.Looked
	}
	waiting := c.unfinished
	for _, b := range c.pending {
		if b.day != day || b.inObject {
			continue
		}
		t.add(b.fetches(), b.tally)
		if b.first == c.progress.First { // it was sealed a moment ago
			waiting = unfinishedBatch{}
		}
	}
	if c.progress.Day == day {
		t.add(waiting.fetches, waiting.tally)
	}
	return t
}

// add counts fetches that wait, of which the tally is known.
func (t *Today) add(fetches int, tally counts) {
	t.Waiting += fetches
	switch {
	case tally.fetches != fetches:
		t.WaitingMatches = -1
	case t.WaitingMatches >= 0:
		t.WaitingMatches = addClamped(t.WaitingMatches, tally.matches)
	}
}

// The look at today's object is not for the Writer, which looks before each write. It
// shows within seconds what would otherwise stop the first upload, ten minutes later.

const (
	// lookDelay is how long a Writer is open before it looks: one that is opened for a
	// fetch is closed by then.
	lookDelay = time.Second
	// shortLife is the longest time that a Writer is open that was opened for a fetch.
	shortLife = time.Minute
	// lookAgain is for how long such a Writer relies on the last look.
	lookAgain = 10 * time.Minute
)

// todayLook is how the look at today's object went.
type todayLook struct {
	// Owned by the publisher's loop.
	opened time.Time // when the Writer was
	brief  bool      // Writers of this spool are opened for a fetch
	ready  bool      // the log says so

	// publisher.mu guards these.
	at      *dayWorker // that looks, and is no worker of the loop
	running bool
	done    Day // on which nothing more is to be done
	retry   retryState
}

// lookAtToday starts a look at today's object if one is due, and returns how long it is
// to the next.
func (p *publisher) lookAtToday(ctx context.Context) time.Duration {
	if p.cfg.AppendOnly {
		return longestWait
	}
	now, today := p.cfg.Clock.Now(), p.cfg.today()
	if age := now.Sub(p.today.opened); 0 <= age && age < lookDelay {
		return lookDelay - age
	}
	if p.today.brief {
		if l := p.stats.lastLook(); l.Day == today && l.Place == p.place.text {
			if age := now.Sub(l.Looked); 0 <= age && age < lookAgain {
				return lookAgain - age
			}
		}
	}
	if !p.hasLooked(today) && p.othersPublish() {
		return longestWait
	}
	done, wait := p.claimLook(dayKey{today, p.stats.packOf(today, p.cfg.Compression)}, now)
	if done && !p.today.ready {
		p.today.ready = true
		p.cfg.reportReady(p.stats.lastLook(), p.stats.pendingCount())
	}
	if wait == 0 {
		owner := p.knownOwner()
		p.running.Go(func() { p.today.at.lookFirst(ctx, owner) })
		wait = longestWait
	}
	return wait
}

// hasLooked reports whether this process has looked at the object of the day.
func (p *publisher) hasLooked(day Day) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.today.done == day
}

// othersPublish reports whether another process has the publish lock. It looks at the
// day's object for its uploads, and says in the spool what it sees.
func (p *publisher) othersPublish() bool {
	if p.lock != nil {
		return false
	}
	lock, err := p.spool.fs.Lock(p.spool.path(publishLock))
	if err == nil {
		lock.Close()
		return false
	}
	p.stats.adoptLook(p.spool, p.place.text)
	return true
}

// claimLook returns how long it is until the first look at a day's object is due. If that
// is now, the caller has to start it. done says that it need not be.
func (p *publisher) claimLook(o dayKey, now time.Time) (done bool, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &p.today
	if t.done == o.day {
		return true, longestWait
	}
	if w := p.workers[o]; t.running || w != nil && (!w.begun.IsZero() || len(w.waiting) > 0) {
		return false, longestWait // the end of that wakes the loop
	}
	if t.at == nil || t.at.day != o {
		t.at = &dayWorker{publisher: p, day: o, spool: p.spool.usedBy("look")}
		t.retry = retryState{}
	}
	wait = t.retry.wait(now, maxBackoff)
	t.running = wait == 0
	return false, wait
}

// lookFirst looks at today's object for the first time, and reports what would stop an
// upload to it. owner is this spool's Writer.
func (w *dayWorker) lookFirst(ctx context.Context, owner string) {
	defer w.wake()
	seen, err := w.look(ctx, anySequence)
	if err == nil {
		err = w.checkOwnerIs(owner, seen)
	}
	w.mu.Lock()
	t := &w.today
	t.running = false
	if err == nil {
		t.done, t.retry = w.day.day, retryState{}
	}
	w.mu.Unlock()
	switch {
	case ctx.Err() != nil: // closed, which is no failure
	case err != nil:
		w.lookFailed(err)
	default:
		w.stats.lookSucceeded()
		if seen.doc.layout() == foreign {
			w.cfg.reportForeign(w.day.day, w.key())
		}
	}
}

// lookedToPublish records that an upload has looked at the day's object.
func (w *dayWorker) lookedToPublish() {
	today := w.cfg.today()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.day.day == today {
		w.publisher.today.done = today
	}
}

// lookFailed records and reports that the first look failed.
func (w *dayWorker) lookFailed(err error) {
	f := Failed{Day: w.day.day, Err: err, Pending: w.stats.pendingOf(w.day), Permanent: permanent(err)}
	w.mu.Lock()
	t := &w.today
	t.retry.failures++
	f.Attempt, f.Retry = t.retry.failures, backoff(t.retry.failures, w.cfg.jitter)
	if f.Permanent {
		f.Retry = maxBackoff
	}
	t.retry.due = w.cfg.Clock.Now().Add(f.Retry)
	w.mu.Unlock()
	w.stats.lookFailed(err)
	w.recordFailed(f, false)
	w.cfg.reportLookFailed(f)
}

// saveLook saves the state of a publisher that has nothing to publish, and so not the
// lock, if it can have that for a moment.
func (p *publisher) saveLook() {
	if !p.state.isDirty() {
		return
	}
	lock, err := p.spool.fs.Lock(p.spool.path(publishLock))
	if err != nil {
		return // whoever has it has news of its own
	}
	defer lock.Close()
	p.state.takeOver(p.spool)
	p.state.save(p.spool, true)
	p.state.forgetCounts()
}

// knownOwner returns the id of this spool's Writer, "" if it has none yet: it gets one
// before its first upload.
func (p *publisher) knownOwner() string {
	if p.owner != "" || !exclusive(p.cfg.Store) {
		return p.owner
	}
	id, _ := p.spool.readFile(p.spool.path(ownerFile))
	return string(id)
}

// A look at any day's object records what it found, if that is today's.

// look is lookUp, and records what it found.
func (w *dayWorker) look(ctx context.Context, since int) (snapshot, error) {
	number, now := w.stats.tick(), w.cfg.stateTime()
	seen, err := w.lookUp(ctx, since)
	if err == nil && w.day.day == w.cfg.today() {
		look := w.dayLook(seen, now)
		w.stats.setLook(number, seen, look)
		idle := w.stats.pendingOf(w.day) == 0
		w.state.record(func(s *WriterState, _ *DayCounts) {
			s.LastLook = &look
			if idle { // or the upload says whether it is over
				s.succeeded(look.Day, now)
			}
		})
	}
	return seen, err
}

func (w *dayWorker) dayLook(seen snapshot, now time.Time) DayLook {
	t := seen.doc.totals
	l := DayLook{Day: t.Day, Key: w.key(), Place: w.place.text,
		Uploads: t.Uploads, Fetches: t.Fetches, Matches: t.Matches, Looked: now}
	if seen.version != "" {
		l.Size = seen.doc.size
	}
	return l
}

// tick returns a number that is larger than those before.
func (c *counters) tick() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ticks++
	return c.ticks
}

// setLook records what a look at today's object has found, unless one that began later
// is recorded.
func (c *counters) setLook(number int, seen snapshot, look DayLook) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if number < c.looked {
		return
	}
	c.look, c.looked = look, number
	for id, b := range c.pending {
		if b.day != look.Day {
			continue
		}
		if _, ok := seen.sequence(id); ok {
			b.inObject = true
			c.pending[id] = b
		}
	}
}

// adoptLook records the last look of another process at that place.
func (c *counters) adoptLook(s *spool, place string) {
	state, err := s.readState(publishStateFile)
	if err != nil || state.LastLook == nil || state.LastLook.Place != place {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if state.LastLook.Looked.After(c.look.Looked) {
		c.look = *state.LastLook
	}
}

func (c *counters) lastLook() DayLook {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.look
}

// lookFailed records why the first look failed, and lookSucceeded that this is over.
func (c *counters) lookFailed(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lookError, c.stats.LastError = err, err
}

func (c *counters) lookSucceeded() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lookError != nil && c.stats.LastError == c.lookError {
		c.stats.LastError = nil
	}
	c.lookError = nil
}

// packOf returns how a day's object is compressed; of a day that has none, as configured.
func (c *counters) packOf(day Day, configured Compression) Compression {
	c.mu.Lock()
	defer c.mu.Unlock()
	if last, ok := c.progress.last(day); ok {
		return last.Compression
	}
	return configured
}

// pendingOf returns how many batches of a day wait.
func (c *counters) pendingOf(day dayKey) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.pending {
		if b.dayKey() == day {
			n++
		}
	}
	return n
}

func (c *counters) pendingCount() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.pending)
}

// unfinishedBatch is the batch being filled.
type unfinishedBatch struct {
	fetches int
	tally   counts // of the fetches that this Writer has appended
}

// endGroup records what the spool holds when the append semaphore is given up. The
// publisher may have listed what was sealed already.
func (c *counters) endGroup(s *spool, sealed []sealedBatch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress = s.progress
	c.unfinished = unfinishedBatch{len(s.array.records), s.tally}
	if len(sealed) > 0 {
		c.ticks++
	}
	for _, b := range sealed {
		known, listed := c.pending[b.id]
		if !listed {
			known = pendingBatch{batch: b.batch, added: c.ticks}
		}
		known.tally = b.tally
		if c.pending == nil {
			c.pending = map[string]pendingBatch{}
		}
		c.pending[b.id] = known
	}
}
