package rotatelog_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/storetest"
)

const (
	appendState  = "all_api.spool/state.append.json"
	publishState = "all_api.spool/state.publish.json"
)

// state returns what a state file says.
func (b *bench) state(name string) (s rotatelog.WriterState) {
	b.t.Helper()
	content, err := b.disk.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(content, &s)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// countsOfToday returns the counts of the day it is.
func (b *bench) countsOfToday(s rotatelog.WriterState) rotatelog.DayCounts {
	b.t.Helper()
	if n := len(s.Days); n > 0 && s.Days[n-1].Day == rotatelog.DayOf(time.Now(), b.zone()) {
		return s.Days[n-1]
	}
	b.t.Fatalf("nothing of today in %+v", s)
	return rotatelog.DayCounts{}
}

func (b *bench) zone() *time.Location {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		b.t.Fatal(err)
	}
	return zone
}

// TestStateOfAppends: the Writer that appends says who it is and what it did; the next
// one continues that.
func TestStateOfAppends(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		start := time.Now()
		time.Sleep(time.Second)
		b.append(1, 2, 3)
		b.Append(t.Context(), []byte("<html>"))
		b.Append(t.Context(), []byte(`{"FETCH_FOOTER":{"total_matches":"x"}}`))
		time.Sleep(time.Minute)
		synctest.Wait()
		s := b.state(appendState)
		if s.PID != os.Getpid() || s.Host == "" || !s.Started.Equal(start) || time.Since(s.Written) > 30*time.Second {
			t.Errorf("at %v: %+v", time.Now(), s)
		}
		if !s.LastSuccess.Equal(start.Add(time.Second)) {
			t.Errorf("last success %v, want %v", s.LastSuccess, start.Add(time.Second))
		}
		f := s.LastFailure
		if f == nil || f.Code != "invalid" || f.Key != "all_api.json" || !strings.Contains(f.Sentence, "invalid fetch") {
			t.Errorf("last failure %+v", f)
		}
		if s.Unfinished == nil || s.Unfinished.Fetches != 4 || s.Unfinished.Matches != 6 {
			t.Errorf("unfinished %+v", s.Unfinished)
		}
		b.reopen()
		b.append(5)
		b.Append(t.Context(), []byte("[]"))
		b.Close()
		s = b.state(appendState)
		if c := b.countsOfToday(s); c.Appended != 5 || c.Uncounted != 1 || c.Refused["invalid"] != 2 {
			t.Errorf("%+v", c)
		}
		if s.Unfinished == nil || s.Unfinished.Fetches != 5 || s.Unfinished.Matches != 11 {
			t.Errorf("unfinished %+v", s.Unfinished)
		}
	})
}

// TestStateOfUploads: the Writer that uploads says what it could do, what it could not,
// why, and when it tries again.
func TestStateOfUploads(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.onStore(func(op storetest.Op) storetest.Fault {
			return storetest.Fault{Err: fmt.Errorf("%w: 403 InvalidAccessKeyId", rotatelog.ErrPermanent)}
		})
		b.open()
		b.append(ten...)
		time.Sleep(10*time.Minute + 30*time.Second) // between two attempts
		synctest.Wait()
		s := b.state(publishState)
		f := s.LastFailure
		if f == nil || f.Code != "permanent" || f.Key != dayA || !f.Permanent || f.Attempt < 9 || f.NextAttempt.Sub(f.Time) != time.Minute ||
			!strings.Contains(f.Sentence, "403 InvalidAccessKeyId") {
			t.Errorf("%+v", f)
		}
		if c := b.countsOfToday(s); c.Attempts != c.Failures || c.Failures < 9 || !s.LastSuccess.IsZero() {
			t.Errorf("%+v", s)
		}
		b.onStore(nil)
		b.flush()
		done := time.Now()
		b.Close()
		s = b.state(publishState)
		if c := b.countsOfToday(s); c.Uploaded != 1 || c.Attempts != c.Failures+1 || c.LongestWait != 630 {
			t.Errorf("%+v", c)
		}
		if len(s.LastWrites) != 1 || s.LastWrites[0].Key != dayA || !s.LastWrites[0].Time.Equal(done) || !s.LastSuccess.Equal(done) {
			t.Errorf("%v: %+v", done, s)
		}
	})
}

// TestStateKeepsFiveWeeks: the counts of a month stay, and so does nothing older.
func TestStateKeepsFiveWeeks(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		for range 40 {
			b.open()
			b.append(1)
			b.Close()
			time.Sleep(24 * time.Hour) // in which a Writer would look at the clock each half minute
		}
		s := b.state(appendState)
		if n := len(s.Days); n < 34 || n > 35 {
			t.Errorf("%d days", n)
		}
		for _, c := range s.Days {
			if c.Appended != 1 {
				t.Errorf("%v: %+v", c.Day, c)
			}
		}
	})
}

// TestStateIsOnlyNews: whatever happens to the state files, fetches are appended and
// uploaded.
func TestStateIsOnlyNews(t *testing.T) {
	for name, spoil := range map[string]func(b *bench){
		"no room": func(b *bench) {
			b.onDisk(func(op crashfs.Op) error {
				if ofState(op) && op.Mutates {
					return syscall.ENOSPC
				}
				return nil
			})
		},
		"unreadable": func(b *bench) {
			b.onDisk(func(op crashfs.Op) error {
				if ofState(op) {
					return syscall.EIO
				}
				return nil
			})
		},
		"odd": func(b *bench) {
			for _, name := range []string{appendState, publishState} {
				if err := b.disk.WriteFile(name, []byte(`{"days":[{"day":"x"}]`), 0o600); err != nil {
					b.t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.open()
				b.append(1)
				b.Close()
				spoil(b)
				b.open()
				b.append(ten...)
				time.Sleep(time.Minute)
				synctest.Wait()
				if s := b.Stats(); s.Appended != 10 || s.Uploaded != 1 || s.Failed != 0 || s.Repaired != 0 {
					t.Errorf("%+v", s)
				}
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestStateTakesNoRoom: on a full disk the state files do without, and leave the
// reserve to what is needed.
func TestStateTakesNoRoom(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg = rotatelog.WithReserve(b.cfg, 4096)
		b.open()
		b.append(1)
		time.Sleep(time.Minute)
		synctest.Wait()
		used := 0
		for _, content := range b.disk.Tree() {
			used += len(content)
		}
		b.disk.SetCapacity(int64(used))
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "Rename" && strings.Contains(op.Name, "reserve") {
				t.Errorf("%s %s to %s", op.Kind, op.Name, op.To)
			}
			return nil
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		b.onDisk(nil)
		if _, err := b.disk.Stat(appendState + ".new"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("what was begun is still there: %v", err)
		}
	})
}
