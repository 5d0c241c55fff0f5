package rotatelog_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
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
		if s := b.Stats(); s.Refused != 3 || s.Appended != 1 {
			t.Errorf("%d refused, %d appended", s.Refused, s.Appended)
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
