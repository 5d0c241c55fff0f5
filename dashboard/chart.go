package dashboard

import (
	"fmt"
	"math"
	"slices"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/chart"
	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/internal/status"
)

// chart sets the picture of how many matches fetches had through the day, beside those of
// the same weekday a week ago.
func (p *page) chart() {
	v := p.view
	today, known := averages(v.day)
	if why := v.noChart(known); why != "" {
		p.parts["chart"] = fmt.Sprintf("<figcaption>Matches per fetch through the day: %s.</figcaption>", why)
		return
	}
	day := rotatelog.DayOf(v.Now, v.Zone)
	labels := labelsOf(day, v.Zone)
	c := chart.Chart{ID: "matches", Title: "Matches per fetch through the day", Labels: labels,
		Format: func(n float64) string { return fmt.Sprintf("%.3g", n) }}
	c.Series = []chart.Series{{Name: "today", Kind: chart.Line, Values: today}}
	legend := "solid line: today"
	week, knownWeek := averages(v.week)
	if knownWeek > len(labels)/2 {
		c.Series = append(c.Series, chart.Series{Name: "a week ago", Kind: chart.Line, Values: week})
		legend += "; dashed line: " + v.today.weekday + " last week"
	} else if v.today.each >= 0 {
		flat := make([]float64, len(labels))
		for i := range flat {
			flat[i] = v.today.each
		}
		c.Series = append(c.Series, chart.Series{Name: "a week ago, on average", Kind: chart.Line, Values: flat})
		legend += "; dashed line: " + v.today.weekday + " last week, on average"
	}
	c.Desc = describe(today, day.Start(v.Zone), v.Zone)
	var t text
	t.add("<figcaption>%s <span class=\"legend\">%s</span></figcaption>\n%s", c.Title, legend, markup(c.SVG()))
	p.parts["chart"] = t.String()
}

// noChart says why there is nothing to draw, of so many parts of the day; "" if there is.
func (v *view) noChart(known int) string {
	switch {
	case v.Blind != nil:
		return status.NotKnown
	case !v.Counted && !hasMatches(v.day):
		return "nothing counts matches"
	case known == 0:
		return "nothing counted yet"
	}
	return ""
}

// hasMatches reports whether something was counted that is not 0.
func hasMatches(buckets []bucket) bool {
	return slices.ContainsFunc(buckets, func(b bucket) bool { return b.matches > 0 })
}

// averages returns the matches of a fetch in each bucket, NaN where none came, and in how
// many some came.
func averages(buckets []bucket) (values []float64, known int) {
	values = make([]float64, len(buckets))
	for i, b := range buckets {
		if values[i] = math.NaN(); b.fetches > 0 {
			values[i] = float64(b.matches) / float64(b.fetches)
			known++
		}
	}
	return values, known
}

// labelsOf returns a label for each bucket of a day, of which there are fewer, or more, when
// the clocks change. Only every third hour has one.
func labelsOf(day rotatelog.Day, zone *time.Location) []string {
	start := day.Start(zone)
	labels := make([]string, day.Next().Start(zone).Sub(start)/bucketTime)
	for i := range labels {
		t := start.Add(time.Duration(i) * bucketTime).In(zone)
		if t.Minute() == 0 && t.Hour()%3 == 0 {
			labels[i] = t.Format("3 PM")
		}
	}
	return labels
}

// describe says in words what the line of today shows.
func describe(values []float64, start time.Time, zone *time.Location) string {
	first, last, least, most := -1, 0, math.Inf(1), 0.0
	for i, v := range values {
		if math.IsNaN(v) {
			continue
		}
		if first < 0 {
			first = i
		}
		last, least, most = i, math.Min(least, v), math.Max(most, v)
	}
	at := func(i int) string { return format.Minute(start.Add(time.Duration(i)*bucketTime), zone) }
	return fmt.Sprintf("From %s to %s today, a fetch had %.3g to %.3g matches, and %.3g in the last ten minutes of that.",
		at(first), at(last+1), least, most, values[last])
}
