package rotatelog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"example.com/rotatelog/internal/hint"
)

// A write may take effect after it was given up. So before it is begun an intent is
// saved in the spool, in a file for each day and place: which batches the write brings,
// where, and what an IntentWriter store says of it. A doubt is resolved before anything
// else is written to the day's object, by this process or by the one that publishes
// next. And as long as the batches are not confirmed, they do not go to another place.

type intent struct {
	Place string   `json:"place"`
	IDs   []string `json:"ids"`            // of the batches; none where a day is only closed
	Text  string   `json:"note,omitempty"` // of the store; "": nothing is left to be settled
}

// intentName names an intent. Its file is intents/{day}.{place}.json.
type intentName struct {
	day   dayKey
	place string // its id
}

const (
	intentSuffix    = ".json"
	oldIntentSuffix = ".upload" // of {day}.upload in pending/, from before places were remembered
)

func (n intentName) fileName() string { return n.day.String() + "." + n.place + intentSuffix }

// parseIntent is the reverse of fileName. ok is false if the file is no intent.
func parseIntent(name string) (n intentName, ok bool) {
	base, ok := strings.CutSuffix(name, intentSuffix)
	day, place, found := strings.Cut(base, ".")
	if !ok || !found || n.day.UnmarshalText([]byte(day)) != nil {
		return intentName{}, false
	}
	n.place = place
	return n, validPlaceMark(place) && n.fileName() == name
}

func (s *spool) intentPath(n intentName) string { return s.path(intentsDir, n.fileName()) }

// saveIntent keeps an intent, durably.
func (s *spool) saveIntent(n intentName, in intent) error {
	line, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return s.writeFile(s.intentPath(n), append(line, '\n'))
}

// loadIntent returns an intent. ok is false if there is none.
func (s *spool) loadIntent(n intentName) (in intent, ok bool, err error) {
	line, err := s.readFile(s.intentPath(n))
	if errors.Is(err, fs.ErrNotExist) {
		return intent{}, false, nil
	}
	if err != nil {
		return intent{}, false, err
	}
	if json.Unmarshal(line, &in) != nil || in.Place == "" { // from before places were remembered
		in = intent{Text: strings.TrimSuffix(string(line), "\n")}
	}
	return in, true, nil
}

// intents returns the names of all intents.
func (s *spool) intents() ([]intentName, error) {
	files, err := s.fs.ReadDir(s.path(intentsDir))
	if err != nil {
		return nil, err
	}
	var names []intentName
	for _, file := range files {
		if n, ok := parseIntent(file); ok {
			names = append(names, n)
		}
	}
	return names, nil
}

// moveOldIntents moves the intents from before places were remembered to where those
// of the first place are.
func (s *spool) moveOldIntents(first string) error {
	files, err := s.fs.ReadDir(s.path(pendingDir))
	if err != nil {
		return err
	}
	for _, file := range files {
		n := intentName{place: first}
		day, ok := strings.CutSuffix(file, oldIntentSuffix)
		if !ok || n.day.UnmarshalText([]byte(day)) != nil {
			continue
		}
		if err := s.fs.Rename(s.path(pendingDir, file), s.intentPath(n)); err != nil {
			return err
		}
		if err := s.fs.SyncDir(s.path(intentsDir)); err != nil {
			return err
		}
	}
	return nil
}

// intentName returns the name of this day's intents in this place.
func (w *dayWorker) intentName() intentName { return intentName{w.day, w.place.id} }

// write writes the next version of the day's object. It returns the parts that it sent,
// which may be others that make the same.
func (w *dayWorker) write(ctx context.Context, next step) (sent []Part, reply error) {
	return w.writeAs(ctx, next, w.meta(next.doc))
}

// writeAs is write with that metadata.
func (w *dayWorker) writeAs(ctx context.Context, next step, meta map[string]string) (sent []Part, reply error) {
	key, parts := w.key(), next.parts
	if err := w.prove(ctx); err != nil {
		return parts, err
	}
	in, err := w.intend(next.ids)
	if err != nil {
		return parts, err
	}
	store, ok := w.cfg.Store.(IntentWriter)
	if !ok {
		return parts, w.cfg.Store.Write(ctx, key, next.seen.version, parts, meta)
	}
	parts = w.inline(ctx, next.seen, parts, store.MinCopy())
	return parts, store.WriteIntent(ctx, key, next.seen.version, parts, meta, w.saver(in))
}

// saver returns a func for the Store that keeps what it has to say of a write, durably.
func (w *dayWorker) saver(in intent) func(text string) error {
	return func(text string) error {
		in.Text = text
		return w.saveIntent(in)
	}
}

// intend saves that the batches ids may be in this place from now on, besides those
// that are known to be and still wait.
func (w *dayWorker) intend(ids []string) (intent, error) {
	name := w.intentName()
	in, ok, err := w.spool.loadIntent(name)
	if err != nil {
		return intent{}, newError("read", w.cfg.path(w.spool.intentPath(name)), err)
	}
	missing := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(in.IDs, id) })
	if ok && in.Place != "" && len(missing) == 0 {
		return in, nil
	}
	in.Place = w.place.text
	in.IDs = append(slices.DeleteFunc(in.IDs, func(id string) bool {
		return !slices.ContainsFunc(w.waiting, func(b batch) bool { return b.id == id })
	}), missing...)
	if len(in.IDs) == 0 { // a day is closed: nothing of it is lost or doubled if that is never heard of
		return in, nil
	}
	return in, w.saveIntent(in)
}

func (w *dayWorker) saveIntent(in intent) error {
	n := w.intentName()
	if err := w.spool.saveIntent(n, in); err != nil {
		return newError("write", w.cfg.path(w.spool.intentPath(n)), err)
	}
	return nil
}

// forgetIntent removes the intent of a write whose end is known.
func (w *dayWorker) forgetIntent() error {
	name := w.spool.intentPath(w.intentName())
	if err := w.spool.remove(name); err != nil {
		return newError("remove", w.cfg.path(name), err)
	}
	return nil
}

// resolve ends the doubt about a write to the day's object. After an error nothing may
// be written to it yet. The next look says whether the batches of the intent are in the
// object.
func (w *dayWorker) resolve(ctx context.Context) error {
	name := w.spool.intentPath(w.intentName())
	in, ok, err := w.spool.loadIntent(w.intentName())
	if err != nil {
		return newError("read", w.cfg.path(name), err)
	}
	if !ok || in.Text == "" {
		return nil
	}
	store, ok := w.cfg.Store.(IntentWriter)
	if !ok {
		return newError("resolve", w.cfg.path(name), hint.Add(
			fmt.Errorf("%w: a write is in doubt that only a Store such as the one that began it can resolve", ErrPermanent),
			"use that, or remove the file and look for batches that are in the object twice"))

	}
	if err := store.Resolve(ctx, in.Text, w.saver(in)); err != nil && !w.holdsAll(ctx, in.IDs) {
		return storeError("resolve", w.key(), err)
	}
	in.Text = ""
	if in.Place == "" || len(in.IDs) == 0 {
		return w.forgetIntent()
	}
	return w.saveIntent(in)
}

// holdsAll reports whether the day's object was seen to hold batches, one at least.
// Then a write that was to bring them has taken effect, whatever the store can say of
// it.
func (w *dayWorker) holdsAll(ctx context.Context, ids []string) bool {
	if len(ids) == 0 {
		return false
	}
	seen, err := w.look(ctx, w.last.sequence)
	return err == nil && !slices.ContainsFunc(ids, func(id string) bool {
		_, ok := seen.sequence(id)
		return !ok
	})
}

// dropConfirmed returns batches without those that are confirmed in another place. A
// power cut can bring back their names in pending/.
func (p *publisher) dropConfirmed(batches []batch) ([]batch, error) {
	old, err := p.spool.uploaded()
	if err != nil {
		return nil, newError("list", p.cfg.path(p.spool.path(uploadedDir)), err)
	}
	for _, confirmed := range old {
		i := slices.IndexFunc(batches, func(b batch) bool { return b.id == confirmed.id })
		if i < 0 || p.place.has(confirmed) {
			continue
		}
		if err := p.spool.dropPending(batches[i]); err != nil {
			return nil, newError("remove", p.cfg.path(p.spool.batchPath(batches[i])), err)
		}
		batches = slices.Delete(batches, i, i+1)
	}
	return batches, nil
}

// holdBack returns batches without those that a write to another place may have
// brought there, which it reports.
func (p *publisher) holdBack(ctx context.Context, batches []batch) ([]batch, error) {
	if len(batches) == 0 {
		return batches, nil
	}
	batches, err := p.dropConfirmed(batches)
	if err != nil {
		return nil, err
	}
	names, err := p.spool.intents()
	if err != nil {
		return nil, newError("list", p.cfg.path(p.spool.path(intentsDir)), err)
	}
	for _, n := range names {
		if n.place == p.place.id {
			continue
		}
		in, ok, err := p.spool.loadIntent(n)
		if err != nil {
			return nil, newError("read", p.cfg.path(p.spool.intentPath(n)), err)
		}
		all := len(batches)
		batches = slices.DeleteFunc(batches, func(b batch) bool {
			return ok && (slices.Contains(in.IDs, b.id) || in.Place == "" && b.dayKey() == n.day)
		})
		if held := all - len(batches); held > 0 {
			p.reportHeld(ctx, n, in, held)
		}
	}
	return batches, nil
}

// reportHeld reports, now and then, batches that wait for another place.
func (p *publisher) reportHeld(ctx context.Context, n intentName, in intent, held int) {
	r := p.held[n.fileName()]
	if r == nil {
		r = new(retryState)
		p.held[n.fileName()] = r
	}
	if ctx.Err() != nil || r.wait(p.cfg.Clock.Now(), refusedPause) > 0 {
		return
	}
	p.report(r, n.day, held, newError("upload", p.cfg.key(n.day), hint.Add(
		fmt.Errorf("%w: %d of its batches may be in %s already, where an upload was begun whose end is not known", ErrPermanent, held, in.place()),
		"configure that place once more until it has been resolved; or, to give that upload up, remove %s, and they go to %s",
		p.cfg.path(p.spool.intentPath(n)), p.place.text)))
	r.due = p.cfg.Clock.Now().Add(refusedPause)
}

func (in intent) place() string {
	if in.Place == "" {
		return "the place that was configured before"
	}
	return in.Place
}
