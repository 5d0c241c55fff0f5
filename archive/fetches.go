package archive

import (
	"runtime"
	"slices"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/rawjson"
)

// facts are what is known of a fetch by itself.
type facts struct {
	err     error     // why it is not one JSON object
	header  []byte    // FETCH_HEADER; nil if it has none
	at      time.Time // when it was made; the zero Time if that is not known
	matches int64     // by VerifyOptions.Count
}

// examine finds the facts of a fetch. The header is a part of it.
func (o *VerifyOptions) examine(finder *rawjson.Finder, fetch []byte) (f facts) {
	found, err := finder.CheckObject(fetch, 0, "FETCH_HEADER")
	if err != nil {
		return facts{err: err}
	}
	f.header, _ = found.At([]string{"FETCH_HEADER"})
	timeOf, timed := o.TimeOf, fetch
	if timeOf == nil { // the rest of the fetch need not be read again
		timeOf, timed = rotatelog.HeaderTime, slices.Concat([]byte(`{"FETCH_HEADER":`), f.header, []byte("}"))
	}
	if f.at, err = timeOf(timed); err != nil {
		f.at = time.Time{}
	}
	if o.Count != nil {
		if n, err := o.Count(fetch); err == nil {
			f.matches = max(n, 0)
		}
	}
	return f
}

// examiner examines fetches on as many goroutines as there are processors, and has their
// facts in the order in which they were given to it.
type examiner struct {
	opts  *VerifyOptions
	first rawjson.Finder
	slots []*slot // a ring
	begin int     // the oldest that is busy
	busy  int
}

// slot is a fetch that is being examined.
type slot struct {
	finder rawjson.Finder
	fetch  []byte // a copy
	n      int    // its place in the upload
	facts  chan facts
}

// worthwhile is how long a fetch is, in bytes, that is worth a goroutine.
const worthwhile = 32 << 10

// maxExaminers bounds how many fetches are in memory.
const maxExaminers = 4

// add examines the n-th fetch of an upload. report is called with the facts of fetches
// that were given earlier, and perhaps with its own.
func (e *examiner) add(fetch []byte, n int, report func(n int, f facts)) {
	if len(fetch) < worthwhile {
		e.drain(report)
		report(n, e.opts.examine(&e.first, fetch))
		return
	}
	if e.slots == nil {
		for range min(runtime.GOMAXPROCS(0), maxExaminers) {
			e.slots = append(e.slots, &slot{facts: make(chan facts, 1)})
		}
	}
	if e.busy == len(e.slots) {
		e.take(report)
	}
	s := e.slots[(e.begin+e.busy)%len(e.slots)]
	e.busy++
	s.fetch, s.n = append(s.fetch[:0], fetch...), n
	go func() { s.facts <- e.opts.examine(&s.finder, s.fetch) }()
}

// take waits for the oldest fetch.
func (e *examiner) take(report func(n int, f facts)) {
	s := e.slots[e.begin]
	e.begin = (e.begin + 1) % len(e.slots)
	e.busy--
	report(s.n, <-s.facts)
}

// drain waits for all fetches.
func (e *examiner) drain(report func(n int, f facts)) {
	for e.busy > 0 {
		e.take(report)
	}
}

// tally is what the fetches of an upload add up to.
type tally struct {
	upload  int
	matches int64
	whole   bool // each is a JSON object
}

// record takes down the facts of a fetch.
func (c *check) record(t *tally, n int, f facts) {
	if f.err != nil {
		c.damage(Fetch, t.upload, n, "%v", f.err)
		t.whole = false
		return
	}
	c.times.identify(c, f.header, t.upload, n)
	c.times.add(f.at, t.upload)
	t.matches = addClamped(t.matches, f.matches)
}
