package rotatelog

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"
)

// errContended marks that others who share the key were faster, again and again.
// That is no failure of anything.
var errContended = errors.New("other Writers of the key were faster each time")

// patientRaces is how many attempts in a row may be lost to other Writers before it
// counts as a failure: a server that refuses whatever comes looks the same.
const patientRaces = 10

func (w *dayWorker) key() string { return w.cfg.key(w.day) }

// publish brings waiting, the pending batches of the day in order, into the day's
// object.
func (w *dayWorker) publish(ctx context.Context, waiting []batch) error {
	seen, err := w.lookResolved(ctx, w.lastConfirmed(waiting))
	if err != nil {
		return err
	}
	seen, err = w.advance(ctx, "upload", seen, func(seen snapshot) (step, error) {
		before := len(waiting)
		seen, left, err := w.accept(ctx, seen, waiting)
		if err != nil {
			return step{}, err
		}
		next, left, err := w.nextUploads(seen, left)
		next.moved = len(left) < before
		waiting = left
		return next, err
	})
	if err != nil {
		return err
	}
	if err := w.forgetIntent(); err != nil {
		return err
	}
	return w.prune(seen)
}

// A step is the next version of a day's object.
type step struct {
	seen  snapshot // the version that it follows
	ids   []string // of the pending batches that it brings
	parts []Part   // nil: nothing is to be written
	doc   dayState // what the parts make

	moved     bool // the write before this one took effect
	unsettled bool // more is to be repaired before the version counts as inspected
}

// advance writes versions of the day's object, one after the other, until plan has no
// more to write, and returns the last. plan looks at a version and returns what is to
// follow it. Replies lie in both directions, so that after each write, whatever the
// reply, only what is then seen counts. A write that had no effect is repeated only if
// another Writer was faster, and not for ever.
func (w *dayWorker) advance(ctx context.Context, op string, seen snapshot, plan func(snapshot) (step, error)) (snapshot, error) {
	var reply error
	for writes, lost := 0, 0; ; writes++ {
		next, err := plan(seen)
		if err != nil {
			return seen, errors.Join(reply, err)
		}
		if next.parts == nil {
			return next.seen, nil
		}
		if next.moved || writes == 0 {
			lost = 0
		} else if lost++; !errors.Is(reply, ErrConflict) || lost > maxRebases {
			return seen, w.writeLost(op, reply)
		}
		if seen, reply, err = w.send(ctx, next); err != nil {
			return seen, err
		}
		if !next.unsettled {
			w.recordWritten(next.doc, seen)
		}
		if errors.Is(reply, ErrConflict) {
			w.stats.update(func(s *Stats) { s.Conflicts++ })
			w.state.record(func(_ *WriterState, today *DayCounts) { today.Conflicts++ })
		}
	}
}

// nextUploads returns the step that appends the first of waiting, and waiting without
// the batches in which nothing can be read.
func (w *dayWorker) nextUploads(seen snapshot, waiting []batch) (step, []batch, error) {
	var uploads []upload
	var err error
	for len(waiting) > 0 && len(uploads) == 0 {
		if uploads, waiting, err = w.load(waiting); err != nil {
			return step{}, waiting, err
		}
	}
	next := step{seen: seen}
	if len(uploads) == 0 {
		return next, waiting, nil
	}
	for _, u := range uploads {
		next.ids = append(next.ids, u.ID)
	}
	next.parts, next.doc, err = w.arrange(seen.doc, len(uploads) == len(waiting), uploads)
	return next, waiting, err
}

// accept inspects what was seen, and confirms what is in it of the batches that wait.
// It returns what to build on, and the batches that wait then.
func (w *dayWorker) accept(ctx context.Context, seen snapshot, waiting []batch) (snapshot, []batch, error) {
	seen, back, err := w.inspect(ctx, seen, waiting)
	if err != nil {
		return snapshot{}, nil, err
	}
	if len(back) > 0 {
		waiting = withBack(waiting, back)
		w.wake() // the others are counted again
	}
	waiting, err = w.confirm(seen, waiting)
	return seen, waiting, err
}

// send writes the next version, and looks again. The reply is the store's, and err why
// it is not known what became of the write.
func (w *dayWorker) send(ctx context.Context, next step) (after snapshot, reply, err error) {
	began := w.cfg.Clock.Now()
	sent, reply := w.write(ctx, next)
	w.recordWrite(next.ids, w.cfg.Clock.Now().Sub(began))
	after, err = w.lookResolved(ctx, next.seen.doc.lastSequence)
	if err != nil {
		return snapshot{}, nil, errors.Join(reply, err)
	}
	w.rememberBody(next.seen, sent, next.doc, after)
	return after, reply, nil
}

// recordWrite records how long the write took that was to bring these batches.
func (w *dayWorker) recordWrite(ids []string, took time.Duration) {
	for _, id := range ids {
		if l, ok := w.loaded[id]; ok {
			l.took = took
			w.loaded[id] = l
		}
	}
}

// lookResolved is look once no write is in doubt.
func (w *dayWorker) lookResolved(ctx context.Context, since int) (snapshot, error) {
	if err := w.resolve(ctx); err != nil {
		return snapshot{}, err
	}
	return w.look(ctx, since)
}

// writeLost returns why a write that left no trace in the object is not repeated now.
func (w *dayWorker) writeLost(op string, reply error) error {
	if reply == nil {
		reply = errors.New("the store took the write, but the object is as before")
	}
	if errors.Is(reply, ErrConflict) && !exclusive(w.cfg.Store) {
		reply = errors.Join(errContended, reply)
	}
	return storeError(op, w.key(), reply)
}

// snapshot is what one look at a day's object found.
type snapshot struct {
	version Version
	owner   string // "" if it does not say
	doc     dayState
	ids     map[string]int // sequences of all uploads, where the entries were read
	census  census         // of the entries, where they were read
}

// sequence returns the upload_sequence of the batch with that id. ok is false if it is
// not in the object.
func (v snapshot) sequence(id string) (n int, ok bool) {
	if v.ids != nil {
		n, ok = v.ids[id]
		return n, ok
	}
	return v.doc.find(id)
}

// holds reports whether a confirmed batch was seen in the object: by its id or,
// where only the metadata was read and lists newer ones, by its sequence.
func (v snapshot) holds(b batch) bool {
	if _, ok := v.sequence(b.id); ok {
		return true
	}
	return v.ids == nil && b.sequence <= v.doc.since
}

// allEntries asks look to read the entries.
const allEntries = -1

// lookUp asks the store for the day's object. The snapshot says for certain of every
// upload after the sequence since whether it is there. A failed look is never
// taken for a missing object, so it never causes an overwrite.
func (w *dayWorker) lookUp(ctx context.Context, since int) (snapshot, error) {
	key := w.key()
	for lost := 0; ; lost++ {
		obj, err := w.cfg.Store.Stat(ctx, key)
		if errors.Is(err, fs.ErrNotExist) {
			return snapshot{doc: newDocument(w.day)}, nil
		}
		if err != nil {
			return snapshot{}, storeError("look at", key, err)
		}
		if doc, ok := documentFromMeta(w.day, obj); ok && doc.covers(since) {
			return snapshot{version: obj.Version, owner: obj.Meta[ownerKey], doc: doc}, nil
		}
		if w.recall(obj) {
			return w.read.of(obj)
		}
		v, err := w.scan(ctx, obj)
		if lost < maxRebases && (errors.Is(err, ErrConflict) || errors.Is(err, ErrPermanent) && w.isReplaced(ctx, obj)) {
			continue
		}
		if err != nil {
			err = storeError("read", key, err)
			if errors.Is(err, errNotDaily) {
				w.remember(obj, snapshot{}, err)
			}
			return snapshot{}, err
		}
		w.remember(obj, v, nil)
		return v, nil
	}
}

// isReplaced reports whether an object that makes no sense is another by now, or
// never was: while one is replaced, some servers return the size of the version
// before with everything else of the next.
func (w *dayWorker) isReplaced(ctx context.Context, seen Object) bool {
	now, err := w.cfg.Store.Stat(ctx, w.key())
	return err == nil && (now.Version != seen.Version || now.Size != seen.Size)
}

// scan reads the entries of the day's object, where the metadata does not do.
func (w *dayWorker) scan(ctx context.Context, obj Object) (snapshot, error) {
	r, err := w.cfg.Store.Read(ctx, w.key(), obj.Version, 0, obj.Size)
	if err != nil {
		return snapshot{}, err
	}
	defer r.Close()
	seen := snapshot{version: obj.Version, owner: obj.Meta[ownerKey]}
	seen.doc, seen.ids, err = scanEntries(w.day, r, obj.Size, w.longestFetch(), seen.census.visitor(w.cfg.Count))
	seen.census.fetches = tally{}
	return seen, err
}

// longestFetch returns how long a fetch in an object may be. What is there may be from
// before Config.MaxFetchBytes was lowered.
func (w *dayWorker) longestFetch() int64 { return max(w.cfg.MaxFetchBytes, defaultMaxFetchBytes) }

// confirm moves the batches that are in the object to uploaded/, and returns
// the others.
func (w *dayWorker) confirm(seen snapshot, waiting []batch) (rest []batch, err error) {
	for _, b := range waiting {
		sequence, ok := seen.sequence(b.id)
		if !ok {
			rest = append(rest, b)
			continue
		}
		if _, ok := w.loaded[b.id]; !ok { // written by a Writer before this one
			if _, err := w.encode(b); err != nil {
				return nil, err
			}
		}
		n := w.loaded[b.id]
		if err := w.spool.confirm(b, sequence, w.place.mark()); err != nil {
			return nil, newError("confirm", w.cfg.path(w.spool.batchPath(b)), err)
		}
		delete(w.loaded, b.id)
		delete(w.damaged, b.id)
		if b.sequence, b.place = sequence, w.place.mark(); b.order > w.last.order {
			w.last = b
		}
		w.recordMove()
		w.stats.removePending(b.id)
		w.recordUploaded(b)
		w.stats.update(func(s *Stats) {
			s.Uploaded++
			s.LastUploaded, s.LastError = w.cfg.Clock.Now(), nil
		})
		w.cfg.reportUploaded(Uploaded{ID: b.id, Day: b.day, Key: w.key(), Sequence: sequence,
			Fetches: n.fetches, Matches: n.matches, Bytes: n.bytes, Totals: seen.doc.totals, Size: seen.doc.size,
			Waited: w.cfg.Clock.Now().Sub(b.sealed), Took: n.took})
	}
	return rest, nil
}

// lastConfirmed returns an upload_sequence after which all of waiting would be, were
// they in the day's object: that of the last batch confirmed before them, or 0.
func (w *dayWorker) lastConfirmed(waiting []batch) int {
	if w.last.order < waiting[0].order {
		return w.last.sequence
	}
	return 0 // a power cut brought back the name of a batch that was confirmed
}

// prune deletes the confirmed batches of the day that need not be kept any longer,
// of those that were seen in the object.
func (w *dayWorker) prune(seen snapshot) error {
	old, err := w.uploadedHere()
	if err != nil {
		return err
	}
	for _, b := range old {
		if b.dayKey() == w.day && seen.holds(b) {
			w.spool.allowPrune(b)
		}
	}
	gone := slices.DeleteFunc(w.beyondKeeping(w.spool, old), func(b batch) bool { return b.dayKey() != w.day || !w.spool.mayPrune(b) })
	if err := w.spool.pruneBatches(gone...); err != nil {
		return newError("remove", w.cfg.path(w.spool.path(uploadedDir)), err)
	}
	return nil
}

// pruneSeen looks at the day's object, which nothing is appended to, before its
// confirmed batches are deleted.
func (w *dayWorker) pruneSeen(ctx context.Context) {
	seen, err := w.look(ctx, anySequence)
	if err == nil {
		var back []batch
		switch seen, back, err = w.inspect(ctx, seen, nil); {
		case err != nil:
			w.failed(ctx, err)
		case len(back) > 0: // they are uploaded first
			w.wake()
			return
		default:
			err = w.prune(seen)
		}
	}
	pause := maxBackoff
	if err == nil {
		old, err := w.uploadedHere()
		if err == nil && !slices.Contains(w.prunableDays(w.spool, old), w.day) {
			w.pruning = retryState{}
			return
		}
		pause = refusedPause // what is left was not seen in the object
	}
	w.pruning.failures++
	w.pruning.due = w.cfg.Clock.Now().Add(pause)
}

// beyondKeeping returns those of the confirmed batches of this place, in order, that
// need not be kept. On a full disk those are more. s is as the caller uses it.
func (p *publisher) beyondKeeping(s *spool, old []batch) []batch {
	k := keeping{p.cfg.KeepUploaded, p.cfg.KeepFor, p.cfg.KeepBytes}
	if s.isTight() {
		k = keeping{last: minUploaded, age: -1}
	}
	return s.beyond(old, k, p.cfg.Clock.Now())
}

// prunableDays returns the days some of whose confirmed batches need not be kept.
func (p *publisher) prunableDays(s *spool, old []batch) []dayKey {
	var days []dayKey
	for _, b := range p.beyondKeeping(s, old) {
		if !slices.Contains(days, b.dayKey()) {
			days = append(days, b.dayKey())
		}
	}
	return days
}
