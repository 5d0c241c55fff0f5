package rotatelog_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/storetest"
)

// storeAway is a store that cannot be reached.
func storeAway(storetest.Op) storetest.Fault {
	return storetest.Fault{Err: errors.New("connection refused")}
}

// TestHooksNameStreamAndBatch: a program with several streams can use one func for the
// hooks of all, and join what they say of a batch.
func TestHooksNameStreamAndBatch(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		var sealed rotatelog.Sealed
		var uploaded rotatelog.Uploaded
		var failed rotatelog.Failed
		var complete rotatelog.Totals
		b.cfg.Name = "merge"
		b.cfg.Hooks = rotatelog.Hooks{
			Sealed:      func(s rotatelog.Sealed) { sealed = s },
			Uploaded:    func(u rotatelog.Uploaded) { uploaded = u },
			Failed:      func(f rotatelog.Failed) { failed = f },
			DayComplete: func(d rotatelog.Totals) { complete = d },
		}
		b.onStore(storeAway)
		b.open()
		b.append(3)
		if err := b.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		b.onStore(nil)
		b.flush()
		time.Sleep(12 * time.Hour)
		synctest.Wait()
		if sealed.Name != "merge" || uploaded.Name != "merge" || failed.Name != "merge" || complete.Name != "merge" || uploaded.Totals.Name != "merge" {
			t.Errorf("%+v\n%+v\n%+v\n%+v", sealed, uploaded, failed, complete)
		}
		if sealed.ID != "ID00000001" || uploaded.ID != sealed.ID {
			t.Errorf("sealed %q, uploaded %q", sealed.ID, uploaded.ID)
		}
		if want := int64(len(counted(3))); uploaded.Bytes != want {
			t.Errorf("the upload has %d bytes, want %d", uploaded.Bytes, want)
		}
	})
}

// TestStatsSayWhatWaits: how many batches wait, how large they are, and since when.
func TestStatsSayWhatWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.onStore(storeAway)
		b.open()
		begin := time.Now()
		for range 2 {
			b.append(ten...)
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		size := int64(0)
		for _, name := range b.pending() {
			info, err := b.disk.Stat("all_api.spool/pending/" + name)
			if err != nil {
				t.Fatal(err)
			}
			size += info.Size
		}
		if s := b.Stats(); s.Pending != 2 || s.PendingBytes != size || !s.OldestPending.Equal(begin) {
			t.Errorf("%d batches of %d bytes since %v; want 2 of %d since %v", s.Pending, s.PendingBytes, s.OldestPending, size, begin)
		}
		b.onStore(nil)
		b.flush()
		if s := b.Stats(); s.Pending != 0 || s.PendingBytes != 0 || !s.OldestPending.IsZero() {
			t.Errorf("after the upload: %d batches of %d bytes since %v", s.Pending, s.PendingBytes, s.OldestPending)
		}
	})
}

// TestStatsCountRefusedFetches: whatever Append returns an error for, whichever way it
// came.
func TestStatsCountRefusedFetches(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.Append(t.Context(), []byte("<html>"))
		b.AppendFetch(t.Context(), rotatelog.Fetch{})
		b.Write([]byte("[]"))
		b.append(1)
		b.Close()
		b.Append(t.Context(), []byte("{}"))
		s := b.Stats()
		if s.Refused != 4 || s.Appended != 1 || s.RefusedFor["invalid"] != 3 || s.RefusedFor["other"] != 1 || len(s.RefusedFor) != 2 {
			t.Errorf("%d refused, %d appended: %v", s.Refused, s.Appended, s.RefusedFor)
		}
		clear(s.RefusedFor) // which is the caller's
		if s := b.Stats(); len(s.RefusedFor) != 2 {
			t.Errorf("refused: %v", s.RefusedFor)
		}
	})
}

// TestStatsOfFetches: how many matches came, and when the last fetch did, in the process
// and from outside.
func TestStatsOfFetches(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.append(2, 3)
		time.Sleep(time.Minute)
		last := time.Now()
		b.append(40)
		if s := b.Stats(); s.Matches != 45 || !s.LastAppended.Equal(last) {
			t.Errorf("%d matches, the last fetch at %v; want 45 at %v", s.Matches, s.LastAppended, last)
		}
		b.Close()
		if today := b.countsOfToday(b.state(appendState)); today.Matches != 45 {
			t.Errorf("the spool says %+v", today)
		}
		b.open()
		b.append(5)
		b.Close()
		if today := b.countsOfToday(b.state(appendState)); today.Matches != 50 {
			t.Errorf("the spool says %+v after another Writer", today)
		}
	})
}

// TestHookAppended: each fetch on disk is reported with how long that took, and one that
// is refused is not.
func TestHookAppended(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		var reported []rotatelog.Appended
		b.cfg.Name = "merge"
		b.cfg.Hooks.Appended = func(a rotatelog.Appended) { reported = append(reported, a) }
		b.open()
		b.append(1) // the first one syncs more than one file
		reported = nil
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "Sync" {
				time.Sleep(3 * time.Second) // a slow disk
			}
			return nil
		})
		b.append(7)
		b.Append(t.Context(), []byte("<html>"))
		if _, err := b.AppendFetch(t.Context(), rotatelog.Fetch{Data: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
		if len(reported) != 2 {
			t.Fatalf("reported: %+v", reported)
		}
		for i, a := range reported {
			if a.Name != "merge" || a.Receipt.Number != i+2 || a.Took != 3*time.Second {
				t.Errorf("fetch %d: %+v", i+2, a)
			}
		}
		if m := reported[0].Receipt.Matches; m != 7 {
			t.Errorf("%d matches", m)
		}
	})
}

// TestUploadedSaysHowLongItTook: since the batch was sealed, and the write alone.
func TestUploadedSaysHowLongItTook(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		var reported []rotatelog.Uploaded
		b.cfg.Hooks.Uploaded = func(u rotatelog.Uploaded) { reported = append(reported, u) }
		attempts := 0
		b.onStore(func(op storetest.Op) storetest.Fault {
			switch {
			case op.Name != "write":
				return storetest.Fault{}
			case attempts < 1:
				attempts++
				return storetest.Fault{Err: errors.New("connection reset"), Skip: true, Delay: 20 * time.Second}
			}
			return storetest.Fault{Delay: 4 * time.Second}
		})
		b.open()
		b.append(ten...)
		b.flush()
		if len(reported) != 1 {
			t.Fatalf("reported: %+v", reported)
		}
		u := reported[0]
		if u.Took != 4*time.Second || u.Waited < 24*time.Second || u.Waited > 26*time.Second {
			t.Errorf("the write took %v, the batch has waited %v", u.Took, u.Waited)
		}
		size := int64(len(b.mem.Bytes(u.Key)))
		if u.Size != size || b.Today().Size != size {
			t.Errorf("%d bytes, today %d, want %d", u.Size, b.Today().Size, size)
		}
		if s := b.Stats(); s.Attempts != 2 || s.Failed != 1 {
			t.Errorf("%d attempts, %d failed", s.Attempts, s.Failed)
		}
	})
}

// TestKeyOfDay: the key of a day ends as the day's object was begun, whatever is
// configured by now.
func TestKeyOfDay(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Compression = rotatelog.Gzip
		b.open()
		b.append(1)
		b.flush()
		b.Close()
		b.cfg.Compression = rotatelog.Uncompressed
		b.open()
		old, next := rotatelog.Day{Year: 1999, Month: 12, Date: 31}, rotatelog.Day{Year: 2000, Month: 1, Date: 1}
		if b.Key(old) != dayA+".gz" || b.Key(next) != dayB {
			t.Errorf("%s, %s", b.Key(old), b.Key(next))
		}
		if b.mem.Bytes(b.Key(old)) == nil {
			t.Errorf("there is no %s", b.Key(old))
		}
	})
}
