package rotatelog

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"example.com/rotatelog/internal/vfs"
)

// A Writer says in two small files of the spool what it does, for Inspect: in one while
// it has the append lock, in the other while it has the publish lock. They are news,
// never truth. They are not synced, may be torn, and a full disk keeps the old ones;
// nothing but whether to look at the store once more is decided by them.

const (
	appendStateFile  = "state.append.json"
	publishStateFile = "state.publish.json"
)

// stateDays is for how many days counts are kept.
const stateDays = 35

// statePause is the least time between two versions of a file.
const statePause = time.Second

// A WriterState is what a Writer last said of itself: the one that appends, or the one
// that uploads. All but the process and Written outlives it.
type WriterState struct {
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Started time.Time `json:"started"` // when the Writer was opened
	Written time.Time `json:"written"` // at least every 30 s while it runs

	LastSuccess time.Time      `json:"last_success,omitzero"` // a fetch on disk; a batch in its day's object
	LastFailure *WriterFailure `json:"last_failure,omitempty"`

	Unfinished *UnfinishedState `json:"unfinished,omitempty"`  // of the Writer that appends
	Waiting    []WaitingState   `json:"waiting,omitempty"`     // the batches of today that wait, of the Writer that appends
	LastLook   *DayLook         `json:"last_look,omitempty"`   // at the object of the day that was today
	LastWrites []DayWrite       `json:"last_writes,omitempty"` // to the object of each day that is not closed
	Days       []DayCounts      `json:"days,omitempty"`        // that something happened on, at most 35, the oldest first

	LastComplete *DayLook       `json:"last_complete,omitempty"` // at the object of the last day that has ended, and is uploaded
	Recent       []RecentAppend `json:"recent,omitempty"`        // Appends, the oldest first: the last 60 fetches on disk, the last 10 refused
	Incidents    []Incident     `json:"incidents,omitempty"`     // the last 20, the oldest first
}

// A WriterFailure is the last failure of a Writer.
type WriterFailure struct {
	Time        time.Time `json:"time"`
	Since       time.Time `json:"since"`            // when failures like it began: as permanent, with no success between
	Day         Day       `json:"day,omitzero"`     // that was to be uploaded; zero if it is not one day's trouble
	Key         string    `json:"key"`              // of an object, or the path of a file
	Code        string    `json:"code"`             // for programs: that of the store, such as AccessDenied, or one as in DayCounts.Refused
	Sentence    string    `json:"sentence"`         // for people
	Remedy      string    `json:"remedy,omitempty"` // what to do; "" if that is not known
	Permanent   bool      `json:"permanent,omitempty"`
	Attempt     int       `json:"attempt,omitempty"` // how many in a row have failed
	NextAttempt time.Time `json:"next_attempt,omitzero"`
	Over        time.Time `json:"over,omitzero"` // when what failed was done; zero if that is not known
}

// An UnfinishedState is what a Writer knew of the batch being filled.
type UnfinishedState struct {
	Day     Day   `json:"day"`
	First   int   `json:"first"` // daily number of its first fetch
	Fetches int   `json:"fetches"`
	Matches int64 `json:"matches"`
}

// A WaitingState is what a Writer knew of a batch that waits.
type WaitingState struct {
	ID      string `json:"id"`
	Fetches int    `json:"fetches"`
	Matches int64  `json:"matches"`
}

// A DayLook is what a look at a day's object found.
type DayLook struct {
	Day     Day       `json:"day"`
	Key     string    `json:"key"`
	Place   string    `json:"place"` // bucket or directory, with the key's prefix and the name of the stream
	Uploads int       `json:"uploads"`
	Fetches int       `json:"fetches"`
	Matches int64     `json:"matches"`
	Size    int64     `json:"size,omitempty"` // of the object as stored, in bytes; 0 if there is none
	Looked  time.Time `json:"looked"`
}

// A DayWrite says when a batch was last uploaded to a day's object.
type DayWrite struct {
	Day  Day       `json:"day"`
	Key  string    `json:"key"`
	Time time.Time `json:"time"`
}

// DayCounts are what a Writer did on a day by its clock, whatever day the fetches were
// made on.
type DayCounts struct {
	Day        Day `json:"day"`
	Appended   int `json:"appended,omitempty"`   // fetches
	Duplicates int `json:"duplicates,omitempty"` // Appends of fetches that were on disk already
	Uncounted  int `json:"uncounted,omitempty"`
	Uploaded   int `json:"uploaded,omitempty"` // batches
	Attempts   int `json:"attempts,omitempty"` // to upload
	Failures   int `json:"failures,omitempty"` // of the Writer that uploads
	Repaired   int `json:"repaired,omitempty"`
	// Refused are the Appends that returned an error, by reason: invalid, spool_full,
	// no_space, permission, io, timeout, canceled, other.
	Refused map[string]int `json:"refused,omitempty"`
	// LongestWait is the longest time from the sealing of a batch to its upload.
	LongestWait int64 `json:"longest_wait_seconds,omitempty"`
	// Matches are those of the fetches appended.
	Matches int64 `json:"matches,omitempty"`
	// Conflicts are writes that were lost to another Writer of the key, and made again.
	Conflicts int `json:"conflicts,omitempty"`
}

// stateFile is one of the files, being kept. It is safe for concurrent use.
type stateFile struct {
	cfg  *Config
	name string

	mu    sync.Mutex // guards what follows; held for no I/O
	state WriterState
	dirty bool // state has something that the file has not
}

func newStateFile(cfg *Config, name string) *stateFile {
	host, _ := os.Hostname()
	return &stateFile{cfg: cfg, name: name, state: WriterState{Host: host, PID: os.Getpid(), Started: cfg.stateTime()}}
}

// stateTime returns the time as it is written.
func (cfg *Config) stateTime() time.Time { return cfg.Clock.Now().UTC().Truncate(time.Millisecond) }

// record changes the state, and the counts of today.
func (f *stateFile) record(change func(s *WriterState, today *DayCounts)) {
	day := f.cfg.today()
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.state.Days, func(c DayCounts) bool { return c.Day == day })
	if i < 0 {
		i = len(f.state.Days)
		f.state.Days = append(f.state.Days, DayCounts{Day: day})
	}
	change(&f.state, &f.state.Days[i])
	f.dirty = true
}

func (f *stateFile) isDirty() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dirty
}

// forgetCounts forgets what is in the file now that the lock is given up: another process
// may add to that.
func (f *stateFile) forgetCounts() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.Days, f.state.Incidents = nil, nil
}

// setUnfinished describes the batch being filled.
func (f *stateFile) setUnfinished(u UnfinishedState, counted bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state.Unfinished = nil; counted {
		f.state.Unfinished = &u
	}
}

// setWaiting describes the batches of today that wait.
func (f *stateFile) setWaiting(waiting []WaitingState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.Waiting = waiting
}

// takeOver continues what an earlier Writer wrote, and returns that. Whoever calls it
// has the file's lock.
func (f *stateFile) takeOver(s *spool) (earlier WriterState) {
	earlier, _ = s.readState(f.name)
	earlier.forgetAfter(f.cfg.stateTime(), f.cfg.Location)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = f.state.continuing(earlier)
	return earlier
}

// save replaces the file if it is time. final says that nobody will, later. A failure
// is ignored, and tried again. It returns how long the next call may take to come.
func (f *stateFile) save(s *spool, final bool) time.Duration {
	now := f.cfg.stateTime()
	f.mu.Lock()
	age := now.Sub(f.state.Written)
	dirty := f.dirty
	if !final && 0 <= age && age < statePause {
		f.mu.Unlock()
		if !dirty {
			return longestWait
		}
		return statePause - age
	}
	f.state.forgetBefore(f.cfg.today())
	f.state.forgetAfter(now, f.cfg.Location)
	f.state.Written, f.dirty = now, false
	content, err := json.Marshal(f.state)
	f.mu.Unlock()
	if err != nil {
		return longestWait
	}
	name := s.path(f.name)
	err = vfs.WriteUnsynced(s.fs, name+".new", append(content, '\n'))
	if err == nil {
		s.fs.Rename(name+".new", name)
	} else if vfs.NoSpace(err) {
		s.remove(name + ".new") // what it took is wanted for fetches
	}
	return longestWait
}

// readState reads one of the files. A torn one is an error, like one that is missing.
func (s *spool) readState(name string) (WriterState, error) {
	var state WriterState
	content, err := s.readFile(s.path(name))
	if err == nil {
		err = json.Unmarshal(content, &state)
	}
	if err != nil {
		return WriterState{}, err
	}
	return state, nil
}

// forgetBefore drops what is older than is kept.
func (s *WriterState) forgetBefore(today Day) {
	oldest := DayOf(today.utc().AddDate(0, 0, 1-stateDays), time.UTC)
	s.Days = slices.DeleteFunc(s.Days, func(c DayCounts) bool { return c.Day.Compare(oldest) < 0 })
	slices.SortFunc(s.Days, func(a, b DayCounts) int { return a.Day.Compare(b.Day) })
	if n := len(s.Days); n > stateDays { // the clock was set back
		s.Days = s.Days[n-stateDays:]
	}
	s.LastWrites = slices.DeleteFunc(s.LastWrites, func(w DayWrite) bool { return w.Time.Before(oldest.Start(time.UTC)) })
}

// maxAhead is how far a clock may be ahead of another, or of itself before it was set back,
// that is right all the same.
const maxAhead = time.Minute

// forgetAfter drops what a clock that was ahead has written: it would hide what happens
// until then.
func (s *WriterState) forgetAfter(now time.Time, loc *time.Location) {
	latest := now.Add(maxAhead)
	if s.LastSuccess.After(latest) {
		s.LastSuccess = time.Time{}
	}
	if f := s.LastFailure; f != nil && f.Time.After(latest) {
		s.LastFailure = nil
	}
	if f := s.LastFailure; f != nil && f.Over.After(latest) {
		failure := *f
		failure.Over = time.Time{}
		s.LastFailure = &failure
	}
	if l := s.LastLook; l != nil && l.Looked.After(latest) {
		s.LastLook = nil
	}
	if l := s.LastComplete; l != nil && l.Looked.After(latest) {
		s.LastComplete = nil
	}
	s.Recent = slices.DeleteFunc(s.Recent, func(a RecentAppend) bool { return a.Time.After(latest) })
	s.Incidents = slices.DeleteFunc(s.Incidents, func(i Incident) bool { return i.Time.After(latest) })
	s.LastWrites = slices.DeleteFunc(s.LastWrites, func(w DayWrite) bool { return w.Time.After(latest) })
	s.Days = slices.DeleteFunc(s.Days, func(c DayCounts) bool { return c.Day.Compare(DayOf(latest, loc)) > 0 })
}

// continuing returns s with what an earlier Writer wrote.
func (s WriterState) continuing(old WriterState) WriterState {
	if s.LastFailure != nil {
		s.LastFailure.Since = old.failingSince(*s.LastFailure)
	}
	if old.LastSuccess.After(s.LastSuccess) {
		s.LastSuccess = old.LastSuccess
	}
	if s.LastFailure == nil || old.LastFailure != nil && old.LastFailure.Time.After(s.LastFailure.Time) {
		s.LastFailure = old.LastFailure
	}
	s.LastLook, s.LastComplete = newest(s.LastLook, old.LastLook), newest(s.LastComplete, old.LastComplete)
	s.Recent, s.Incidents = old.Recent, old.Incidents // which only come with the lock
	for _, w := range old.LastWrites {
		if !slices.ContainsFunc(s.LastWrites, func(mine DayWrite) bool { return mine.Key == w.Key }) {
			s.LastWrites = append(s.LastWrites, w)
		}
	}
	days := slices.Clone(old.Days)
	for _, mine := range s.Days {
		if i := slices.IndexFunc(days, func(c DayCounts) bool { return c.Day == mine.Day }); i >= 0 {
			days[i] = days[i].plus(mine)
		} else {
			days = append(days, mine)
		}
	}
	s.Days = days
	return s
}

// newest returns the look that is newer; either may be nil.
func newest(a, b *DayLook) *DayLook {
	if a == nil || b != nil && b.Looked.After(a.Looked) {
		return b
	}
	return a
}

func (c DayCounts) plus(d DayCounts) DayCounts {
	c.Appended += d.Appended
	c.Duplicates += d.Duplicates
	c.Uncounted += d.Uncounted
	c.Uploaded += d.Uploaded
	c.Attempts += d.Attempts
	c.Failures += d.Failures
	c.Repaired += d.Repaired
	c.Refused = maps.Clone(c.Refused)
	for reason, n := range d.Refused {
		c.refuse(reason, n)
	}
	c.LongestWait = max(c.LongestWait, d.LongestWait)
	c.Matches = addClamped(c.Matches, d.Matches)
	c.Conflicts += d.Conflicts
	return c
}

func (c *DayCounts) refuse(reason string, n int) {
	if c.Refused == nil {
		c.Refused = map[string]int{}
	}
	c.Refused[reason] += n
}

// wrote records that a batch was uploaded.
func (s *WriterState) wrote(w DayWrite) {
	s.LastSuccess = w.Time
	s.succeeded(w.Day, w.Time)
	s.LastWrites = append(slices.DeleteFunc(s.LastWrites, func(old DayWrite) bool { return old.Key == w.Key }), w)
}

// failed records a failure.
func (s *WriterState) failed(f *WriterFailure) {
	f.Since = s.failingSince(*f)
	s.LastFailure = f
}

// failingSince returns since when it has failed like f: if the last failure was like it
// and is not over, since that began. Of one that is older than a day nobody has tried
// what is tried now.
func (s *WriterState) failingSince(f WriterFailure) time.Time {
	last := s.LastFailure
	if last == nil || !last.Over.IsZero() || last.Permanent != f.Permanent || last.Since.After(f.Time) || f.Time.Sub(last.Time) > 24*time.Hour {
		return cmp.Or(f.Since, f.Time)
	}
	return cmp.Or(last.Since, last.Time)
}

// succeeded records that the last failure is over, unless it is another day's: that one
// day can be uploaded says nothing about another.
func (s *WriterState) succeeded(day Day, now time.Time) {
	if f := s.LastFailure; f != nil && f.Over.IsZero() && (f.Day.IsZero() || f.Day == day) {
		f.Over = now
	}
}

// forgetWrites records that a day is closed.
func (s *WriterState) forgetWrites(key string) {
	s.LastWrites = slices.DeleteFunc(s.LastWrites, func(w DayWrite) bool { return w.Key == key })
}

// failureOf describes err.
func failureOf(err error, now time.Time) *WriterFailure {
	f := &WriterFailure{Time: now, Code: codeOf(err), Sentence: err.Error(), Permanent: permanent(err)}
	if e, ok := errors.AsType[*Error](err); ok {
		f.Key, f.Remedy = e.Key, e.Hint
		f.Sentence = strings.TrimSuffix(f.Sentence, "; "+e.Hint)
	}
	return f
}

// recordFailed records a failure. attempt says that something was to be uploaded.
func (p *publisher) recordFailed(f Failed, attempt bool) {
	now := p.cfg.stateTime()
	p.state.record(func(s *WriterState, today *DayCounts) {
		failure := failureOf(f.Err, now)
		failure.Day, failure.Attempt, failure.NextAttempt = f.Day, f.Attempt, now.Add(f.Retry)
		s.failed(failure)
		if attempt {
			today.Failures++
		}
	})
}

// recordUploaded records that a batch is in its day's object.
func (w *dayWorker) recordUploaded(b batch) {
	now := w.cfg.stateTime()
	w.state.record(func(s *WriterState, today *DayCounts) {
		s.wrote(DayWrite{b.day, w.key(), now})
		today.Uploaded++
		today.LongestWait = max(today.LongestWait, int64(now.Sub(b.sealed)/time.Second))
	})
}

// codeOf returns a word for err: the code of the store's answer, if it has one.
func codeOf(err error) string {
	if answer, ok := errors.AsType[interface {
		error
		ErrorCode() string
	}](err); ok && answer.ErrorCode() != "" {
		return answer.ErrorCode()
	}
	for _, known := range []struct {
		is   error
		code string
	}{
		{ErrInvalidFetch, "invalid"},
		{ErrSpoolFull, "spool_full"},
		{syscall.ENOSPC, "no_space"},
		{syscall.EDQUOT, "no_space"},
		{errOtherOwner, "other_owner"},
		{errOldScript, "old_script"},
		{errNotDaily, "not_daily"},
		{fs.ErrPermission, "permission"},
		{syscall.EIO, "io"},
		{context.DeadlineExceeded, "timeout"},
		{context.Canceled, "canceled"},
		{ErrConflict, "conflict"},
		{ErrPermanent, "permanent"},
	} {
		if errors.Is(err, known.is) {
			return known.code
		}
	}
	return "other"
}
