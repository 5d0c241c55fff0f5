package alert

import (
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
)

func TestMorning(t *testing.T) {
	day := rotatelog.Day{Year: 2025, Month: 7, Date: 9}
	object := &rotatelog.DayMetadata{Totals: rotatelog.Totals{Day: day, Matches: 64112}, Size: 2_630_000_000}
	when := at(t, "10 03:30")
	summary := func(y health.Yesterday, lasts time.Duration) health.Summary {
		y.Day = day
		return health.Summary{Stream: "all_api", Yesterday: y, Disk: &health.DiskEstimate{Lasts: lasts}}
	}
	unusual := summary(health.Yesterday{Complete: true, Uploads: 144, Fetches: 1440}, health.LongLasting)
	unusual.Findings = []health.Finding{{Code: health.MatchesUnusual, Severity: health.Error}}
	for _, test := range []struct {
		m    Morning
		want string
	}{
		{Morning{Summary: summary(health.Yesterday{Complete: true, Uploads: 144, Fetches: 1440}, 22*24*time.Hour), Object: object, Usual: true, Verified: &when},
			"all_api Wed 07/09: complete. 1,440 fetches, 144 uploads, 64,112 match records (usual), 2.63 GB. Verified. Disk 22 d."},
		{Morning{Summary: unusual, Object: object, Usual: true, Verified: &time.Time{}},
			"all_api Wed 07/09: complete. 1,440 fetches, 144 uploads, 64,112 match records (unusual), 2.63 GB. Not verified. Disk more than 90 d."},
		{Morning{Summary: summary(health.Yesterday{Waiting: 1, Uploads: -1, Fetches: 1}, time.Hour)}, "all_api Wed 07/09: 1 fetch waits for the store. 1 fetch. Disk 60 min."},
		{Morning{Summary: summary(health.Yesterday{Uploads: -1, Fetches: -1}, time.Hour)}, "all_api Wed 07/09: nothing is known. Disk 60 min."},
		{Morning{Summary: summary(health.Yesterday{Uploads: 7, Fetches: 70}, time.Hour)}, "all_api Wed 07/09: in doubt. 70 fetches, 7 uploads. Disk 60 min."},
	} {
		if got := test.m.String(); got != test.want {
			t.Errorf("%s\nwant\n%s", got, test.want)
		}
	}
}
