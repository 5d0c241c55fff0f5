package days

import (
	"fmt"
	"strings"
	"testing"

	"example.com/rotatelog"
)

var thursday = rotatelog.Day{Year: 2025, Month: 7, Date: 10}

func TestDaysAreParsed(t *testing.T) {
	for _, test := range []struct {
		args  string
		spans string
		named string // the days that were named
	}{
		{"", "", ""},
		{"today", "2025-07-10..2025-07-10", "2025-07-10"},
		{"yesterday", "2025-07-09..2025-07-09", "2025-07-09"},
		{"2024-02-29", "2024-02-29..2024-02-29", "2024-02-29"},
		{"2024-02", "2024-02-01..2024-02-29", ""},
		{"2024-12", "2024-12-01..2024-12-31", ""},
		{"2025-07", "2025-07-01..2025-07-10", ""},
		{"1d", "2025-07-09..2025-07-09", ""},
		{"7d", "2025-07-03..2025-07-09", ""},
		{"2025-07-01..2025-07-07", "2025-07-01..2025-07-07", ""},
		{"2025-07-07..2025-07-07", "2025-07-07..2025-07-07", ""},
		{"2025-06-30..today", "2025-06-30..2025-07-10", ""},
		{"2025-07-01..2025-07-20", "2025-07-01..2025-07-10", ""},
		{"2025-05..2025-06", "2025-05-01..2025-06-30", ""},
		{"today 7d 2025-07-05 2025-01-01", "2025-01-01..2025-01-01 2025-07-03..2025-07-10", "2025-01-01 2025-07-05 2025-07-10"},
	} {
		d, err := Parse(strings.Fields(test.args), thursday)
		if err != nil {
			t.Errorf("%q: %v", test.args, err)
			continue
		}
		var spans, named []string
		for _, s := range d.Spans() {
			spans = append(spans, fmt.Sprintf("%v..%v", s.First, s.Last))
		}
		for _, day := range d.All() {
			if d.Named(day) {
				named = append(named, day.String())
			}
		}
		if got := strings.Join(spans, " "); got != test.spans {
			t.Errorf("%q is %s, want %s", test.args, got, test.spans)
		}
		if got := strings.Join(named, " "); got != test.named {
			t.Errorf("%q names %s, want %s", test.args, got, test.named)
		}
	}
}

func TestWhatIsNoDayIsRefused(t *testing.T) {
	for arg, want := range map[string]string{
		"":                       `"" names no day: use ` + Forms,
		"tomorrow":               `"tomorrow" names no day: use `,
		"2025-7-1":               `"2025-7-1" names no day: use `,
		"2025-02-29":             `"2025-02-29" names no day: use `,
		"2025-13":                `"2025-13" names no day: use `,
		"0d":                     `"0d" names no day: use `,
		"7":                      `"7" names no day: use `,
		"..":                     `..: "" names no day: use `,
		"2025-07-01..":           `2025-07-01..: "" names no day: use `,
		"2025-07-01..b":          `2025-07-01..b: "b" names no day: use `,
		"2025-07-07..2025-07-01": "2025-07-07 is after 2025-07-01",
		"2025-07-11":             "2025-07-11 is still to come: it is 2025-07-10",
		"2025-08":                "2025-08 is still to come: it is 2025-07-10",
		"0001-01-01..today":      "0001-01-01..today: that is more than ten years",
		"9999d":                  "9999d: that is more than ten years",
	} {
		if _, err := Parse([]string{"today", arg}, thursday); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", arg, err, want)
		}
	}
}
