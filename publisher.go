package rotatelog

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"sync"
	"time"

	"example.com/rotatelog/internal/vfs"
)

// publisher works in the background. Its loop looks at what is due and starts an
// attempt for each such day on a goroutine of its own; another goroutine sees to it
// that midnight does not pass unnoticed. What wakes the loop is only a hint; what is
// in pending/ is the truth.
type publisher struct {
	cfg         *Config
	spool       *spool                // as the loop uses it
	outer       *spool                // as those who drain use it
	sealOverdue func(context.Context) // seals what is overdue
	watch       func(context.Context) // is called at least every 30 s
	stats       *counters
	state       *stateFile
	place       place  // owned by the loop until it is loaded, then never changed
	owner       string // the same

	ctx    context.Context // of the goroutines, ended by stop
	cancel context.CancelFunc
	ended  chan struct{}
	files  chan struct{} // holds a value while somebody writes a file that all days share
	woken  chan struct{}

	mu         sync.Mutex           // guards what follows, and dayWorker.begun
	round      chan struct{}        // closed at the end of each pass and of each attempt
	refused    map[dayKey]error     // permanent errors since the last drain began
	retryNow   bool                 // forget the backoffs
	planning   bool                 // that was taken up by a pass that is not over
	awaited    int                  // workers that a drain waits for
	makingRoom int                  // those that it waits for on a full disk
	unswept    Day                  // on which a sweep failed last
	packing    bool                 // a batch is being compressed
	packDue    bool                 // a drain waits until one has been, if there is one
	packed     retryState           // of the compression of batches
	unpacked   map[string]time.Time // when a batch could not be compressed, by id
	proof      string               // what the Store has proved, "" if that is not known

	seen  *seenFile
	locks [dayLocks]*sharedLock // of days

	today todayLook
	// Owned by the loop.
	lock            io.Closer // the publish lock, once it is had
	places          []knownPlace
	retry           retryState
	workers         map[dayKey]*dayWorker
	confirmedLoaded bool                   // what is confirmed is known
	days            map[Day]bool           // days whose end is to be reported
	held            map[string]*retryState // of the intents of other places, by file name
	swept           map[dayKey]bool        // objects in which leftovers were looked for on sweptOn
	sweptOn         Day
	running         sync.WaitGroup
}

const (
	longestWait = 30 * time.Second       // without a look at the wall clock: timers stop in suspend
	lockPause   = 250 * time.Millisecond // between attempts to get the publish lock
	maxRebases  = 5                      // lost races in a row before an attempt ends
	maxBatches  = 10                     // in one write; the metadata lists 16
	maxWrite    = 16 << 20               // bytes in one write that more batches join, so that memory is bounded by the batch
)

func newPublisher(cfg *Config, s *spool, tidy func(context.Context), stats *counters) *publisher {
	p := &publisher{
		cfg: cfg, spool: s.usedBy("publisher"), outer: s, sealOverdue: tidy, watch: tidy, stats: stats, state: newStateFile(cfg, publishStateFile), today: todayLook{opened: cfg.Clock.Now()}, place: cfg.place(),
		ended: make(chan struct{}), files: make(chan struct{}, 1), woken: make(chan struct{}, 1), round: make(chan struct{}),
		seen: newSeenFile(), locks: newSharedLocks(), refused: map[dayKey]error{}, unpacked: map[string]time.Time{}, workers: map[dayKey]*dayWorker{}, days: map[Day]bool{}, held: map[string]*retryState{},
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

func (p *publisher) start() { go p.run() }

// stop ends the goroutines, and the uploads that are under way with them.
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

func (p *publisher) run() {
	defer close(p.ended)
	p.running.Go(p.watchMidnight) // which must not wait for a store
	for p.ctx.Err() == nil {
		p.sealOverdue(p.ctx) // first: a day whose last batch is not sealed is not over
		wait := p.pass(p.ctx)
		p.endRound()
		wait = min(wait, p.lookAtToday(p.ctx))
		if p.lock != nil {
			wait = min(wait, p.state.save(p.spool, false))
		} else {
			p.saveLook()
		}
		p.idle(min(wait, p.untilMidnight()))
	}
	p.running.Wait()
	if p.lock != nil {
		p.state.save(p.spool, true)
		p.lock.Close()
	}
}

func (p *publisher) watchMidnight() {
	for p.ctx.Err() == nil {
		p.cfg.Clock.Sleep(p.ctx, p.untilMidnight())
		p.watch(p.ctx)
	}
}

// endRound lets those who drain look again.
func (p *publisher) endRound() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.round)
	p.round = make(chan struct{})
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

// pass starts an attempt for each day that is due, as far as there is room, and
// returns how long to wait for the next pass. The end of an attempt wakes the loop
// as well.
func (p *publisher) pass(ctx context.Context) time.Duration {
	if p.cfg.AppendOnly {
		return longestWait
	}
	defer p.endPlanning()
	p.reportSlow()
	p.markIdle()
	batches, wait, err := p.publishable()
	if wait > 0 {
		return wait
	}
	if err == nil {
		err = p.prepare(ctx, batches)
	}
	if err == nil {
		err = p.assign(ctx, batches)
	}
	if err != nil {
		p.endPackDue()
		if len(batches) == 0 { // what is left keeps nobody
			p.takeRetryNow()
		}
		return p.failed(ctx, err)
	}
	p.retry = retryState{}
	defer p.startCompressing(ctx)
	return p.startDue(ctx)
}

// endPlanning records that what those who drain wait for is known.
func (p *publisher) endPlanning() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.planning = false
}

// publishable returns the pending batches if there is work, and this process is the one
// that publishes; otherwise how long to wait.
func (p *publisher) publishable() (batches []batch, wait time.Duration, err error) {
	if err := p.loadPlaces(); err != nil {
		return nil, 0, err
	}
	if batches, err = p.listPending(); err != nil {
		return nil, 0, err
	}
	p.mu.Lock()
	drained := p.retryNow
	p.mu.Unlock()
	if len(batches) == 0 && !p.mayHaveWork(drained) {
		if drained { // nothing keeps anybody; who drains since then has woken the loop again
			p.takeRetryNow()
		}
		return nil, longestWait, nil
	}
	if p.lock != nil {
		return batches, 0, nil
	}
	lock, err := p.spool.lock(publishLock)
	if err != nil && len(batches) == 0 { // what is left is not urgent, and keeps nobody
		p.takeRetryNow()
	}
	switch {
	case errors.Is(err, vfs.ErrLocked) && len(batches) == 0:
		return nil, longestWait, nil
	case errors.Is(err, vfs.ErrLocked):
		return nil, lockPause, nil
	case err != nil:
		return nil, 0, newError("lock", p.cfg.path(p.spool.path(publishLock)), err)
	}
	p.lock = lock // until Close
	p.state.takeOver(p.spool)
	batches, err = p.listPending() // whoever had it may have confirmed batches until then
	return batches, 0, err
}

// assign gives the workers what there is to do.
func (p *publisher) assign(ctx context.Context, batches []batch) error {
	drained := p.takeRetryNow()
	p.setPackDue(drained)
	batches, err := p.holdBack(ctx, batches)
	if err != nil {
		return err
	}
	p.rememberDays(batches)
	return p.plan(batches, drained)
}

func (p *publisher) listPending() ([]batch, error) {
	tick := p.stats.tick()
	batches, err := p.spool.pending()
	if err != nil {
		return nil, newError("list", p.cfg.path(p.spool.path(pendingDir)), err)
	}
	p.stats.setPending(tick, batches, func(b batch) int64 {
		info, err := p.spool.fs.Stat(p.spool.batchPath(b))
		if err != nil {
			return 0 // it has just been uploaded
		}
		return info.Size
	})
	if p.cfg.TimeOf == nil {
		p.days[p.cfg.today()] = true
	}
	return batches, nil
}

// mayHaveWork reports whether there is anything to do besides uploading, as far as
// is known without the publish lock.
func (p *publisher) mayHaveWork(drained bool) bool {
	if len(p.daysOver()) > 0 {
		return true
	}
	p.mu.Lock()
	busy := p.awaited+p.makingRoom > 0
	for _, w := range p.workers {
		busy = busy || w.toReport || !w.begun.IsZero() || w.toSweep
	}
	p.mu.Unlock()
	if busy {
		return true
	}
	all, err := p.spool.uploaded()
	if err != nil {
		return true
	}
	if _, ok := p.compressible(all); ok {
		return true
	}
	old := p.here(all)
	days, err := p.unclosedDays(old, nil, drained)
	return err != nil || len(days) > 0 || len(p.prunableDays(p.spool, old)) > 0
}

// prepare makes the names of pending batches durable, and loads what is confirmed
// and who this Writer is. That comes before any upload.
func (p *publisher) prepare(ctx context.Context, batches []batch) error {
	if len(batches) > 0 {
		if err := p.spool.syncPending(); err != nil {
			return newError("sync", p.cfg.path(p.spool.path(pendingDir)), err)
		}
	}
	if p.confirmedLoaded {
		return nil
	}
	if err := p.identify(ctx); err != nil {
		return err
	}
	old, err := p.uploadedHere()
	if err != nil {
		return err
	}
	for _, b := range old {
		p.worker(b.dayKey()).last = b
	}
	p.confirmedLoaded = true
	return nil
}

// identify remembers the place, and finds out who this Writer is. Another process may be
// about to do the same, so it takes a lock for that.
func (p *publisher) identify(ctx context.Context) error {
	lock, err := p.spool.lock(ownerLock)
	for errors.Is(err, vfs.ErrLocked) {
		if err := p.cfg.Clock.Sleep(ctx, lockPause); err != nil {
			return err
		}
		lock, err = p.spool.lock(ownerLock)
	}
	if err != nil {
		return newError("lock", p.cfg.path(p.spool.path(ownerLock)), err)
	}
	p.places = nil // another process may have added one
	if err = p.loadPlaces(); err == nil {
		err = p.savePlace()
	}
	if err == nil && exclusive(p.cfg.Store) {
		p.owner, err = p.spool.ownerID()
	}
	return errors.Join(err, lock.Close())
}

// uploadedHere returns the confirmed batches of this place, in the order of sealing.
func (p *publisher) uploadedHere() ([]batch, error) {
	old, err := p.spool.uploaded()
	if err != nil {
		return nil, newError("list", p.cfg.path(p.spool.path(uploadedDir)), err)
	}
	return p.here(old), nil
}

// here returns those of confirmed batches that are of this place.
func (p *publisher) here(old []batch) []batch {
	return slices.DeleteFunc(old, func(b batch) bool { return !p.place.has(b) })
}

// takeRetryNow returns whether somebody drains since the last pass, and then forgets
// all backoffs.
func (p *publisher) takeRetryNow() bool {
	tight := p.spool.isTight()
	p.mu.Lock()
	defer p.mu.Unlock()
	hurry := p.retryNow
	p.retryNow, p.planning = false, p.planning || hurry
	if hurry {
		clear(p.held)
		for _, w := range p.workers {
			if w.begun.IsZero() {
				w.retry, w.closing, w.reporting = retryState{}, retryState{}, retryState{}
				if tight {
					w.pruning = retryState{}
				}
			} else {
				w.again = true
			}
		}
	}
	return hurry
}

// slowAttempt is how long an attempt keeps that of another day waiting. A store ends
// what does not move much sooner; what lasts longer, moves.
const slowAttempt = 2 * time.Minute

// silence is how long an attempt may take for one upload until the log says so. A
// store ends what does not move much sooner; a slow write of a large day is no failure.
const silence = 15 * time.Minute

// rememberDays remembers the days of batches, as listPending does today, until their end
// is reported. With Config.TimeOf the days are those of the fetches, and none of them ends.
func (p *publisher) rememberDays(batches []batch) {
	for _, b := range batches {
		if p.cfg.TimeOf == nil {
			p.days[b.day] = true
		}
	}
}

// daysOver returns the days that have ended and whose end is to be reported.
func (p *publisher) daysOver() []Day {
	var over []Day
	for day := range p.days {
		if day.Compare(p.cfg.today()) < 0 {
			over = append(over, day)
		}
	}
	slices.SortFunc(over, Day.Compare)
	return over
}

// takeDaysOver returns the objects of the days that have ended, whose workers will
// report it.
func (p *publisher) takeDaysOver() []dayKey {
	var over []dayKey
	for _, day := range p.daysOver() {
		over = append(over, p.objects(day)...)
		delete(p.days, day)
	}
	return over
}

// objects returns the objects of a day that batches went to: one, unless the
// spool was lost and begun again with another Compression. If there is none, it is
// the one that a batch would go to.
func (p *publisher) objects(day Day) []dayKey {
	var found []dayKey
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pack := range allCompressions() {
		w := p.workers[dayKey{day, pack}]
		if w != nil && (!w.begun.IsZero() || w.last.order > 0 || len(w.waiting) > 0) {
			found = append(found, dayKey{day, pack})
		}
	}
	if len(found) == 0 {
		found = append(found, dayKey{day, p.cfg.Compression})
	}
	return found
}

// prove has the Store find out what its writes can rely on, unless that is known.
func (w *dayWorker) prove(ctx context.Context) error {
	store, ok := w.cfg.Store.(Prover)
	if !ok {
		return nil
	}
	name := w.spool.path(proofFile)
	w.mu.Lock()
	known := w.proof
	w.mu.Unlock()
	if known == "" {
		content, err := w.spool.readFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return newError("read", w.cfg.path(name), err)
		}
		known = string(content)
	}
	text, err := store.Prove(ctx, w.key(), known)
	if err != nil {
		return storeError("prove", w.key(), err)
	}
	w.mu.Lock()
	w.proof = text
	w.mu.Unlock()
	if text != known {
		w.files <- struct{}{}
		defer func() { <-w.files }()
		w.spool.writeFile(name, []byte(text)) // or it is proven again next time
	}
	return nil
}

// proofFile holds what the Store has proved last.
const proofFile = "proof"
