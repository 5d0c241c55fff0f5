package rotatelog

import "io"

// The locks of days. Each day has one of them, which is shared with every eighth
// day; they are files, so that programs that repair a day exclude a Writer from
// that day only.

const dayLocks = 8

// lockOf returns which of the locks is a day's.
func lockOf(day Day) int { return int(day.utc().Unix()/(24*60*60)%dayLocks+dayLocks) % dayLocks }

// sharedLock is one of the locks, as the days of a publisher have it together: it keeps
// other programs away, and a day does not wait for another that has the same lock.
type sharedLock struct {
	busy chan struct{} // holds a value while the lock is taken or given back; guards what follows
	file io.Closer     // nil: no day has it
	days int           // that have it
}

func newSharedLocks() (locks [dayLocks]*sharedLock) {
	for i := range locks {
		locks[i] = &sharedLock{busy: make(chan struct{}, 1)}
	}
	return locks
}

// lockDay takes the lock of the day's object and confirmed batches, or returns
// vfs.ErrLocked if another program has it.
func (w *dayWorker) lockDay() (unlock func(), err error) {
	l := w.locks[lockOf(w.day.day)]
	l.busy <- struct{}{}
	defer func() { <-l.busy }()
	if l.days == 0 {
		if l.file, err = w.spool.lockDay(w.day.day); err != nil {
			return nil, err
		}
	}
	l.days++
	return l.unlock, nil
}

func (l *sharedLock) unlock() {
	l.busy <- struct{}{}
	defer func() { <-l.busy }()
	if l.days--; l.days == 0 {
		l.file.Close()
	}
}
