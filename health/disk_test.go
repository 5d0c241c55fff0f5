package health

import (
	"testing"
	"time"

	"example.com/rotatelog"
)

// filling makes the disk be filled: the store has been away for an hour, and each ten
// minutes 18.5 MB are sealed. The disk has room for d, and bytes more.
func filling(d time.Duration, bytes int64) func(*Facts, *Options) {
	return func(f *Facts, o *Options) {
		for n := range 7 {
			f.Spool.Pending = append(f.Spool.Pending, batch(f.Now.Add(time.Duration(n-6)*10*time.Minute), 0))
		}
		last := f.Spool.Pending[0].Sealed
		for i := range f.Spool.Confirmed {
			f.Spool.Confirmed[i].Sealed = last.Add(time.Duration(i-10) * 10 * time.Minute)
		}
		f.Disk.FreeBytes = int64(18.5e6*float64(d/(10*time.Minute))) + bytes
	}
}

func TestDiskDays(t *testing.T) {
	const week = 7 * 24 * time.Hour
	wantSeverities(t, DiskDays, []scene{
		{"not asked", "", func(f *Facts, o *Options) { filling(time.Hour, 0)(f, o); f.Disk = nil }, OK},
		{"more than 7 days", "", filling(week, 1e6), OK},
		{"7 days", "", filling(week, 0), Error},
		{"less", "", filling(week, -1e6), Error},
		{"more than 12 h", "", filling(12*time.Hour, 1e6), Error},
		{"12 h", "", filling(12*time.Hour, 0), Critical},
		{"less than 12 h", "", filling(12*time.Hour, -1e6), Critical},
		{"uploads keep up", "", func(f *Facts, o *Options) { f.Disk.FreeBytes = 1e9 }, OK},
		{"a batch is on its way", "", func(f *Facts, o *Options) {
			f.Disk.FreeBytes = 1e9
			late(behind-time.Second)(f, o)
		}, OK},
		{"uploads do not keep up", "", func(f *Facts, o *Options) {
			f.Disk.FreeBytes = 1e9
			late(behind)(f, o)
		}, Critical},
		{"batches wait as long as they may", "", func(f *Facts, o *Options) {
			filling(time.Hour, 0)(f, o)
			o.UploadEvery = time.Hour
		}, OK},
		{"full, though uploads keep up", "", func(f *Facts, o *Options) { f.Disk.FreeBytes = 37e6 - 1 }, Critical},
		{"room for two batches", "", func(f *Facts, o *Options) { f.Disk.FreeBytes = 37e6 }, OK},
		{"no inodes", "", func(f *Facts, o *Options) { f.Disk.FreeInodes = 1 }, Critical},
		{"inodes for a week", "", func(f *Facts, o *Options) { filling(week, 1e6)(f, o); f.Disk.FreeInodes = 7 * 144 }, Error},
		{"no number of inodes", "", func(f *Facts, o *Options) { filling(week, 1e6)(f, o); f.Disk.FreeInodes = -1 }, OK},
		{"another stream fills it as well", "", func(f *Facts, o *Options) {
			filling(week, 1e6)(f, o)
			f.Neighbors = []rotatelog.SpoolStatus{{Name: "merge", Confirmed: f.Spool.Confirmed, Pending: f.Spool.Pending}}
		}, Error},
		{"MaxPendingBytes", "", func(f *Facts, o *Options) { filling(2*week, 0)(f, o); o.MaxPendingBytes = 2e9 }, Error},
		{"MaxPendingBytes is reached", "", func(f *Facts, o *Options) { filling(2*week, 0)(f, o); o.MaxPendingBytes = 1e8 }, Critical},
		{"MaxPendingBytes, and uploads keep up", "", func(f *Facts, o *Options) { o.MaxPendingBytes = 1e8 }, OK},
	})
}

// TestDiskEstimateAsText as status prints it.
func TestDiskEstimateAsText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		LongLasting: "more than 90 days", LongLasting - 1: "89 days", 22*24*time.Hour + time.Hour: "22 days", 12 * time.Hour: "12 h", 0: "no longer",
	} {
		if got := (DiskEstimate{Lasts: d}).String(); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

// TestDiskOf: this machine's disk has room for the test.
func TestDiskOf(t *testing.T) {
	d, err := DiskOf(t.TempDir())
	if err != nil || d.FreeBytes <= 0 || d.FreeInodes == 0 {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := DiskOf("none/such"); err == nil {
		t.Error("a directory that does not exist has a disk")
	}
}
