package rotatelog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"example.com/rotatelog/internal/vfs"
)

// publisher works in the background: one goroutine brings pending batches to the
// store, another sees to it that midnight does not pass unnoticed. What it is
// woken by is only a hint; what is in pending/ is the truth.
type publisher struct {
	cfg   *Config
	spool *spool
	tidy  func(context.Context) // seals what is overdue
	stats *counters

	ctx    context.Context // of the goroutine, ended by stop
	cancel context.CancelFunc
	ended  chan struct{}
	woken  chan struct{}

	mu      sync.Mutex      // guards round, refused and hurry
	round   chan struct{}   // closed at the end of each round
	refused map[daily]error // permanent errors since the last drain began
	hurry   bool            // forget the backoffs

	// Owned by run.
	lock      io.Closer // the publish lock, once it is had
	trouble   map[daily]*trouble
	confirmed map[daily]batch    // the last batch of each, with its upload_sequence
	counts    map[string]counts  // of batches that were read, by id
	damaged   map[string]bool    // batches whose odd bytes were set aside, by id
	days      map[Day]bool       // days whose end is to be told
	unclosed  map[daily]*trouble // days that could not be closed
	swept     Day                // on which leftovers were last swept
}

// counts are what a batch adds to its day.
type counts struct {
	fetches int
	matches int64
}

// trouble is what is known of a day that cannot be uploaded.
type trouble struct {
	failures int
	due      time.Time // of the next attempt
}

// errStuck is why an attempt to upload was given up.
var errStuck = errors.New("the store did not answer in " + maxAttempt.String() + "; see whether it, or something that holds its lock, has stopped")

const (
	maxAttempt  = 15 * time.Minute       // on one day, lest a store that hangs keep the others from it
	longestWait = 30 * time.Second       // without a look at the wall clock: timers stand still in suspend
	lockPause   = 250 * time.Millisecond // between attempts to get the publish lock
	maxRebases  = 5                      // lost races in a row before it counts as a failure
	maxBatches  = 10                     // in one write; the metadata lists 16
	maxWrite    = 16 << 20               // bytes in one write that more batches join, so that memory is bounded by the batch
)

func newPublisher(cfg *Config, s *spool, tidy func(context.Context), stats *counters) *publisher {
	p := &publisher{
		cfg: cfg, spool: s, tidy: tidy, stats: stats,
		ended: make(chan struct{}), woken: make(chan struct{}, 1), round: make(chan struct{}),
		refused: map[daily]error{}, trouble: map[daily]*trouble{},
		counts: map[string]counts{}, damaged: map[string]bool{}, days: map[Day]bool{}, unclosed: map[daily]*trouble{},
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

func (p *publisher) start() { go p.run() }

// stop ends the goroutine, and an upload that is under way with it.
func (p *publisher) stop() {
	p.cancel()
	<-p.ended
}

// wake makes the publisher look at pending/ soon.
func (p *publisher) wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

// drain waits until the batches that are pending now are so no more. It looks at
// the end of a round, when hooks and Stats know what the directory tells.
func (p *publisher) drain(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	batches, err := p.spool.pending()
	if err != nil {
		return err
	}
	round := p.hasten()
	for len(batches) > 0 {
		select {
		case <-round:
		case <-ctx.Done():
		case <-p.ctx.Done():
		}
		switch { // whatever else came meanwhile
		case ctx.Err() != nil:
			return p.unfinished(len(batches), context.Cause(ctx))
		case p.ctx.Err() != nil:
			return p.unfinished(len(batches), fs.ErrClosed)
		}
		round = p.nextRound()
		if batches, err = p.stillPending(batches); err != nil {
			return err
		}
		if err := p.refusal(batches); err != nil {
			return err
		}
	}
	return nil
}

// hasten has every day tried at once, whatever its backoff, and returns what is
// closed at the end of the round.
func (p *publisher) hasten() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hurry = true
	clear(p.refused)
	p.wake()
	return p.round
}

func (p *publisher) nextRound() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.round
}

// unfinished returns the error of a drain that ended before its batches.
func (p *publisher) unfinished(batches int, why error) error {
	p.stats.mu.Lock()
	last := p.stats.stats.LastError
	p.stats.mu.Unlock()
	wait := "batches wait"
	if batches == 1 {
		wait = "batch waits"
	}
	if last == nil {
		return fmt.Errorf("%d %s on disk: %w", batches, wait, why)
	}
	return fmt.Errorf("%d %s on disk: %w; the last attempt to upload: %w", batches, wait, why, last)
}

// stillPending returns those of batches that wait yet.
func (p *publisher) stillPending(batches []batch) ([]batch, error) {
	now, err := p.spool.pending()
	if err != nil {
		return nil, err
	}
	waits := make(map[string]bool, len(now))
	for _, b := range now {
		waits[b.id] = true
	}
	return slices.DeleteFunc(batches, func(b batch) bool { return !waits[b.id] }), nil
}

// refusal returns the permanent error of a day that one of batches belongs to.
func (p *publisher) refusal(batches []batch) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range batches {
		if err := cmp.Or(p.refused[b.daily()], p.refused[daily{}]); err != nil {
			return err
		}
	}
	return nil
}

func (p *publisher) run() {
	defer close(p.ended)
	var minding sync.WaitGroup // midnight must not wait for a store
	minding.Go(func() {
		for p.ctx.Err() == nil {
			p.cfg.Clock.Sleep(p.ctx, p.untilMidnight())
			p.tidy(p.ctx)
		}
	})
	defer minding.Wait()
	for p.ctx.Err() == nil {
		p.tidy(p.ctx) // first: a day whose last batch is not sealed is not over
		wait := p.pass(p.ctx)
		p.mu.Lock()
		close(p.round)
		p.round = make(chan struct{})
		p.mu.Unlock()
		p.idle(min(wait, p.untilMidnight()))
	}
	if p.lock != nil {
		p.lock.Close()
	}
}

// idle waits for d, or until somebody wakes the publisher.
func (p *publisher) idle(d time.Duration) {
	ctx, cancel := context.WithCancel(p.ctx)
	var listening sync.WaitGroup
	listening.Go(func() {
		select {
		case <-p.woken:
			cancel()
		case <-ctx.Done():
		}
	})
	p.cfg.Clock.Sleep(ctx, d)
	cancel()
	listening.Wait()
}

// untilMidnight returns how long the publisher may sleep without missing the
// end of the day.
func (p *publisher) untilMidnight() time.Duration {
	now := p.cfg.Clock.Now()
	next := DayOf(now, p.cfg.Location).Next().Start(p.cfg.Location)
	return min(longestWait, max(next.Sub(now), time.Millisecond))
}

// pass tries once to upload each day that is due, and returns how long to wait
// for the next pass.
func (p *publisher) pass(ctx context.Context) time.Duration {
	batches, err := p.spool.pending()
	if err != nil {
		return p.failed(ctx, daily{}, 0, &Error{"list", p.cfg.path(p.spool.path(pendingDir)), err})
	}
	p.stats.note(func(s *Stats) { s.Pending = len(batches) })
	p.noteDays(batches)
	if len(batches) == 0 && len(p.daysOver()) == 0 && !p.mayClose() {
		clear(p.trouble)
		return longestWait
	}
	if wait := p.awaitLock(ctx); p.lock == nil {
		if len(batches) == 0 { // what is left is not urgent
			wait = longestWait
		}
		return wait
	}
	if err := p.spool.syncPending(); err != nil {
		return p.failed(ctx, daily{}, len(batches), &Error{"sync", p.cfg.path(p.spool.path(pendingDir)), err})
	}
	p.mu.Lock()
	drained := p.hurry
	if p.hurry {
		clear(p.trouble)
	}
	p.hurry = false
	p.mu.Unlock()

	wait := longestWait
	days := byDay(batches)
	for _, day := range slices.SortedFunc(maps.Keys(days), daily.compare) {
		wait = min(wait, p.tryDay(ctx, day, days[day]))
	}
	wait = min(wait, p.closeDays(ctx, drained))
	for _, day := range p.daysOver() {
		if err := p.tellDayOver(ctx, day); err != nil {
			return min(wait, p.failed(ctx, daily{}, len(batches), err))
		}
	}
	delete(p.trouble, daily{})
	p.sweep(ctx)
	return wait
}

// awaitLock takes the publish lock if it is free, and then keeps it until Close.
// It returns how long to wait if this process may not publish.
func (p *publisher) awaitLock(ctx context.Context) time.Duration {
	if p.lock != nil {
		return 0
	}
	l, err := p.spool.lock(publishLock)
	switch {
	case err == nil:
		p.lock = l
	case !errors.Is(err, vfs.ErrLocked):
		return p.failed(ctx, daily{}, 0, &Error{"lock", p.cfg.path(p.spool.path(publishLock)), err})
	}
	return lockPause
}

func byDay(batches []batch) map[daily][]batch {
	days := map[daily][]batch{}
	for _, b := range batches {
		days[b.daily()] = append(days[b.daily()], b)
	}
	return days
}

// tryDay uploads what waits of a day if it is due, and returns how long until
// it wants to be tried again.
func (p *publisher) tryDay(ctx context.Context, day daily, waiting []batch) time.Duration {
	if t := p.trouble[day]; t != nil {
		wait := t.due.Sub(p.cfg.Clock.Now())
		if wait > mostBackoff { // the clock was set back
			wait = mostBackoff
			t.due = p.cfg.Clock.Now().Add(wait)
		}
		if wait > 0 {
			return wait
		}
	}
	attempt, cancel := context.WithTimeoutCause(ctx, maxAttempt, errStuck)
	defer cancel()
	if err := p.publish(attempt, day, waiting); err != nil {
		if attempt.Err() != nil && ctx.Err() == nil {
			err = fmt.Errorf("%w: %w", errStuck, err)
		}
		return p.failed(ctx, day, len(waiting), err)
	}
	delete(p.trouble, day)
	return longestWait
}

// failed notes and tells a failure, and returns how long to wait. The zero daily
// stands for what is not one day's trouble.
func (p *publisher) failed(ctx context.Context, day daily, waiting int, err error) time.Duration {
	if ctx.Err() != nil { // closed, which is no failure
		return 0
	}
	t := p.trouble[day]
	if t == nil {
		t = &trouble{}
		p.trouble[day] = t
	}
	t.failures++
	f := Failed{Day: day.day, Err: err, Waiting: waiting, Attempt: t.failures,
		Permanent: permanent(err), Retry: backoff(t.failures, p.cfg.jitter)}
	if f.Permanent {
		f.Retry = mostBackoff
		p.mu.Lock()
		p.refused[day] = err
		p.mu.Unlock()
	}
	t.due = p.cfg.Clock.Now().Add(f.Retry)
	p.stats.note(func(s *Stats) { s.Failed++; s.LastError = err })
	p.cfg.tellFailed(f)
	return f.Retry
}

// publish brings waiting, the pending batches of a day in order, into the day's
// object: look, write, and whatever the reply, look again. Replies lie in both
// directions, so that only what is seen counts.
func (p *publisher) publish(ctx context.Context, day daily, waiting []batch) error {
	since, err := p.since(day, waiting)
	if err != nil {
		return err
	}
	if err := p.settle(ctx, day); err != nil {
		return err
	}
	seen, err := p.look(ctx, day, since)
	if err != nil {
		return err
	}
	if waiting, err = p.confirm(seen, waiting); err != nil {
		return err
	}
	if err := p.checkLost(ctx, day, seen); err != nil {
		return err
	}
	for lost := 0; len(waiting) > 0; {
		var uploads []upload
		if uploads, waiting, err = p.load(waiting); err != nil {
			return err
		}
		if len(uploads) == 0 {
			continue
		}
		if err := p.checkOwner(seen); err != nil {
			return err
		}
		parts, doc, err := p.arrange(seen.doc, len(uploads) == len(waiting), uploads)
		if err != nil {
			return err
		}
		meta, err := p.meta(doc)
		if err != nil {
			return err
		}
		sent, reply := p.write(ctx, day, seen, parts, meta)
		if err := p.settle(ctx, day); err != nil {
			return errors.Join(reply, err)
		}
		after, err := p.look(ctx, day, seen.doc.lastSequence)
		if err != nil {
			return errors.Join(reply, err)
		}
		p.rememberBody(day, sent, doc, after)
		before := len(waiting)
		if waiting, err = p.confirm(after, waiting); err != nil {
			return err
		}
		if seen = after; len(waiting) < before {
			lost = 0
		} else if lost++; !errors.Is(reply, ErrConflict) || lost > maxRebases {
			return p.notThere(day, reply)
		}
	}
	return nil
}

func (p *publisher) notThere(day daily, reply error) error {
	if reply == nil {
		reply = errors.New("the store took the batch, but does not have it")
	}
	return storeError("upload", p.cfg.key(day), reply)
}

// view is what one look at a day's object told.
type view struct {
	version Version
	owner   string // "" if it does not say
	doc     document
	ids     map[string]int // sequences of all uploads, where the entries were read
}

// sequence returns the upload_sequence of the batch with that id. False: it is
// not in the object.
func (v view) sequence(id string) (int, bool) {
	if v.ids != nil {
		n, ok := v.ids[id]
		return n, ok
	}
	return v.doc.find(id)
}

// look asks the store for the day's object. The view tells for certain of every
// upload after the sequence since whether it is there. An error is never taken
// for an object that is not there.
func (p *publisher) look(ctx context.Context, day daily, since int) (view, error) {
	key := p.cfg.key(day)
	for lost := 0; ; lost++ {
		obj, err := p.cfg.Store.Stat(ctx, key)
		if errors.Is(err, fs.ErrNotExist) {
			return view{doc: newDocument(day)}, nil
		}
		if err != nil {
			return view{}, storeError("look at", key, err)
		}
		if doc, ok := documentFromMeta(day, obj); ok && doc.covers(since) {
			return view{version: obj.Version, owner: obj.Meta[ownerKey], doc: doc}, nil
		}
		v, err := p.scan(ctx, day, obj)
		if lost < maxRebases && (errors.Is(err, ErrConflict) || errors.Is(err, ErrPermanent) && p.isReplaced(ctx, key, obj)) {
			continue
		}
		if err != nil {
			return view{}, storeError("read", key, err)
		}
		return v, nil
	}
}

// isReplaced reports whether an object that makes no sense is another by now, or
// never was: while one is replaced, some servers tell the size of the version
// before with all else of the next.
func (p *publisher) isReplaced(ctx context.Context, key string, seen Object) bool {
	now, err := p.cfg.Store.Stat(ctx, key)
	return err == nil && (now.Version != seen.Version || now.Size != seen.Size)
}

// scan reads the entries of the day's object, where the metadata does not do.
func (p *publisher) scan(ctx context.Context, day daily, obj Object) (view, error) {
	r, err := p.cfg.Store.Read(ctx, p.cfg.key(day), obj.Version, 0, obj.Size)
	if err != nil {
		return view{}, err
	}
	defer r.Close()
	doc, ids, err := scanDocument(day, r, obj.Size, p.cfg.MaxFetchBytes)
	return view{version: obj.Version, owner: obj.Meta[ownerKey], doc: doc, ids: ids}, err
}

// confirm moves the batches that are in the object to uploaded/, and returns
// the others.
func (p *publisher) confirm(seen view, waiting []batch) (rest []batch, err error) {
	for _, b := range waiting {
		sequence, ok := seen.sequence(b.id)
		if !ok {
			rest = append(rest, b)
			continue
		}
		if _, ok := p.counts[b.id]; !ok { // written by a Writer before this one
			if _, err := p.encode(b); err != nil {
				return nil, err
			}
		}
		n := p.counts[b.id]
		if err := p.spool.confirm(b, sequence, p.cfg.KeepUploaded); err != nil {
			return nil, &Error{"confirm", p.cfg.path(p.spool.batchPath(b)), err}
		}
		delete(p.counts, b.id)
		delete(p.damaged, b.id)
		if b.sequence = sequence; b.order > p.confirmed[b.daily()].order {
			p.confirmed[b.daily()] = b
		}
		p.stats.note(func(s *Stats) {
			s.Uploaded++
			s.Pending--
			s.LastUploaded, s.LastError = p.cfg.Clock.Now(), nil
		})
		p.cfg.tellUploaded(Uploaded{Day: b.day, Key: p.cfg.key(b.daily()), Sequence: sequence,
			Fetches: n.fetches, Matches: n.matches, Totals: seen.doc.totals})
	}
	return rest, nil
}

// load reads the first of waiting, as many as go into one write. It returns
// waiting without the batches in which nothing can be read; their bytes were set
// aside.
func (p *publisher) load(waiting []batch) ([]upload, []batch, error) {
	var uploads []upload
	for size := 0; len(uploads) < min(len(waiting), maxBatches) && size < maxWrite; {
		b := waiting[len(uploads)]
		u, err := p.encode(b)
		if err != nil {
			return nil, waiting, err
		}
		if u.Fetches == 0 {
			if err := p.spool.abandon(b); err != nil {
				return nil, waiting, &Error{"remove", p.cfg.path(p.spool.batchPath(b)), err}
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
func (p *publisher) encode(b batch) (upload, error) {
	u := upload{Timestamp: b.day.clip(b.sealed, p.cfg.Location).Format(TimeLayout), ID: b.id}
	var to *packer
	odd, err := p.spool.load(b, p.damaged[b.id], func(fetch []byte, read, size int64) (err error) {
		if err := p.addFetch(&u, fetch); err != nil {
			return err
		}
		if b.pack == Uncompressed {
			u.reserve(read, size)
			return nil
		}
		if to == nil {
			to, err = newPacker(b.pack, size)
		}
		if err == nil {
			err = to.take(&u)
		}
		return err
	})
	if err != nil {
		return upload{}, &Error{"read", p.cfg.path(p.spool.batchPath(b)), err}
	}
	if to != nil {
		if err := to.finish(&u); err != nil {
			return upload{}, &Error{"compress", p.cfg.path(p.spool.batchPath(b)), err}
		}
	}
	if odd != nil {
		p.damaged[b.id] = true
		p.cfg.tellRepaired(*odd)
	}
	p.counts[b.id] = counts{u.Fetches, u.Matches}
	return u, nil
}

// addFetch adds a fetch to u.
func (p *publisher) addFetch(u *upload, fetch []byte) (err error) {
	if u.Fetches++; u.Fetches > 1 {
		u.Data = append(u.Data, fetchSeparator...)
	}
	begin := len(u.Data)
	if u.Data, err = appendCompact(u.Data, fetch); err != nil {
		return err
	}
	if n, err := checkedCount(p.cfg.Count, u.Data[begin:]); err == nil { // told when it was appended
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

// since returns an upload_sequence after which all of waiting would stand, were
// they in the day's object: that of the last batch confirmed before them, or 0.
func (p *publisher) since(day daily, waiting []batch) (int, error) {
	if err := p.learn(); err != nil {
		return 0, err
	}
	if last := p.confirmed[day]; last.order < waiting[0].order {
		return last.sequence, nil
	}
	return 0, nil // a power cut brought back the name of a batch that was confirmed
}

// learn learns from uploaded/ what is confirmed, if that is not known.
func (p *publisher) learn() error {
	if p.confirmed != nil {
		return nil
	}
	old, err := p.spool.uploaded()
	if err != nil {
		return &Error{"list", p.cfg.path(p.spool.path(uploadedDir)), err}
	}
	p.confirmed = map[daily]batch{}
	for _, b := range old {
		p.confirmed[b.daily()] = b
	}
	return nil
}

// noteDays remembers today, and the days of batches, until their end is told.
// With Config.Time the days are those of the fetches, and none of them ends.
func (p *publisher) noteDays(batches []batch) {
	if p.cfg.Time != nil {
		return
	}
	p.days[p.cfg.today()] = true
	for _, b := range batches {
		p.days[b.day] = true
	}
}

// daysOver returns the days that have ended and of which nothing waits any more.
func (p *publisher) daysOver() []Day {
	var over []Day
	for day := range p.days {
		if day.Compare(p.cfg.today()) < 0 && !p.troubled(day) {
			over = append(over, day)
		}
	}
	slices.SortFunc(over, Day.Compare)
	return over
}

func (p *publisher) troubled(day Day) bool {
	for _, pack := range []Compression{Uncompressed, Zstd, Gzip} {
		if p.trouble[daily{day, pack}] != nil {
			return true
		}
	}
	return false
}

// tellDayOver tells the totals of a day that has ended.
func (p *publisher) tellDayOver(ctx context.Context, day Day) error {
	if err := p.learn(); err != nil {
		return err
	}
	var totals []Totals
	for _, o := range p.objects(day) {
		seen, err := p.look(ctx, o, anySequence)
		if err != nil {
			return err
		}
		totals = append(totals, seen.doc.totals)
	}
	delete(p.days, day)
	for _, t := range totals {
		p.cfg.tellDayChanged(t)
	}
	return nil
}

// objects returns the objects of a day that batches went to: one, unless the
// spool was lost and begun anew with another Compression. If there is none, it is
// the one that a batch would go to.
func (p *publisher) objects(day Day) []daily {
	var found []daily
	for _, pack := range []Compression{Uncompressed, Zstd, Gzip} {
		if _, ok := p.confirmed[daily{day, pack}]; ok {
			found = append(found, daily{day, pack})
		}
	}
	if len(found) == 0 {
		found = append(found, daily{day, p.cfg.Compression})
	}
	return found
}
