package alert

import (
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
)

// summaryOf returns what is known of a stream on July 10.
func summaryOf(y health.Yesterday, lasts time.Duration) health.Summary {
	y.Day = rotatelog.Day{Year: 2025, Month: 7, Date: 9}
	return health.Summary{Stream: "all_api", Yesterday: y, Disk: &health.DiskEstimate{Lasts: lasts}}
}

func TestMorning(t *testing.T) {
	day := rotatelog.Day{Year: 2025, Month: 7, Date: 9}
	object := &rotatelog.DayMetadata{Totals: rotatelog.Totals{Day: day, Matches: 64112}, Size: 2_630_000_000}
	whole := summaryOf(health.Yesterday{Complete: true, Uploads: 144, Fetches: 1440}, 22*24*time.Hour)
	verified := func(then func(v *Verified)) Morning {
		v := &Verified{Time: at(t, "10 03:30")}
		then(v)
		return Morning{Summary: whole, Object: object, Usual: true, Verified: v}
	}
	gap := func(n int) func(v *Verified) {
		return func(v *Verified) {
			v.Gaps, v.Warnings, v.GapFrom, v.GapTo = n, n, at(t, "09 10:02"), at(t, "09 10:05")
		}
	}
	const begin = "all_api Wed 07/09: complete. 1,440 fetches, 144 uploads, 64,112 match records (usual), 2.63 GB"
	unusual := summaryOf(health.Yesterday{Complete: true, Uploads: 144, Fetches: 1440}, health.LongLasting)
	unusual.Findings = []health.Finding{{Code: health.MatchesUnusual, Severity: health.Error}}
	for _, test := range []struct {
		m    Morning
		want string
	}{
		{verified(func(*Verified) {}), begin + ". Verified. Disk 22 d."},
		{verified(gap(1)), begin + ", 1 gap of 3 min at 10:02 AM. Verified. Disk 22 d."},
		{verified(gap(4)), begin + ", 4 gaps, the longest of 3 min at 10:02 AM. Verified. Disk 22 d."},
		{verified(func(v *Verified) { gap(1)(v); v.Errors, v.Warnings = 2, 2 }),
			begin + ", 1 gap of 3 min at 10:02 AM. Verified, with 2 errors and 1 warning: rotatelog verify 2025-07-09. Disk 22 d."},
		{verified(func(v *Verified) { v.Changed = true }), begin + ". Not verified since it was changed. Disk 22 d."},
		{Morning{Summary: unusual, Object: object, Usual: true, Verified: &Verified{}},
			"all_api Wed 07/09: complete. 1,440 fetches, 144 uploads, 64,112 match records (unusual), 2.63 GB. Not verified. Disk more than 90 d."},
		{Morning{Summary: summaryOf(health.Yesterday{Waiting: 1, Uploads: -1, Fetches: 1}, time.Hour)}, "all_api Wed 07/09: 1 fetch waits for the store. 1 fetch. Disk 60 min."},
		{Morning{Summary: summaryOf(health.Yesterday{Uploads: -1, Fetches: -1}, time.Hour)}, "all_api Wed 07/09: nothing is known. Disk 60 min."},
		{Morning{Summary: summaryOf(health.Yesterday{Uploads: 7, Fetches: 70}, time.Hour)}, "all_api Wed 07/09: in doubt. 70 fetches, 7 uploads. Disk 60 min."},
	} {
		if got := test.m.String(); got != test.want {
			t.Errorf("%s\nwant\n%s", got, test.want)
		}
	}
}
