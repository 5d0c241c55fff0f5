package rotatelog

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"example.com/rotatelog/internal/hint"
)

// reading is what reading a version of a day's object found: its uploads, or why it makes
// no sense. That version is not read again, however often something else fails: only
// another one can be better.
type reading struct {
	object Object
	found  snapshot
	err    error // matches errNotDaily
	time   time.Time
}

// rereadAfter is when a version that makes no sense is read again all the same: what came
// over the network may have been damaged there, and a newer release may know better.
const rereadAfter = 24 * time.Hour

// is reports whether an object is the version that was read.
func (r reading) is(obj Object, now time.Time) bool {
	if r.object.Version == "" || r.object.Version != obj.Version || r.object.Size != obj.Size {
		return false
	}
	age := now.Sub(r.time)
	return r.err == nil || 0 <= age && age < rereadAfter
}

// of returns what was found, of an object which is the version that was read.
func (r reading) of(obj Object) (snapshot, error) {
	found := r.found
	found.owner = obj.Meta[ownerKey] // the metadata may have changed, and the version not
	return found, r.err
}

// recall reports whether a version need not be read, and leaves what was found in w.read.
func (w *dayWorker) recall(obj Object) bool {
	now := w.cfg.Clock.Now()
	if w.read.is(obj, now) {
		return true
	}
	r := w.seen.refusal(w.spool, w.object())
	if r == nil || r.Most != w.longestFetch() {
		return false
	}
	was := reading{object: Object{Version: r.Version, Size: r.Size}, err: r.error(w.key()), time: r.Time}
	if !was.is(obj, now) {
		return false
	}
	w.read = was
	return true
}

// remember remembers what was found, and in the spool why a version makes no sense, so that
// the next process need not find that out.
func (w *dayWorker) remember(obj Object, found snapshot, err error) {
	w.read = reading{object: obj, found: found, err: err, time: w.cfg.Clock.Now()}
	if r, ok := refusalOf(err); ok {
		r.Version, r.Size, r.Most, r.Time = obj.Version, obj.Size, w.longestFetch(), w.read.time.Round(0).UTC()
		w.seen.refuse(w.spool, w.object(), r)
	}
}

// forgetReading gives the memory back once there is nothing left to be done with it.
func (w *dayWorker) forgetReading() {
	if w.read.err == nil && len(w.waiting) == 0 && !w.toClose {
		w.read = reading{}
	}
}

// refusal is why a version makes no sense, as the spool remembers it.
type refusal struct {
	Version   Version   `json:"version"`
	Size      int64     `json:"size"`
	Time      time.Time `json:"time"` // when it was read
	Most      int64     `json:"max_fetch_bytes"`
	OldScript bool      `json:"old_script,omitempty"`
	Cause     string    `json:"cause"` // what follows the text of errNotDaily, or of errOldScript
	Hint      string    `json:"hint,omitempty"`
}

// refusalOf returns what err says. ok is false if it does not say that an object makes no
// sense.
func refusalOf(err error) (r refusal, ok bool) {
	e, ok := errors.AsType[*Error](err)
	if !ok || !errors.Is(err, errNotDaily) {
		return refusal{}, false
	}
	r.Hint, r.OldScript = e.Hint, errors.Is(err, errOldScript)
	r.Cause, ok = strings.CutPrefix(e.Err.Error(), r.kind().Error())
	return r, ok
}

func (r refusal) kind() error {
	if r.OldScript {
		return errOldScript
	}
	return errNotDaily
}

// error is the reverse of refusalOf.
func (r refusal) error(key string) error {
	err := fmt.Errorf("%w%s", r.kind(), r.Cause)
	if r.Hint != "" {
		err = hint.Add(err, "%s", r.Hint)
	}
	return newError("read", key, err)
}
