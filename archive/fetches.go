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
	no      error     // why that does not count it
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
	if o.TimeOf != nil || f.header != nil {
		if f.at, err = timeOf(timed); err != nil {
			f.at = time.Time{}
		}
	}
	if o.Count != nil {
		n, err := o.Count(fetch)
		if f.no = err; err == nil {
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

// examined is a fetch that is examined.
type examined struct {
	line []byte // that it is on
	size int    // of the fetch, with which the line begins
	n    int    // its place in the upload
	at   int64  // where the line is in the text
}

func (e examined) fetch() []byte { return e.line[:e.size] }

// slot is a fetch that is being examined on a goroutine.
type slot struct {
	examined // its line is a copy
	finder   rawjson.Finder
	facts    chan facts
}

// worthwhile is how long a fetch is, in bytes, that is worth a goroutine.
const worthwhile = 32 << 10

// maxExaminers bounds how many fetches are in memory.
const maxExaminers = 4

// add examines a fetch. report is called with the facts of fetches that were given
// earlier, and perhaps with its own.
func (x *examiner) add(e examined, report func(examined, facts)) {
	if e.size < worthwhile {
		x.drain(report)
		report(e, x.opts.examine(&x.first, e.fetch()))
		return
	}
	if x.slots == nil {
		for range min(runtime.GOMAXPROCS(0), maxExaminers) {
			x.slots = append(x.slots, &slot{facts: make(chan facts, 1)})
		}
	}
	if x.busy == len(x.slots) {
		x.take(report)
	}
	s := x.slots[(x.begin+x.busy)%len(x.slots)]
	x.busy++
	e.line = append(s.line[:0], e.line...)
	s.examined = e
	go func() { s.facts <- x.opts.examine(&s.finder, s.fetch()) }()
}

// take waits for the oldest fetch.
func (x *examiner) take(report func(examined, facts)) {
	s := x.slots[x.begin]
	x.begin = (x.begin + 1) % len(x.slots)
	x.busy--
	report(s.examined, <-s.facts)
}

// drain waits for all fetches.
func (x *examiner) drain(report func(examined, facts)) {
	for x.busy > 0 {
		x.take(report)
	}
}

// tally is what the fetches of an upload add up to.
type tally struct {
	upload  int
	matches int64
	whole   bool     // each is a JSON object
	left    *remains // what can be kept if not; nil in a foreign day
}

// record takes down the facts of a fetch.
func (c *check) record(t *tally, e examined, f facts) {
	if f.err != nil {
		c.damage(Fetch, t.upload, e.n, "%v", f.err)
		t.whole = false
		if t.left != nil {
			t.left.certain = true
			c.keep(t.left, e.line, e.at)
		}
		return
	}
	if t.left != nil && c.partial != nil {
		t.left.fetches = append(t.left.fetches, fetchSpan{e.at, int64(e.size)})
	}
	c.times.identify(c, f.header, t.upload, e.n)
	c.times.add(f.at, t.upload)
	t.matches = addClamped(t.matches, f.matches)
	c.counts.record(f)
}
