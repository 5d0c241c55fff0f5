package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
)

// streamStatus is what is known of a stream now.
type streamStatus struct {
	stream
	health.Summary
	err      error    // why nothing is known
	problems []string // what of the spool could not be read
	unknown  []string // what else could not be found out

	blindTo []health.Code // the codes that could not be looked for because of that

	facts   health.Facts // which the Summary is made of
	options health.Options
	more    []rotatelog.Day // that the store is asked for, besides those that the rules want
}

// worst returns how bad the worst finding is.
func (s *streamStatus) worst() health.Severity { return health.Worst(s.Findings) }

// looker finds out what is known of streams.
type looker struct {
	app    *app
	spools map[spoolName]inspected
	clocks map[string]chan clockAnswer // by endpoint
}

type spoolName struct{ dir, name string }

type inspected struct {
	rotatelog.SpoolStatus
	err error
}

type clockAnswer struct {
	ahead time.Duration
	err   error
}

// clockTimeout is for how long a server is asked for its time.
const clockTimeout = 2 * time.Second

// newLooker begins to ask the servers of the streams for their time.
func newLooker(ctx context.Context, a *app, streams []stream) *looker {
	l := &looker{app: a, spools: map[spoolName]inspected{}, clocks: map[string]chan clockAnswer{}}
	for _, s := range streams {
		place, err := s.place()
		if err != nil || place.Endpoint == "" || l.clocks[place.Endpoint] != nil {
			continue
		}
		answer := make(chan clockAnswer, 1)
		l.clocks[place.Endpoint] = answer
		go func() {
			ctx, cancel := context.WithTimeoutCause(ctx, clockTimeout, fmt.Errorf("not within %v", clockTimeout))
			defer cancel()
			ahead, err := place.ClockAhead(ctx, a.env.Clock, a.env.Transport)
			answer <- clockAnswer{ahead, err}
		}()
	}
	return l
}

// lookAt finds out what is known of all streams. Their stores are asked for days that the
// rules want. The error is one of the settings.
func lookAt(ctx context.Context, a *app, streams []stream) ([]streamStatus, error) {
	return newLooker(ctx, a, streams).lookAt(ctx, streams)
}

// lookAt is like the function, and asks for more days.
func (l *looker) lookAt(ctx context.Context, streams []stream, more ...rotatelog.Day) ([]streamStatus, error) {
	var all []streamStatus
	for _, s := range streams {
		status, err := l.look(s)
		if err != nil {
			return nil, err
		}
		status.more = more
		all = append(all, status)
	}
	l.askStores(ctx, all)
	for i := range all {
		if s := &all[i]; s.err == nil {
			s.facts.Now = l.app.now()
			s.Summary = health.Summarize(s.facts, s.options)
		}
	}
	return all, nil
}

// look finds out what is known of a stream without its store. The error is one of the
// settings.
func (l *looker) look(s stream) (streamStatus, error) {
	status := streamStatus{stream: s}
	expect, err := s.expected()
	if err != nil {
		return status, err
	}
	if status.options, err = l.app.optionsOf(s, expect); err != nil {
		return status, err
	}
	if s.Dir == "" {
		return status, errNoDir()
	}
	spool := l.inspect(spoolName{s.Dir, s.Name})
	if spool.err != nil {
		status.err = spool.err
		status.Summary = health.Summary{Stream: s.Name, Now: l.app.now()}
		return status, nil
	}
	status.problems = spool.Problems
	status.facts = health.Facts{Spool: spool.SpoolStatus, Neighbors: l.neighbors(s), Started: l.app.env.Started(),
		KeySince: s.keySince(expect.KeySince)}
	if disk, err := l.app.env.DiskOf(s.Dir); err == nil {
		status.facts.Disk = &disk
	} else {
		status.unknown = append(status.unknown, "the disk: "+err.Error())
		status.blindTo = append(status.blindTo, health.DiskDays)
	}
	if status.facts.Verified, err = s.verified(); err != nil {
		status.unknown = append(status.unknown, "when a day was verified: "+err.Error())
		status.blindTo = append(status.blindTo, health.VerifyOld)
	}
	return status, nil
}

// askStores adds what the stores say: what time it is, and what they have of days. Those
// of all streams are asked at the same time.
func (l *looker) askStores(ctx context.Context, all []streamStatus) {
	ctx, stop := context.WithTimeout(ctx, daysTimeout)
	defer stop()
	turns := make(chan struct{}, daysAtOnce)
	var asking sync.WaitGroup
	for i := range all {
		s := &all[i]
		if s.err != nil {
			continue
		}
		ahead, err := l.clockOf(s.stream)
		if err != nil { // and is not asked for more
			s.unknown = append(s.unknown, "the store's clock: "+err.Error())
			s.blindTo = append(s.blindTo, append(ofTheDays(), health.Clock)...)
			continue
		}
		s.facts.Now, s.facts.ClockOff = l.app.now(), ahead
		asking.Go(func() {
			if err := s.addDays(ctx, turns); err != nil {
				s.unknown = append(s.unknown, unknownDays(err))
				s.blindTo = append(s.blindTo, ofTheDays()...)
			}
		})
	}
	asking.Wait()
}

// expected returns what is expected of the stream, as flags and settings say.
func (s *stream) expected() (expect expectFlags, err error) {
	if err := s.app.resolve(&expect, s.Name); err != nil {
		return expect, err
	}
	switch {
	case expect.Every < 0:
		return expect, usagef("%s: it cannot be negative", s.origin("every"))
	case expect.ExpectUpload < 0:
		return expect, usagef("%s: it cannot be negative", s.origin("expect-upload"))
	}
	return expect, nil
}

// optionsOf returns what the rules are told of a stream.
func (a *app) optionsOf(s stream, expect expectFlags) (health.Options, error) {
	o := health.Options{Every: expect.Every, Expect: expect.Expect.Window, ExpectUpload: expect.ExpectUpload, Location: a.zone,
		DayLimit: int64(expect.DayLimit), StorageBudget: int64(expect.StorageBudget)}
	if strings.HasPrefix(s.Store, "file:") && o.DayLimit == 0 {
		o.DayLimit = math.MaxInt64 // the disk's
	}
	if f := a.settings.File(); f != nil {
		o.Settings = f.Path
	}
	writer, err := s.writerFlags(nil)
	o.BatchSize = writer.Batch
	return o, err
}

func (l *looker) inspect(name spoolName) inspected {
	if known, ok := l.spools[name]; ok {
		return known
	}
	status, err := rotatelog.Inspect(name.dir, name.name)
	l.spools[name] = inspected{status, err}
	return l.spools[name]
}

// neighbors returns the other spools in the directory, whether they are listed or not.
func (l *looker) neighbors(s stream) []rotatelog.SpoolStatus {
	var others []rotatelog.SpoolStatus
	for _, name := range spoolsIn(s.Dir) {
		if name == s.Name {
			continue
		}
		if other := l.inspect(spoolName{s.Dir, name}); other.err == nil {
			others = append(others, other.SpoolStatus)
		}
	}
	return others
}

// spoolsIn returns the names of the streams that have a spool in a directory.
func spoolsIn(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".spool"); ok {
			names = append(names, name)
		}
	}
	return names
}

// clockOf returns by how much the clock is ahead of that of the stream's store; nil if
// that has none.
func (l *looker) clockOf(s stream) (*time.Duration, error) {
	if s.Store == "" {
		return nil, nil
	}
	place, err := s.place()
	if err != nil {
		return nil, err
	}
	asked := l.clocks[place.Endpoint]
	if asked == nil {
		return nil, nil
	}
	answer := <-asked
	asked <- answer // for the next stream
	if answer.err != nil {
		return nil, answer.err
	}
	return &answer.ahead, nil
}
