package dashboard

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/internal/status"
)

// columns are those of the table of streams, each with what it says of a stream.
func (p *page) columns() []struct {
	name string
	text func(*view) string
} {
	return []struct {
		name string
		text func(*view) string
	}{
		{"Fetch", func(v *view) string {
			if v.Fetched.Last.IsZero() {
				return "never"
			}
			number := "none today"
			if v.Fetched.Number > 0 {
				number = "#" + format.Count(v.Fetched.Number)
			}
			return number + ", " + format.Ago(v.Fetched.Last, v.Now)
		}},
		{"Batch", func(v *view) string { return v.Fill() }},
		{"Waits", func(v *view) string { return format.Count(v.Waiting.Batches) }},
		{column(p.seen.streams), func(v *view) string { return v.UploadedFact().Value }},
		{"Yesterday", func(v *view) string { return v.DayBefore() }},
	}
}

// cell returns the id of what a column says of a stream.
func cell(stream, column int) string { return fmt.Sprintf("s%d-%d", stream, column) }

// streams sets a line for each stream.
func (p *page) streams() {
	for i, v := range p.seen.streams {
		state, code := v.State()
		var t text
		t.add(`<span class="mark %s">%s</span>`, strings.ToLower(state), strings.TrimSpace(state+" "+code))
		p.parts[cell(i, 0)] = t.String()
		for j, c := range p.columns() {
			var t text
			if v.Blind != nil {
				t.add("%s", status.NotKnown)
			} else {
				t.add("%s", c.text(v))
			}
			p.parts[cell(i, j+1)] = t.String()
		}
	}
}

// writeStreams writes the table of streams. On a narrow screen CSS takes it apart, and then
// only the roles say that it is one.
func (p *page) writeStreams(t *text) {
	t.add("<table class=\"stack\" role=\"table\" aria-labelledby=\"h-streams\">\n<thead role=\"rowgroup\"><tr role=\"row\"><th scope=\"col\" role=\"columnheader\">Stream</th>")
	for _, c := range p.columns() {
		t.add("<th scope=\"col\" role=\"columnheader\">%s</th>", c.name)
	}
	t.add("</tr></thead>\n<tbody role=\"rowgroup\">\n")
	for i, v := range p.seen.streams {
		t.add(`<tr role="row"><th scope="row" role="rowheader"><a href="?stream=%s"`, url.QueryEscape(v.Summary.Stream))
		if v == p.view {
			t.add(` aria-current="true"`)
		}
		t.add(">%s</a> <span id=\"%s\">%s</span></th>", v.Summary.Stream, cell(i, 0), p.part(cell(i, 0)))
		for j, c := range p.columns() {
			t.add(`<td role="cell" data-label="%s"><span id="%s">%s</span></td>`, c.name, cell(i, j+1), p.part(cell(i, j+1)))
		}
		t.add("</tr>\n")
	}
	t.add("</tbody>\n</table>\n")
}

// lastUploads is how many batches the page shows.
const lastUploads = 10

// uploads sets the batches that were sealed last, whether they are in the store or wait.
func (p *page) uploads() {
	v, spool := p.view, &p.view.facts.Spool
	if v.Blind != nil {
		p.parts["uploads"] = "<p>" + status.NotKnown + "</p>\n"
		return
	}
	batches := slices.Concat(spool.Pending, spool.Confirmed)
	slices.SortStableFunc(batches, func(a, b rotatelog.BatchStatus) int {
		return cmp.Or(b.Sealed.Compare(a.Sealed), cmp.Compare(b.Last, a.Last))
	})
	if len(batches) == 0 {
		p.parts["uploads"] = fmt.Sprintf("<p>This machine has no batch yet: %s make one, or midnight.</p>\n", format.Plural(v.Batch.Size, "fetch", "fetches"))
		return
	}
	var t text
	t.add("<table>\n<thead><tr><th scope=\"col\">Upload</th><th scope=\"col\">Sealed</th><th scope=\"col\">Fetches</th><th scope=\"col\">On disk</th></tr></thead>\n<tbody>\n")
	for _, b := range batches[:min(len(batches), lastUploads)] {
		upload := "waits"
		if b.Sequence > 0 {
			upload = format.Count(b.Sequence)
		}
		if b.Day != rotatelog.DayOf(v.Now, v.Zone) { // sealed today or not
			upload += ", " + b.Day.Start(v.Zone).Format("01/02")
		}
		fetches := "#" + format.Count(b.First)
		if b.First != b.Last {
			fetches += "–" + format.Count(b.Last)
		}
		t.add("<tr><th scope=\"row\">%s</th><td>%s</td><td>%s</td><td>%s</td></tr>\n", upload, minuteOf(v, b.Sealed), fetches, format.Bytes(b.Bytes))
	}
	t.add("</tbody>\n</table>\n")
	p.parts["uploads"] = t.String()
}

// minuteOf returns the time of day, and the date if that is not today's.
func minuteOf(v *view, t time.Time) string {
	if rotatelog.DayOf(t, v.Zone) != rotatelog.DayOf(v.Now, v.Zone) {
		return t.In(v.Zone).Format("01/02 03:04 PM")
	}
	return format.Minute(t, v.Zone)
}

// happened sets what Writers found to be other than they left it, the last first.
func (p *page) happened() {
	v := p.view
	if v.Blind != nil {
		p.parts["happened"] = "<p>" + status.NotKnown + "</p>\n"
		return
	}
	var all []rotatelog.Incident
	for _, state := range []*rotatelog.WriterState{v.facts.Spool.Append, v.facts.Spool.Publish} {
		if state != nil {
			all = append(all, state.Incidents...)
		}
	}
	if len(all) == 0 {
		p.parts["happened"] = "<p>Nothing out of the ordinary is remembered.</p>\n"
		return
	}
	slices.SortStableFunc(all, func(a, b rotatelog.Incident) int { return b.Time.Compare(a.Time) })
	var t text
	t.add("<ul class=\"happened\">\n")
	for _, i := range all[:min(len(all), lastUploads)] {
		t.add("<li><span class=\"at\">%s</span> <b>%s</b> %s</li>\n", v.Clock(i.Time), i.Code, i.Sentence)
	}
	t.add("</ul>\n")
	p.parts["happened"] = t.String()
}
