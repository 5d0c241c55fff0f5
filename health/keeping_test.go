package health

import (
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
)

func TestDayLarge(t *testing.T) {
	sized := func(daysAgo int, bytes int64) func(*Facts, *Options) {
		return withDays(func(f *Facts, _ *Options) {
			day := daysBefore(dayOf(f.Now), daysAgo)
			if ofDay(f, day) == nil {
				f.Days = append(f.Days, wholeDay(day, f.Now.Location()))
			}
			ofDay(f, day).Size = bytes
		})
	}
	const near = 4 << 30
	wantSeverities(t, DayLarge, []scene{
		{"less than 80 % of 5 GiB", "", sized(1, near-1), OK},
		{"80 % of 5 GiB", "", sized(1, near), Warning},
		{"today's", "", sized(0, near), Warning},
		{"a week ago", "", sized(8, near), Warning},
		{"two weeks ago", "", sized(15, near), OK},
		{"with another limit", "", func(f *Facts, o *Options) { sized(1, 7<<30)(f, o); o.DayLimit = 5 << 40 }, OK},
		{"near another limit", "", func(f *Facts, o *Options) { sized(1, 5<<40)(f, o); o.DayLimit = 5 << 40 }, Warning},
		{"today's, as the Writer saw it", "", func(f *Facts, _ *Options) { f.Spool.Publish.LastLook.Size = near }, Warning},
		{"today's, which is less", "", func(f *Facts, _ *Options) { f.Spool.Publish.LastLook.Size = near - 1 }, OK},
		{"what the Writer saw weeks ago", "", func(f *Facts, _ *Options) {
			f.Spool.Publish.LastLook.Day, f.Spool.Publish.LastLook.Size = daysBefore(dayOf(f.Now), 15), near
		}, OK},
		{"the Writer has left nothing", "", func(f *Facts, _ *Options) { f.Spool.Publish = nil }, OK},
		{"its totals are not known", "", withDays(func(f *Facts, _ *Options) {
			*lastOf(f) = rotatelog.DayMetadata{Totals: rotatelog.Totals{Day: lastOf(f).Totals.Day}, Size: near}
		}), Warning},
	})
	for compression, want := range map[rotatelog.Compression]bool{rotatelog.Uncompressed: true, rotatelog.Zstd: false} {
		f := healthy(clock(t, noon))
		sized(1, near)(&f, nil)
		lastOf(&f).Compression = compression
		if x := find(Evaluate(f, Options{}), DayLarge); strings.Contains(strings.Join(x.Steps, "\n"), "zstd") != want {
			t.Errorf("%v: %s", compression, x)
		}
	}
	for key, want := range map[string]bool{"days/2025-07-10.json": true, "days/2025-07-10.json.zst": false, "days/2025-07-10.json.gz": false} {
		f := healthy(clock(t, noon))
		f.Spool.Publish.LastLook.Key, f.Spool.Publish.LastLook.Size = key, near
		if x := find(Evaluate(f, Options{}), DayLarge); strings.Contains(strings.Join(x.Steps, "\n"), "zstd") != want || !strings.Contains(x.Text, "2025-07-10") {
			t.Errorf("%s: %s", key, x)
		}
	}
}

func TestStorageOver(t *testing.T) {
	stored := func(bytes, budget int64) func(*Facts, *Options) {
		return func(f *Facts, o *Options) { f.StoredBytes, o.StorageBudget = bytes, budget }
	}
	wantSeverities(t, StorageOver, []scene{
		{"no budget", "", stored(9e15, 0), OK},
		{"the budget", "", stored(2e12, 2e12), OK},
		{"more", "", stored(2e12+1, 2e12), Warning},
		{"it is not known", "", stored(0, 2e12), OK},
	})
}

func TestVerifyOld(t *testing.T) {
	verified := func(ago time.Duration) func(*Facts, *Options) {
		return withDays(func(f *Facts, _ *Options) {
			at := f.Now.Add(-ago)
			f.Verified = &at
		})
	}
	never := func(days int) func(*Facts, *Options) {
		return withDays(func(f *Facts, _ *Options) { began(f, days) })
	}
	wantSeverities(t, VerifyOld, []scene{
		{"almost 8 days", "", verified(8*24*time.Hour - time.Second), OK},
		{"8 days", "", verified(8 * 24 * time.Hour), Warning},
		{"never, and the first day is over for 7 days", "", never(8), OK},
		{"never, and the first day is over for 8 days", "", never(9), Warning},
		{"never, and older days were imported", "", withDays(func(f *Facts, _ *Options) {
			days := f.Days
			began(f, 8)
			f.Days = days
		}), OK},
		{"never, and nothing is there", "", func(f *Facts, _ *Options) { f.Verified, f.Spool.Append = &time.Time{}, nil }, OK},
		{"it is not known", "", withDays(func(f *Facts, _ *Options) { f.Verified = nil }), OK},
	})
}

func TestKeyOld(t *testing.T) {
	since := func(ago time.Duration) func(*Facts, *Options) {
		return func(f *Facts, _ *Options) { f.KeySince = f.Now.Add(-ago) }
	}
	wantSeverities(t, KeyOld, []scene{
		{"almost 90 days", "", since(90*24*time.Hour - time.Second), OK},
		{"90 days", "", since(90 * 24 * time.Hour), Warning},
		{"it is not known", "", func(f *Facts, _ *Options) { f.KeySince = time.Time{} }, OK},
		{"by a clock that was ahead", "", since(-time.Hour), OK},
	})
}
