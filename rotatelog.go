package rotatelog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"example.com/rotatelog/internal/jsonstream"
	"example.com/rotatelog/internal/vfs"
)

// Writer appends fetches to one stream. All methods are safe for concurrent use.
type Writer struct {
	cfg       Config // as checked; never changed
	limits    limits
	finders   sync.Pool // of *rawjson.Finder
	spool     *spool
	lock      io.Closer // the append lock
	publisher *publisher
	stats     counters
	state     *stateFile     // of the append lock
	index     *identityIndex // nil unless Config.Identity is set

	semaphore chan struct{}      // the append semaphore: holds a value while somebody uses the array
	lastGroup int                // how many records were written together last; owned by who has the semaphore
	counts    map[Day]*dayCounts // the same

	mu    sync.Mutex // guards queue
	queue []*request // records that wait to be written, in order

	closed    chan struct{} // closed by CloseAppend and Close
	endAppend func() error
	end       func() error
}

// Receipt says what became of an appended fetch.
type Receipt struct {
	Day       Day   // that the fetch was made on
	Number    int   // of the fetch on its day: 1, 2, … from midnight to midnight
	Position  int   // in its batch: 1 to BatchSize
	BatchSize int   // Config.MaxFetches
	Sealed    bool  // whether it completed the batch
	Matches   int64 // of the fetch, by Config.Count

	// Duplicate says that a fetch of the same Config.Identity was on disk already, and
	// that this one was not stored. Day, Number and Position are those of the other.
	Duplicate bool
}

// Open opens the stream of that name in that directory, finishes what an earlier
// Writer left unfinished, and starts uploading what waits. It does not touch the
// network, and waits only for the lock, for LockWait or until ctx is done.
//
// It returns ErrLocked when another Writer has the stream open, in this process
// or another. A Config that cannot work, including one whose store cannot make a
// request, is an error before anything is opened.
func Open(ctx context.Context, cfg Config) (*Writer, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, fmt.Errorf("rotatelog: %w", err)
	}
	w := &Writer{
		cfg:    cfg,
		limits: limits{maxBytes: cfg.MaxFetchBytes, maxDepth: cfg.MaxDepth},
		counts: map[Day]*dayCounts{},
		closed: make(chan struct{}),

		semaphore: make(chan struct{}, 1),
	}
	w.state = newStateFile(&w.cfg, appendStateFile)
	w.endAppend = onceValue(w.closeAppend)
	w.end = onceValue(w.close)
	if s, ok := cfg.Store.(Warner); ok && s.Warning() != "" {
		cfg.Logger.Warn(s.Warning())
	}
	if err := w.openSpool(ctx); err != nil {
		w.reportRepaired()
		return nil, newError("open", cfg.path(cfg.Name+".json"), err)
	}
	if cfg.Identity != nil {
		w.openIndex()
	}
	w.spool.recovered = nil // there may be many thousands
	w.publisher = newPublisher(&w.cfg, w.spool, w.sealOverdue, &w.stats)
	w.publisher.watch = w.watch
	w.resumeState()
	w.semaphore <- struct{}{}
	if s := w.spool; len(s.array.records) > 0 {
		w.stats.update(func(st *Stats) {
			st.Day, st.Position = s.progress.Day, len(s.array.records)
			st.Number = s.progress.First + st.Position - 1
		})
	}
	w.sealPast(reasonPastDay)
	if !w.publisher.today.brief { // or it is saved when that ends, in a moment
		w.saveState(false)
	}
	w.release()
	w.publisher.start()
	return w, nil
}

// openSpool opens and locks the spool, and recovers what is in it.
func (w *Writer) openSpool(ctx context.Context) error {
	fsys := w.cfg.fs
	if fsys == nil {
		var err error
		if fsys, err = vfs.Dir(w.cfg.Dir); err != nil {
			return err
		}
	}
	s, err := newSpool(vfs.WithoutDirSync(fsys, w.cfg.reportNoDirSync), &w.cfg)
	if err != nil {
		return errors.Join(err, fsys.Close())
	}
	w.spool = s
	if w.lock, err = w.awaitLock(ctx); err != nil {
		return errors.Join(err, s.close())
	}
	if err := s.checkDir(); err != nil {
		return errors.Join(err, s.close(), w.lock.Close())
	}
	if err := s.recover(w.cfg.today(), w.recoveredDay); err != nil {
		return errors.Join(err, s.close(), w.lock.Close())
	}
	if err := s.reserve.Fill(); err != nil && !vfs.NoSpace(err) {
		return errors.Join(err, s.close(), w.lock.Close())
	}
	_, err = s.fs.Stat(s.path(tightFile))
	s.marked = err == nil
	return nil
}

// recoveredDay returns the day of a fetch that batch.json says nothing about.
func (w *Writer) recoveredDay(fetch []byte, file vfs.Info) Day {
	if w.cfg.TimeOf != nil {
		if day, err := w.cfg.dayOf(bytes.Clone(fetch)); err == nil {
			return day
		}
	}
	return DayOf(file.ModTime, w.cfg.Location)
}

// awaitLock takes the append lock.
func (w *Writer) awaitLock(ctx context.Context) (io.Closer, error) {
	const pause = 20 * time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		l, err := w.spool.lock(appendLock)
		if !errors.Is(err, vfs.ErrLocked) {
			return l, err
		}
		if waited >= w.cfg.LockWait {
			return nil, fmt.Errorf("%w: close it first, or wait for it with LockWait", ErrLocked)
		}
		if err := w.cfg.Clock.Sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// Append adds one fetch: one JSON object, whose bytes may be reused when Append
// returns. If the error is nil the fetch is on disk, as Config.Sync says. If not, the
// fetch was not acknowledged and may be appended again. In the rare case that the disk
// fails at the last moment, it may be there already.
//
// Errors match ErrInvalidFetch if trying again will not help, ErrSpoolFull,
// fs.ErrClosed after Close, or ctx's error. Once the record is being written, ctx no
// longer matters. The Writer stays usable whatever the error.
func (w *Writer) Append(ctx context.Context, fetch []byte) (Receipt, error) {
	began := w.cfg.beginAppend()
	r, err := w.newRequest(fetch)
	if err != nil {
		return Receipt{}, w.appendError(err)
	}
	receipt, err := w.submit(ctx, r)
	w.cfg.reportAppended(began, receipt, err)
	return receipt, err
}

// AppendFetch adds what came from the API in an envelope of FETCH_HEADER,
// RAW_API_DATA and FETCH_FOOTER, with the current time and the daily fetch number.
// Otherwise it is like Append.
func (w *Writer) AppendFetch(ctx context.Context, f Fetch) (Receipt, error) {
	began := w.cfg.beginAppend()
	r, err := w.newEnvelope(f)
	if err != nil {
		return Receipt{}, w.appendError(err)
	}
	receipt, err := w.submit(ctx, r)
	w.cfg.reportAppended(began, receipt, err)
	return receipt, err
}

// Write implements io.Writer: p is exactly one fetch. It never returns a short
// count with a nil error.
func (w *Writer) Write(p []byte) (int, error) {
	if _, err := w.Append(context.Background(), p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// ReadFrom implements io.ReaderFrom: it appends every fetch of r, which holds one
// JSON object after the other, on lines of their own or not. It stops at the first that
// cannot be appended, and returns how many bytes of r the appended fetches took. Call it
// directly: io.Copy lets some readers pass all they have to one Write.
func (w *Writer) ReadFrom(r io.Reader) (int64, error) {
	in := jsonstream.NewReader(r, w.cfg.MaxFetchBytes)
	for {
		done := in.Offset()
		fetch, at, err := in.Next()
		if err == io.EOF {
			return done, nil
		}
		if bad, ok := errors.AsType[*jsonstream.Error](err); ok {
			err = w.appendError(fmt.Errorf("%w: %w", ErrInvalidFetch, bad.Err))
		}
		if err == nil {
			_, err = w.Append(context.Background(), fetch)
		}
		if err != nil {
			return done, fmt.Errorf("line %d: %w", at.Line, err)
		}
	}
}

// Key returns the key of a day's object. A day keeps the compression that it began with,
// so the key of a day may end otherwise than those of others.
func (w *Writer) Key(day Day) string {
	return w.cfg.key(dayKey{day, w.stats.packOf(day, w.cfg.Compression)})
}

// Flush is Seal and then Drain. If the batch cannot be sealed, it waits for those that
// were sealed before all the same.
func (w *Writer) Flush(ctx context.Context) error {
	sealed := w.Seal(ctx)
	if errors.Is(sealed, fs.ErrClosed) || ctx.Err() != nil {
		return sealed
	}
	return errors.Join(sealed, w.Drain(ctx))
}

// Seal ends the batch, even if it is not full, so that it will be uploaded. If it is
// empty, Seal does nothing.
func (w *Writer) Seal(ctx context.Context) error {
	if err := w.acquire(ctx); err != nil {
		return err
	}
	var err error
	if len(w.spool.array.records) > 0 || w.spool.sealing != nil {
		err = w.spool.seal(w.cfg.Clock.Now(), reasonFlush)
	}
	w.release()
	if err != nil {
		return newError("seal", w.cfg.path(w.spool.array.name), err)
	}
	return nil
}

// Drain waits until every batch that is sealed by now is in the store. While it waits, a
// kept batch may be compressed (Config.KeepFor), and it waits for that, too. If there was no
// room for the last fetch it waits until kept batches have made what room they can, so that
// it is worth while to append that fetch again. It returns
// early with the error if one meets a permanent error (ErrPermanent), when ctx is done,
// and with fs.ErrClosed when the Writer is closed. The batches then still wait on disk.
func (w *Writer) Drain(ctx context.Context) error { return w.publisher.drain(ctx) }

// CloseAppend ends appending, and lets another process append, while this one
// continues to upload until Close. It is for programs that run for one fetch.
func (w *Writer) CloseAppend() error { return w.endAppend() }

// Close ends the Writer. It starts no upload, and cancels one that is under way: the
// next Open continues with the unfinished batch and with those that wait. Closing again
// does nothing.
func (w *Writer) Close() error { return w.end() }

// onceValue is sync.OnceValue, but callers do not wait for the first one in a lock. In a
// testing/synctest bubble time does not pass while a goroutine waits for a lock, and the
// first caller may be waiting for time to pass.
func onceValue(f func() error) func() error {
	var called atomic.Bool
	var err error
	done := make(chan struct{})
	return func() error {
		if called.CompareAndSwap(false, true) {
			defer close(done)
			err = f()
			return err
		}
		<-done
		return err
	}
}

func (w *Writer) closeAppend() error {
	close(w.closed)
	w.semaphore <- struct{}{} // for good
	w.saveState(true)
	if w.closeIndex() {
		w.saveState(true)
	}
	w.spool.prunable.endAppend()
	return errors.Join(w.spool.closeClean(), w.spool.array.close(), w.lock.Close())
}

// announceRepaired reports what was repaired in the spool, and counts it.
func (w *Writer) announceRepaired(repaired []Repaired) {
	if len(repaired) == 0 {
		return
	}
	for _, r := range repaired {
		w.cfg.reportRepaired(r)
	}
	w.stats.update(func(s *Stats) { s.Repaired += len(repaired) })
	w.recordRepaired(repaired)
}

func (w *Writer) close() error {
	err := w.endAppend()
	w.publisher.stop()
	return errors.Join(err, w.spool.fs.Close())
}

// acquire takes the append semaphore, and release gives it back.
func (w *Writer) acquire(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case <-w.closed:
		return fs.ErrClosed
	default:
	}
	select {
	case w.semaphore <- struct{}{}:
		return nil
	case <-w.closed:
		return fs.ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// reportRepaired reports what was repaired before Open failed.
func (w *Writer) reportRepaired() {
	if w.spool != nil {
		_, repaired := w.spool.takeNews()
		for _, r := range repaired {
			w.cfg.reportRepaired(r)
		}
	}
}

// release gives the append semaphore back, and then reports what happened meanwhile.
func (w *Writer) release() {
	if w.state.isDirty() { // who asks what came wants to hear of the last fetch
		w.saveState(false)
	}
	w.followSeals()
	sealed, repaired := w.spool.takeNews()
	w.stats.endGroup(w.spool, sealed)
	<-w.semaphore
	if len(sealed) == 0 && len(repaired) == 0 {
		return
	}
	w.announceRepaired(repaired)
	for _, s := range sealed {
		w.cfg.reportSealed(s.news())
	}
	w.stats.update(func(s *Stats) { s.Sealed += len(sealed) })
	if len(sealed) > 0 {
		w.publisher.wake()
	}
}

// sealOverdue seals what must not wait for the next Append: a batch whose day is over,
// or one that could not be sealed before.
func (w *Writer) sealOverdue(ctx context.Context) {
	if w.acquire(ctx) == nil {
		w.sealPast(reasonMidnight)
		w.release()
	}
}

// watch is sealOverdue, and saves the state. It is called at least every 30 s.
func (w *Writer) watch(ctx context.Context) {
	if w.acquire(ctx) == nil {
		w.sealPast(reasonMidnight)
		w.saveState(false)
		w.release()
	}
}

// resumeState continues the state of the Writer before this one.
func (w *Writer) resumeState() {
	s := w.spool
	earlier := w.state.takeOver(s)
	life := earlier.Written.Sub(earlier.Started)
	w.publisher.today.brief = !earlier.Started.IsZero() && life < shortLife
	w.stats.adoptLook(s, w.cfg.place().text)
	w.stats.adoptWaiting(earlier.Waiting)
	if waiting, err := s.pending(); err == nil { // or the publisher finds out
		w.stats.setPending(w.stats.tick(), waiting, func(batch) int64 { return 0 })
	}
	was := earlier.Unfinished
	if was != nil && was.Day == s.progress.Day && was.First == s.progress.First && was.Fetches == len(s.array.records) {
		s.tally = counts{was.Fetches, was.Matches}
		return
	}
	for _, fetch := range s.array.records { // that Writer was killed
		if n, err := checkedCount(w.cfg.Count, fetch); err == nil {
			s.tally.matches = addClamped(s.tally.matches, n)
		}
		s.tally.fetches++
	}
}

// saveState writes the state. The caller has the append semaphore.
func (w *Writer) saveState(final bool) {
	s := w.spool
	w.state.setUnfinished(UnfinishedState{s.progress.Day, s.progress.First, len(s.array.records), s.tally.matches}, s.tally.fetches == len(s.array.records))
	w.state.setWaiting(w.stats.waiting(w.cfg.today()))
	w.state.save(s, final)
}

func (w *Writer) sealPast(reason string) {
	s := w.spool
	full := len(s.array.records) >= s.max
	past := len(s.array.records) > 0 && w.cfg.TimeOf == nil && s.progress.Day != w.cfg.today()
	if full {
		reason = reasonFull
	}
	if !full && !past && s.sealing == nil {
		return
	}
	if err := s.seal(w.cfg.Clock.Now(), reason); err != nil {
		w.cfg.reportSealFailed(err)
	}
}
