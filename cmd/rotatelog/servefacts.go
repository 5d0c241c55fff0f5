package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/dashboard"
	"example.com/rotatelog/health"
)

// serveFacts are what serve knows of streams besides their spools: it asks the stores, as
// status does, every few minutes.
type serveFacts struct {
	app     *app
	streams []stream
	page    *dashboard.Handler // that shows the streams

	mu    sync.Mutex // guards what follows
	known map[string]serveFact
}

// serveFact is what is known of a stream.
type serveFact struct {
	facts   health.Facts // of which only what the spool does not say is meant
	unknown []string
	blindTo []health.Code // the codes that could not be looked for because of that
}

const (
	askEvery     = 5 * time.Minute
	calendarDays = 30        // that the page shows
	wholeEvery   = time.Hour // that all these days are asked for
)

func newServeFacts(a *app, streams []stream) *serveFacts {
	return &serveFacts{app: a, streams: streams, known: map[string]serveFact{}}
}

// keep asks the stores until ctx is done.
func (f *serveFacts) keep(ctx context.Context) error {
	var whole time.Time // when all days were asked for last
	for {
		now := f.app.now()
		all := whole.IsZero() || now.Sub(whole) >= wholeEvery || now.Before(whole)
		if all {
			whole = now
		}
		f.ask(ctx, all)
		if err := f.app.env.Clock.Sleep(ctx, askEvery); err != nil {
			return err
		}
	}
}

// ask asks the stores once. Settings were good when serve began, so that an error is that
// of a file in the meantime, which the page shows as not known.
func (f *serveFacts) ask(ctx context.Context, whole bool) {
	var more []rotatelog.Day
	today := f.app.today()
	for n := range calendarDays {
		if whole || n == 0 {
			more = append(more, daysBefore(today, n))
		}
	}
	l := newLooker(ctx, f.app, f.streams)
	if err := f.share(ctx, l); err != nil { // the page says so
		return
	}
	all, err := l.lookAt(ctx, f.streams, more...)
	if ctx.Err() != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		for _, s := range f.streams {
			fact, ok := f.known[s.Name]
			if !ok { // the store was not asked yet
				fact.blindTo = allOfTheStore()
			}
			fact.unknown = []string{"the settings: " + err.Error()}
			f.known[s.Name] = fact
		}
		return
	}
	for _, s := range all {
		if s.err != nil {
			delete(f.known, s.Name)
			continue
		}
		fact := serveFact{s.facts, s.unknown, s.blindTo}
		fact.facts.Spool = rotatelog.SpoolStatus{} // which is much, and old soon
		before := f.known[s.Name].facts
		fact.facts.Days = merged(s.facts.Days, before.Days, today, s.facts.NoObject)
		fact.facts.NoObject = without(s.facts.NoObject, before.NoObject, fact.facts.Days, today)
		f.known[s.Name] = fact
	}
}

// share has a looker see the spools as the page does, so that they are read once for both.
func (f *serveFacts) share(ctx context.Context, l *looker) error {
	seen, err := f.page.Snapshot(ctx)
	if err != nil {
		return err
	}
	for i, s := range seen.Streams {
		l.spools[spoolName{f.streams[i].Dir, f.streams[i].Name}] = inspected{s.Facts.Spool, s.Err}
	}
	return nil
}

// merged returns the days of an answer, and of earlier ones those that it lacks, and that
// are not too old. A day that has no object any more is none of them.
func merged(now, before []rotatelog.DayMetadata, today rotatelog.Day, gone []rotatelog.Day) []rotatelog.DayMetadata {
	all := slices.Clone(now)
	for _, d := range before {
		known := slices.ContainsFunc(now, func(n rotatelog.DayMetadata) bool { return n.Totals.Day == d.Totals.Day })
		if !known && !slices.Contains(gone, d.Totals.Day) && isRecent(d.Totals.Day, today) {
			all = append(all, d)
		}
	}
	return all
}

// without returns the days that have no object, by an answer or by earlier ones.
func without(now, before []rotatelog.Day, objects []rotatelog.DayMetadata, today rotatelog.Day) []rotatelog.Day {
	all := slices.Clone(now)
	for _, day := range before {
		found := slices.ContainsFunc(objects, func(d rotatelog.DayMetadata) bool { return d.Totals.Day == day })
		if !found && !slices.Contains(all, day) && isRecent(day, today) {
			all = append(all, day)
		}
	}
	return all
}

// isRecent reports whether what was found out about a day is still kept.
func isRecent(day, today rotatelog.Day) bool {
	return day.Compare(daysBefore(today, 2*calendarDays)) > 0
}

// add adds what is known of a stream.
func (f *serveFacts) add(name string, facts *health.Facts) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := f.known[name].facts
	facts.Started = f.app.env.Started()
	facts.Days, facts.NoObject, facts.StoredBytes = k.Days, k.NoObject, k.StoredBytes
	facts.Verified, facts.KeySince, facts.ClockOff = k.Verified, k.KeySince, k.ClockOff
	for _, other := range k.Neighbors { // that the page does not show
		if !slices.ContainsFunc(facts.Neighbors, func(s rotatelog.SpoolStatus) bool { return s.Name == other.Name }) {
			facts.Neighbors = append(facts.Neighbors, other)
		}
	}
}

func (f *serveFacts) unknown(name string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.known[name].unknown
}

// blindTo returns the codes of a stream that cannot be looked for without what is not known:
// before the store was asked, all that it has to say.
func (f *serveFacts) blindTo(name string) []health.Code {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known, ok := f.known[name]; ok {
		return slices.Clip(known.blindTo)
	}
	return allOfTheStore()
}

// allOfTheStore returns the codes that cannot be looked for before the store was asked.
func allOfTheStore() []health.Code {
	return append(ofTheDays(), health.Clock, health.VerifyOld, health.KeyOld)
}

// daysBefore returns the day n days before another.
func daysBefore(day rotatelog.Day, n int) rotatelog.Day {
	return rotatelog.DayOf(time.Date(day.Year, day.Month, day.Date-n, 0, 0, 0, 0, time.UTC), time.UTC)
}
