package rotatelog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"example.com/rotatelog/internal/vfs"
)

// Nobody but Writers should change a day's object, and somebody does. So each version
// is known by the Writer that left it, from lastSeenFile. Another one is inspected
// before anything is written after it, confirmed, or deleted from the spool: it is read
// once, what is gone from it is put back, and what has changed in it is reported.

// object says which object the day's is.
func (w *dayWorker) object() bodyHead {
	return bodyHead{Place: w.place.mark(), Key: w.key()}
}

// inspect inspects a version unless it is known. Another Writer's is an error. It returns
// what to build on, and the batches that were confirmed and wait again.
func (w *dayWorker) inspect(ctx context.Context, seen snapshot, waiting []batch) (snapshot, []batch, error) {
	if err := w.checkOwner(seen); err != nil {
		return seen, nil, err
	}
	last, known := w.seen.find(w.spool, w.object())
	if known && last.Version == seen.version && last.Reported == nil {
		return seen, nil, nil
	}
	uploaded, err := w.uploadedOfDay()
	if err != nil {
		return seen, nil, err
	}
	var confirmed batch
	if len(uploaded) > 0 {
		confirmed = uploaded[len(uploaded)-1]
	}
	switch {
	case seen.ids != nil || last.Reported != nil:
	case known && last.mayBecome(seen.doc, exclusive(w.cfg.Store), slices.Concat(uploaded, waiting), confirmed):
		w.recordSeen(seen)
		return seen, nil, nil
	case known:
	case seen.version == "":
		if len(uploaded) == 0 && !w.hasBody() { // a day begins
			return seen, nil, nil
		}
	case stillHas(seen.doc, confirmed):
		w.recordSeen(seen)
		return seen, nil, nil
	}
	return w.inspectAll(ctx, seen, kept{seen: last}, waiting, uploaded)
}

// uploadedOfDay returns the day's confirmed batches, in the order of sealing.
func (w *dayWorker) uploadedOfDay() ([]batch, error) {
	old, err := w.spool.uploaded()
	if err != nil {
		return nil, newError("list", w.cfg.path(w.spool.path(uploadedDir)), err)
	}
	return slices.DeleteFunc(old, func(b batch) bool { return b.dayKey() != w.day || !w.place.has(b) }), nil
}

func (w *dayWorker) hasBody() bool {
	_, _, err := w.spool.findBody(w.day, w.object())
	return !errors.Is(err, fs.ErrNotExist)
}

// mayBecome reports whether a version that is not the one last seen can be a Writer's.
// A Writer adds uploads or, if another may write the object, closes the day. ours are
// the batches that this Writer has uploaded, or may have, and confirmed the last of
// which that is sure.
func (s lastSeen) mayBecome(d dayState, exclusive bool, ours []batch, confirmed batch) bool {
	if s.Uploads > 0 && d.first != s.First || d.totals.Uploads < s.Uploads || d.lastSequence < s.Last ||
		d.totals.Fetches < s.Fetches || d.totals.Matches < s.Matches {
		return false
	}
	added := d.totals.Uploads - s.Uploads
	if !exclusive {
		closed := d.layout() != s.Layout && d.totals.Fetches == s.Fetches && d.totals.Matches == s.Matches
		return (added > 0 || closed) && stillHas(d, confirmed)
	}
	fetches, found := s.Fetches, 0
	for _, r := range d.recent {
		if r.sequence <= s.Last {
			continue
		}
		i := slices.IndexFunc(ours, func(b batch) bool { return b.id == r.id })
		if i < 0 {
			return false
		}
		fetches += ours[i].fetches()
		found++
	}
	return added > 0 && found == added && fetches == d.totals.Fetches
}

// stillHas reports whether the last confirmed batch is where it was confirmed, as far
// as the metadata lists uploads.
func stillHas(d dayState, confirmed batch) bool {
	if sequence, ok := d.find(confirmed.id); ok {
		return sequence == confirmed.sequence
	}
	return confirmed.order == 0 || !d.covers(confirmed.sequence-1)
}

// inspectAll inspects all entries of a day's object.
func (w *dayWorker) inspectAll(ctx context.Context, seen snapshot, k kept, waiting, uploaded []batch) (snapshot, []batch, error) {
	w.spool.forbidPrune(w.day) // until it is known what the object has
	seen, err := w.lookAtEntries(ctx, seen)
	if err != nil {
		return seen, nil, err
	}
	if err := w.checkAbsence(ctx, seen, k.seen); err != nil {
		return seen, nil, err
	}
	ours := idsOf(uploaded, waiting)
	uploaded = w.loadKept(&k, uploaded)
	inspected := seen.version
	reported := k.seen.Reported != nil && *k.seen.Reported == inspected
	if !reported {
		w.reportChanged(differences(k, seen.census, exclusive(w.cfg.Store), ours), k.spoiled(seen.census.entries))
	}
	l := lossOf(k, seen.census.entries)
	if len(l.body) > 0 {
		seen, err = w.putBack(ctx, seen, k)
	}
	if errors.Is(err, ErrConflict) { // it is another version by now
		return seen, nil, err
	}
	if !l.isNone() && !reported {
		w.reportLoss(l)
		w.recordReported(k.seen, inspected)
	}
	if err != nil {
		return seen, nil, err
	}
	back, err := w.takeBack(l.uploaded)
	if err != nil {
		return seen, nil, err
	}
	if err := w.renumber(seen, uploaded); err != nil {
		return seen, nil, err
	}
	w.recordSeen(seen)
	return seen, back, nil
}

// checkAbsence returns an error if there is said to be no object, and the version last
// seen can be read: a proxy, or a server that is not well, has been believed for less.
func (w *dayWorker) checkAbsence(ctx context.Context, seen snapshot, last lastSeen) error {
	if seen.version != "" || last.Version == "" {
		return nil
	}
	r, err := w.cfg.Store.Read(ctx, w.key(), last.Version, 0, 1)
	if err != nil {
		return nil
	}
	defer r.Close()
	if _, err := r.Read(make([]byte, 1)); err != nil && err != io.EOF {
		return nil
	}
	return newError("look at", w.key(), errors.New("the store says that there is no such object, and gives what is in it"))
}

func idsOf(lists ...[]batch) map[string]bool {
	ids := map[string]bool{}
	for _, b := range slices.Concat(lists...) {
		ids[b.id] = true
	}
	return ids
}

// lookAtEntries is look that reads all entries, unless they were read for seen.
func (w *dayWorker) lookAtEntries(ctx context.Context, seen snapshot) (snapshot, error) {
	if seen.ids != nil {
		return seen, nil
	}
	return w.look(ctx, allEntries)
}

// putBack puts back what the body in the spool holds and the object lacks: if there is
// no object, the body as it is if all of it counts; otherwise the uploads, after what is
// there.
func (w *dayWorker) putBack(ctx context.Context, seen snapshot, k kept) (snapshot, error) {
	return w.advance(ctx, "upload", seen, func(seen snapshot) (step, error) {
		seen, err := w.lookAtEntries(ctx, seen)
		next := step{seen: seen, unsettled: true}
		if err != nil {
			return next, err
		}
		gone := lacking(k.body, seen.census.entries)
		if len(gone) == 0 {
			return next, nil
		}
		if err := w.checkOwner(seen); err != nil {
			return next, err
		}
		next.parts, next.doc, err = w.arrangeBack(seen, k, gone)
		return next, err
	})
}

func (w *dayWorker) arrangeBack(seen snapshot, k kept, gone []entry) ([]Part, dayState, error) {
	if seen.version == "" && k.whole != nil {
		doc, _, err := scanDocument(w.day, bytes.NewReader(k.whole), int64(len(k.whole)), 0)
		return []Part{Data(k.whole)}, doc, err
	}
	var uploads []upload
	for _, e := range gone {
		uploads = append(uploads, e.again())
	}
	return w.arrange(seen.doc, false, uploads)
}

// takeBack makes confirmed batches wait again.
func (w *dayWorker) takeBack(gone []batch) ([]batch, error) {
	if len(gone) == 0 {
		return nil, nil
	}
	var ids []string
	for _, b := range gone {
		ids = append(ids, b.id)
	}
	if _, err := w.intend(ids); err != nil { // the look may have been wrong
		return nil, err
	}
	var back []batch
	for _, b := range gone {
		waits, err := w.spool.unconfirm(b)
		if err != nil {
			return nil, newError("take back", w.cfg.path(w.spool.batchPath(b)), err)
		}
		back = append(back, waits)
	}
	w.waiting = withBack(w.waiting, back)
	left, err := w.uploadedOfDay()
	if err != nil {
		return nil, err
	}
	w.last = batch{}
	if len(left) > 0 {
		w.last = left[len(left)-1]
	}
	return back, nil
}

// withBack returns batches with those that were taken back, each once: a power cut may have
// brought back the name in pending/ of one that was confirmed, so that it waited already.
func withBack(batches, back []batch) []batch {
	again := idsOf(back)
	others := slices.DeleteFunc(slices.Clone(batches), func(b batch) bool { return again[b.id] })
	return slices.SortedFunc(slices.Values(slices.Concat(others, back)), byOrder)
}

// renumber gives those confirmed batches other names that were found under another
// upload_sequence: what is looked for after it would not be found before.
func (w *dayWorker) renumber(seen snapshot, uploaded []batch) error {
	for _, b := range uploaded {
		sequence, ok := seen.sequence(b.id)
		if !ok || sequence == b.sequence {
			continue
		}
		if err := w.spool.renumber(b, sequence); err != nil {
			return newError("rename", w.cfg.path(w.spool.batchPath(b)), err)
		}
		if b.id == w.last.id {
			w.last.sequence = sequence
		}
	}
	return nil
}

// renumber changes the upload_sequence in the name of a confirmed batch.
func (s *spool) renumber(b batch, sequence int) error {
	defer s.move()()
	b, err := s.inOneForm(b)
	if err != nil {
		return err
	}
	from := s.batchPath(b)
	b.sequence = sequence
	if err := s.fs.Rename(from, s.batchPath(b)); err != nil {
		return err
	}
	return s.fs.SyncDir(s.path(uploadedDir))
}

// recordSeen remembers a version that was inspected, or that need not be.
func (w *dayWorker) recordSeen(seen snapshot) {
	w.seen.update(w.spool, lastSeenOf(w.object(), seen.version, seen.doc))
}

// recordReported remembers that what is gone from a version was reported, before it is put
// right.
func (w *dayWorker) recordReported(last lastSeen, v Version) {
	last.Place, last.Key, last.Reported, last.Refused = w.object().Place, w.object().Key, &v, nil
	w.seen.update(w.spool, last)
}

// recordWritten remembers the version that a write has left, if it is what was written.
func (w *dayWorker) recordWritten(wrote dayState, after snapshot) {
	if wrote.isLike(after.doc) {
		w.recordSeen(after)
	}
}

// isLike reports whether a document that was written is the one that was seen then.
func (d dayState) isLike(seen dayState) bool {
	return d.size == seen.size && d.begin == seen.begin && d.end == seen.end && d.totals == seen.totals &&
		d.first == seen.first && d.last == seen.last && d.lastSequence == seen.lastSequence
}

// reportLoss reports what is gone from a day's object. It is no failed upload: that
// goes on.
func (w *dayWorker) reportLoss(l loss) {
	err := newError("check", w.key(), fmt.Errorf("%w: %s", ErrPermanent, l.sentence()))
	w.stats.update(func(s *Stats) { s.LastError = err })
	w.recordIncident(codeUploadsGone, l.sentence(), l.missing())
	w.cfg.reportLost(w.day.day, len(w.waiting), err)
}

// reportChanged reports what somebody changed in a day's object. missing is how many
// fetches nothing here has as they were.
func (w *dayWorker) reportChanged(found []string, missing int) {
	if len(found) > 0 {
		w.recordIncident(codeForeignChange, few(found), missing)
		w.cfg.reportChanged(Changed{Day: w.day.day, Key: w.key(), Differences: found})
	}
}

// lastSeenFile remembers what days' objects were like when they were last seen, or left
// by a write. It shows which version no Writer left, and what is gone from that. It is
// not synced: a power cut may take it, and then the next version is believed, as far as
// its metadata is consistent. It holds a JSON array of lastSeen, the newest at the end.
const lastSeenFile = "seen.json"

// maxLastSeen is how many objects are remembered.
const maxLastSeen = 64

// lastSeen is what is remembered of an object.
type lastSeen struct {
	Place string `json:"place,omitempty"` // as in the names of confirmed batches
	Key   string `json:"key"`

	Version Version `json:"version,omitempty"` // "" if there was none
	Layout  layout  `json:"layout"`
	Uploads int     `json:"uploads"`
	Fetches int     `json:"fetches"`
	Matches int64   `json:"matches"`
	Last    int     `json:"last_sequence"`
	First   string  `json:"first_upload,omitempty"` // the upload_timestamp of the first entry

	// Reported is the version whose loss was reported and is being put right.
	Reported *Version `json:"reported,omitempty"`

	// Refused is a version after this one which makes no sense. Unseen: nothing else is
	// known of the object.
	Refused *refusal `json:"refused,omitempty"`
	Unseen  bool     `json:"unseen,omitempty"`
}

// lastSeenOf returns what there is to remember of a version.
func lastSeenOf(of bodyHead, v Version, d dayState) lastSeen {
	return lastSeen{
		Place: of.Place, Key: of.Key, Version: v, Layout: d.layout(),
		Uploads: d.totals.Uploads, Fetches: d.totals.Fetches, Matches: d.totals.Matches,
		Last: d.lastSequence, First: d.first,
	}
}

// seenFile is the file of all that is remembered. It is safe for concurrent use.
type seenFile struct {
	lock chan struct{} // guards what follows, and is held while the disk is at work
	file vfs.Info      // what was read or written last; the zero Info: nothing
	all  []lastSeen
}

func newSeenFile() *seenFile { return &seenFile{lock: make(chan struct{}, 1)} }

func (f *seenFile) unlock() { <-f.lock }

// find returns what is remembered of an object.
func (f *seenFile) find(s *spool, of bodyHead) (lastSeen, bool) {
	if seen, ok := f.entry(s, of); ok && !seen.Unseen {
		return seen, true
	}
	return lastSeen{}, false
}

// refusal returns why a version of an object makes no sense; nil if none is known that
// does not.
func (f *seenFile) refusal(s *spool, of bodyHead) *refusal {
	seen, _ := f.entry(s, of)
	return seen.Refused
}

// refuse remembers why a version of an object makes no sense, besides what is remembered
// of the version before.
func (f *seenFile) refuse(s *spool, of bodyHead, r refusal) {
	seen, ok := f.find(s, of)
	if !ok {
		seen = lastSeen{Place: of.Place, Key: of.Key, Unseen: true}
	}
	seen.Refused = &r
	f.update(s, seen)
}

func (f *seenFile) entry(s *spool, of bodyHead) (lastSeen, bool) {
	f.lock <- struct{}{}
	defer f.unlock()
	f.load(s)
	for _, seen := range f.all {
		if seen.Place == of.Place && seen.Key == of.Key {
			return seen, true
		}
	}
	return lastSeen{}, false
}

// update remembers seen, and forgets what was remembered of the same object.
func (f *seenFile) update(s *spool, seen lastSeen) {
	f.lock <- struct{}{}
	defer f.unlock()
	f.load(s)
	same := func(other lastSeen) bool { return other.Place == seen.Place && other.Key == seen.Key }
	if i := slices.IndexFunc(f.all, same); i >= 0 && f.all[i].equal(seen) {
		return
	}
	f.all = append(slices.DeleteFunc(f.all, same), seen)
	f.all = f.all[max(0, len(f.all)-maxLastSeen):]
	f.store(s) // or the next process believes the version that it finds
}

func (s lastSeen) equal(other lastSeen) bool {
	same := sameValue(s.Reported, other.Reported) && sameValue(s.Refused, other.Refused)
	s.Reported, other.Reported, s.Refused, other.Refused = nil, nil, nil, nil
	return same && s == other
}

// sameValue reports whether neither points to anything, or both to the same value.
func sameValue[T comparable](a, b *T) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}

// load reads the file unless it is the one that was read or written last: a program that
// mends a day replaces it. A file that is missing, torn or unreadable says nothing.
func (f *seenFile) load(s *spool) {
	name := s.path(lastSeenFile)
	file, err := s.fs.Stat(name)
	if err != nil || file == f.file {
		return
	}
	f.file = file
	content, err := s.readFile(name)
	var all []lastSeen
	if err == nil && json.Unmarshal(content, &all) == nil {
		f.all = all
	}
}

// store writes the file.
func (f *seenFile) store(s *spool) error {
	content, err := json.Marshal(f.all)
	if err != nil {
		return err
	}
	name := s.path(lastSeenFile)
	if err := vfs.WriteUnsynced(s.fs, name+".new", append(content, '\n')); err != nil {
		return err
	}
	if err := s.fs.Rename(name+".new", name); err != nil {
		return err
	}
	f.file, err = s.fs.Stat(name)
	return err
}
