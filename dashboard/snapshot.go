package dashboard

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/spoolwatch"
	"example.com/rotatelog/internal/status"
)

// A Snapshot is what is known of the streams at one moment. Whoever sees the page, the
// health check and the status at that moment sees the same.
type Snapshot struct {
	Taken   time.Time
	Streams []Status // in the order of Config.Streams
}

// A Status is what is known of a stream.
type Status struct {
	health.Summary
	// Err is why nothing is known. The Summary then has only Stream and Now.
	Err error
	// Problems are what could not be read of the spool, and Unknown what else could not be
	// found out, in sentences.
	Problems, Unknown []string
	// Facts are what the Summary is made of. They are shared, and must not be changed.
	Facts health.Facts
}

// Worst returns the highest severity of all findings. blind says that something could not be
// seen that has to be.
func (s Snapshot) Worst() (worst health.Severity, blind bool) {
	for _, stream := range s.Streams {
		worst = max(worst, health.Worst(stream.Findings))
		blind = blind || stream.Err != nil || len(stream.Problems) > 0
	}
	return worst, blind
}

// stream is a stream that is being watched.
type stream struct {
	Stream
	spool *spoolwatch.Watch
	day   history
}

// watched are all streams. Whoever looks at them does it alone.
type watched struct {
	clock   rotatelog.Clock
	streams []*stream
}

// seen is what a look at the streams has shown.
type seen struct {
	taken   time.Time
	streams []*view
}

// view is what is known of a stream.
type view struct {
	status.Stream
	err   error
	facts health.Facts
	place place
	first health.Finding // what to do if nothing has come yet
	today today
	day   []bucket // of history: what a fetch of today had, through the day
	week  []bucket // the same, seven days ago
}

// look looks at all streams.
func (w *watched) look() *seen {
	now := w.clock.Now()
	s := &seen{taken: now}
	spools := make([]rotatelog.SpoolStatus, len(w.streams))
	errs := make([]error, len(w.streams))
	var reading sync.WaitGroup
	for i, stream := range w.streams {
		reading.Go(func() { spools[i], errs[i] = stream.spool.Look() })
	}
	reading.Wait()
	for i, stream := range w.streams {
		v := &view{err: errs[i], place: placeOf(stream.Store, spools[i].Place)}
		v.Stream = status.Stream{Summary: health.Summary{Stream: stream.Name, Now: now}, Zone: stream.Options.Location, Counted: stream.Counted}
		if v.err != nil {
			v.Blind = []string{blind(stream, v.err)}
			v.IsNew = isNew(stream, v.err)
		} else {
			v.facts = health.Facts{Now: now, Spool: spools[i], Neighbors: neighbors(w.streams, spools, errs, i)}
			stream.fill(v)
		}
		s.streams = append(s.streams, v)
	}
	return s
}

// blind says why nothing is known of a stream.
func blind(s *stream, err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Sprintf("Nothing of %s was ever put on disk in %s.", s.Name, s.Dir)
	}
	return err.Error()
}

// isNew reports whether the directory of a stream is there, and nothing of it in there.
func isNew(s *stream, err error) bool {
	if !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	_, err = os.Stat(s.Dir)
	return err == nil
}

// neighbors returns the other spools in the directory of stream i.
func neighbors(streams []*stream, spools []rotatelog.SpoolStatus, errs []error, i int) []rotatelog.SpoolStatus {
	var others []rotatelog.SpoolStatus
	for j, s := range streams {
		if j != i && s.Dir == streams[i].Dir && errs[j] == nil {
			others = append(others, spools[j])
		}
	}
	return others
}

// fill adds to a view what follows from the spool, which its facts have.
func (s *stream) fill(v *view) {
	v.Problems = v.facts.Spool.Problems
	if disk, err := s.DiskOf(s.Dir); err == nil {
		v.facts.Disk = &disk
	} else {
		v.Unknown = append(v.Unknown, "the disk: "+err.Error())
	}
	if s.Facts != nil {
		s.Facts(&v.facts)
	}
	if s.Unknown != nil {
		v.Unknown = append(v.Unknown, s.Unknown()...)
	}
	v.Summary = health.Summarize(v.facts, s.Options)
	v.first = v.First()
	if s.Finding != nil {
		v.Findings = slices.Clone(v.Findings)
		for i, f := range v.Findings {
			v.Findings[i] = s.Finding(f)
		}
		v.first = s.Finding(v.first)
	}
	v.today = todayOf(v, s.Writer)
	s.day.add(v.facts, v.Zone)
	day := rotatelog.DayOf(v.Now, v.Zone)
	v.day, v.week = s.day.through(day), s.day.weekBefore(day, v.Zone)
}

// public returns the snapshot for programs.
func (s *seen) public() Snapshot {
	all := Snapshot{Taken: s.taken}
	for _, v := range s.streams {
		all.Streams = append(all.Streams, Status{v.Summary, v.err, v.Problems, v.Stream.Unknown, v.facts})
	}
	return all
}

// daysBefore returns the day n days before another.
func daysBefore(day rotatelog.Day, n int) rotatelog.Day {
	return rotatelog.DayOf(time.Date(day.Year, day.Month, day.Date-n, 0, 0, 0, 0, time.UTC), time.UTC)
}
